"""Prints every label, button, tab and choice of the whole window that is cut off, one on each line; run it as
a program.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QPushButton,
    QRadioButton,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)


def cut(root: QWidget) -> Iterator[str]:
    """Yield the texts of a shown widget that cannot be read in full."""
    for widget in (root, *root.findChildren(QWidget)):
        if not widget.isVisible():
            continue
        if isinstance(widget, QLabel) and widget.text():
            if not _label_fits(widget):
                yield widget.text()
        elif isinstance(widget, QTabBar):
            for at in range(widget.count()):
                needed = widget.fontMetrics().horizontalAdvance(widget.tabText(at))
                if needed > widget.tabRect(at).width():
                    yield widget.tabText(at)
        elif isinstance(widget, QComboBox):
            if widget.sizeHint().width() > widget.width() and widget.sizeAdjustPolicy() != _BY_CHOICE:
                needed = widget.fontMetrics().horizontalAdvance(widget.currentText()) + 28  # px for the arrow
                if needed > widget.width():
                    yield widget.currentText()
        elif isinstance(widget, QAbstractButton) and widget.text() and not _button_fits(widget):
            yield widget.text()


_BY_CHOICE = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon


def _label_fits(label: QLabel) -> bool:
    if label.wordWrap():
        return label.heightForWidth(label.width()) <= label.height() + 1
    text = label.text()
    if "<" in text:
        document = QTextDocument()
        document.setHtml(text)
        text = document.toPlainText()
    needed = max(label.fontMetrics().horizontalAdvance(line) for line in text.split("\n"))
    return needed <= label.contentsRect().width() + 1


def _button_fits(button: QAbstractButton) -> bool:
    return not _shows_text(button) or button.sizeHint().width() <= button.width() + 1


def _shows_text(button: QAbstractButton) -> bool:
    if isinstance(button, QToolButton):
        return button.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly or button.icon().isNull()
    return isinstance(button, (QPushButton, QCheckBox, QRadioButton))


def main() -> None:
    from app.session.session import Session
    from app.session.settings import Settings
    from app.ui import i18n, theme
    from app.ui.main_window import MainWindow
    from tests.fakes import FakeEngine

    app = QApplication([])
    i18n.install(app, "de")
    theme.apply(app, "dark")
    settings = Settings()
    settings.tour_seen = True
    window = MainWindow(Session(FakeEngine()), settings)
    window.live_space.driver.probe = lambda: None  # type: ignore[method-assign]
    window.resize(1280, 720)
    window.show()
    window.start()

    def settle(there: Callable[[], bool] = lambda: True) -> None:
        for _ in range(2000):
            app.processEvents()
            if there() and window.session.scheduler.is_idle:
                break
        for _ in range(20):
            app.processEvents()

    seen: set[str] = set()

    def look(place: str, root: QWidget) -> None:
        settle()
        seen.add(place)
        for text in sorted(set(cut(root))):
            print(f"{place}: {text}", flush=True)

    look("welcome", window)
    photo = Path(tempfile.mkdtemp()) / "photo.png"
    photo.write_bytes(b"a photo")
    window.documents.open(photo)
    settle(lambda: window.session.portrait is not None)
    _window_states(window, look)
    _dialogs(window, look)
    print(len(seen), "places")
    window.session.history.mark_saved(window.session.document)
    window.close()


def _window_states(window: object, look: Callable[[str, QWidget], None]) -> None:
    from app.ui.main_window import MainWindow

    assert isinstance(window, MainWindow)
    window.session.set_values({"yaw": 12.0, "smile": 0.5})
    for group, _ in window.edit_space.edit.groups.values():
        group.heading.setChecked(True)
    for name in ("edit", "presets", "history"):
        window.spaces.reveal(name)
        look(name, window)
    window.bar.show_choices("Der Film wurde geschrieben.", {"Film zeigen": int, "Ordner öffnen": int})
    look("bar", window)
    window.bar.dismiss()
    window.helpers.show_tour()
    tour = window.helpers.tour
    assert tour is not None
    for step in range(5):
        look(f"tour {step + 1}", tour.card)
        tour.next.click()
    window.actions_["live_space"].trigger()
    window.spaces.reveal("live")
    look("live", window)
    window.live_space.live.start_clip(Path("clip.mp4"), None)
    look("live running", window)
    window.live_space.live.stop()
    window.actions_["edit_space"].trigger()


def _dialogs(window: object, look: Callable[[str, QWidget], None]) -> None:
    from app.session.presets import SHIPPED, PresetLibrary
    from app.session.resting import RestFinder
    from app.ui.dialogs.batch import BatchDialog
    from app.ui.dialogs.export import ExportDialog
    from app.ui.dialogs.film import FilmDialog
    from app.ui.dialogs.models import ModelsDialog
    from app.ui.dialogs.recovery import RecoveryDialog
    from app.ui.dialogs.settings import SettingsDialog
    from app.ui.dialogs.text import AboutDialog, CrashDialog
    from app.ui.main_window import MainWindow

    assert isinstance(window, MainWindow)
    session, settings = window.session, window.settings
    assert session.portrait is not None
    window.helpers.show_training()
    training = window.helpers.training
    assert training is not None
    clip = Path(tempfile.mkdtemp()) / "clip.mp4"
    clip.write_bytes(b"a clip")
    dialogs: dict[str, QWidget] = {
        "export": ExportDialog(session.portrait.photo, settings, window),
        "batch": BatchDialog(session, settings, PresetLibrary(SHIPPED).all(), window),
        "film": FilmDialog(clip, clip.parent, RestFinder(window.session.jobs, window), window),
        "models": ModelsDialog(session, window),
        "settings": SettingsDialog(settings, window.actions_, 0, window),
        "recovery": RecoveryDialog([], window),
        "crash": CrashDialog("Traceback", window),
        "about": AboutDialog(window),
        "training": training,
    }
    for name, dialog in dialogs.items():
        dialog.show()
        look(f"dialog {name}", dialog)
        for pages in dialog.findChildren(QTabWidget):
            for at in range(pages.count()):
                pages.setCurrentIndex(at)
                look(f"dialog {name}, page {at + 1}", dialog)
        dialog.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()

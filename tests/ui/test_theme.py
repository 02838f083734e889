"""Colours can be read, and icons can be drawn."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QAction,
    QColor,
    QGuiApplication,
    QIcon,
)
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialogButtonBox,
    QPushButton,
    QRadioButton,
    QSlider,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from app.session.settings import Settings
from app.ui import icons, theme
from app.ui.main_window import MainWindow

BOTH = pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=lambda t: t.name)


@BOTH
@pytest.mark.parametrize("ground", ["canvas", "panel", "raised"])
@pytest.mark.parametrize("role", ["text", "quiet"])
def test_text_reads_on_every_ground(colours: theme.Theme, ground: str, role: str) -> None:
    assert theme.contrast(getattr(colours, role), getattr(colours, ground)) >= 4.5


@BOTH
def test_marks_and_buttons_stand_out(colours: theme.Theme) -> None:
    assert theme.contrast(colours.on_accent, colours.accent) >= 4.5
    assert theme.contrast(colours.accent, colours.panel) >= 4.5  # links
    for mark in (colours.error, colours.recording):
        assert theme.contrast(mark, colours.panel) >= 3.0


@BOTH
def test_icons_read_in_the_chosen_line_of_menus_and_lists(qapp: QApplication, colours: theme.Theme) -> None:
    """They kept the text's colour, light on light amber, or were tinted with the very colour behind them."""
    theme.apply(qapp, colours.name)
    action = QAction("Minus")
    icons.put(action, "minus")
    for icon, mode in (
        (action.icon(), QIcon.Mode.Active),
        (icons.icon("minus", "error"), QIcon.Mode.Selected),
    ):
        drawn = icon.pixmap(16, mode).toImage().pixelColor(8, 8).name()
        assert theme.contrast(drawn, colours.accent) >= 4.5


@BOTH
def test_a_slider_that_cannot_be_moved_looks_so(qapp: QApplication, colours: theme.Theme) -> None:
    """Its filled part was as bright as one that can: Strength of a batch without a preset."""
    theme.apply(qapp, colours.name)
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 100)
    slider.setValue(100)
    slider.resize(200, 24)

    def filled() -> QColor:
        return slider.grab().toImage().pixelColor(100, 12)

    assert filled().hsvSaturation() > 100
    slider.setEnabled(False)
    assert filled().hsvSaturation() < 30


@BOTH
def test_buttons_of_dialogs_have_no_icons_of_qts_own(
    qapp: QApplication, qtbot: QtBot, colours: theme.Theme
) -> None:
    """Close had a black cross on dark."""
    theme.apply(qapp, colours.name)
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close | QDialogButtonBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    box.show()
    assert all(button.icon().isNull() for button in box.buttons())


def test_contrast_knows_its_ends() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast("#404040", "#404040") == pytest.approx(1.0)


@pytest.mark.parametrize("path", sorted(icons.FOLDER.glob("*.svg")), ids=lambda p: p.stem)
def test_every_icon_draws_something(qapp: object, path: object) -> None:
    name = path.stem  # type: ignore[attr-defined]
    image = icons.pixmap(name, "#ffffff", 16, 1.0).toImage()
    drawn = sum(image.pixelColor(x, y).alpha() > 60 for x in range(16) for y in range(16))
    assert 3 < drawn < 256


def test_a_new_theme_recolours_palette_and_icons(qapp: object) -> None:
    button = QToolButton()
    theme.apply(qapp, "dark")  # type: ignore[arg-type]
    icons.put(button, "minus")
    dark = button.icon().pixmap(16, 16).toImage().pixelColor(8, 8).lightness()
    theme.apply(qapp, "light")  # type: ignore[arg-type]
    light = button.icon().pixmap(16, 16).toImage().pixelColor(8, 8).lightness()
    assert button.palette().windowText().color().name() == theme.LIGHT.text
    theme.apply(qapp, "dark")  # type: ignore[arg-type]
    assert dark > 150 > light


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
def test_what_is_chosen_stands_out_and_in_line(
    qtbot: QtBot, kind: type[QCheckBox] | type[QRadioButton], name: str
) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    used = theme.apply(app, name)
    pictures = []
    for chosen in (True, False):
        button = kind("words")
        qtbot.addWidget(button)
        button.setChecked(chosen)
        button.resize(120, 30)
        pictures.append(button.grab().toImage())
    accent, panel = QColor(used.accent), QColor(used.panel)
    places = [(x, y) for x in range(20) for y in range(30)]
    filled = [at for at in places if pictures[0].pixelColor(*at) == accent]
    assert len(filled) > 60 and not any(pictures[1].pixelColor(*at) == accent for at in places)
    words = [
        min(x for x in range(18, 60) if any(p.pixelColor(x, y) != panel for y in range(30))) for p in pictures
    ]
    assert words[0] == words[1]
    theme.apply(app, "dark")


@pytest.mark.parametrize("name", ["dark", "light"])
def test_boxes_and_disabled_buttons_can_be_reported(qtbot: QtBot, name: str) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    used = theme.apply(app, name)
    box = QCheckBox("box")
    on, off = QPushButton("Record"), QPushButton("Record")
    for widget in (box, on, off):
        qtbot.addWidget(widget)
        widget.resize(120, 30)
    for button in (on, off):
        theme.make_primary(button)
    off.setEnabled(False)
    picture = box.grab().toImage()
    ground = QColor(used.panel).lightness()
    edge = max(abs(picture.pixelColor(x, 15).lightness() - ground) for x in range(16))
    assert edge > 60
    plain, faded = (widget.grab().toImage().pixelColor(8, 8) for widget in (on, off))
    assert abs(plain.lightness() - faded.lightness()) > 40
    assert theme.contrast(theme.faded(used), used.panel) < theme.contrast(used.quiet, used.panel)
    theme.apply(app, "dark")


def test_the_theme_changes_at_once_and_is_remembered(opened: MainWindow) -> None:
    opened.actions_["light"].trigger()
    assert QApplication.palette().window().color().lightness() > 200
    assert Settings().theme == "light"
    opened.actions_["dark"].trigger()
    assert QApplication.palette().window().color().lightness() < 60


def test_the_system_s_theme_is_followed_while_running(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.theme.choose("system")
    hints = QGuiApplication.styleHints()
    for scheme, name in ((Qt.ColorScheme.Light, "light"), (Qt.ColorScheme.Dark, "dark")):
        monkeypatch.setattr(theme, "system_scheme", lambda scheme=scheme: scheme)
        hints.colorSchemeChanged.emit(scheme)
        assert theme.current().name == name
    opened.theme.choose("dark")
    monkeypatch.setattr(theme, "system_scheme", lambda: Qt.ColorScheme.Light)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.current().name == "dark"  # the user's own choice stays

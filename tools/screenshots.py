"""Takes pictures of the whole window, every panel and every dialog.

They are taken at three sizes, in dark and light, in English and German. All of them go to `out/screenshots`;
the few that the documentation shows go to `docs/screenshots`. The portrait is the sample, or a photo of your
own; the real engine draws it. Each variant runs in a process of its own, because Qt reads the scale only
once.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.ui.main_window import MainWindow

from tools.screenshots_of_people import of_people  # noqa: E402

OUT, DOCS = ROOT / "out" / "screenshots", ROOT / "docs" / "screenshots"
SCREENS = {"1280x720": 1.0, "1440x900": 1.0, "2560x1440": 1.5}  # pixels of a screen -> its scale
DOCUMENTED = {  # picture taken in the dark theme -> its name in the documentation
    "main": "main",
    "split": "split",
    "panel-presets": "presets",
    "live": "live",
    "dialog-export": "export",
    "dialog-models": "models",
}
TIMEOUT = 600.0  # seconds that a picture is waited for; at a load of 29 opening took more than 120
EXAMPLE_COVERAGE = [
    {"name": "yaw", "edges": [-45, -15, 15, 45], "counts": [40, 210, 0], "gaps": [[15, 45]]},
    {"name": "pitch", "edges": [-30, -10, 10, 30], "counts": [12, 200, 38], "gaps": []},
    {"name": "exp1", "edges": [-2, 0, 2], "counts": [130, 120], "gaps": []},
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screen", choices=SCREENS, action="append", help="one of them (again for more)")
    parser.add_argument("--theme", choices=("dark", "light"), action="append")
    parser.add_argument("--language", choices=("en", "de"), action="append")
    parser.add_argument("--photo", type=Path, help="instead of the sample")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if chosen.one:
        Photographer(chosen.screen[0], chosen.theme[0], chosen.language[0], chosen.photo).run()
        return
    for variant in itertools.product(
        chosen.screen or SCREENS, chosen.theme or ("dark", "light"), chosen.language or ("en", "de")
    ):
        screen, theme, language = variant
        with tempfile.TemporaryDirectory() as home:
            scale = str(SCREENS[screen])
            environment = {**os.environ, "MIEN_HOME": home, "HOME": home, "QT_SCALE_FACTOR": scale}
            command = [sys.executable, __file__, "--one", "--screen", screen, "--theme", theme]
            command += ["--language", language, *(["--photo", str(chosen.photo)] if chosen.photo else [])]
            subprocess.run(command, check=True, env=environment)


class Photographer:
    """Takes the pictures of one window on one screen, in one theme and one language."""

    def __init__(self, screen: str, theme: str, language: str, photo: Path | None) -> None:
        from PySide6.QtWidgets import QApplication

        from app.engine.sample import sample_path
        from app.main import make_engine
        from app.session.session import Session
        from app.session.settings import Settings
        from app.ui import i18n
        from app.ui import theme as themes
        from app.ui.main_window import MainWindow

        self.app = QApplication([])
        i18n.install(self.app, language)
        self.photo = photo or sample_path()
        width, height = (int(part) for part in screen.split("x"))
        self.size = round(width / SCREENS[screen]), round(height / SCREENS[screen])
        self.suffix = f"{screen}-{theme}-{language}"
        settings = Settings()
        settings.theme, settings.tour_seen = theme, True
        themes.apply(self.app, theme)
        self.window: MainWindow = MainWindow(Session(make_engine), settings)
        self.documented = self.suffix == "1280x720-dark-en" and photo is None
        OUT.mkdir(parents=True, exist_ok=True)

    def run(self) -> None:
        window = self.window
        window.resize(*self.size)
        window.show()
        self.wait_for(0.2)
        self.take("welcome", window)
        window.start(self.photo)
        self.settle()
        self.window_states()
        self.panels()
        self.question()
        self.dialogs()
        self.menus()
        self.batch_at_work()
        self.live()
        of_people(self)
        window.session.history.mark_saved(window.session.document)
        window.actions_["close"].trigger()
        self.take("welcome-recent", window)
        window.close()

    # -- the window

    def window_states(self) -> None:
        window = self.window
        self.take("opened", window)
        window.session.set_values({"yaw": 12.0, "smile": 0.5, "mouth_open": 0.2})
        self.settle()
        self.take("edited", window)
        if self.documented:
            window.resize(1440, 900)
            self.wait_for(0.3)
            window.edit_space.canvas.fit()
            self.take("main", window)
            window.resize(*self.size)
            self.wait_for(0.3)
        window.actions_["split"].trigger()
        self.take("split", window)
        window.actions_["after"].trigger()
        for name in window.edit_space.compare.layers:
            window.edit_space.compare.layers[name].setChecked(True)
            self.settle()
            self.take(f"layer-{name}", window)
            window.edit_space.compare.layers[name].setChecked(False)
        from app.engine.errors import EngineError

        error = EngineError("holiday.png is not a picture that Mien knows.", "Choose another file.")
        window.bar.show_error(error, window.actions_["open"].text(), lambda: None)
        self.take("error", window)
        window.bar.dismiss()
        window.helpers.show_tour()
        tour = window.helpers.tour
        assert tour is not None
        for step in range(10):
            if not tour.isVisible():
                break
            self.take(f"tour-{step + 1}", window)
            tour.next.click()
            self.wait_for(0.1)
        window.status.show_activity("holiday.png …", 2, 10, True)
        self.take("opening", window)
        window.status.show_activity("")

    def panels(self) -> None:
        window = self.window
        window.session.take_snapshot("Smiling")
        for name in ("presets", "history", "edit"):
            window.spaces.reveal(name)
            self.settle()
            self.take(f"panel-{name}", window)
        for group, _ in window.edit_space.edit.groups.values():
            group.heading.setChecked(True)
        self.wait_for(0.2)
        bar = window.edit_space.edit.verticalScrollBar()
        bar.setValue(bar.maximum())
        self.take("panel-edit-end", window)
        bar.setValue(0)
        components = window.edit_space.edit.widget()
        assert components is not None
        self.take("panel-components", components)
        pictures = window.edit_space.edit._pictures
        for name in ("smile", "exp1"):
            pictures._show(window.edit_space.edit.rows[name].row)
            self.settle()
            self.take(f"panel-pictures-{name}", pictures._card)
            pictures._hide()
        window.edit_space.presets.list.item(1).setSelected(True)
        self.settle()
        window.spaces.reveal("presets")
        self.take("panel-presets-mixed", window)
        window.session.undo_stack.undo()
        window.spaces.reveal("edit")

    # -- dialogs

    def dialogs(self) -> None:
        from PySide6.QtWidgets import QTabWidget

        from app.engine.doctor import examine
        from app.session.presets import SHIPPED, PresetLibrary
        from app.session.project import save_project
        from app.session.resting import RestFinder
        from app.ui import palette
        from app.ui.dialogs.batch import BatchDialog
        from app.ui.dialogs.export import ExportDialog
        from app.ui.dialogs.film import FilmDialog
        from app.ui.dialogs.models import ModelsDialog
        from app.ui.dialogs.recovery import RecoveryDialog
        from app.ui.dialogs.settings import SettingsDialog
        from app.ui.dialogs.text import AboutDialog, CrashDialog, DiagnosticsDialog

        window = self.window
        session, settings, actions = window.session, window.settings, window.actions_
        assert session.portrait is not None
        presets = PresetLibrary(SHIPPED).all()
        left = window.autosave._folder / "left.mien"
        save_project(left, session.document)
        dialogs: dict[str, QWidget] = {
            "export": ExportDialog(session.portrait.photo, settings, window),
            "batch": BatchDialog(session, settings, presets, window),
            "film": FilmDialog(None, Path.home(), RestFinder(session.jobs, window), window),
            "models": ModelsDialog(session, window),
            "settings": SettingsDialog(settings, actions, 0, window),
            "shortcuts": SettingsDialog(settings, actions, 1, window),
            "recovery": RecoveryDialog(window.autosave.left_behind(), window),
            "crash": CrashDialog("Traceback (most recent call last):\n  …\nValueError: an example", window),
            "diagnostics": DiagnosticsDialog(examine(), window),
            "about": AboutDialog(window),
            "training": self.training_window(),
            "palette": palette.Palette(palette.commands(actions), window),
        }
        for name, dialog in dialogs.items():
            dialog.show()
            self.wait_for(0.15)
            self.take(f"dialog-{name}", dialog)
            for page in dialog.findChildren(QTabWidget):
                for at in range(1, page.count()):
                    page.setCurrentIndex(at)
                    self.take(f"dialog-{name}-{at + 1}", dialog)
            dialog.close()
        left.unlink()

    def menus(self) -> None:
        for menu in self.window.menuBar().actions():
            shown: Any = menu.menu()
            shown.popup(self.window.pos())
            self.wait_for(0.05)
            self.take(f"menu-{menu.text().replace('&', '').lower()}", shown)
            shown.close()

    def training_window(self) -> QWidget:
        """Return the window, opened as the menu does, in the middle of an example's run."""
        self.window.helpers.show_training()
        training = self.window.helpers.training
        assert training is not None
        training.personal.finish({"coverage": EXAMPLE_COVERAGE})
        for step in range(1, 400):
            losses = {"perceptual": 5 / step**0.3, "matching": 30 / step**0.2, "l1": 0.6 / step**0.4}
            training.progress.curves.add(step, losses)
        return training

    def batch_at_work(self) -> None:
        """Show a batch of two photos, one of them broken."""
        import shutil

        from app.engine.sample import sample_path

        folder = Path(tempfile.mkdtemp(prefix="mien-photos-"))
        shutil.copy(sample_path(), folder / "astronaut.png")
        (folder / "broken.jpg").write_bytes(b"no picture")
        self.window.documents.show_batch((folder,))
        dialog = self.window.documents.batch
        assert dialog is not None
        dialog.frontalise.setValue(100)
        dialog.start()
        self.wait_until(lambda: not dialog.running)
        self.take("dialog-batch-done", dialog)
        dialog.close()
        shutil.rmtree(folder)

    def question(self) -> None:
        """Show the question that is asked before unsaved work is left."""
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication

        def answer() -> None:
            box = QApplication.activeModalWidget()
            assert box is not None
            self.take("dialog-unsaved", box)
            box.close()

        QTimer.singleShot(300, answer)
        self.window.documents.settle(lambda: None)

    # -- live

    def live(self) -> None:
        window = self.window
        window.actions_["live_space"].trigger()
        self.wait_for(0.5)
        self.take("live-idle", window)
        clips = sorted(
            (ROOT / "assets" / "performances").glob("*.performance"), key=lambda p: -p.stat().st_size
        )
        if not clips:
            return
        steps: list[object] = []
        space = window.live_space
        space.live.stepped.connect(steps.append)
        space.driver.choose_clip(clips[0])
        space.driver.loop.setChecked(True)
        space.driver.start.click()
        self.wait_until(lambda: len(steps) > 25 or not space.live.running)
        self.take("live", window)
        controls = space.controls.verticalScrollBar()
        controls.setValue(controls.maximum())
        self.take("live-controls-end", window)
        space.record.toggle_record()
        before = len(steps)
        self.wait_until(lambda: len(steps) > before + 25)
        self.take("live-recording", window)
        written: list[Any] = []
        space.live.recorded.connect(written.append)
        space.record.toggle_record()
        self.wait_until(lambda: bool(written))
        self.take("live-recorded", window)
        space.live.stop()
        self.wait_until(lambda: not space.live.running)
        self.player(written[0].path)

    def player(self, film: Path) -> None:
        from app.ui.live.film_player import FilmPlayer

        player = FilmPlayer(film, self.window)
        player.show()
        self.wait_for(0.3)
        self.take("film-player", player)
        player.close()

    # -- waiting and taking

    def take(self, name: str, widget: QWidget) -> None:
        self.app.processEvents()
        picture = widget.grab()
        targets = [OUT / f"{name}-{self.suffix}.png"]
        if self.documented and name in DOCUMENTED:
            targets.append(DOCS / f"{DOCUMENTED[name]}.png")
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            picture.save(str(target))
            print(target.relative_to(ROOT))

    def settle(self) -> None:
        """Wait until the engine has nothing left to do."""
        session = self.window.session
        self.wait_until(lambda: session.portrait is not None and session.scheduler.is_idle)
        self.wait_for(0.3)

    def wait_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.wait_until(lambda: time.monotonic() > end)

    def wait_until(self, there: Callable[[], bool]) -> None:
        end = time.monotonic() + TIMEOUT
        while not there():
            if time.monotonic() > end:
                sys.exit("The window did not come to what is to be pictured.")
            self.app.processEvents()
            time.sleep(0.005)


if __name__ == "__main__":
    main()

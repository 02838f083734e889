"""Opens dialogs that need the window but not the picture: palette, settings, models, training, diagnostics,
tour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QPoint, QTimer, Signal, Slot
from PySide6.QtWidgets import QMainWindow, QWidget

from app.engine.contract import GeneratorInfo
from app.engine.doctor import Check, examine, graphics_card
from app.engine.errors import EngineError
from app.session.session import Session
from app.session.settings import Settings
from app.session.training import Training
from app.session.worker import Crash
from app.ui import i18n, palette
from app.ui.actions import Actions
from app.ui.dialogs.models import ModelsDialog
from app.ui.dialogs.settings import SettingsDialog
from app.ui.dialogs.text import DiagnosticsDialog
from app.ui.dialogs.tour import Tour
from app.ui.documents import Documents
from app.ui.edit_space import EditSpace
from app.ui.status import StatusBar
from app.ui.training.window import TrainingWindow

PALETTE_Y = 90  # px from the window's top to the list of commands


class Helpers(QObject):
    """Opens the dialogs of the Help menu and the settings."""

    theme_chosen = Signal(str)

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        settings: Settings,
        actions: Actions,
        documents: Documents,
        space: EditSpace,
        status: StatusBar,
        docks: Mapping[str, QWidget],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._settings, self._actions = window, session, settings, actions
        self._documents, self._space, self._status, self._docks = documents, space, status, docks
        self.tour: Tour | None = None
        self.training: TrainingWindow | None = None
        self.training_run: Training | None = None
        # A trained person's own photo that is to be opened, and the engine's name for the model.
        self._wanted: tuple[Path, str] | None = None
        session.generator_changed.connect(self._on_generator)
        session.portrait_opened.connect(self._on_opened)

    def show_palette(self) -> None:
        dialog = palette.Palette(palette.commands(self._actions), self._window)
        at = self._window.mapToGlobal(QPoint(self._window.width() // 2, PALETTE_Y))
        dialog.move(at.x() - dialog.width() // 2, at.y())
        dialog.exec()

    def show_settings(self, tab: int = 0) -> None:
        dialog = SettingsDialog(self._settings, self._actions, tab, self._window)
        dialog.theme_chosen.connect(self.theme_chosen)
        dialog.surround_chosen.connect(self._space.canvas.set_surround)
        dialog.exec()

    def show_shortcuts(self) -> None:
        self.show_settings(1)

    def show_models(self) -> None:
        dialog = ModelsDialog(self._session, self._window)
        dialog.training_wanted.connect(self.show_training)
        dialog.exec()

    @Slot()
    def show_training(self) -> None:
        """Show the one training window; a run goes on while that window is closed, but ends with the program."""
        if self.training is None:
            run = self.training_run = Training(self)
            self.training = TrainingWindow(self._session, run, self._window)
            self.training.portrait_wanted.connect(self._on_portrait)
            app = QCoreApplication.instance()
            assert app is not None
            app.aboutToQuit.connect(run.shut_down)
        self.training.show()
        self.training.raise_()
        self.training.activateWindow()

    @Slot(object, str)
    def _on_portrait(self, path: Path, engine: str) -> None:
        """Render a trained person's own photo with the model, once that photo is open."""
        self._wanted = path, engine
        self._documents.open(path)

    @Slot(object)
    def _on_opened(self) -> None:
        """Choose the model for the person's own photo, but not for another one that was opened instead."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None and wanted[0] == self._session.document.photo:
            self._session.set_generator(wanted[1])
            if self.training is not None:
                self.training.hide()  # it lies over the photo; a run goes on

    def show_diagnostics(self) -> None:
        """Show what the engine's thread finds out about the machine, which takes a while where it probes a
        GPU.
        """
        self._status.show_activity(self.tr("Examining this machine"))
        cameras = camera_names()
        self._session.ask(lambda _: examine(cameras), self._show_diagnosis, self._show_failed_diagnosis)

    @Slot(object)
    def _on_generator(self, info: GeneratorInfo) -> None:
        """Tell the user when a network runs without the graphics card that is there."""
        self._status.show_warning("")
        if info.weights:
            show = self._status.show_warning
            self._session.ask(lambda _: _graphics_card(), show, lambda _: None)

    def _show_failed_diagnosis(self, error: EngineError | Crash) -> None:
        words = error.traceback if isinstance(error, Crash) else str(i18n.in_own_language(error))
        self._show_diagnosis((Check("Diagnostics", "problem", words),))

    def _show_diagnosis(self, checks: Sequence[Check]) -> None:
        self._status.show_activity("")
        DiagnosticsDialog(checks, self._window).exec()

    def tour_when_open(self) -> None:
        """Show the tour once the first photo is open, because the tour points at what is shown then."""
        self._session.portrait_opened.connect(self._on_first_photo)

    @Slot(object)
    def _on_first_photo(self) -> None:
        self._session.portrait_opened.disconnect(self._on_first_photo)
        QTimer.singleShot(0, self.show_tour)

    @Slot()
    def show_tour(self) -> None:
        self._settings.tour_seen, keys = True, self._actions.native_keys
        stops = [
            (
                self._space.canvas,
                self.tr("Drag the face itself"),
                self.tr("Move over the face: handles appear. Drag a mouth corner, a lid or a brow; drag the head "
                        "to turn it. Space pans, the wheel zooms."),
            ),
            (
                self._docks.get("edit"),
                self.tr("Or use the sliders"),
                self.tr("Every value is exact: drag, type, or double-click to go back. The shaded part of a track is "
                        "where the result holds."),
            ),
            (
                self._docks.get("presets"),
                self.tr("Begin with a preset"),
                self.tr("Each picture shows your face with it. Click to apply it, and set how strong it shall be."),
            ),
            (
                self._space.compare,
                self.tr("Compare"),
                self.tr("Press {} for the photo as it was, {} for both with a divider. {} takes any step back.")
                .format(keys("before"), keys("split"), keys("undo")),
            ),
            (
                self._status,
                self.tr("Then export"),
                self.tr("Your photo is never changed. {} writes a new one, {} keeps a project to go on with, "
                        "{} finds any command.").format(keys("export"), keys("save"), keys("commands")),
            ),
        ]  # fmt: skip
        self.tour = Tour(list(stops), self._window)
        if (sliders := self._docks.get("edit")) is not None:
            self.tour.ended.connect(sliders.raise_)  # the tour brought the presets before them


def camera_names() -> list[str]:
    """Return every camera that Qt sees."""
    from PySide6.QtMultimedia import QMediaDevices

    return [device.description() for device in QMediaDevices.videoInputs()]


def _graphics_card() -> str:
    """Return why an existing graphics card is not used; "" where it is used or there is none."""
    check = graphics_card()
    return f"{i18n.sentence(check.detail)}. {i18n.sentence(check.fix)}" if check.status == "problem" else ""

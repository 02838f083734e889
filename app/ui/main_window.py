"""Builds the window: the picture in the middle, panels around it, and the wiring between the session and both."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.engine.contract import Measurement
from app.engine.errors import EngineError
from app.engine.files import data_folder
from app.session.autosave import Autosave
from app.session.session import Session
from app.session.settings import Settings
from app.session.values import PAIRS
from app.ui import placing, theme
from app.ui.actions import Actions
from app.ui.activity import Activity
from app.ui.dialogs.text import AboutDialog, CrashDialog
from app.ui.documents import Documents
from app.ui.edit_space import EditSpace
from app.ui.error_bar import ErrorBar
from app.ui.helpers import Helpers
from app.ui.live.live_space import LiveSpace
from app.ui.menus import Menus, TopBar
from app.ui.status import StatusBar
from app.ui.theme_choice import ThemeChoice
from app.ui.welcome import Welcome
from app.ui.workspaces import Workspaces

LOG = logging.getLogger(__name__)
FIRST_SIZE = QSize(1440, 900)  # logical px, where the screen has room
SMALLEST = QSize(960, 600)  # logical px, below which panels would cover the photo
NEEDS_PHOTO = (
    *("save", "save_as", "revert", "export", "close", "copy_edit", "paste_edit", "copy_picture", "snapshot"),
    *("fit", "actual_size", "zoom_in", "zoom_out", "before", "split", "after", "draw_box"),
)
NEEDS_FACE = ("frontalise", "neutralise", "reset_face", "reset_all")


class MainWindow(QMainWindow):
    """The window; it also starts and stops the session, so `start` is called once it is on screen."""

    def __init__(self, session: Session, settings: Settings) -> None:
        super().__init__()
        self.session, self.settings = session, settings
        self.theme = ThemeChoice(settings, self)
        self._ended = self._ending = False
        self.setObjectName("main_window")
        self.setMinimumSize(SMALLEST)
        self.setAcceptDrops(True)
        session.setParent(self)
        session.editing.unlinked = settings.unlinked & frozenset(PAIRS)
        self.actions_ = Actions(settings, self)
        self.autosave = Autosave(session.history, data_folder() / "recovery")
        self.bar = ErrorBar(self)
        self.welcome = Welcome(self)
        self.edit_space = EditSpace(session, settings, self.actions_, self)
        self.live_space = LiveSpace(session, self.actions_, self)
        self.documents = Documents(session, settings, self.autosave, self.bar, self)
        self.menus = Menus(self, self.actions_, settings)
        self._make_centre()
        self.addToolBar(TopBar(self, self.actions_))
        self._make_status()
        panels = self.edit_space.panels() + self.live_space.panels()
        self.spaces = Workspaces(self, settings, panels, self.menus.panels)
        docks = self.spaces.docks
        self.helpers = Helpers(
            self, session, settings, self.actions_, self.documents, self.edit_space, self.status, docks
        )
        self.helpers.theme_chosen.connect(self.theme.choose)
        self._connect_actions()
        self._connect_session()
        self._restore()

    def _make_centre(self) -> None:
        self.stack = QStackedWidget(self)
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(self.edit_space.stage)
        self.stack.addWidget(self.live_space.stage)
        centre = QWidget(self)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.stack, 1)
        self.setCentralWidget(centre)
        self.bar.lie_over(centre)

    def _make_status(self) -> None:
        self.status = StatusBar(self)
        self.export_button = QPushButton(self.tr("Export…"), self)
        theme.make_primary(self.export_button)
        self.export_button.clicked.connect(self.actions_["export"].trigger)
        self.status.addPermanentWidget(self.export_button)
        self.setStatusBar(self.status)
        self.status.generator_chosen.connect(self.session.set_generator)
        self.activity = Activity(self.session, self.status)

    # -- wiring

    def _connect_actions(self) -> None:
        documents, session, space = self.documents, self.session, self.edit_space
        documents.driver_given.connect(self.live_space.take_driver)
        handlers: dict[str, Callable[[], object]] = {
            "open": documents.ask_open,
            "sample": documents.open_sample,
            "paste": documents.paste,
            "save": documents.save,
            "save_as": documents.save_as,
            "revert": documents.revert,
            "export": documents.export,
            "batch": documents.ask_batch,
            "close": documents.close_photo,
            "quit": self.close,
            "undo": session.undo_stack.undo,
            "redo": session.undo_stack.redo,
            "reset_face": session.reset_face,
            "reset_all": session.reset_all,
            "full_screen": self._toggle_full_screen,
            "hide_panels": self._toggle_panels,
            "reset_layout": self._reset_layout,
            "toggle_theme": self.theme.toggle,
            "commands": self.helpers.show_palette,
            "settings": self.helpers.show_settings,
            "shortcuts": self.helpers.show_shortcuts,
            "models": self.helpers.show_models,
            "training": self.helpers.show_training,
            "tour": self.helpers.show_tour,
            "diagnostics": self.helpers.show_diagnostics,
            "about": lambda: AboutDialog(self).exec(),
            "edit_space": lambda: self.spaces.switch("edit"),
            "live_space": lambda: self.spaces.switch("live"),
            "dark": lambda: self.theme.choose("dark"),
            "light": lambda: self.theme.choose("light"),
            "system": lambda: self.theme.choose("system"),
            **space.handlers(),
            **self.live_space.handlers(),
        }
        for name, handler in handlers.items():
            self.actions_[name].triggered.connect(lambda _=False, run=handler: run())
            self.addAction(self.actions_[name])
        self.menus.recent.chosen.connect(documents.open)
        self.actions_.keys_changed.connect(self._show_keys)
        self._show_keys()
        self.welcome.open_wanted.connect(documents.ask_open)
        self.welcome.sample_wanted.connect(documents.open_sample)
        self.welcome.recent_wanted.connect(documents.open)

    @Slot()
    def _show_keys(self) -> None:
        self.welcome.show_keys(*(self.actions_.native_keys(name) for name in ("open", "paste", "commands")))

    def _connect_session(self) -> None:
        session, status = self.session, self.status
        self.spaces.changed.connect(self._on_space)
        self.live_space.note.connect(self.bar.show_choices)
        session.engine_ready.connect(status.show_generators)
        session.generator_changed.connect(status.show_generator)
        session.device_changed.connect(status.show_device)
        session.rendered.connect(status.show_rendered)
        self.live_space.live.stepped.connect(status.show_step)
        session.measured.connect(self._on_measured)
        session.failed.connect(self._on_failed)
        session.crashed.connect(self.show_crash)
        session.portrait_opened.connect(self._on_opened)
        session.faces_changed.connect(self._on_faces)
        session.closed.connect(self._on_closed)
        session.dirty_changed.connect(self.setWindowModified)
        session.project_changed.connect(self._on_title)
        session.document_changed.connect(self._on_document)
        session.undo_stack.undoTextChanged.connect(self._on_undo_text)
        session.undo_stack.redoTextChanged.connect(self._on_redo_text)
        session.undo_stack.canUndoChanged.connect(self.actions_["undo"].setEnabled)
        session.undo_stack.canRedoChanged.connect(self.actions_["redo"].setEnabled)

    def _restore(self) -> None:
        self.theme.chosen.connect(self._on_theme)
        self.actions_[self.settings.theme].setChecked(True)
        self.actions_["edit_space"].setChecked(True)
        self.actions_.enable(("undo", "redo"), False)
        self.welcome.show_recent(self.settings.recent)
        self._on_title()
        self._enable()
        geometry = self.settings.layout("window")
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            screen = QGuiApplication.primaryScreen().availableSize()
            self.resize(FIRST_SIZE.boundedTo(screen))
        self._show_welcome()

    # -- life

    def start(self, path: Path | None = None) -> None:
        """Build the engine, open what was asked for and offer what a crash left."""
        self.session.start()
        goes_on = path is not None  # with work of their own, which a tour would cover
        if path is not None:
            self.documents.open(path)
        else:
            goes_on = self.documents.offer_recovery()
        if not self.autosave.another_runs():
            self.live_space.offer_interrupted_films()
        if not self.settings.tour_seen and not goes_on:
            self.helpers.tour_when_open()

    def closeEvent(self, event: QCloseEvent) -> None:
        # What runs is ended by the last question only, because the user may cancel at each.
        ask, run = self.documents, self.helpers.training_run
        if not (self._ending or (ask.settle(self.close) and ask.settle_run(run) and ask.settle_job())):
            event.ignore()
            return
        super().closeEvent(event)
        if self._ended:
            return
        self._ended = True
        self.settings.set_layout("window", self.saveGeometry())
        if self.session.portrait is not None:
            self.spaces.keep()
        self.session.stop(at_once=self._ending)
        self.autosave.close(keep=self._ending and self.session.is_dirty)

    def end(self) -> None:
        """End without a question, which nobody may answer; unsaved work is offered at the next start."""
        self._ending = True
        self.autosave.save()
        while (dialog := QApplication.activeModalWidget()) is not None and dialog.close():
            pass
        self.close()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if QGuiApplication.platformName() != "offscreen":  # nobody sees that platform's small screen
            QTimer.singleShot(0, self, lambda: placing.fit_when_framed(self))  # only then is the frame known

    # -- what the session says

    @Slot(object)
    def _on_opened(self) -> None:
        self.bar.dismiss()
        self.status.clear_picture()
        if self.stack.currentWidget() is self.welcome:
            self._show_space()
            self.spaces.restore()
        self._on_title()
        self._on_faces()
        self.edit_space.canvas.setFocus()

    def _show_space(self) -> None:
        space = self.live_space if self.spaces.current == "live" else self.edit_space
        self.stack.setCurrentWidget(space.stage)

    @Slot(str)
    def _on_space(self, name: str) -> None:
        if self.session.portrait is None:
            self._show_welcome()
        else:
            self._show_space()
        self._show_export()
        if name == "live":
            self.status.clear_picture()
            self.live_space.open()
        else:
            self.live_space.close()

    @Slot(object)
    def _on_faces(self) -> None:
        self._enable()
        portrait = self.session.portrait
        if portrait is not None and not portrait.faces:
            what = self.tr("No face was found in this photo.")
            remedy = self.tr("Draw a box around the face, forehead to chin.")
            self._on_failed(EngineError(what, remedy, "draw_box"))
        elif portrait is not None:
            self.bar.dismiss()

    @Slot()
    def _on_closed(self) -> None:
        self.bar.dismiss()  # its message was about the photo
        self.spaces.keep()
        self.status.clear_picture()
        self._show_welcome()
        self._on_title()
        self._enable()

    def _show_welcome(self) -> None:
        self.welcome.show_recent(self.settings.recent)
        self.stack.setCurrentWidget(self.welcome)
        self.spaces.clear()

    @Slot(object)
    def _on_document(self) -> None:
        self._show_export()
        self.status.drop_measured_unless((self.session.document.active, self.session.edit))

    @Slot(object)
    def _on_measured(self, measurement: Measurement | None) -> None:
        of = self.session.document.active, self.session.edit
        self.status.show_measured(measurement if self.spaces.current == "edit" else None, of)

    @Slot()
    def _on_title(self) -> None:
        path = self.session.project or self.session.document.photo
        self.setWindowTitle(f"{path.name}[*] — Mien" if path else "Mien[*]")
        self.setWindowFilePath(str(path) if path else "")

    def _enable(self) -> None:
        portrait = self.session.portrait
        self.actions_.enable(NEEDS_PHOTO, portrait is not None)
        faces = 0 if portrait is None else len(portrait.faces)
        self.actions_.enable(NEEDS_FACE, faces > 0)
        self.actions_.enable(("next_face", "previous_face"), faces > 1)
        self._show_export()

    def _show_export(self) -> None:
        """Show Export, the primary action, once something is edited; in the workspace Live, Record takes its
        place.
        """
        self.export_button.setVisible(self.session.document.is_changed and self.spaces.current == "edit")

    @Slot(str)
    def _on_undo_text(self, text: str) -> None:
        self.actions_["undo"].setText(self.tr("Undo {}").format(text) if text else self.tr("Undo"))

    @Slot(str)
    def _on_redo_text(self, text: str) -> None:
        self.actions_["redo"].setText(self.tr("Redo {}").format(text) if text else self.tr("Redo"))

    @Slot(object)
    def _on_failed(self, error: EngineError) -> None:
        verb, act = self._remedy(error)
        self.bar.show_error(error, verb, act)

    def _remedy(self, error: EngineError) -> tuple[str, Callable[[], object] | None]:
        """Return the button's words and action where a command does what the remedy says; else none."""
        if not error.action or not self.actions_[error.action].isEnabled():
            return "", None
        return self.actions_[error.action].text(), self.actions_[error.action].trigger

    @Slot(str)
    def show_crash(self, traceback: str) -> None:
        """Save the work for recovery, say what happened, and offer the report for copying."""
        LOG.error("Something went wrong:\n%s", traceback)
        self.autosave.save()
        CrashDialog(traceback, self).exec()

    # -- the window's own commands

    @Slot(str)
    def _on_theme(self, name: str) -> None:
        self.actions_[name].setChecked(True)
        self.welcome.restyle()
        self.live_space.curves.restyle()

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)  # it may be maximised too

    def _toggle_panels(self) -> None:
        hides = self.actions_["hide_panels"].isChecked()
        (self.spaces.hide_all if hides else self.spaces.show_all)()

    def _reset_layout(self) -> None:
        self.spaces.reset()
        self.actions_["hide_panels"].setChecked(False)
        if self.session.portrait is None:
            self.spaces.clear()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.bar.isVisible():
            self.bar.dismiss()
        elif event.key() == Qt.Key.Key_Escape and self.isFullScreen():
            self.actions_["full_screen"].trigger()
        else:
            super().keyPressEvent(event)

    # -- dropping files

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.documents.can_open(event.mimeData()):
            event.acceptProposedAction()
            self.welcome.zone.light(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.welcome.zone.light(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.welcome.zone.light(False)
        event.acceptProposedAction()
        self.documents.open_dropped(event.mimeData())

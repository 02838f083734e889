"""Builds the workspace Live: the moving portrait, its driver, its controls, its curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from app.engine.contract import Rendered, Step
from app.engine.errors import EngineError
from app.engine.files import free_path
from app.engine.film.recorder import Recording
from app.engine.imaging.endings import PERFORMANCES
from app.session import naming
from app.session.live import Live
from app.session.resting import RestFinder
from app.session.session import Session
from app.session.values import filled
from app.ui.actions import Actions
from app.ui.canvas.display import to_display
from app.ui.dialogs.film import FilmDialog
from app.ui.live.control_panel import ControlPanel
from app.ui.live.curves import Curves
from app.ui.live.driver_panel import DriverPanel
from app.ui.live.film_player import FilmPlayer
from app.ui.live.record_bar import RecordBar, described, interrupted_films, new_path
from app.ui.live.views import LiveView
from app.ui.workspaces import BOTTOM, LEFT, RIGHT, Panel


class LiveSpace(QObject):
    """Holds everything that is shown while a portrait is driven."""

    note = Signal(str, object)  # words, and what can be done: verb -> what it does

    def __init__(self, session: Session, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._actions, self._window = session, actions, window
        self.live = Live(session)
        self.portrait = LiveView(self.tr("Portrait"), "", window)
        self.driver = DriverPanel(session, self.live)
        self.controls = ControlPanel(self.live)
        self.curves = Curves(self.live)
        self.record = RecordBar(self.live, window)
        self.faces = QComboBox(self.record)
        self.faces.setAccessibleName(self.tr("The driven face"))
        self.faces.hide()
        self.record.add_choice(self.faces)
        self.controls.add_group(self.record.output_group(self.controls))
        self._still: Rendered | None = None
        self.stage = QWidget(window)
        column = QVBoxLayout(self.stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.portrait, 1)
        column.addWidget(self.record)
        self._connect()

    def _connect(self) -> None:
        self.live.stepped.connect(self._on_step)
        self.portrait.face_chosen.connect(self.live.drive_face)
        self.faces.activated.connect(self.live.drive_face)
        for signal in (self.live.started, self._session.active_changed, self._session.faces_changed):
            signal.connect(self._show_faces)
        self.live.started.connect(self._on_started)
        self.live.stopped.connect(self._show_still)
        self.live.recorded.connect(self._on_recorded)
        self.live.kept.connect(self._on_kept)
        self.live.rendered.connect(self._on_kept)
        self.live.failed.connect(self._session.failed)
        self._session.rendered.connect(self._on_rendered)
        self._session.portrait_opened.connect(self._on_opened)
        self._session.closed.connect(self._on_closed)
        self.driver.clip_chosen.connect(self._on_clip)
        self.record.film_wanted.connect(self.ask_film)
        self.controls.mirror.toggled.connect(self.driver.mirror)

    def panels(self) -> list[Panel]:
        """Return every panel of this workspace with its first place."""
        return [
            Panel("driver", self.tr("Driver"), self.driver, LEFT, "live", width=280),
            Panel(
                "live", self.tr("Live"), self.controls, RIGHT, "live", width=340, tabbed="edit", front=True
            ),
            Panel("curves", self.tr("Curves"), self.curves, BOTTOM, "live", height=150),
        ]

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return the functions of this workspace's commands, by the command's name."""
        return {
            "live_record": self.record.toggle_record,
            "live_neutral": self._set_neutral,
            "live_pause": self._pause,
            "live_mirror": self.controls.mirror.toggle,
            "film": self.ask_film,
        }

    def open(self) -> None:
        """Look for cameras, because the workspace is shown now."""
        self.curves.build()
        self.driver.probe()
        self.driver.source.setFocus()
        self._show_still()

    def close(self) -> None:
        """Let the camera go, because the workspace is left."""
        self.live.stop()

    @Slot()
    def ask_film(self) -> None:
        if self._session.face is None:
            what = self.tr("There is no face to drive.")
            self._session.failed.emit(EngineError(what, self.tr("Open a portrait first."), "open"))
            return
        finder = RestFinder(self._session.jobs, self)
        dialog = FilmDialog(self.driver.clip, new_path(".mp4").parent, finder, self._window)
        with self._session.held():
            if dialog.exec():
                self.live.stop()
                self.live.film(dialog.clip(), dialog.output, dialog.audio, dialog.rest_at)
        finder.deleteLater()

    @Slot(object)
    def take_driver(self, path: Path) -> None:
        """Show this workspace and let a clip or performance drive next; a recording is not ended by it."""
        self._actions["live_space"].trigger()
        if self.live.recording:
            what = self.tr("A recording has one driver.")
            self._session.failed.emit(EngineError(what, self.tr("Stop recording, then drop the clip.")))
            return
        self.live.stop()
        self.driver.choose_clip(path)

    def _set_neutral(self) -> None:
        if self.live.running:
            self.live.set_neutral()
        else:
            self._say_nothing_drives()

    def _pause(self) -> None:
        if self.live.running:
            self.record.pause.click()
        else:
            self._say_nothing_drives()

    def _say_nothing_drives(self) -> None:
        what = self.tr("Nothing drives the portrait.")
        remedy = self.tr("Choose a camera or a clip, then press Start.")
        self._session.failed.emit(EngineError(what, remedy))

    def offer_interrupted_films(self) -> None:
        """Offer to keep each film that a crash interrupted; such a film plays as far as it was written.

        The offer is repeated when the next photo is opened, because opening one removes all messages.
        """
        self._offer_interrupted_films()
        once = Qt.ConnectionType.SingleShotConnection
        self._session.portrait_opened.connect(self._offer_interrupted_films, once)

    @Slot()
    def _offer_interrupted_films(self) -> None:
        for film in interrupted_films():
            words = self.tr("A recording was cut short: {}. It plays.").format(film.name)
            self.note.emit(words, {self.tr("Keep it"): lambda film=film: self._keep_interrupted_film(film)})

    def _keep_interrupted_film(self, film: Path) -> None:
        kept = free_path(film.with_name(film.name.partition(".recording")[0] + film.suffix))
        film.rename(kept)
        self._show_written(str(kept), kept)

    @Slot()
    def _show_faces(self) -> None:
        """Draw a box around each face; the box of the face that is driven, or would be, has a whole line."""
        portrait = self._session.portrait
        if portrait is None:
            self.portrait.show_faces((), 0)
            return
        width, height = portrait.photo.size
        boxes = [
            QRectF(x / width, y / height, w / width, h / height)
            for x, y, w, h in (face.box for face in portrait.faces)
        ]
        driven = self.live.driven
        active = self._session.document.active if driven is None else driven
        self.portrait.show_faces(boxes, active)
        self.faces.clear()
        self.faces.addItems([self.tr("Face {}").format(k + 1) for k in range(len(boxes))])
        self.faces.setCurrentIndex(active)
        self.faces.setVisible(len(boxes) > 1)

    # -- showing

    @Slot(object)
    def _on_step(self, step: Step) -> None:
        if step.picture is not None:
            self.portrait.say("")
            self.portrait.show_picture(step.picture)

    @Slot(object)
    def _on_rendered(self, rendered: Rendered) -> None:
        self._still = rendered
        if self.portrait.isVisible() and not self.live.running:
            self._show_still()

    @Slot(object)
    def _on_opened(self) -> None:
        self.close()
        self.curves.clear()
        self.record.show_sizes()
        self._show_faces()

    @Slot()
    def _on_closed(self) -> None:
        self.close()
        self._still = None
        self._show_still()

    @Slot()
    def _show_still(self) -> None:
        """Show the edited portrait while nothing drives it."""
        portrait = self._session.portrait
        if portrait is None or self._still is None:
            self.portrait.show_image(None)
            self.portrait.say(self.tr("Open a portrait first"))
            return
        shown = to_display(self._still.pixels, self._still.alpha, portrait.photo.icc)
        self.portrait.show_image(shown.levels[0])
        self.portrait.say("")

    @Slot(object)
    def _on_clip(self, clip: Path | None) -> None:
        self.record.choose(clip)

    @Slot(object)
    def _on_recorded(self, recording: Recording) -> None:
        if recording.error is None:
            self._show_written(described(recording), recording.path)
            self._offer_again(recording.path)
        else:
            self._session.failed.emit(recording.error)

    def _offer_again(self, film: Path) -> None:
        """Offer the film that the chosen generator would draw, because it was too slow and the mesh warp
        drove instead.
        """
        performance, info = film.with_suffix(".performance"), self.live.slow_generator
        if info is None or not performance.is_file():
            return
        again = film.with_name(f"{film.stem} {info.title}.mp4")
        words = self.tr("{} was driven by the mesh warp.").format(film.name)
        verb = self.tr("Render again with {}").format(naming.generator(info.title))
        self.note.emit(words, {verb: lambda: self.live.film(performance, again, False)})

    @Slot()
    def _on_started(self) -> None:
        """Say whether the chosen generator can follow here, and remove a message that something was missing."""
        self.note.emit("", {})
        info, rate = self.live.slow_generator, self.live.frames_a_second
        if info is None:
            return
        if rate is None:
            words = self.tr("{} has not drawn here yet and may be slow.").format(naming.generator(info.title))
        else:
            words = filled(
                self.tr("{} makes {:.1f} frames a second here."), naming.generator(info.title), rate
            )
        then = self.tr("The mesh warp drives; record, then choose “Render again with {}”.").format(
            naming.generator(info.title)
        )
        self.note.emit(f"{words} {then}", {})

    @Slot(object)
    def _on_kept(self, path: Path) -> None:
        if path.suffix == ".performance":
            self.driver.choose_clip(path)
        self._show_written(str(path), path)

    def _show_written(self, words: str, path: Path) -> None:
        url = QUrl.fromLocalFile(str(path.parent))
        words = self.tr("Wrote {}").format(words)
        verbs: dict[str, Callable[[], object]] = {}
        if path.suffix.lower() not in PERFORMANCES:
            verbs[self.tr("Show film")] = lambda: self._show_film(path)
        verbs[self.tr("Open folder")] = lambda: QDesktopServices.openUrl(url)
        self.note.emit(words, verbs)

    def _show_film(self, path: Path) -> None:
        try:
            player = FilmPlayer(path, self._window)
        except EngineError as error:
            self._session.failed.emit(error)
            return
        player.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        player.show()

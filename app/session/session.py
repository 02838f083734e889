"""Gathers everything that panels, canvas and menus call."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from app.engine.checkpoints.catalogue import Offer
from app.engine.contract import GeneratorInfo, Portrait, Step
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit, FittedFace
from app.engine.fetching import fetch
from app.engine.imaging.options import USUAL, ExportOptions
from app.engine.interruption import stop_compiling
from app.session import naming, values
from app.session.document import Box, Document
from app.session.editing import Editing
from app.session.faces import with_face_added
from app.session.hand import Hand
from app.session.history import History
from app.session.jobs import Jobs
from app.session.pictures import PictureWish
from app.session.project_files import ProjectFiles
from app.session.scheduler import Scheduler
from app.session.worker import Answer, Crash, EngineFactory, Job


class Session(QObject):
    """The document with its history, kept in step with the engine on its thread.

    history: what is open, with its steps and gestures; editing: makes the steps; hand: solves the pulls of
    handles; jobs: the engine's thread; scheduler: what is shown; files: photos and projects. Every call
    returns at once, and results of the engine arrive as signals.
    """

    engine_ready = Signal(tuple)  # of GeneratorInfo
    device_changed = Signal(str)  # "CPU float32"
    generator_changed = Signal(object)  # GeneratorInfo in use
    portrait_opened = Signal(object)  # Portrait
    closed = Signal()  # nothing is open any more
    busy = Signal(str)  # the name of long work ("" at its end)
    exported = Signal(object, object)  # Path of the picture written, and the `Remark`s on what it lacks
    failed = Signal(object)  # EngineError
    crashed = Signal(str)  # traceback of an error nobody foresaw

    def __init__(self, factory: EngineFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.generators: tuple[GeneratorInfo, ...] = ()
        self.improving = ""  # the generator that is fetched or learns in the running job
        self.history = History(self)
        self.jobs = Jobs(factory, self)
        # The scheduler receives each change before all other receivers, which rely on what it shows.
        self.scheduler = Scheduler(self.jobs, self.history, self)
        self.files = ProjectFiles(self.jobs, self.history, self)
        self.editing = Editing(self.history, self)
        self.hand = Hand(self.history, self.editing, self.scheduler, self)
        self._gather_signals()
        self._gather_methods()
        self._connect()

    def _gather_signals(self) -> None:
        """Offer the signals of the session's parts here, where every panel looks for them."""
        self.document_changed = self.history.document_changed
        self.active_changed = self.history.active_changed
        self.faces_changed = self.history.faces_changed
        self.dirty_changed = self.history.dirty_changed
        self.gesture_ended = self.history.gesture_ended
        self.job_ended = self.jobs.ended
        self.rendered = self.scheduler.rendered
        self.measured = self.scheduler.measured
        self.nmfc_ready = self.scheduler.nmfc_ready
        self.flow_ready = self.scheduler.flow_ready
        self.picture_ready = self.scheduler.picture_ready
        self.opening = self.files.opening
        self.opening_stepped = self.files.opening_stepped
        self.replacing_unsaved = self.files.replacing_unsaved
        self.project_changed = self.files.project_changed
        self.photo_missing = self.files.photo_missing
        self.saving, self.saved = self.files.saving, self.files.saved
        self.linked_changed = self.editing.linked_changed
        self.drawn_changed = self.hand.drawn_changed

    def _gather_methods(self) -> None:
        """Offer the methods of the session's parts here; each is described where it is defined."""
        files, editing, history = self.files, self.editing, self.history
        self.open, self.open_project, self.relink = files.open, files.open_project, files.relink
        self.restore, self.revert, self.close = files.restore, files.revert, files.close
        self.cancel_open, self.take_opened, self.held = files.cancel_open, files.take_opened, files.held
        self.save, self.save_project = files.save, files.save_project
        self.begin_gesture, self.cancel_gesture = history.begin_gesture, history.cancel_gesture
        self.end_gesture, self.select_face = history.end_gesture, history.select_face
        self.set_value, self.set_values, self.set_latent = (
            editing.set_value,
            editing.set_values,
            editing.set_latent,
        )
        self.apply = editing.apply
        self.points, self.pull = self.hand.points, self.hand.pull
        self.frontalise, self.neutralise = editing.frontalise, editing.neutralise
        self.reset, self.reset_face, self.reset_all = editing.reset, editing.reset_face, editing.reset_all
        self.next_face, self.previous_face = editing.next_face, editing.previous_face
        self.is_linked, self.link = editing.is_linked, editing.link
        self.take_snapshot, self.delete_snapshot = editing.take_snapshot, editing.delete_snapshot
        self.restore_snapshot = editing.restore_snapshot
        self.ask, self.begin_job, self.cancel_job = self.jobs.ask, self.jobs.begin, self.jobs.cancel

    def _connect(self) -> None:
        self.history.replaced.connect(self._on_replaced)
        self.jobs.ready.connect(self._on_ready)
        self.jobs.failed.connect(self.report)
        self.scheduler.selected.connect(self._on_selected)
        self.scheduler.chosen.connect(self._on_chosen)
        self.scheduler.refused.connect(self._on_refused)
        self.scheduler.failed.connect(self.report)
        self.files.busy.connect(self.busy)

    def start(self) -> None:
        """Build the engine on its thread; call it once the window is on screen."""
        self.busy.emit(self.tr("Starting the engine"))
        self.jobs.start()

    def stop(self, at_once: bool = False) -> None:
        """End the engine's thread after its present task; the session cannot be used afterwards.

        at_once: whether that task need not be finished where it compiles, which takes longer than a system waits.
        """
        if at_once:
            stop_compiling()
        self.scheduler.stop()
        self.jobs.stop()

    # -- what is open

    @property
    def document(self) -> Document:
        return self.history.document

    @property
    def portrait(self) -> Portrait | None:
        return self.history.portrait

    @property
    def face(self) -> FittedFace | None:
        """Return the active face as it is in the photo."""
        return self.history.face

    @property
    def edit(self) -> FaceEdit:
        """Return the active face's edit."""
        return self.history.document.edit

    @property
    def project(self) -> Path | None:
        """Return the file in which the document is saved."""
        return self.files.project

    @property
    def unlinked(self) -> frozenset[str]:
        """Return those of `PAIRS` whose sides move alone."""
        return self.editing.unlinked

    @property
    def job(self) -> Job | None:
        """Return the job that is running."""
        return self.jobs.current

    @property
    def undo_stack(self) -> QUndoStack:
        return self.history.stack

    @property
    def is_dirty(self) -> bool:
        """Return whether the document differs from what was saved."""
        return self.history.is_dirty

    @property
    def generator(self) -> GeneratorInfo | None:
        """Return the generator that the document names; None until the engine is ready."""
        return next((info for info in self.generators if info.name == self.document.generator), None)

    def value(self, name: str) -> float:
        """Return what the slider of a control shows."""
        return values.shown_value(self.face, self.edit, name)

    def own_value(self, name: str) -> float:
        """Return the photo's own value of a control."""
        return values.own_value(self.face, name)

    def latent(self, name: str) -> float:
        """Return the value that is asked for of a generator's own latent direction."""
        return dict(self.edit.latents).get(name, 0.0)

    @property
    def in_gesture(self) -> bool:
        return self.history.in_gesture

    # -- what is shown beside the photo

    def show_nmfc(self, size: int | None, mesh: bool = False) -> None:
        """Keep the NMFC preview of the active face (or that of its mesh) up to date; a size of None stops
        this.
        """
        self.scheduler.show(nmfc=None if size is None else (size, mesh))

    def show_flow(self, shown: bool) -> None:
        """Keep the dense flow of the active face up to date, or stop this."""
        self.scheduler.show(flow=shown)

    def request_picture(self, key: Hashable, wish: PictureWish) -> None:
        """Ask for a small picture when the engine has nothing better to do; `picture_ready` brings it."""
        if self.portrait and wish.face < len(self.portrait.faces):
            self.scheduler.wish(key, wish)

    # -- work on the engine's thread

    def export(self, path: Path, options: ExportOptions = USUAL) -> None:
        """Render at full size and write the file, but never over the photo that is open; `exported` or
        `failed` follows.
        """
        if self.portrait is None:
            return
        if self.document.photo and path.resolve() == self.document.photo.resolve():
            what = self.tr("The export would replace the photo itself.")
            self.failed.emit(EngineError(what, self.tr("Choose another name."), "export"))
            return
        portrait, document = self.portrait, self.document

        def export(engine: EngineLike) -> Any:
            return engine.export(portrait, document.edits, path, options)

        remarks: list[Any] = []

        def on_step(step: Step) -> None:
            remarks.extend(getattr(step, "remarks", ()))

        def on_end(answer: Answer) -> None:
            if answer.error is None and not answer.closed:
                self.exported.emit(path, tuple(remarks))

        self.begin_job(Job(self.tr("Exporting"), export, on_step, on_end, document.generator))

    def learn(self, generator: str) -> bool:
        """Let a generator learn what it needs on this machine, as a job; `engine_ready` follows with what it
        can do then.
        """

        def on_end(answer: Answer) -> None:
            self.improving = ""
            if answer.error is None:
                self.ask(lambda engine: engine.generators(), self.take_generators)

        words, stop = self.tr("Learning expressions"), threading.Event()
        begun = self.begin_job(
            Job(words, lambda engine: engine.learning(generator), lambda _: None, on_end, stop=stop)
        )
        self.improving = generator if begun else self.improving
        return begun

    def fetch(self, offer: Offer) -> bool:
        """Download a generator's model, as a job, and let the generator learn with it; `engine_ready` follows
        with what it can do then.

        This may only be called because the user asked for it.
        """

        def take(generators: tuple[GeneratorInfo, ...]) -> None:
            self.take_generators(generators)
            if any(i.name == offer.kind and i.learns and not i.learnt and not i.missing for i in generators):
                self.learn(offer.kind)

        def on_end(answer: Answer) -> None:
            self.improving = ""
            if answer.error is None:
                self.ask(lambda engine: engine.generators(), take)

        words = self.tr("Downloading {}").format(offer.title)
        begun = self.begin_job(Job(words, lambda _: fetch(offer), lambda _: None, on_end))
        self.improving = offer.kind if begun else self.improving
        return begun

    def add_face(self, box: Box) -> None:
        """Fit a face in a box (px) that the user drew; `faces_changed` or `failed` follows."""
        before, opened = self.portrait, self.history.opened
        if before is None:
            return

        def take(after: Portrait) -> None:
            self.busy.emit("")
            if self.portrait is before:
                # A face whose adding was undone is another one than this.
                self.history.keep_snapshots(self.document.with_faces(len(before.faces)).snapshots)
                fields = with_face_added(self.document, before, after, box)
                self.history.push(fields, self.tr("Add face"), portraits=(before, after))
            elif self.history.opened is opened:  # meanwhile another face was added, or adding one was undone
                self.add_face(box)

        def fail(error: EngineError | Crash) -> None:
            self.busy.emit("")
            self.report(error)

        self.busy.emit(self.tr("Fitting the face"))
        self.ask(lambda engine: engine.add_face(before, box), take, fail)

    def set_generator(self, name: str) -> None:
        """Render with another generator, as a step of the history once it has proved able to run; else
        `failed` says why not.
        """
        self.scheduler.choose(name)

    # -- inside

    @Slot(object)
    def report(self, error: EngineError | Crash) -> None:
        """Emit an error by the signal for its kind."""
        if isinstance(error, Crash):
            self.crashed.emit(error.traceback)
        else:
            self.failed.emit(error)

    @Slot(object)
    def _on_replaced(self, portrait: Portrait | None) -> None:
        if portrait is None:
            self.closed.emit()
        else:
            self.portrait_opened.emit(portrait)

    def take_generators(self, infos: tuple[GeneratorInfo, ...]) -> None:
        """Take over which generators can run now, because models came or went."""
        self._keep_generators(infos)
        self.engine_ready.emit(infos)
        self.scheduler.refresh()
        if self.generator is not None:
            self.generator_changed.emit(self.generator)

    def _keep_generators(self, infos: tuple[GeneratorInfo, ...]) -> None:
        self.generators = infos
        self.scheduler.slow = frozenset(info.name for info in infos if info.slow)

    @Slot(object)
    def _on_ready(self, answer: Answer) -> None:
        if not self.files.is_opening:  # a photo that was given at the start keeps its words
            self.busy.emit("")
        if answer.error is not None:
            self.report(answer.error)
            return
        infos, device = answer.value
        self._keep_generators(infos)
        self.device_changed.emit(device)
        self.engine_ready.emit(self.generators)
        if self.generator is not None:  # what is opened first may keep the engine from selecting it for long
            self.generator_changed.emit(self.generator)
        self.scheduler.start()

    @Slot(str, str)
    def _on_selected(self, name: str, device: str) -> None:
        self.device_changed.emit(device)
        if self.generator is not None:
            self.generator_changed.emit(self.generator)

    @Slot(str)
    def _on_chosen(self, name: str) -> None:
        title = next((info.title for info in self.generators if info.name == name), name)
        self.history.push({"generator": name}, self.tr("Generator: {}").format(naming.generator(title)))

    @Slot(str, object)
    def _on_refused(self, name: str, error: EngineError | Crash) -> None:
        """Let the document name the generator that draws instead, because the named one cannot run."""
        working = self.scheduler.working
        if working is not None and working != name:
            self.history.forget_generator(name, working)
        self.report(error)

"""The document with its history, kept in step with the engine."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from app.engine.contract import EngineLike, GeneratorInfo, Portrait, Tell
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session import values
from app.session.commands import Change
from app.session.document import Box, Document
from app.session.faces import index_of, moved
from app.session.opening import Opening
from app.session.project import Project
from app.session.scheduler import PREVIEW_SIDE, PictureWish, Scheduler
from app.session.worker import QUEUED, Answer, Crash, EngineFactory, EngineThread, Task

UNDO_LIMIT = 200


@dataclass(frozen=True, eq=False)
class Opened:
    """A document with its portrait, and the project it comes from; unsaved: it holds changes no file has."""

    document: Document
    portrait: Portrait
    project: Path | None = None
    unsaved: bool = False


class Core(QObject):
    """The document with its history, kept in step with the engine on its thread.

    Everything here returns at once; what the engine makes of it arrives as a signal. A gesture is a number
    from `begin_gesture`: all changes made with it are one undo step, and renders are previews until
    `end_gesture`.
    """

    engine_ready = Signal(tuple)  # of GeneratorInfo
    device_changed = Signal(str)  # "CPU float32"
    generator_changed = Signal(object)  # GeneratorInfo in use
    document_changed = Signal(object)  # Document
    active_changed = Signal(int)  # face the panels act on
    project_changed = Signal(object)  # Path of the project file, or None
    photo_missing = Signal(object)  # Project whose photo moved: ask where it is, then `relink`
    saved = Signal(object)  # Path of the project written
    dirty_changed = Signal(bool)  # differs from what was saved
    portrait_opened = Signal(object)  # Portrait
    faces_changed = Signal(object)  # Portrait, after a face was added or that was undone
    closed = Signal()  # nothing is open any more
    rendered = Signal(object)  # Rendered
    measured = Signal(object)  # Measurement of the active face, or None when nothing is asked of it
    nmfc_ready = Signal(object)  # (size, size, 3) uint8
    flow_ready = Signal(object)  # Flow of the active face, or None
    picture_ready = Signal(object, object)  # key, (size, size, 3) uint8 or None
    gesture_ended = Signal()
    linked_changed = Signal()  # some pair's sides move together, or alone, from now on
    opening = Signal(bool)  # something is being opened, which `cancel_open` ends
    opening_stepped = Signal(object)  # Step of it, from the engine's thread: connect it queued
    busy = Signal(str)  # what takes a while ("" when done)
    progressed = Signal(object)  # Step of a job (export, batch, live)
    job_ended = Signal(object)  # Answer: .task.kind, .error, .closed
    task_done = Signal(object)  # Answer of a task given to `do`
    failed = Signal(object)  # EngineError
    crashed = Signal(str)  # traceback of an error nobody foresaw

    def __init__(self, factory: EngineFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document()
        self.portrait: Portrait | None = None
        self.project: Path | None = None  # the file it is saved in
        self.generators: tuple[GeneratorInfo, ...] = ()
        self.unlinked: frozenset[str] = frozenset()  # of `PAIRS`: those whose sides move alone
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(UNDO_LIMIT)
        self.undo_stack.cleanChanged.connect(self._on_clean)
        self._gestures = 0
        self._gesture: int | None = None
        self._job = ""
        self._job_task: Task | None = None
        self._opening: Task | None = None
        self.thread_ = EngineThread(factory, self)
        self.scheduler = Scheduler(self.thread_, self)
        self._connect()

    def _connect(self) -> None:
        worker = self.thread_.worker
        worker.ready.connect(self._on_ready, QUEUED)
        worker.answered.connect(self._on_answer, QUEUED)
        self.thread_.stepped.connect(self.progressed)
        worker.ended.connect(self._on_job_ended, QUEUED)
        self.scheduler.selected.connect(self._on_selected)
        self.scheduler.rendered.connect(self.rendered)
        self.scheduler.measured.connect(self.measured)
        self.scheduler.nmfc_ready.connect(self.nmfc_ready)
        self.scheduler.flow_ready.connect(self.flow_ready)
        self.scheduler.picture_ready.connect(self.picture_ready)
        self.scheduler.failed.connect(self._on_failed)

    def start(self) -> None:
        """Build the engine on its thread; call it once the window is on screen."""
        self.busy.emit(self.tr("Starting the engine"))
        self.thread_.start()

    def stop(self) -> None:
        """End the engine's thread; the session cannot be used after."""
        self.scheduler.stop()
        self.thread_.stop()

    # -- looking

    @property
    def face(self) -> FittedFace | None:
        """The active face as it is in the photo."""
        faces = self.portrait.faces if self.portrait else ()
        return faces[self.document.active] if self.document.active < len(faces) else None

    @property
    def edit(self) -> FaceEdit:
        return self.document.edit

    @property
    def generator(self) -> GeneratorInfo | None:
        return next((info for info in self.generators if info.name == self.document.generator), None)

    @property
    def is_dirty(self) -> bool:
        return not self.undo_stack.isClean()

    def value(self, name: str) -> float:
        """What the slider of a control shows."""
        return values.shown_value(self.face, self.edit, name)

    def own_value(self, name: str) -> float:
        """The photo's own value of a control."""
        return values.own_value(self.face, name)

    def latent(self, name: str) -> float:
        return dict(self.edit.latents).get(name, 0.0)

    # -- opening

    def open(self, path: Path) -> None:
        """Open a photo in place of what is open; `portrait_opened` or `failed` follows."""
        generator = self.document.generator

        def call(engine: EngineLike, tell: Tell) -> Opened:
            portrait = engine.open(path, tell)
            return Opened(Document(photo=path, key=portrait.photo.key, generator=generator), portrait)

        self._ask_open(path.name, call)

    def _ask_open(self, name: str, call: Callable[[EngineLike, Tell], Opened | Project]) -> None:
        opening = Opening(self.opening_stepped.emit)
        self._opening = Task("open", lambda engine: call(engine, opening.tell), opening)
        self.opening.emit(True)
        self.busy.emit(self.tr("Opening {}").format(name))
        self.thread_.run(self._opening)

    def cancel_open(self) -> None:
        """Let the photo being opened come to nothing."""
        if self._opening is not None:
            self._opening.key.cancelled = True
        self._opening = None
        self.opening.emit(False)
        self.busy.emit("")

    def _opened(self, opened: Opened) -> None:
        self._gesture = None
        self.portrait = opened.portrait
        self.undo_stack.clear()
        self.document = opened.document
        self.project = opened.project
        if opened.unsaved:
            self.undo_stack.resetClean()
        self._show_view()
        self.portrait_opened.emit(opened.portrait)
        self._show_document()
        self.project_changed.emit(self.project)

    def close(self) -> None:
        """Back to nothing open."""
        self.cancel_open()
        self.portrait = None
        self.undo_stack.clear()
        self.document = Document(generator=self.document.generator)
        self.project = None
        self.project_changed.emit(None)
        self.closed.emit()
        self._show_document()

    def add_face(self, box: Box) -> None:
        """Fit a face in a box (px) that the user drew; `faces_changed` or `failed` follows."""
        if self.portrait:
            portrait = self.portrait
            self.busy.emit(self.tr("Fitting the face"))
            self.thread_.run(Task("add_face", lambda engine: engine.add_face(portrait, box), (portrait, box)))

    def _face_added(self, asked: tuple[Portrait, Box], after: Portrait) -> None:
        before, box = asked
        if before is not self.portrait:
            return
        where = {old: index_of(after, face) for old, face in enumerate(before.faces)}
        new = next((i for i in range(len(after.faces)) if i not in where.values()), 0)
        snapshots = [replace(s, edits=moved(s.edits, where)) for s in self.document.snapshots]
        fields: dict[str, Any] = {
            "boxes": (*self.document.boxes, box),
            "edits": moved(self.document.edits, where),
        }
        fields |= {"active": new, "snapshots": tuple(snapshots)}
        self._push(fields, lambda *_: self.tr("Add face"), portraits=(before, after))

    # -- gestures

    def begin_gesture(self) -> int:
        """A drag starts: its number, to be given to every change until `end_gesture`."""
        self._gestures += 1
        self._gesture = self._gestures
        return self._gesture

    def end_gesture(self, gesture: int | None = None) -> None:
        """The drag is over: what it led to is rendered at full size."""
        self._gesture = None
        self._show_document()
        self.gesture_ended.emit()

    @property
    def in_gesture(self) -> bool:
        return self._gesture is not None

    def cancel_gesture(self, gesture: int) -> None:
        """Take back all that the drag changed, leaving nothing to redo."""
        command = self.undo_stack.command(self.undo_stack.index() - 1) if self.undo_stack.index() else None
        if isinstance(command, Change) and command.gesture == gesture:
            self._take_back(command)
        self.end_gesture(gesture)

    def _take_back(self, command: Change) -> None:
        """Undo the newest step and leave nothing to redo; the stack drops what is obsolete without undoing it."""
        command.undo()
        command.setObsolete(True)
        self.undo_stack.undo()

    # -- what is shown beside the photo

    def show_nmfc(self, size: int | None, mesh: bool = False) -> None:
        """Keep the NMFC (or mesh) preview of the active face coming; None stops it."""
        self.scheduler.show(nmfc=None if size is None else (size, mesh))

    def show_flow(self, shown: bool) -> None:
        """Keep the dense flow of the active face coming, or stop it."""
        self.scheduler.show(flow=shown)

    def request_picture(self, key: Hashable, wish: PictureWish) -> None:
        """Ask for a small picture when the engine has nothing better to do; `picture_ready` brings it."""
        if self.portrait and wish.face < len(self.portrait.faces):
            self.scheduler.wish(key, wish)

    # -- jobs

    def do(self, kind: str, call: Callable[[EngineLike], Any]) -> None:
        """Run something once on the engine's thread; `task_done` brings the answer."""
        self.thread_.run(Task("do", call, kind))

    def begin_job(self, task: Task) -> None:
        """Run an iterator of `Step` on the engine's thread: `progressed`, then `job_ended`."""
        self._job, self._job_task = task.kind, task
        self.thread_.begin(task)

    def cancel_job(self) -> None:
        self.thread_.cancel()

    @property
    def job(self) -> str:
        """The kind of the job that runs, "" when none does."""
        return self._job

    # -- inside

    def _push(
        self,
        after: Mapping[str, Any],
        name: Any,
        gesture: int | None = None,
        portraits: tuple[Portrait | None, Portrait | None] = (None, None),
    ) -> None:
        before = {field: getattr(self.document, field) for field in after}
        if before != after:
            self.undo_stack.push(Change(self._put, before, after, name, gesture, portraits))

    def _put(self, fields: Mapping[str, Any], portrait: Portrait | None) -> None:
        active = self.document.active
        self.document = replace(self.document, **fields)
        if portrait is not None:
            self.portrait = portrait
            self._show_view()
            self.faces_changed.emit(portrait)
        self._show_document()
        if self.document.active != active:
            self.active_changed.emit(self.document.active)

    def _show_document(self) -> None:
        self._show_view()
        self.document_changed.emit(self.document)

    def _show_view(self) -> None:
        document = self.document
        self.scheduler.show(
            portrait=self.portrait,
            edits=document.edits,
            active=document.active,
            generator=document.generator,
            slow=self.generator is not None and self.generator.slow,
            max_side=PREVIEW_SIDE if self._gesture is not None and self._is_large() else None,
        )

    def _is_large(self) -> bool:
        return self.portrait is not None and max(self.portrait.photo.size) > PREVIEW_SIDE

    @Slot(bool)
    def _on_clean(self, clean: bool) -> None:
        self.dirty_changed.emit(not clean)

    def take_generators(self, infos: tuple[GeneratorInfo, ...]) -> None:
        """What can run has changed: models came or went."""
        self.generators = infos
        self.engine_ready.emit(infos)
        if self.generator is not None:
            self.generator_changed.emit(self.generator)

    @Slot(object)
    def _on_ready(self, answer: Answer) -> None:
        self.busy.emit("")
        if answer.error is not None:
            self._report(answer.error)
            return
        self.generators, device = answer.value
        self.device_changed.emit(device)
        self.engine_ready.emit(self.generators)
        self.scheduler.start()

    @Slot(object)
    def _on_answer(self, answer: Answer) -> None:
        self._take(answer)

    def _take(self, answer: Answer) -> None:
        task = answer.task
        if task.kind == "do":
            self.task_done.emit(replace(answer, task=replace(task, kind=task.key)))
        elif (task.kind == "open" and task is self._opening) or task.kind == "add_face":
            self.opening.emit(False)
            self.busy.emit("")
            if answer.error is not None:
                self._report(answer.error)
            elif isinstance(answer.value, Project):
                self.photo_missing.emit(answer.value)
            elif task.kind == "open":
                self._opened(answer.value)
            else:
                self._face_added(task.key, answer.value)

    @Slot(object)
    def _on_job_ended(self, answer: Answer) -> None:
        if answer.task is self._job_task:  # else it was cancelled by the one that runs now
            self._job, self._job_task = "", None
        self.job_ended.emit(answer)
        if answer.error is not None:
            self._report(answer.error)

    @Slot(str, str)
    def _on_selected(self, name: str, device: str) -> None:
        self.device_changed.emit(device)
        if self.generator is not None:
            self.generator_changed.emit(self.generator)

    @Slot(str, object)
    def _on_failed(self, kind: str, error: EngineError | Crash) -> None:
        if kind == "select" and self.undo_stack.canUndo():
            command = self.undo_stack.command(self.undo_stack.index() - 1)
            if isinstance(command, Change) and "generator" in command.after:
                self._take_back(command)
        self._report(error)

    def _report(self, error: EngineError | Crash) -> None:
        if isinstance(error, Crash):
            self.crashed.emit(error.traceback)
        else:
            self.failed.emit(error)

"""Keeps what is shown up to date with what is asked, one task at a time.

There is no queue: the newest `View` is the one-slot mailbox. Whenever the engine is free, the first thing that is
out of date is asked for. What was asked and superseded meanwhile is never computed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.engine.contract import EngineLike, Portrait, Rendered
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit
from app.session.document import DEFAULT_GENERATOR
from app.session.worker import QUEUED, Answer, Crash, EngineThread, Task

PREVIEW_SIDE = 1024  # px, the longer side of a render while a gesture is down


@dataclass(frozen=True, eq=False)
class View:
    """What shall be shown. max_side: a preview's size while a gesture is down, None for the full size; slow: the
    generator must have prepared a face before its edit can be rendered."""

    portrait: Portrait | None = None
    edits: Mapping[int, FaceEdit] = field(default_factory=dict)
    active: int = 0
    generator: str = DEFAULT_GENERATOR
    slow: bool = False
    max_side: int | None = None
    nmfc: tuple[int, bool] | None = None  # (size, mesh) of the NMFC preview, None while it is hidden
    flow: bool = False  # whether the render's dense flow is wanted

    def render_key(self) -> tuple[Any, ...]:
        return self.portrait, dict(self.edits), self.generator, self.max_side

    def nmfc_key(self) -> tuple[Any, ...]:
        return self.portrait, self.active, self.edits.get(self.active), self.nmfc

    def flow_key(self) -> tuple[Any, ...]:
        return self.portrait, self.active, self.edits.get(self.active), self.generator

    def ahead_key(self) -> tuple[Any, ...]:
        return self.portrait, self.active, self.generator

    def measure_key(self) -> tuple[Any, ...]:
        return *self.render_key(), self.active


@dataclass(frozen=True)
class PictureWish:
    """A small picture of one face. kind: "photo" (rendered, cropped to the face), "nmfc", "mesh", or "latent" (what a
    slow generator's own sliders make of its mean face); size: px."""

    face: int
    edit: FaceEdit
    kind: str
    size: int


class Scheduler(QObject):
    """Asks the engine for whatever of the view is out of date: generator, render, NMFC, measurement, small pictures."""

    selected = Signal(str, str)  # the generator in use and the device's name
    rendered = Signal(object)  # Rendered
    measured = Signal(object)  # Measurement, None when there is nothing to measure
    nmfc_ready = Signal(object)  # (size, size, 3) uint8
    flow_ready = Signal(object)  # Flow, or None where there is none
    picture_ready = Signal(object, object)  # key, (size, size, 3) uint8 or None when it failed
    failed = Signal(str, object)  # kind of task, EngineError or Crash

    def __init__(self, thread: EngineThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = thread
        self._view = View()
        self._wishes: dict[Hashable, PictureWish] = {}
        self._prepared: set[int] = set()  # faces that the generator in view has prepared
        self._in_flight: Task | None = None
        self._ready = False
        self._held = False
        self._done: dict[str, Any] = {}
        self._last: Rendered | None = None
        thread.worker.answered.connect(self._on_answer, QUEUED)

    @property
    def view(self) -> View:
        return self._view

    @property
    def is_idle(self) -> bool:
        """Everything wished for is there."""
        return self._in_flight is None and (not self._ready or self._next() is None)

    def start(self) -> None:
        """The engine is there."""
        self._ready = True
        self._poke()

    def stop(self) -> None:
        """The engine is going: ask for nothing more."""
        self._ready = False

    def show(self, **changes: Any) -> None:
        """Replace fields of the view."""
        if "portrait" in changes and changes["portrait"] is not self._view.portrait:
            self._last = None
            self._wishes.clear()
        before, self._view = self._view, replace(self._view, **changes)
        if (before.portrait, before.generator) != (self._view.portrait, self._view.generator):
            self._prepared.clear()
        self._poke()

    def prepared(self, face: int) -> None:
        """The slow generator in view has prepared a face: it can be rendered."""
        self._prepared.add(face)
        self._poke()

    def is_prepared(self, face: int) -> bool:
        return not self._view.slow or face in self._prepared

    def hold(self, held: bool) -> None:
        """Render nothing while a job shows its own pictures."""
        self._held = held
        self._poke()

    def wish(self, key: Hashable, wish: PictureWish) -> None:
        """Ask for a small picture when there is nothing better to do; the newest wish of a key counts."""
        self._wishes[key] = wish
        self._poke()

    def drop_wishes(self) -> None:
        self._wishes.clear()

    def _poke(self) -> None:
        if self._ready and self._in_flight is None and (task := self._next()):
            self._in_flight = task
            self._thread.run(task)

    def _next(self) -> Task | None:
        view = self._view
        if self._done.get("select") != view.generator:
            return Task("select", _select(view.generator), view.generator)
        if view.portrait is None or self._held:
            return None
        waits = any(not self.is_prepared(face) for face, edit in view.edits.items() if not edit.is_identity)
        render = not waits and self._done.get("render") != view.render_key()
        nmfc = (
            view.nmfc is not None
            and self._has_face(view.active)
            and self._done.get("nmfc") != view.nmfc_key()
        )
        if nmfc and (not render or self._done.get("turn") == "render"):
            return Task("nmfc", _nmfc(view), view.nmfc_key())
        flow = view.flow and self._has_face(view.active) and self._done.get("flow") != view.flow_key()
        if flow and (not render or self._done.get("turn") == "render"):
            return Task("flow", _flow(view), view.flow_key())
        if render:
            return Task("render", _render(view), view.render_key())
        if (
            view.max_side is None
            and self._last
            and not waits
            and self._done.get("measure") != view.measure_key()
        ):
            return Task("measure", _measure(view, self._last), view.measure_key())
        if (
            view.max_side is None
            and not view.slow
            and self._has_face(view.active)
            and self._done.get("ahead") != view.ahead_key()
        ):
            return Task("ahead", _ahead(view), view.ahead_key())
        if view.max_side is None and (asked := self._next_wish()) is not None:
            return Task("picture", _picture(view.portrait, asked[1]), asked)
        return None

    def _next_wish(self) -> tuple[Hashable, PictureWish] | None:
        """The oldest that can be had: no photo of a face that is not prepared."""
        wishes = self._wishes.items()
        return next(((k, w) for k, w in wishes if w.kind != "photo" or self.is_prepared(w.face)), None)

    def _has_face(self, index: int) -> bool:
        return self._view.portrait is not None and index < len(self._view.portrait.faces)

    @Slot(object)
    def _on_answer(self, answer: Answer) -> None:
        if answer.task is not self._in_flight:
            return
        self._in_flight = None
        task = answer.task
        # A failed task is not asked again until something changes.
        self._done[task.kind] = task.key
        self._done["turn"] = task.kind
        if task.kind == "picture":
            self._tell_picture(answer)
        elif task.kind == "measure" and isinstance(answer.error, EngineError):
            self.measured.emit(None)
        elif task.kind == "ahead" and isinstance(answer.error, EngineError):
            pass  # the first edit will say it
        elif answer.error is not None:
            self._tell_error(task, answer.error)
        else:
            self._tell(task, answer.value)
        self._poke()

    def _tell(self, task: Task, value: Any) -> None:
        current = self._view.portrait is task.key[0] if isinstance(task.key, tuple) else True
        if task.kind == "select":
            self.selected.emit(task.key, value)
        elif task.kind == "render" and current:
            self._last = value
            self.rendered.emit(value)
        elif task.kind == "nmfc" and current:
            self.nmfc_ready.emit(value)
        elif task.kind == "flow" and current:
            self.flow_ready.emit(value)
        elif task.kind == "measure" and task.key == self._view.measure_key():
            self.measured.emit(value)

    def _tell_error(self, task: Task, error: EngineError | Crash) -> None:
        if task.kind == "render":
            self._last = None
        self.failed.emit(task.kind, error)

    def _tell_picture(self, answer: Answer) -> None:
        key, wish = answer.task.key
        if self._wishes.get(key) == wish:
            del self._wishes[key]
            self.picture_ready.emit(key, answer.value)


def _select(generator: str) -> Any:
    def call(engine: EngineLike) -> str:
        engine.select(generator)
        return engine.device

    return call


def _render(view: View) -> Any:
    assert view.portrait is not None
    portrait = view.portrait
    return lambda engine: engine.render(portrait, view.edits, view.max_side)


def _nmfc(view: View) -> Any:
    assert view.portrait is not None and view.nmfc is not None
    portrait, (size, mesh) = view.portrait, view.nmfc
    return lambda engine: engine.nmfc(portrait, view.active, _edit(view), size, mesh)


def _flow(view: View) -> Any:
    """At the preview's resolution: its code is there, and a screen shows no more."""
    assert view.portrait is not None
    portrait = view.portrait
    return lambda engine: engine.flow(portrait, view.active, _edit(view), PREVIEW_SIDE)


def _measure(view: View, rendered: Rendered) -> Any:
    assert view.portrait is not None
    portrait = view.portrait
    if view.active >= len(portrait.faces) or _edit(view).is_identity:
        return lambda _: None
    return lambda engine: engine.measure(portrait, rendered, view.active, _edit(view))


def _ahead(view: View) -> Any:
    """Encode the face at both sizes before it is asked for, so that the first drag is as quick as the next."""
    assert view.portrait is not None
    portrait = view.portrait

    def call(engine: EngineLike) -> None:
        for side in (PREVIEW_SIDE, None):
            engine.prepare(portrait, view.active, side)

    return call


def _edit(view: View) -> FaceEdit:
    return view.edits.get(view.active, FaceEdit())


def _picture(portrait: Portrait, wish: PictureWish) -> Any:
    def call(engine: EngineLike) -> Any:
        if wish.kind == "latent":
            return engine.latent_picture(dict(wish.edit.latents), wish.size)
        if wish.kind != "photo":
            return engine.nmfc(portrait, wish.face, wish.edit, wish.size, wish.kind == "mesh")
        x, y, w, h = portrait.faces[wish.face].box
        width, height = portrait.photo.size
        reach = 1.6 * max(w, h)
        side = min(max(width, height), max(64, round(wish.size / reach * max(width, height))))
        rendered = engine.render(portrait, {wish.face: wish.edit}, side)
        return _square(rendered, (x + w / 2, y + h / 2), reach, wish.size)

    return call


def _square(rendered: Rendered, centre: tuple[float, float], reach: float, size: int) -> Any:
    """The square of side `reach` (photo's pixels) around a point, resampled to (size, size, 3) uint8."""
    import numpy as np

    pixels = rendered.pixels
    half = reach * rendered.scale / 2
    grid = (np.arange(size) + 0.5) / size * 2 * half - half
    columns = np.clip(np.floor(centre[0] * rendered.scale + grid), 0, pixels.shape[1] - 1).astype(int)
    rows = np.clip(np.floor(centre[1] * rendered.scale + grid), 0, pixels.shape[0] - 1).astype(int)
    picked = pixels[rows[:, None], columns[None, :]]
    return np.ascontiguousarray(picked if picked.dtype == np.uint8 else (picked >> 8).astype(np.uint8))

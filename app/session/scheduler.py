"""Keeps what is shown up to date with what is asked, one task at a time.

There is no queue: only the newest `Shown` is kept. Whenever the engine is free, it is asked for the first
thing that is out of date. What was asked for and superseded meanwhile is never computed, and an answer is
dropped that belongs to another photo, face or generator than the present one.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.engine.contract import DrawnFace, Flow, Measurement, Portrait, Rendered
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.engine.interruption import Interrupted
from app.session.document import DEFAULT_GENERATOR
from app.session.drafts import Pace
from app.session.history import History
from app.session.jobs import Jobs
from app.session.pictures import Motif, PictureWish, picture_call
from app.session.shown import PREVIEW_SIDE, Shown, Want
from app.session.worker import Answer, Crash, Task


class Scheduler(QObject):
    """Asks the engine for whatever is out of date: generator, render, NMFC, flow, measurement, small pictures."""

    selected = Signal(str, str)  # the generator in use and the device's name
    chosen = Signal(str)  # the generator last given to `choose`, which can run
    refused = Signal(str, object)  # a generator that shall be shown and cannot run, EngineError or Crash
    rendered = Signal(object)  # Rendered
    measured = Signal(object)  # Measurement, None when there is nothing to measure
    nmfc_ready = Signal(object)  # (size, size, 3) uint8
    flow_ready = Signal(object)  # Flow, or None where there is none
    picture_ready = Signal(object, object)  # key, (size, size, 3) uint8 or None when it failed
    drawn_ready = Signal(int, object)  # face, and its DrawnFace in the generator in use
    # A drafted generator draws: milliseconds that it takes, 0 where unknown; -1 at its end.
    drawing = Signal(float)
    # The name of the want that the engine is asked for; "" once it has answered.
    asked = Signal(str)
    failed = Signal(object)  # EngineError or Crash

    def __init__(self, jobs: Jobs, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._history = jobs, history
        self._shown = Shown()
        self.slow: frozenset[str] = frozenset()  # names of the generators that must have encoded a face first
        self._choice: str | None = None  # a generator that was asked for and has not answered
        self._wishes: dict[Hashable, PictureWish] = {}
        self._encoded: set[int] = set()  # faces that the slow generator in use has encoded
        self._in_flight: Want | None = None
        self._ready = False
        self._held = False
        self._done: dict[str, Any] = {}  # name of a want -> the key of its last answer
        self._after_render = False
        self._last: Rendered | None = None
        self.pace = Pace()
        self._given_up: Any = None  # key of the render that the user cancelled
        self.working: str | None = None  # the generator selected last
        history.replaced.connect(self._show_document)
        history.faces_changed.connect(self._show_document)
        history.document_changed.connect(self._show_document)

    @property
    def shown(self) -> Shown:
        return self._shown

    @property
    def is_idle(self) -> bool:
        """Return whether everything that is wanted has been made."""
        return self._in_flight is None and (not self._ready or self._next() is None)

    def start(self) -> None:
        """Begin to ask the engine, which is ready now."""
        self._ready = True
        self._ask_next()

    def stop(self) -> None:
        """Ask for nothing more, because the engine ends."""
        self._ready = False

    @Slot()
    def _show_document(self) -> None:
        """Show what the document says."""
        document, portrait = self._history.document, self._history.portrait
        large = portrait is not None and max(portrait.photo.size) > PREVIEW_SIDE
        self.show(
            portrait=portrait,
            edits=document.edits,
            active=document.active,
            generator=document.generator,
            slow=document.generator in self.slow,
            max_side=PREVIEW_SIDE if self._history.in_gesture and large else None,
            moving=self._history.in_gesture,
        )

    def show(self, **changes: Any) -> None:
        """Replace fields of what shall be shown."""
        if "portrait" in changes and changes["portrait"] is not self._shown.portrait:
            self._last = None
            self._wishes.clear()
        before, self._shown = self._shown, replace(self._shown, **changes)
        if (before.portrait, before.generator) != (self._shown.portrait, self._shown.generator):
            self._encoded.clear()
        if self._in_flight is not None and self._in_flight.key != self._shown.render_key():
            self._interrupt()
        self._ask_next()

    def cancel_drawing(self) -> None:
        """Stop a slow generator's drawing and leave its draft in view until something changes."""
        if self._in_flight is not None and self._in_flight.stop is not None:
            self._given_up = self._in_flight.key
            self._interrupt()

    def _interrupt(self) -> None:
        if self._in_flight is not None and self._in_flight.stop is not None:
            self._in_flight.stop.set()

    def choose(self, generator: str) -> None:
        """Find out whether a generator can run; `chosen` or `failed` follows for the last one that was asked
        about.
        """
        self._choice = None if generator == self._shown.generator else generator
        self._ask_next()

    def mark_encoded(self, face: int) -> None:
        """Note that the slow generator in use has encoded a face, whose edit can be rendered now."""
        self._encoded.add(face)
        self._ask_next()

    def is_encoded(self, face: int) -> bool:
        """Return whether a face's edit can be rendered now."""
        return not self._shown.slow or face in self._encoded

    def refresh(self) -> None:
        """Ask again for all that is shown, because models came or went and may draw it differently."""
        self._done.clear()
        self._encoded.clear()
        self._ask_next()

    def hold(self, held: bool) -> None:
        """Render nothing while a job shows its own pictures."""
        self._held = held
        self._ask_next()

    def wish(self, key: Hashable, wish: PictureWish) -> None:
        """Ask for a small picture when nothing else is out of date; the newest wish of a key counts."""
        self._wishes[key] = wish
        self._ask_next()

    # -- what is out of date

    def _ask_next(self) -> None:
        if self._ready and self._in_flight is None and (want := self._next()):
            self._in_flight = want
            self.asked.emit(want.name)
            if want.stop is not None:
                self.drawing.emit(self.pace.of(want.generator or "") or 0.0)
            self._jobs.run(Task(want.call, lambda answer: self._on_answer(want, answer), want.generator))

    def _next(self) -> Want | None:
        """Return the first thing that is out of date."""
        return next((want for want in self._wants() if self._done.get(want.name) != want.key), None)

    def _wants(self) -> Iterator[Want]:
        """Yield all that is wanted now, the most urgent first."""
        shown = self._shown
        if self._choice is not None:
            yield self._choice_want(self._choice)
        yield self._generator_want(shown)
        if shown.portrait is None or self._held:
            return
        waits = any(not self.is_encoded(face) for face, e in shown.edits.items() if not e.is_identity)
        render = [] if waits else self._renders(shown, shown.portrait)
        beside = list(self._previews(shown, shown.portrait))
        # During a drag, what is shown beside the render is made after each render and not only at the end.
        yield from [*beside, *render] if self._after_render else [*render, *beside]
        if shown.max_side is not None:
            return
        if self._last is not None and not waits:
            yield self._measure_want(shown, shown.portrait, self._last)
        if not shown.slow and shown.has_face:
            yield self._encoding_want(shown, shown.portrait)
            if not self.pace.is_drafted(shown.generator):
                yield self._full_encoding_want(shown, shown.portrait)
        yield from (self._picture_want(shown, shown.portrait, key) for key in self._renderable_wishes())

    def _renders(self, shown: Shown, portrait: Portrait) -> list[Want]:
        """Return what makes the picture; where the generator is slow here, or the photo very large, first a draft, and
        the picture once the hand rests.
        """
        drafted = self._is_drafted(shown) or shown.is_huge
        draft = [self._draft_want(shown, portrait)] if drafted else []
        return draft if draft and shown.moving else [*draft, self._render_want(shown, portrait)]

    def _is_drafted(self, shown: Shown) -> bool:
        asked = any(not edit.is_identity for edit in shown.edits.values())
        return asked and not shown.slow and self.pace.is_drafted(shown.generator)

    def _previews(self, shown: Shown, portrait: Portrait) -> Iterator[Want]:
        """Yield what is shown beside the picture: the NMFC preview and the flow."""
        if shown.has_face and shown.nmfc is not None:
            yield self._nmfc_want(shown, portrait, *shown.nmfc)
        if shown.has_face and shown.flow:
            yield self._flow_want(shown, portrait)

    def _renderable_wishes(self) -> list[Hashable]:
        """Return the keys of the wishes, the oldest first, without renders of faces that are not encoded yet."""
        return [k for k, w in self._wishes.items() if w.motif is not Motif.RENDER or self.is_encoded(w.face)]

    def _on_answer(self, want: Want, answer: Answer) -> None:
        self._in_flight = None
        self.asked.emit("")
        if want.stop is not None:
            self.drawing.emit(-1.0)
        # What failed is not asked again until something changes.
        self._done[want.name] = want.key
        # A render that was stopped showed nothing, so the draft of the newer value comes first.
        self._after_render = want.name in ("render", "draft") and answer.value is not None
        if answer.error is None:
            want.take(answer.value)
        else:
            want.fail(answer.error)
        self._ask_next()

    def _fits(self, shown: Shown, whichever_face: bool = False) -> bool:
        """Return whether an answer made of `shown` still belongs to what is shown now.

        During a drag an older value may be shown, but never another photo or generator, and another face only
        where all faces are rendered (`whichever_face`).
        """
        now = self._shown
        same_face = whichever_face or shown.active == now.active
        return same_face and shown.portrait is now.portrait and shown.generator == now.generator

    # -- how each thing is made, and what becomes of it

    def _choice_want(self, name: str) -> Want:
        def take(device: str) -> None:
            self.working = name
            if self._choice == name:
                self._choice = None
                self.chosen.emit(name)

        def fail(error: EngineError | Crash) -> None:
            if self._choice == name:
                self._choice = None
                self.failed.emit(error)

        return Want("choice", object(), lambda engine: engine.device, take, fail, name)

    def _generator_want(self, shown: Shown) -> Want:
        name = shown.generator

        def take(device: str) -> None:
            self.working = name
            if name == self._shown.generator:
                self.selected.emit(name, device)

        def fail(error: EngineError | Crash) -> None:
            if name == self._shown.generator:
                self.refused.emit(name, error)

        return Want("generator", name, lambda engine: engine.device, take, fail, name)

    def _render_want(self, shown: Shown, portrait: Portrait) -> Want:
        stop = threading.Event() if self._is_drafted(shown) else None
        key = shown.render_key()

        def call(engine: EngineLike) -> Rendered | None:
            try:
                return engine.render(portrait, shown.edits, shown.max_side, stop)
            except Interrupted:
                return None

        def take(rendered: Rendered | None) -> None:
            if rendered is None:
                if key != self._given_up:
                    self._done.pop("render", None)  # the same may be asked for again
                return
            if rendered.device and stop is not None:
                self.pace.note(shown.generator, rendered.ms.get("generate", 0.0))
            # A quick picture is shown though it is a little late; one that took seconds only while it is still wanted.
            if self._fits(shown, whichever_face=True) and (stop is None or key == self._shown.render_key()):
                self._last = rendered
                self.rendered.emit(rendered)

        def fail(error: EngineError | Crash) -> None:
            self._last = None
            self.failed.emit(error)

        return Want("render", key, call, take, fail, shown.generator, stop)

    def _draft_want(self, shown: Shown, portrait: Portrait) -> Want:
        """Return the mesh warp's small picture of what is drawn at full size after it."""

        def call(engine: EngineLike) -> Rendered:
            return engine.render(portrait, shown.edits, PREVIEW_SIDE)

        def take(rendered: Rendered) -> None:
            if self._fits(shown, whichever_face=True):
                self._last = None  # drafts are not measured
                self.rendered.emit(replace(rendered, draft=True))

        key = (portrait, dict(shown.edits), shown.generator)
        return Want("draft", key, call, take, self.failed.emit, DEFAULT_GENERATOR)

    def _nmfc_want(self, shown: Shown, portrait: Portrait, size: int, mesh: bool) -> Want:
        def call(engine: EngineLike) -> Any:
            return engine.nmfc(portrait, shown.active, shown.edit, size, mesh)

        def take(picture: Any) -> None:
            if self._fits(shown):
                self.nmfc_ready.emit(picture)

        key = (portrait, shown.active, shown.edit, size, mesh)
        return Want("nmfc", key, call, take, self.failed.emit)

    def _flow_want(self, shown: Shown, portrait: Portrait) -> Want:
        def call(engine: EngineLike) -> Flow | None:
            # The preview's size is enough for a screen, and its code is encoded already.
            return engine.flow(portrait, shown.active, shown.edit, PREVIEW_SIDE)

        def take(flow: Flow | None) -> None:
            if self._fits(shown):
                self.flow_ready.emit(flow)

        key = (portrait, shown.active, shown.edit, shown.generator)
        return Want("flow", key, call, take, self.failed.emit, shown.generator)

    def _measure_want(self, shown: Shown, portrait: Portrait, rendered: Rendered) -> Want:
        key = (*shown.render_key(), shown.active)

        def call(engine: EngineLike) -> Measurement | None:
            if not shown.has_face or shown.edit.is_identity:
                return None
            return engine.measure(portrait, rendered, shown.active, shown.edit)

        def take(measurement: Measurement | None) -> None:
            if key == (*self._shown.render_key(), self._shown.active):
                self.measured.emit(measurement)

        def fail(error: EngineError | Crash) -> None:
            take(None)
            if not isinstance(error, EngineError):
                self.failed.emit(error)

        return Want("measure", key, call, take, fail)

    def _encoding_want(self, shown: Shown, portrait: Portrait) -> Want:
        """Encode the face at the preview's size before it is asked for, so that the first drag is as quick as the
        next; where the generator is slow here, what its drafts need.
        """
        drafted = self.pace.is_drafted(shown.generator)

        def call(engine: EngineLike) -> DrawnFace | None:
            engine.encode_ahead(portrait, shown.active, PREVIEW_SIDE)
            return engine.drawn_face(portrait, shown.active, PREVIEW_SIDE)

        def take(drawn: DrawnFace | None) -> None:
            if drawn is not None and self._fits(shown, whichever_face=True):
                self.drawn_ready.emit(shown.active, drawn)

        key = (portrait, shown.active, shown.generator)
        generator = DEFAULT_GENERATOR if drafted else shown.generator
        return Want("encoding", key, call, take, self._fail_unforeseen, generator)

    def _full_encoding_want(self, shown: Shown, portrait: Portrait) -> Want:
        """Encode the face at the photo's own size. A drag may come first: of 64 megapixels this takes minutes."""

        key = (portrait, shown.active, shown.generator)

        def call(engine: EngineLike) -> None:
            engine.encode_ahead(portrait, shown.active)

        return Want("full encoding", key, call, lambda _: None, self._fail_unforeseen, shown.generator)

    def _fail_unforeseen(self, error: EngineError | Crash) -> None:
        """Report an error of the program; the first edit says one of the engine's."""
        if not isinstance(error, EngineError):
            self.failed.emit(error)

    def _picture_want(self, shown: Shown, portrait: Portrait, key: Hashable) -> Want:
        wish = self._wishes[key]

        def take(picture: Any) -> None:
            if self._fits(shown, whichever_face=True) and self._wishes.get(key) == wish:
                del self._wishes[key]
                self.picture_ready.emit(key, picture)

        # The key is a new object, so that a picture is made as often as it is wished for.
        call = picture_call(portrait, wish)
        return Want("picture", object(), call, take, lambda _: take(None), shown.generator)

"""Drives a portrait from a camera or a clip, and records film and performance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.engine.contract import DrivenFace, GeneratorInfo, Step
from app.engine.driving.steps import LiveStep
from app.engine.engine_like import EngineLike, LiveAnimation
from app.engine.errors import EngineError
from app.engine.face.parameters import FittedFace
from app.engine.face.retargeting import RetargetSettings
from app.engine.sources.camera import CameraSource
from app.engine.sources.pacing import LoopingSource, PacedSource
from app.session.document import DEFAULT_GENERATOR
from app.session.files import make_folder
from app.session.filming import Film
from app.session.session import Session
from app.session.worker import QUEUED, Answer, Crash, Job

# px: the longer side of the portrait while it is driven, unless the user chooses another; this size allows 30 frames
# a second (docs/measured.md, “Speed”).
LIVE_SIDE = 768
SIDES = (512, 768, 1024, 1536)  # px; the sizes that the user can choose from
NMFC_SIDE = 160  # px; the size at which the driver panel shows the picture


class Live(QObject):
    """Runs one animation at most. Settings and sliders take effect from the next frame on."""

    started = Signal()
    stepped = Signal(object)  # LiveStep
    stopped = Signal()
    recorded = Signal(object)  # Recording
    saving = Signal(float)  # how much of a stopped recording is written, [0, 1]
    kept = Signal(object)  # Path of the performance written
    rendered = Signal(object)  # Path of the film a clip was rendered to
    # What could not be switched on: "microphone", "recording" or "camera"; `failed` says why.
    refused = Signal(str)
    failed = Signal(object)  # EngineError
    _saving_changed = Signal(object, object)  # Film and its Saving; emitted on the thread that saves

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._job: Job | None = None
        self._face: FittedFace | None = None  # the face that is driven
        self.settings = RetargetSettings()
        self.recording = self.keeping = self.paused = self.listening = self.sending = False
        self.unsaved = 0  # recordings that have stopped and are not written to their end yet
        self.loop = False
        self.side = LIVE_SIDE
        self.from_camera = False
        self._source: Callable[[], Any] | None = None  # opens the source that drove last
        self._fresh = False
        self._film: Film | None = None  # the film that is being recorded, or was recorded last
        self._saving_changed.connect(self._on_saving, QUEUED)
        session.document_changed.connect(self._show_edit)

    @property
    def running(self) -> bool:
        return self._job is not None and self._job is self._session.job

    # -- starting and stopping

    def start_camera(self, device: int | str, name: str, size: tuple[int, int], rate: float) -> None:
        """Drive the active face from a camera; the steps say whether it delivers this `size` and `rate`."""

        def source() -> Any:
            return CameraSource(device, name, size, rate)

        self.from_camera = True
        self._start(source)

    def start_clip(self, path: Path, film: Path | None = None) -> None:
        """Drive the active face from a clip, a performance or a folder, at the clip's own pace.

        film: record into it from the clip's first frame on.
        """
        loop = self.loop

        def source() -> Any:
            from app.engine.sources.opening import open_source

            return PacedSource(LoopingSource(lambda: open_source(path), loop))

        self.from_camera = False
        self._start(source, None if film is None else Film(film))

    def _start(self, source: Callable[[], Any], film: Film | None = None) -> None:
        session, face, settings, side = self._session, self._session.face, self.settings, self.side
        portrait, document = session.portrait, session.document
        if portrait is None or face is None:
            what = self.tr("There is no face to drive.")
            self.failed.emit(EngineError(what, self.tr("Open a portrait first."), "open"))
            return

        def call(engine: EngineLike) -> Iterator[Step]:
            driven = DrivenFace(portrait, document.active, document.edits, settings, side)
            on_begin = None if film is None else lambda animation: self._record_into(animation, film)
            return engine.animate(driven, source(), on_begin)

        words = self.tr("Recording")

        def on_end(answer: Answer) -> None:
            if job is self._job:  # otherwise another animation has begun already
                self._on_ended(by_itself=answer.error is None and not answer.closed)

        generator = DEFAULT_GENERATOR if self.slow_generator else document.generator
        job = Job(words, call, self._on_step, on_end, generator, self._gives_way, in_status_bar=False)
        if not session.begin_job(job):
            return
        self._job, self._face, self._fresh, self._source = job, face, True, source
        self.recording, self._film = film is not None, film
        self.keeping = self.paused = self.listening = self.sending = False
        session.scheduler.hold(True)
        self.started.emit()

    def _gives_way(self) -> bool:
        """Return whether other work may end the live view: it may while nothing is recorded."""
        return not self.recording

    @property
    def slow_generator(self) -> GeneratorInfo | None:
        """Return the chosen generator where it is too slow here and the mesh warp follows the driver; else None."""
        info = self._session.generator
        drafted = info is not None and self._session.scheduler.pace.is_drafted(info.name)
        return info if drafted else None

    @property
    def frames_a_second(self) -> float | None:
        """Return the pictures that the chosen generator draws in a second here, None before its first."""
        info = self._session.generator
        ms = None if info is None else self._session.scheduler.pace.of(info.name)
        return 1000 / ms if ms else None

    @property
    def size(self) -> tuple[int, int]:
        """Return (width, height) px of what is driven and recorded; (0, 0) without a portrait."""
        portrait = self._session.portrait
        if portrait is None:
            return 0, 0
        width, height = portrait.photo.size
        share = min(1.0, self.side / max(width, height))
        return max(1, round(width * share)), max(1, round(height * share))

    @property
    def can_begin(self) -> bool:
        """Return whether the source that drove last can drive again."""
        return self._source is not None and self._session.face is not None

    @property
    def driven(self) -> int | None:
        """Return the index of the face that is driven, None where none is."""
        portrait = self._session.portrait
        faces = portrait.faces if portrait is not None and self.running else ()
        return next((k for k, face in enumerate(faces) if face is self._face), None)

    def drive_face(self, index: int) -> None:
        """Drive another face; while a recording runs, `failed` says that its face cannot change."""
        if self.recording:
            what = self.tr("A recording shows one driven face.")
            self.failed.emit(EngineError(what, self.tr("Stop recording, then choose the face.")))
            return
        self._session.select_face(index)
        if self.running and self._source is not None and self.driven != index:
            self._start(self._source)

    def start_recording(self, path: Path) -> None:
        """Drive again from the source that drove last, and record it."""
        if self._source is None:
            what = self.tr("Nothing drives the portrait.")
            self.failed.emit(EngineError(what, self.tr("Choose a camera or a clip, then press Start.")))
            return
        self._start(self._source, Film(path))

    def stop(self) -> None:
        """Stop driving and free the camera; a running recording is finished first."""
        if self.recording:
            self.stop_recording()
        if self.running:
            self._session.jobs.cancel(self._job)

    def film(self, clip: Path, output: Path, audio: bool, rest_at: float | None = None) -> None:
        """Render a clip or performance to a film at the photo's own size; `rendered` or `failed` follows.

        rest_at: seconds into the clip of the frame that shows the driver at rest; None has that frame sought.
        """
        portrait, document, settings = self._session.portrait, self._session.document, self.settings
        if portrait is None:
            return

        def call(engine: EngineLike) -> Iterator[Step]:
            make_folder(output.parent)
            driven = DrivenFace(portrait, document.active, document.edits, settings)
            return engine.drive(driven, clip, output, audio, rest_at)

        def on_end(answer: Answer) -> None:
            if answer.error is None and not answer.closed:
                self.rendered.emit(output)

        words = self.tr("Rendering the film")
        self._session.begin_job(Job(words, call, lambda _: None, on_end, document.generator))

    # -- while it runs

    def change(self, settings: RetargetSettings) -> None:
        """Use other settings from the next frame on."""
        self.settings = settings
        self._set_controls(settings=settings)

    def set_neutral(self) -> None:
        """Count down, then average the driver's face at rest."""
        self._ask(lambda animation: animation.calibrate())

    def use_frame(self) -> None:
        """Take the newest frame for the driver's face at rest."""
        self._ask(lambda animation: animation.use_frame())

    def forget_driver(self) -> None:
        """Forget the driver's face, because another person sits down."""
        self._ask(lambda animation: animation.forget_driver())

    def pause(self, paused: bool) -> None:
        self.paused = paused

        def pause(animation: LiveAnimation) -> None:
            animation.paused = paused

        self._ask(pause)

    def listen(self, on: bool, device: str | None = None) -> None:
        """Listen to the microphone, or stop; meanwhile its level is shown, and the next film has its sound."""
        self.listening = on

        def refuse() -> None:
            self.listening = False
            self.refused.emit("microphone")

        self._ask(lambda animation: animation.listen(on, device or None), refuse=refuse)

    def set_loop(self, loop: bool) -> None:
        """Let clips begin again at their end, or not."""
        self.loop = loop
        self._ask(lambda animation: animation.set_loop(loop))

    def record(self, path: Path) -> None:
        """Record a film from the next frame on.

        Where the chosen generator cannot follow here, the driver's parameters are recorded beside the film.
        """
        film = Film(path)
        self.recording, self._film = True, film

        def refuse() -> None:
            self.recording = False
            self.refused.emit("recording")

        self._ask(lambda animation: self._record_into(animation, film), refuse=refuse)

    def _record_into(self, animation: LiveAnimation, film: Film) -> None:
        """Let an animation record into a film from now on; called on the engine's thread."""

        def on_saving(saving: Any) -> None:
            with contextlib.suppress(RuntimeError):  # where the window is gone, the film is still finished
                self._saving_changed.emit(film, saving)

        make_folder(film.path.parent)
        performance = film.path.with_suffix(".performance") if self.slow_generator else None
        animation.record(film.path, on_saving, performance)

    def stop_recording(self, clip: Path | None = None) -> None:
        """Finish the film, with the sound of the driving clip; `saving` and then `recorded` follow."""
        self.unsaved += self.recording
        self.recording = False
        if self._film is not None:
            self._film.stopped = True

        def stopped(saving: Any) -> None:
            if saving is None:  # the recording had ended by itself
                self.unsaved = max(0, self.unsaved - 1)

        self._ask(lambda animation: animation.stop_recording(clip), stopped)

    def keep_performance(self) -> None:
        """Keep the driver's parameters from the next frame on."""
        self.keeping = True
        self._ask(lambda animation: animation.keep_performance())

    def save_performance(self, path: Path) -> None:
        """Write the parameters that were kept; the signal `kept` follows."""
        self.keeping = False

        def write(animation: LiveAnimation) -> Path:
            make_folder(path.parent)
            animation.save_performance(path)
            return path

        def written(done: Path | None) -> None:
            if done is not None:
                self.kept.emit(done)

        self._ask(write, written)

    def send(self, on: bool) -> None:
        """Show the result to other programs as a virtual camera."""
        self.sending = on

        def refuse() -> None:
            self.sending = False
            self.refused.emit("camera")

        self._ask(lambda animation: animation.send(on), refuse=refuse)

    def _set_controls(self, **values: Any) -> None:
        """Change fields of the running animation's `LiveControls`."""

        def change(animation: LiveAnimation) -> None:
            for name, value in values.items():
                setattr(animation.controls, name, value)

        self._ask(change)

    def _ask(
        self,
        what: Callable[[LiveAnimation], Any],
        on_value: Callable[[Any], None] = lambda _: None,
        refuse: Callable[[], None] = lambda: None,
    ) -> None:
        """Call a function with the running animation on the engine's thread, between two frames.

        on_value: called with the result, None where no animation runs; refuse: called before `failed`.
        """

        def call(engine: EngineLike) -> Any:
            return None if engine.animation is None else what(engine.animation)

        def on_error(error: EngineError | Crash) -> None:
            refuse()
            if isinstance(error, Crash):
                self._session.report(error)
            else:
                self.failed.emit(error)

        self._session.ask(call, on_value, on_error)

    # -- answers

    def _on_step(self, step: Step) -> None:
        if not isinstance(step, LiveStep):  # a slow generator still encodes the face
            return
        if self._fresh:  # the animation can be asked from its first step on
            self._fresh = False
            self._set_controls(nmfc_size=NMFC_SIDE)
        if self._film is not None and step.recording is not None and step.picture is not None:
            self._film.has_pictures = True
        self.stepped.emit(step)

    def _on_ended(self, by_itself: bool) -> None:
        film = self._film if self.recording else None
        ended_early = film is not None and by_itself and self._ended_before_pictures(film)
        if film is not None and not film.saved and not ended_early:  # the animation's end finishes the film
            self.unsaved += 1
        self.recording = self.keeping = False
        self._session.scheduler.hold(False)
        self.stopped.emit()
        if film is not None and ended_early and self._source is not None:
            self._start(self._source, Film(film.path, begun_again=True))

    def _ended_before_pictures(self, film: Film) -> bool:
        """Return whether the clip ended before the film had a picture: both begin again at its first frame."""
        return not (self.from_camera or film.has_pictures or film.stopped or film.begun_again)

    @Slot(object, object)
    def _on_saving(self, film: Film, saving: Any) -> None:
        if saving.done and saving.recording is None and self._ended_before_pictures(film):
            return  # nothing was lost, because the clip is filmed again from its first frame
        film.saved = saving.done
        if not saving.done:
            self.saving.emit(saving.share)
            return
        self.unsaved = max(0, self.unsaved - 1)
        if saving.recording is not None:
            self.recorded.emit(saving.recording)
        else:
            self.failed.emit(saving.error)

    @Slot(object)
    def _show_edit(self) -> None:
        """Put the driven face's sliders on top of the driver, whichever face is active."""
        index = self.driven  # None where another photo is open, so that the animation is about to end
        if index is not None:
            self._set_controls(edit=self._session.document.edit_of(index))

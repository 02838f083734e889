"""Driving a portrait: from a camera or a clip, recorded as film or as performance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.retargeting import RetargetSettings
from app.session.session import Session
from app.session.worker import QUEUED, Answer, Crash, Task

LIVE_SIDE = 768  # px, the longer side of the portrait while it is driven
NMFC_SIDE = 160


class Live(QObject):
    """One running animation at most. Settings and sliders take effect from the next frame on."""

    started = Signal()
    stepped = Signal(object)  # Step; see `Animation.steps` for its extra
    stopped = Signal()
    recorded = Signal(object)  # Recording
    saving = Signal(float)  # share of a stopped recording's end that is written, [0, 1]
    kept = Signal(object)  # Path of the performance written
    rendered = Signal(object)  # Path of the film a clip was rendered to
    failed = Signal(object)  # EngineError
    _saving_changed = Signal(object)  # Saving, from its own thread

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.settings = RetargetSettings()
        self.recording = self.keeping = self.paused = self.listening = self.sending = False
        self.unsaved = 0  # recordings that have stopped and are not written to their end yet
        self.loop = False
        self._fresh = False
        self._saving_changed.connect(self._on_saving, QUEUED)
        session.progressed.connect(self._on_step)
        session.job_ended.connect(self._on_ended)
        session.task_done.connect(self._on_done)
        session.document_changed.connect(self._on_document)

    @property
    def running(self) -> bool:
        return self._session.job == "live"

    # -- starting and stopping

    def start_camera(self, device: int | str, name: str, size: tuple[int, int], rate: float) -> None:
        """Drive the active face from a camera; `size` and `rate` are asked for, the step tells what came."""

        def source() -> Any:
            from app.engine.sources.camera import CameraSource

            return CameraSource(device, name, size, rate)

        self._start(source)

    def start_clip(self, path: Path) -> None:
        """Drive the active face from a clip, a performance or a folder, at the clip's own pace."""
        loop = self.loop

        def source() -> Any:
            from app.engine.sources.opening import open_source
            from app.engine.sources.pacing import LoopingSource, PacedSource

            return PacedSource(LoopingSource(lambda: open_source(path), loop))

        self._start(source)

    def _start(self, source: Callable[[], Any]) -> None:
        portrait, document = self._session.portrait, self._session.document
        if portrait is None or self._session.face is None:
            what = self.tr("There is no face to drive.")
            self.failed.emit(EngineError(what, self.tr("Open a portrait first."), "open"))
            return
        settings = self.settings

        def call(engine: Any) -> Any:
            return engine.animate(portrait, document.active, document.edits, source(), settings, LIVE_SIDE)

        self.recording = self.keeping = self.paused = self.listening = self.sending = False
        self._session.scheduler.hold(True)
        self._session.begin_job(Task("live", call))
        self._fresh = True
        self.started.emit()

    def stop(self) -> None:
        """Free the camera; a recording that runs is finished first."""
        if self.recording:
            self.stop_recording()
        if self.running:
            self._session.cancel_job()

    def film(self, clip: Path, output: Path, audio: bool) -> None:
        """Render a clip or performance to a film at the photo's own size: `progressed`, then `rendered`."""
        portrait, document, settings = self._session.portrait, self._session.document, self.settings
        if portrait is None:
            return

        def call(engine: Any) -> Any:
            return engine.drive(portrait, document.active, document.edits, clip, output, settings, audio)

        self._session.begin_job(Task("film", call, output))

    # -- while it runs

    def change(self, settings: RetargetSettings) -> None:
        self.settings = settings
        self._tell(lambda animation: setattr(animation.controls, "settings", settings))

    def set_neutral(self) -> None:
        """Count down, then average the driver's face at rest."""
        self._tell(lambda animation: animation.driver.calibration.start())

    def forget_driver(self) -> None:
        """Another person sits down."""
        self._tell(lambda animation: animation.driver.reset())

    def pause(self, paused: bool) -> None:
        self.paused = paused
        self._tell(lambda animation: setattr(animation, "paused", paused))

    def listen(self, on: bool, device: str | None = None) -> None:
        """Microphone: its level from now on, its sound in the next recording."""
        self.listening = on
        self._tell(lambda animation: animation.listen(on, device or None), "listen")

    def set_loop(self, loop: bool) -> None:
        """Clips begin again at their end."""
        self.loop = loop
        self._tell(lambda animation: animation.source.set_loop(loop) if _is_clip(animation) else None)

    def record(self, path: Path) -> None:
        """Record a film from the next frame on."""
        self.recording = True

        def tell(saving: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the window is gone; the film is still finished
                self._saving_changed.emit(saving)

        self._tell(lambda animation: animation.record(path, tell), "record")

    def stop_recording(self, clip: Path | None = None) -> None:
        """Finish the film: `saving`, then `recorded` follows. clip: the driving clip, whose sound goes under it."""
        self.unsaved += self.recording
        self.recording = False
        self._tell(lambda animation: animation.stop_recording(clip), "stop recording")

    def keep_performance(self) -> None:
        """Keep the driver's parameters from the next frame on."""
        self.keeping = True
        self._tell(lambda animation: animation.keep_performance())

    def save_performance(self, path: Path) -> None:
        """Write what was kept since; `kept` follows."""
        self.keeping = False

        def write(animation: Any) -> Path:
            from app.engine.sources.performance_files import write_performance

            write_performance(animation.kept_performance(), path)
            return path

        self._tell(write, "kept")

    def send(self, on: bool) -> None:
        """Show the result to other programs as a virtual camera."""
        self.sending = on

        def switch(animation: Any) -> None:
            from app.engine.film.virtual_camera import VirtualCameraOutput

            if animation.output is not None:
                animation.output.close()
                animation.output = None
            if on:
                animation.output = VirtualCameraOutput(animation.size, 30)

        self._tell(switch, "send")

    def _tell(self, what: Callable[[Any], Any], kind: str = "live") -> None:
        """Do something to the running animation on its own thread, between two frames."""

        def call(engine: Any) -> Any:
            animation = getattr(engine, "animation", None)
            return None if animation is None else what(animation)

        self._session.do(kind, call)

    # -- answers

    @Slot(object)
    def _on_step(self, step: Step) -> None:
        if self.running and step.extra:  # without: a slow generator still prepares the face
            if self._fresh:  # the animation is there from its first step on
                self._fresh = False
                self._tell(lambda animation: setattr(animation.controls, "nmfc_size", NMFC_SIDE))
            self.stepped.emit(step)

    @Slot(object)
    def _on_ended(self, answer: Answer) -> None:
        if answer.task.kind == "live":
            self.unsaved += self.recording  # it finishes its film when it ends
            self.recording = self.keeping = False
            self._session.scheduler.hold(False)
            self.stopped.emit()
        elif answer.task.kind == "film" and answer.error is None and not answer.closed:
            self.rendered.emit(answer.task.key)

    @Slot(object)
    def _on_done(self, answer: Answer) -> None:
        kind = answer.task.kind
        if kind not in ("live", "listen", "record", "stop recording", "kept", "send"):
            return
        if answer.error is not None:
            self._undo(kind)
            if isinstance(answer.error, Crash):
                self._session.crashed.emit(answer.error.traceback)
            else:
                self.failed.emit(answer.error)
        elif kind == "stop recording" and answer.value is None:  # it had ended by itself
            self.unsaved = max(0, self.unsaved - 1)
        elif kind == "kept" and answer.value is not None:
            self.kept.emit(answer.value)

    @Slot(object)
    def _on_saving(self, saving: Any) -> None:
        if not saving.done:
            self.saving.emit(saving.share)
            return
        self.unsaved = max(0, self.unsaved - 1)
        if saving.recording is not None:
            self.recorded.emit(saving.recording)
        else:
            self.failed.emit(saving.error)

    def _undo(self, kind: str) -> None:
        """What could not be switched on is off."""
        self.listening = self.listening and kind != "listen"
        self.recording = self.recording and kind != "record"
        self.sending = self.sending and kind != "send"

    @Slot(object)
    def _on_document(self) -> None:
        """The sliders go on top of the driver."""
        if self.running:
            edit = self._session.edit
            self._tell(lambda animation: setattr(animation.controls, "edit", edit))


def _is_clip(animation: Any) -> bool:
    return hasattr(animation.source, "set_loop")

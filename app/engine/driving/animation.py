"""Drives a portrait step by step; a live panel holds one `Animation` while it runs.

All functions but `Animation.hear` are called on the engine's thread. Closing the iterator of steps closes the source
and finishes the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Edits, Portrait
from app.engine.device import notice
from app.engine.driving.driver import Driver
from app.engine.driving.live import Controls, Driven, Gauge, Performer, Scene
from app.engine.driving.steps import LiveStep, RecordingState
from app.engine.face.parameters import FaceParams
from app.engine.film.recorder import Recorder, disk_left
from app.engine.film.saving import Saving
from app.engine.film.virtual_camera import VirtualCameraOutput
from app.engine.imaging.colour import on_white, to_srgb8
from app.engine.portraits import Portraits
from app.engine.rendering.nmfc import make_renderer
from app.engine.sound.audio import LevelMeter, Microphone, SoundTrack
from app.engine.sound.hearing import LISTENING, Ear
from app.engine.sound.speech import recogniser
from app.engine.sources.frames import FrameSource
from app.engine.sources.pacing import PacedSource
from app.engine.sources.performance import Performance
from app.engine.sources.performance_files import write_performance

if TYPE_CHECKING:
    from app.engine.rendering.nmfc import NmfcRenderer

PAUSED = "Paused"
AWAY = "{} is away; waiting for it"
CAMERA_RATE = 30  # frames per second of the virtual camera; video calls take that rate
# Seconds to wait for a live frame before a step without a picture is given; Cancel and pause act within it.
TIMEOUT = 0.2
# side of the NMFC's picture over the side of the photographed face, which leaves it room to move; chosen by eye
NMFC_ROOM = 1.8


def scene_of(
    portraits: Portraits, portrait: Portrait, face: int, edits: Edits, max_side: int | None = None
) -> Scene:
    """Return a portrait that is ready to be driven: in 8-bit sRGB, on white where it is clear, with the other faces as
    edited.

    max_side: px of the longer side at most, None for the photo's size.
    """
    opaque = replace(portrait.photo, pixels=on_white(portrait.photo))
    photo = replace(opaque, pixels=to_srgb8(opaque), alpha=None, icc=None)
    flat = replace(portrait, photo=replace(photo, key=f"{photo.key}:srgb8"))
    others = {index: edit for index, edit in edits.items() if index != face}
    backdrop = portraits.render(flat, others, max_side).pixels
    view = portraits.view(flat, max_side)
    trained = bool(portraits.generator.info.weights)
    code = portraits.code(flat, view, face)
    return Scene(portraits.model, portraits.generator, code, view.faces[face], backdrop, view.scale, trained)


class Animation:
    """Drives a scene from a source. `controls` may be changed between steps.

    recorder: the recorder that runs; output: the virtual camera that gets every picture; kept: (seconds, the driver's
    parameters) since `keep_performance`; level: the microphone's, in dBFS. All are None where there is none.
    """

    def __init__(
        self, scene: Scene, source: FrameSource, driver: Driver, controls: Controls | None = None
    ) -> None:
        self.controls = controls or Controls()
        self.source, self.driver, self._scene = source, driver, scene
        self._performer = Performer(scene, driver)
        # A performance contains its driver's face at rest.
        if (neutral := getattr(source, "neutral", None)) is not None:
            driver.calibration.set(neutral)
        self.paused = False
        self.recorder: Recorder | None = None
        self.output: VirtualCameraOutput | None = None
        self.kept: list[tuple[float, FaceParams]] | None = None
        self.level: float | None = None
        self._microphone: Microphone | None = None
        self._meter = LevelMeter()
        self._ear: Ear | None = None
        self._on_saving: Callable[[Saving], None] | None = None
        self._renderer: NmfcRenderer | None = None
        self._size = (0, 0)
        self._film_start: float | None = None
        # The parameters that drove the film that is being recorded.
        self._filmed: list[tuple[float, FaceParams]] = []
        self._performance_path: Path | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Return (width, height) px of the pictures."""
        return self._scene.pixels.shape[1], self._scene.pixels.shape[0]

    # -- running

    def steps(self) -> Iterator[LiveStep]:
        """Yield a step a frame; steps have no picture while the animation is paused or a live source gives none."""
        gauge, done = Gauge(), 0
        try:
            while not self.source.ended:
                frame = self.source.take(TIMEOUT)
                if frame is None or self.paused:
                    yield self._step(done, self.source.total, self._why_waiting())
                    continue
                if self._ear is not None and self._scene.generator.info.name in LISTENING:
                    self.controls.audio = self._ear.features()
                driven = self._performer.step(frame, self.controls)
                self._pass_on(driven)
                done += 1
                fps, latency = gauge.add(driven, self.source.live)
                step = self._step(done, max(self.source.total, done))
                nmfc = self._nmfc(driven.params)
                yield replace(
                    step, picture=driven.picture, driven=driven, nmfc=nmfc, fps=fps, latency_ms=latency
                )
        finally:
            self.close()

    def close(self) -> None:
        """Close the devices, and finish a recording that still runs."""
        self.source.close()
        self.listen(False)
        saving = self.stop_recording()
        if saving is not None and self._on_saving is None:  # no caller waits for the film
            saving.result()
        for part in (self.output, self._renderer):
            if part is not None:
                part.close()
        self.output = self._renderer = None

    # -- controlling and recording

    def calibrate(self) -> None:
        """Count down, then average the driver's face at rest."""
        self.driver.calibration.start()

    def use_frame(self) -> None:
        """Take the newest frame for the driver's face at rest."""
        self.driver.use_frame()

    def forget_driver(self) -> None:
        """Forget the driver's face, because another person sits down."""
        self.driver.reset()

    def set_loop(self, loop: bool) -> None:
        """Begin a clip again at its end, or do not; a camera ignores it."""
        if isinstance(self.source, PacedSource):
            self.source.set_loop(loop)

    def send(self, on: bool) -> None:
        """Show the pictures to other programs as a virtual camera, or stop; EngineError where there is none."""
        if self.output is not None:
            self.output.close()
            self.output = None
        if on:
            self.output = VirtualCameraOutput(self.size, CAMERA_RATE)

    def record(
        self,
        path: Path,
        on_saving: Callable[[Saving], None] | None = None,
        performance: Path | None = None,
    ) -> None:
        """Record a film from the next frame on, with the microphone's sound where it is open.

        on_saving: called on another thread with the progress of finishing the film, once recording has stopped;
        performance: the file to which the parameters that drove the film are then written, to render it again.
        """
        self._filmed, self._performance_path = [], performance
        sound = (self._microphone.rate, self._microphone.channels) if self._microphone else None
        self._film_start = None
        rate = None if self.source.live else self.source.rate
        self.recorder = Recorder(path, rate, sound, trained=self._scene.trained)
        self._on_saving = on_saving

    def stop_recording(self, clip: Path | None = None) -> Saving | None:
        """Begin to finish the film, with the sound of the driving `clip` if given; None where none was running."""
        recorder, self.recorder = self.recorder, None
        if recorder is None:
            return None
        if self._performance_path is not None and self._filmed:
            write_performance(self._performance_of(self._filmed), self._performance_path)
        track = None
        if clip is not None and self._film_start is not None:
            frame = 1 / float(self.source.rate or 25)
            begun = getattr(self.source, "begun", None) or [0.0]  # seconds at which a paced clip began
            track = SoundTrack.of(clip, begun, self._film_start, recorder.duration + frame)
        return Saving(recorder, track, self._on_saving)

    def listen(self, on: bool, device: int | str | None = None) -> None:
        """Open the microphone for the meter and the next recording, or close it."""
        if self._microphone is not None:
            self._microphone.close()
        if self._ear is not None:
            self._ear.close()
        self._microphone = self._ear = self.level = None
        if on:
            self._microphone = Microphone(self.hear, device)
            listening = self._scene.generator.info.name in LISTENING
            self._ear = Ear(self._microphone.rate, recogniser if listening else None)

    def keep_performance(self) -> None:
        """Keep the driver's parameters from the next frame on."""
        self.kept = []

    def kept_performance(self) -> Performance:
        """Return the parameters that were kept, and stop keeping them; EngineError where no frame was kept."""
        kept, self.kept = self.kept or [], None
        return self._performance_of(kept)

    def _performance_of(self, kept: list[tuple[float, FaceParams]]) -> Performance:
        return Performance.of(
            [params for _, params in kept],
            [time for time, _ in kept],
            self.driver.neutral,
            self.source.rate or Fraction(30),
            self._size,
            self.source.name,
        )

    def save_performance(self, path: Path) -> None:
        """Write the parameters that were kept, and stop keeping them; EngineError where no frame was kept."""
        write_performance(self.kept_performance(), path)

    def hear(self, samples: NDArray[np.float32], time: float) -> None:
        """Take samples (n, channels) that the microphone recorded from `time` (seconds) on; called on its thread."""
        self.level = self._meter.add(samples, time)
        ear = self._ear
        if ear is not None:
            ear.add(samples, time)
        recorder = self.recorder
        if recorder is not None:
            recorder.write_sound(samples, time)

    def _pass_on(self, driven: Driven) -> None:
        frame = driven.frame
        if frame.pixels is not None:
            self._size = (frame.pixels.shape[1], frame.pixels.shape[0])
        newest = self.kept[-1][0] if self.kept else -np.inf
        if self.kept is not None and driven.driver is not None and frame.time > newest:
            self.kept.append((frame.time, driven.driver))
        filmed = self._filmed[-1][0] if self._filmed else -np.inf
        if self.recorder is not None and driven.driver is not None and frame.time > filmed:
            self._filmed.append((frame.time, driven.driver))
        if self.recorder is not None:
            self._film_start = frame.time if self._film_start is None else self._film_start
            self.recorder.write(driven.picture, frame.time)
        if self.output is not None:
            self.output.send(driven.picture)

    # -- what a step says

    def _step(self, done: int, total: int, message: str = "") -> LiveStep:
        """Return a step without a picture, with all that does not depend on a frame."""
        recording = None
        if (recorder := self.recorder) is not None:
            left = disk_left(recorder.path)
            recording = RecordingState(recorder.duration, recorder.dropped, left, recorder.error)
        return LiveStep(
            done,
            total,
            message,
            rate=self.source.rate,
            level=self.level,
            recording=recording,
            notice=notice() if self._scene.trained else None,
            sigma=self._scene.model.expression_sigma,
        )

    def _why_waiting(self) -> str:
        if self.paused:
            return PAUSED
        return AWAY.format(self.source.name) if getattr(self.source, "lost", False) else ""

    def _nmfc(self, params: FaceParams) -> NDArray[np.uint8] | None:
        size = self.controls.nmfc_size
        if not size:
            return None
        if self._renderer is None:
            self._renderer = make_renderer()
        still = self._scene.face.params
        own = still.camera.project(self._scene.model.shape(still.identity, still.expression))[:, :2]
        low, high = own.min(axis=0), own.max(axis=0)
        zoom = size / (NMFC_ROOM * float(np.max(high - low)))
        points = params.camera.project(self._scene.model.shape(still.identity, params.expression)) * zoom
        points[:, :2] += size / 2 - (low + high) / 2 * zoom
        picture = self._renderer.nmfc(points, (size, size))
        return np.asarray(np.round(picture * 255), np.uint8)

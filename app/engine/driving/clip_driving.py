"""Drives a portrait by a clip or a performance into a film, and tracks a clip into a performance."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Edits, Portrait, Step
from app.engine.driving.animation import Animation, scene_of
from app.engine.driving.live import Controls, Scene
from app.engine.driving.resting import Look, acquainted_driver, no_face
from app.engine.driving.steps import FilmedStep, LiveStep, TrackedStep
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import FaceEdit, FaceParams
from app.engine.face.retargeting import RetargetSettings
from app.engine.film.recorder import Recorder, checked_place
from app.engine.imaging.writing import same_file
from app.engine.portraits import Portraits
from app.engine.sound.audio import SoundTrack
from app.engine.sound.hearing import LISTENING, clip_features
from app.engine.sources.frames import FrameSource
from app.engine.sources.opening import open_source
from app.engine.sources.performance import Performance
from app.engine.sources.performance_files import check_place, write_performance

if TYPE_CHECKING:
    from app.engine.face.morphable_model import MorphableModel

Sound = Generator[NDArray[np.float32], None, None]


def drive_clip(
    portraits: Portraits,
    portrait: Portrait,
    face: int,
    path: Path,
    output: Path | None,
    settings: RetargetSettings,
    edits: Edits,
    audio: bool = False,
    max_side: int | None = None,
    rest_at: float | None = None,
) -> Iterator[Step]:
    """Animate a portrait by the clip or performance at `path`, write the film `output`, and yield a step a frame.

    edits: every face's sliders, of which the driven face's are added to the driver's movement; rest_at: seconds into
    the clip at which the driver is at rest, None lets the engine find the frame. The last step is a `FilmedStep`.
    Closing the iterator early leaves no film. The memory used does not grow with the clip.
    """
    if output is not None:
        _refuse_driver(path, output)
        checked_place(output)
    scene = scene_of(portraits, portrait, face, edits, max_side)
    controls = Controls(settings, edits.get(face, FaceEdit()))
    with FaceTracker(video=True) as tracker:
        look = Look(portraits.model, tracker, path, rest_at)
        yield from look.steps()
        source = open_source(path)
        try:
            recorder = _recorder(output, source, scene) if output else None
        except EngineError:
            source.close()
            raise
        animation = Animation(scene, source, look.driver, controls)
        try:
            yield from _to_the_end(animation, recorder, heard(portraits, path, source))
            if look.driver.neutral is None:
                raise no_face(path)
        except BaseException:  # also where the iterator is closed early
            if recorder is not None:
                recorder.discard()
            raise
    if recorder is not None:
        track = SoundTrack(path, 0.0, recorder.duration) if audio and _has_sound(source) else None
        recording = recorder.stop(track)
        if recording.error:
            raise recording.error
        done = recording.pictures
        yield FilmedStep(done, done, f"Wrote {recording.path}", recording=recording, rest=look.rest)


def _to_the_end(animation: Animation, recorder: Recorder | None, sounds: Sound | None) -> Iterator[LiveStep]:
    with closing(animation):
        steps = animation.steps()
        if sounds is not None:
            steps = _hearing(steps, animation.controls, sounds)
        for step in steps:
            if recorder is not None and step.picture is not None and step.driven is not None:
                frame = step.driven.frame
                recorder.write(step.picture, frame.time, frame.duration)
                if recorder.error:
                    recorder.stop()
                    raise recorder.error
            yield step


def _hearing(steps: Iterator[LiveStep], controls: Controls, sounds: Sound) -> Iterator[LiveStep]:
    """Yield the steps, and set each frame's audio features before its step is made; after the sound's end the last
    ones stay.
    """
    with closing(sounds):
        while True:
            row = next(sounds, None)
            if row is not None:
                controls.audio = tuple(row.tolist())
            step = next(steps, None)
            if step is None:
                return
            yield step


def heard(portraits: Portraits, path: Path, source: FrameSource) -> Sound | None:
    """Return the audio features (300,) of each frame for a generator that uses sound; None for other generators and
    for silent clips.
    """
    if portraits.generator.info.name not in LISTENING or not _has_sound(source) or not source.rate:
        return None
    return clip_features(path, float(source.rate))


def _recorder(output: Path, source: FrameSource, scene: Scene) -> Recorder:
    return Recorder(output, rate=source.rate, live=False, trained=scene.trained)


def _has_sound(source: FrameSource) -> bool:
    return bool(getattr(source, "has_sound", False))


def track_clip(model: MorphableModel, path: Path, output: Path, packed: bool = False) -> Iterator[Step]:
    """Fit every frame of a clip, yield a step each, and write the performance; EngineError where no face is seen.

    Frames before the first face get the first face's parameters, so that times are the clip's own.
    """
    _refuse_driver(path, output)
    check_place(output)
    yield Step(0, 0, f"Looking through {path.name}")
    params: list[FaceParams] = []
    times: list[float] = []
    missing, size = 0, (0, 0)
    with FaceTracker(video=True) as tracker, closing(open_source(path)) as source:
        driver = acquainted_driver(model, tracker, path)
        while (frame := source.take(1.0)) is not None:
            found = driver.drive(frame)
            times.append(frame.time)
            if found is None:
                missing += 1
            else:
                params += [found] * (missing + 1)
                missing = 0
            if frame.pixels is not None:
                size = (frame.pixels.shape[1], frame.pixels.shape[0])
            yield TrackedStep(len(times), max(source.total, len(times)), driver=found)
        rate = source.rate or Fraction(30)
    if not params:
        raise no_face(path)
    performance = Performance.of(params, times, driver.neutral, rate, size, path.name)
    write_performance(performance, output, packed)
    yield TrackedStep(len(times), len(times), f"Wrote {output}", performance=performance)


def _refuse_driver(path: Path, output: Path) -> None:
    if same_file(path, output):
        raise EngineError(
            f"{output.name} is what drives, and Mien never overwrites it.", "Choose another name."
        )

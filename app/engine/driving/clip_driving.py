"""Drives a portrait by a clip or a performance into a film, and tracks a clip into a performance."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import DrivenFace, Step
from app.engine.driving.animation import Animation, scene_of
from app.engine.driving.live import Controls, Scene
from app.engine.driving.resting import Look, acquainted_driver, no_face
from app.engine.driving.steps import FilmedStep, LiveStep, TrackedStep
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import FaceParams
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
    driven: DrivenFace,
    path: Path,
    output: Path | None,
    audio: bool = False,
    rest_at: float | None = None,
) -> Iterator[Step]:
    """Drive a face by the clip or performance at `path`, write the film `output`, and yield a step a frame.

    output: None writes nothing; audio: whether the film has the clip's sound; rest_at: seconds into the clip at which
    the driver is at rest, None lets the engine find the frame. The last step of a film is a `FilmedStep`. Closing the
    iterator early leaves no film. The memory used does not grow with the clip.
    """
    if output is not None:
        _refuse_driver(path, output)
        checked_place(output)
    scene = scene_of(portraits, driven.portrait, driven.face, driven.edits, driven.max_side)
    controls = Controls(driven.settings, driven.edit)
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

"""Drives a personal model (Head2Head++, section 4.2): every pixel of every frame is generated.

*Head* reenactment takes the driver's expression, eyes and head pose, with scale and place adapted to the person's.
*Face* reenactment takes the driver's expression alone: camera and eyes are those of the footage, frame by frame,
because the network was trained on these poses.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.driving.resting import acquainted_driver
from app.engine.driving.steps import FilmedStep
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Expression, FaceParams, FittedFace
from app.engine.face.retargeting import Retargeter, RetargetSettings
from app.engine.film.recorder import Recorder, checked_place
from app.engine.generators.head2head import LoadedPerson, PersonalModel, next_frame
from app.engine.personal.background import CLEAR, KEEP, Background, chosen_background, composed
from app.engine.personal.conditioning import condition
from app.engine.personal.record import Person
from app.engine.sources.opening import open_source

if TYPE_CHECKING:
    from torch import Tensor

SHOWN_EVERY = (
    10  # frames between two steps with a picture, because a picture takes longer to show than a line
)


def reenact(
    name: str, driver: Path, output: Path, mode: str = "head", background: str = KEEP
) -> Generator[Step, None, None]:
    """Film the person of the model `name`, driven by a clip or performance, and yield a step a frame.

    output: a film, or a folder of pictures; mode: "head" or "face"; background: as `chosen_background` takes it. The
    last step is a `FilmedStep`. EngineError where the model knows no footage or cannot change its background, and
    where the driver shows no face.
    """
    renderer = PersonalModel(name).renderer()
    person = renderer.person
    if person.identity is None or person.track is None:
        raise EngineError(
            f"The model “{name}” does not know its person's footage.", "Train it here to reenact the person."
        )
    behind = chosen_background(background, person.size)
    _check_background(renderer, behind, output)
    checked_place(output)
    yield Step(0, 0, f"Looking through {driver.name}")
    with FaceTracker(video=True) as tracker:
        driving = acquainted_driver(default_model(), tracker, driver)
        if driving.neutral is None:
            raise EngineError(f"No face was found in {driver.name}.", "Choose a clip of one person's face.")
        retargeter = Retargeter(default_model(), face_of(person), RetargetSettings(mode=mode, relative=False))
        network = Rollout(renderer)
        with closing(open_source(driver)) as source:
            recorder = Recorder(output, rate=source.rate, live=False, trained=True)
            try:
                count = 0
                while (frame := source.take(10)) is not None:
                    params = driving.drive(frame)
                    if params is None or driving.neutral is None:
                        continue
                    target = retargeter.retarget(params, driving.neutral)
                    made, mask = network.next(target if mode == "head" else as_filmed(target, person, count))
                    picture = _finished(made, mask, behind, person)
                    recorder.write(picture, frame.time)
                    count += 1
                    shown = picture[..., :3] if count % SHOWN_EVERY == 1 else None
                    yield Step(count, source.total or 0, picture=shown)
            except BaseException:  # also where the iterator is closed early
                recorder.discard()
                raise
    recording = recorder.stop()
    if recording.error:
        raise recording.error
    yield FilmedStep(count, count, f"Wrote {recording.path}", recording=recording)


class Rollout:
    """Makes the person's frames one after the other, each from the two frames before it."""

    def __init__(self, renderer: LoadedPerson) -> None:
        self._renderer = renderer
        self._conditions: list[NDArray[np.float32]] = []
        self._state: Tensor | None = None

    def next(self, params: FaceParams) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return the next frame (S, S, 3) in [0, 1] and its mask (S, S), None where the network makes none.

        params: in the square's pixels.
        """
        renderer = self._renderer
        newest = condition(params, default_model(), renderer.nmfc, renderer.person.size, renderer.eyes)
        self._conditions = [*(self._conditions or [newest, newest])[-2:], newest]
        picture, mask, self._state = next_frame(renderer, np.stack(self._conditions), self._state)
        return picture, mask


def face_of(person: Person) -> FittedFace:
    """Return the person as a portrait to which a driver is adapted: at rest, at the footage's mean scale and place."""
    assert person.identity is not None and person.track is not None
    left, right = (float(value) for value in np.median(person.track[:, 9:], axis=0))
    rest = Expression(aperture=(left, right))
    params = FaceParams(person.identity, rest, person.camera)
    model = default_model()
    points = person.camera.project(model.shape(person.identity, rest))
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return FittedFace(params, points, box, np.zeros((len(points), 3)))


def as_filmed(target: FaceParams, person: Person, frame: int) -> FaceParams:
    """Return the target with camera and eyes of a frame of the footage, for face reenactment."""
    camera, gaze, aperture = person.filmed(frame)
    return replace(target, camera=camera, expression=replace(target.expression, gaze=gaze, aperture=aperture))


def _check_background(renderer: LoadedPerson, behind: Background, output: Path) -> None:
    if renderer.eyes and behind.kind != KEEP:
        raise EngineError(
            "Head2Head++ models draw their background themselves.",
            "Train the person from a first stage (Head2HeadFS): such models know where the person ends.",
        )
    if behind.kind == CLEAR and output.suffix.lower() != ".png":
        raise EngineError(
            "Films have no transparency.", "Write a folder of pictures: an output ending in .png."
        )


def _finished(
    made: NDArray[np.float32], mask: NDArray[np.float32] | None, behind: Background, person: Person
) -> NDArray[np.uint8]:
    if mask is None:
        return np.asarray(np.round(made * 255), np.uint8)
    assert person.background is not None
    return composed(made, mask, behind, person.background)

"""Does one step of driving: it takes a frame and returns the animated portrait, with the sliders' edit added."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Generator, Origin, Target
from app.engine.driving.driver import Driver, Reading
from app.engine.face.parameters import Camera, FaceEdit, FaceParams, FittedFace
from app.engine.face.retargeting import Retargeter, RetargetSettings
from app.engine.face.semantic import resolve
from app.engine.sources.frames import Frame
from app.engine.stopwatch import Stopwatch

if TYPE_CHECKING:
    from app.engine.face.morphable_model import MorphableModel

HISTORY = 2  # earlier frames that HeadGAN and Head2Head++ are conditioned on; as in the papers
RATE_WINDOW = 30  # frames over which the rate is measured; a second of most cameras


@dataclass(frozen=True, eq=False)
class Scene:
    """A portrait ready to be driven.

    model: the face model; generator: the one that draws; code: the result of its `encode` for the face; face: the
    driven face in these pixels; pixels: (H, W, 3) uint8 sRGB of the whole portrait at the working size, with the other
    faces edited; scale: px here per px of the photo; trained: whether a trained network draws.
    """

    model: MorphableModel
    generator: Generator
    code: object
    face: FittedFace
    pixels: NDArray[np.uint8]
    scale: float = 1.0
    trained: bool = False


@dataclass
class Controls:
    """The settings that the panel may change while driving; they are read anew at every step.

    edit: the sliders' edit, added to the driver's movement; audio: (300,) HeadGAN features of the frame, or None;
    nmfc_size: px of a side of the NMFC to draw, 0 for none.
    """

    settings: RetargetSettings = field(default_factory=RetargetSettings)
    edit: FaceEdit = field(default_factory=FaceEdit)
    audio: tuple[float, ...] | None = None
    nmfc_size: int = 0


@dataclass(frozen=True, eq=False)
class Driven:
    """One animated frame.

    picture: (H, W, 3) uint8 sRGB; params: of the portrait's face; driver: of the driver's face, None before one was
    seen; reading: of the driving frame; frame: the frame that drove it; ms: milliseconds by stage.
    """

    picture: NDArray[np.uint8]
    params: FaceParams
    driver: FaceParams | None
    reading: Reading
    frame: Frame
    ms: Mapping[str, float]


class Performer:
    """Drives one portrait, and keeps the few earlier frames that networks are conditioned on."""

    def __init__(self, scene: Scene, driver: Driver) -> None:
        self._scene, self.driver = scene, driver
        self._retargeter: Retargeter | None = None
        self._settings: RetargetSettings | None = None
        self._history: deque[FaceParams] = deque(maxlen=HISTORY)

    def step(self, frame: Frame, controls: Controls) -> Driven:
        """Return the portrait animated by one frame."""
        watch = Stopwatch()
        self.driver.smooth(controls.settings.smoothing)
        driver = self.driver.drive(frame)
        for name, ms in self.driver.reading.ms:
            if name != "total":
                watch.add(name, ms)
        with watch.stage("retarget"):
            params = self.target(driver, controls)
        picture = self._draw(params, controls, watch)
        self._history.append(params)
        return Driven(picture, params, driver, self.driver.reading, frame, watch.ms)

    def target(self, driver: FaceParams | None, controls: Controls) -> FaceParams:
        """Return the portrait's parameters: the retargeted driver's with the sliders' change added."""
        own = self._scene.face.params
        neutral = self.driver.neutral
        if driver is None or neutral is None:
            driven = own
        else:
            if self._retargeter is None or self._settings != controls.settings:
                self._settings = controls.settings
                self._retargeter = Retargeter(self._scene.model, self._scene.face, controls.settings)
            driven = self._retargeter.retarget(driver, neutral)
        if controls.edit.is_identity:
            return driven
        return on_top(driven, own, resolve(controls.edit, self._scene.face, self._scene.model))

    def _draw(self, params: FaceParams, controls: Controls, watch: Stopwatch) -> NDArray[np.uint8]:
        scene, edit = self._scene, controls.edit
        latents = tuple((name, value * edit.strength) for name, value in edit.latents)
        with watch.stage("generate"):
            target = Target(params, tuple(self._history), latents, controls.audio, origin=Origin.DRIVEN)
            patch = scene.generator.generate(scene.code, target)
        for name, ms in patch.ms:
            watch.add(f"generate.{name}", ms)
        with watch.stage("paste"):
            picture = scene.pixels.copy()
            height, width = patch.pixels.shape[:2]
            picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
        return picture


def on_top(driven: FaceParams, own: FaceParams, edited: FaceParams) -> FaceParams:
    """Return the driven parameters with the sliders' change (from `own` to `edited`) added."""
    before, after, base = own.expression, edited.expression, driven.expression
    coefficients = _moved(base.coefficients, before.coefficients, after.coefficients)
    gaze = _moved(base.gaze, before.gaze, after.gaze)
    left, right = _moved(base.aperture, before.aperture, after.aperture)
    expression = replace(
        after,
        coefficients=tuple(coefficients),
        gaze=(gaze[0], gaze[1]),
        aperture=(max(0.0, left), max(0.0, right)),
    )
    turn = edited.camera.rotation @ own.camera.rotation.T
    scale = driven.camera.scale * edited.camera.scale / own.camera.scale
    x, y = _moved(driven.camera.translation, own.camera.translation, edited.camera.translation)
    camera = driven.camera
    if edited.camera != own.camera:
        camera = Camera.from_matrix(turn @ driven.camera.rotation, scale, (x, y))
    return replace(driven, expression=expression, camera=camera)


def _moved(base: Sequence[float], before: Sequence[float], after: Sequence[float]) -> list[float]:
    return [float(value + b - a) for value, a, b in zip(base, before, after)]


class Gauge:
    """Measures frames per second and end-to-end latency over the last second or so."""

    def __init__(self) -> None:
        self._done: deque[float] = deque(maxlen=RATE_WINDOW)

    def add(self, driven: Driven, live: bool) -> tuple[float, float | None]:
        """Return frames per second, and for a live source the milliseconds from the frame's capture to now."""
        now = time.monotonic()
        self._done.append(now)
        span = self._done[-1] - self._done[0]
        fps = (len(self._done) - 1) / span if span > 0 else 0.0
        return fps, 1000 * (now - driven.frame.time) if live else None

"""The driver's face at rest: how good a frame is for it, averaging on a button, and the best one so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.driving.easing import mean, mix
from app.engine.face.indices import NAMES, jacobian
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FaceParams, FloatArray

COUNTDOWN = 3.0  # seconds
AVERAGING = 1.0
OPEN_EYED = 0.16  # aperture
CLOSED = 0.03  # eye distances between lips that still count as closed
SEARCHED = 300  # frames after which the search for the best neutral ends
SEARCH_EVERY = 10  # frames
BEST_SHARE = 0.1  # of the frames looked at, whose mean is the neutral
FOLLOW = 0.1  # share of the way to a better neutral that is gone with every frame, so that nothing jumps


@dataclass(frozen=True)
class Quality:
    """How well a frame serves as the neutral one; every number is in [0, 1], 1 is good.

    light: brightness and contrast of the face; size: 1 from 200 px face height on; sharpness: 1 where the
    face has fine detail; neutral: open-eyed and facing the camera.
    """

    light: float
    size: float
    sharpness: float
    neutral: float


def quality(pixels: NDArray[np.uint8], box: tuple[float, float, float, float], params: FaceParams) -> Quality:
    """Read a driving frame (H, W, 3) whose face is in `box` (x, y, w, h)."""
    import cv2

    x, y, w, h = (round(value) for value in box)
    part = pixels[max(0, y) : max(1, y + h), max(0, x) : max(1, x + w)]
    grey = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA)
    level, contrast = float(grey.mean()), float(grey.std())
    light = min(1.0, level / 80, (255 - level) / 60) * min(1.0, contrast / 25)
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).std())
    restful = math.exp(-_turned(params) - _shut(params))
    return Quality(max(0.0, light), min(1.0, h / 200), min(1.0, detail / 12), restful)


def best_neutral(params: list[FaceParams], model: MorphableModel) -> FaceParams:
    """The mean of the most restful tenth of one person's frames."""
    order = np.argsort(unrest(params, model), kind="stable")
    chosen = order[: max(1, round(BEST_SHARE * len(params)))]
    return mean([params[k] for k in chosen.tolist()])


def unrest(params: list[FaceParams], model: MorphableModel) -> FloatArray:
    """(N,): how far each frame of one person is from rest: mouth open, moved, turned, eyes shut.

    Against the person's own frames: an identity that is held leaves an offset in p_exp, so that a relaxed
    face need not be near zero.
    """
    p = np.array([one.expression.coefficients for one in params])
    gap = p @ jacobian(model)[NAMES.index("mouth_gap")]
    moved = np.sqrt(np.mean((p - np.median(p, axis=0)) ** 2, axis=1))
    rest = [_turned(one) + _shut(one) for one in params]
    opened = np.maximum(0, gap - gap.min() - CLOSED) / 0.1
    return np.asarray(opened + moved + rest)


def _turned(params: FaceParams) -> float:
    yaw, pitch, roll = params.camera.angles
    return 0.6 * math.hypot(yaw / 20, pitch / 25, roll / 25)


def _shut(params: FaceParams) -> float:
    return max(0.0, OPEN_EYED - min(params.expression.aperture)) / 0.1


class Calibration:
    """The neutral face: the best frames so far until `start` is called, then what was averaged."""

    def __init__(self, model: MorphableModel) -> None:
        self._model = model
        self.neutral: FaceParams | None = None
        self._goal: FaceParams | None = None
        self._fixed = False
        self._seen: list[FaceParams] = []
        self._asked = False
        self._begin: float | None = None
        self._averaged: list[FaceParams] = []

    def set(self, neutral: FaceParams | None) -> None:
        """Use this face from now on; None starts the search anew."""
        self.neutral = self._goal = neutral
        self._fixed, self._seen = neutral is not None, []

    def start(self) -> None:
        """Count down and then average; the present neutral stays in use until then."""
        self._asked, self._begin, self._averaged = True, None, []

    def cancel(self) -> None:
        self._asked, self._averaged = False, []

    def seconds_left(self, time: float) -> float | None:
        """Until the averaging is done; None where none is going on."""
        if not self._asked:
            return None
        begin = time if self._begin is None else self._begin
        return max(0.0, begin + COUNTDOWN + AVERAGING - time)

    def add(self, params: FaceParams, time: float) -> None:
        """A frame in which the face was found."""
        if self._asked:
            self._average(params, time)
        if not self._fixed:
            self._search(params)
        if self._goal is not None:
            self.neutral = self._goal if self.neutral is None else mix(self.neutral, self._goal, FOLLOW)

    def _search(self, params: FaceParams) -> None:
        self._seen.append(params)
        if len(self._seen) % SEARCH_EVERY == 1:
            self._goal = best_neutral(self._seen, self._model)
        self._fixed = len(self._seen) >= SEARCHED

    def _average(self, params: FaceParams, time: float) -> None:
        self._begin = time if self._begin is None else self._begin
        if time >= self._begin + COUNTDOWN:
            self._averaged.append(params)
        if time >= self._begin + COUNTDOWN + AVERAGING:
            self._goal, self._fixed = mean(self._averaged), True
            self.cancel()

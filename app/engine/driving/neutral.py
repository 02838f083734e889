"""Finds the driver's face at rest: it rates frames, keeps the best ones so far, and averages frames on request."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.driving.easing import mean, mix
from app.engine.face import indices
from app.engine.face.indices import NAMES, jacobian
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FaceParams, FloatArray
from app.engine.face.semantic import MOVEMENTS, directions

# Where no comment gives another origin, a value was chosen on the clips of ../shared/media
# (tools/driving_report.py).
COUNTDOWN = 2.0  # seconds before the averaging; both together are the three seconds that are announced
AVERAGING = 1.0  # seconds of frames whose mean is the driver's face at rest
OPEN_EYED = 0.16  # aperture from which eyes count as open
CLOSED = 0.03  # eye distances between lips that still count as closed
SEARCHED = 300  # number of frames after which the search for the best neutral ends
SEARCH_EVERY = 10  # frames between two searches
BEST_SHARE = 0.1  # share of the frames, the most restful ones, whose mean is the neutral
# The mouths of resting people, whose movements were put on the mean face, over the calmest frames of 26 clips: mean and
# standard deviation, in eye distances, of the corners' lift and of the mouth's width against the mean face's. The mean
# face smiles a little.
REST_LIFT, REST_WIDTH = (-0.09, 0.035), (-0.08, 0.055)
# Standard deviations from which a mouth counts as smiling, and from which its whole smile is removed.
SMILES, SURELY_SMILES = 1.0, 2.0
# Eye distances between the lips from which a mouth counts as parted, and from which the whole gap is closed; at rest
# the gap is 0.00 with a standard deviation of 0.012.
PARTED, SURELY_PARTED = (0.03, 0.06)
FOLLOW = 0.1  # share of the way to a better neutral that each frame goes, so that nothing jumps


@dataclass(frozen=True)
class Quality:
    """How well a frame serves as the neutral one; every number is in [0, 1], and 1 is good.

    light: brightness and contrast of the face; size: 1 for a face of 200 px of height or more; sharpness: 1 where the
    face has fine detail; neutral: 1 where the eyes are open and the face looks into the camera.
    """

    light: float
    size: float
    sharpness: float
    neutral: float


def quality(pixels: NDArray[np.uint8], box: tuple[float, float, float, float], params: FaceParams) -> Quality:
    """Return the quality of a driving frame (H, W, 3) whose face lies in `box` (x, y, w, h) px."""
    x, y, w, h = (round(value) for value in box)
    part = pixels[max(0, y) : max(1, y + h), max(0, x) : max(1, x + w)]
    grey = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA)
    level, contrast = float(grey.mean()), float(grey.std())
    light = min(1.0, level / 80, (255 - level) / 60) * min(1.0, contrast / 25)
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).std())
    restful = math.exp(-_turned(params) - _shut(params))
    return Quality(max(0.0, light), min(1.0, h / 200), min(1.0, detail / 12), restful)


@dataclass(frozen=True)
class Rest:
    """A person's face at rest, as far as the person's frames show it.

    params: of the face at rest; frame: index of the most restful of the frames; sure: in [0, 1], 1 where frames show
    that very face and 0 where it is extrapolated from a smile or from parted lips alone, None where the user chose it.
    """

    params: FaceParams
    frame: int
    sure: float | None


def best_neutral(params: list[FaceParams], model: MorphableModel) -> FaceParams:
    """Return the mean of the most restful tenth of one person's frames.

    It serves for parameters that did not come from pictures: how rest looks on such a face is not known.
    """
    return mean([params[k] for k in _calmest(unrest(params, model))])


def rest_of(params: list[FaceParams], model: MorphableModel) -> Rest:
    """Return the mean of the most restful tenth of one person's frames, with its smile and the gap between its lips
    removed.

    So a person who smiles or speaks in every frame still gets a face at rest: the mouth goes back along the natural
    movement to where resting people's mouths are on the mean face.
    """
    worn = [4 * sum(_worn(one, model)) for one in params]
    chosen = _calmest(unrest(params, model) + worn)
    best = mean([params[k] for k in chosen])
    smile, gap = _worn(best, model)
    moves = directions(model)
    p = np.array(best.expression.coefficients) - smile * moves["smile"] - gap * moves["mouth_open"]
    rested = replace(best.expression, coefficients=tuple(p.tolist()))
    sure = math.exp(-2 * (max(0.0, smile) + max(0.0, gap))) * math.exp(-_turned(best) - _shut(best))
    return Rest(replace(best, expression=rested), chosen[0], sure)


def _calmest(unrest: FloatArray) -> list[int]:
    order = np.argsort(unrest, kind="stable")
    return [int(k) for k in order[: max(1, round(BEST_SHARE * len(order)))]]


@lru_cache(maxsize=1024)  # because every search looks at all earlier frames again
def _worn(params: FaceParams, model: MorphableModel) -> tuple[float, float]:
    """Return the shares of a full smile and of a wide open mouth that a face has beyond those of resting people."""
    read = indices.read(model.shape(params.identity, params.expression))
    flat = indices.read(model.mean)
    lift = (read["lift_left"] + read["lift_right"] - flat["lift_left"] - flat["lift_right"]) / 2
    width = read["mouth_width"] - flat["mouth_width"]
    full = MOVEMENTS["smile"].changes
    pulls = [(full["lift_left"], *REST_LIFT, lift), (full["mouth_width"], *REST_WIDTH, width)]
    certainty = sum((change / deviation) ** 2 for change, _, deviation, _ in pulls)
    smile = (
        sum(change * (found - rest) / deviation**2 for change, rest, deviation, found in pulls) / certainty
    )
    smiling = _between(smile * math.sqrt(certainty), SMILES, SURELY_SMILES)
    gap = read["mouth_gap"] - flat["mouth_gap"]
    parted = _between(gap, PARTED, SURELY_PARTED)
    return smiling * max(0.0, smile), parted * max(0.0, gap) / MOVEMENTS["mouth_open"].changes["mouth_gap"]


def _between(value: float, low: float, high: float) -> float:
    """Return 0 up to `low`, 1 from `high` on, and shares between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def unrest(params: list[FaceParams], model: MorphableModel) -> FloatArray:
    """Return (N,) how far each frame of one person is from rest, by open mouth, movement, turn and shut eyes.

    Frames are compared with the person's other frames, because a kept identity leaves an offset in p_exp, so that a
    relaxed face need not be near zero.
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
    """Holds the driver's neutral face: that of the best frames so far, or one that was averaged, chosen or set.

    neutral: None before any frame; sure: in [0, 1] of a neutral that was found, None of one that was given; picture:
    (S, S, 3) uint8 of the frame that shows the neutral, None where there is none.
    """

    def __init__(self, model: MorphableModel) -> None:
        self._model = model
        self.neutral: FaceParams | None = None
        self.sure: float | None = None
        self._goal: FaceParams | None = None
        self._fixed = False
        self._seen: list[FaceParams] = []
        self._pictures: list[NDArray[np.uint8] | None] = []  # of the faces in `_seen`
        self.picture: NDArray[np.uint8] | None = None
        self._asked = False
        self._begin: float | None = None
        self._averaged: list[FaceParams] = []

    def set(self, neutral: FaceParams | None) -> None:
        """Use this face from now on; None starts the search anew."""
        self.neutral = self._goal = neutral
        self.sure = None
        self._fixed, self._seen, self._pictures = neutral is not None, [], []
        self.picture = None

    @property
    def searching(self) -> bool:
        """Return whether new frames may still give a better neutral."""
        return not self._fixed

    def use(self, params: FaceParams, picture: NDArray[np.uint8] | None) -> None:
        """Use the frame that the user chose; the neutral goes over to it gradually."""
        self._goal, self._fixed, self.sure, self.picture = params, True, None, picture
        self.cancel()

    def start(self) -> None:
        """Count down and then average frames; the present neutral stays in use until that is done."""
        self._asked, self._begin, self._averaged = True, None, []

    def cancel(self) -> None:
        """Stop counting down and averaging."""
        self._asked, self._averaged = False, []

    def seconds_left(self, time: float) -> float | None:
        """Return the seconds until the averaging is done; None where none was asked."""
        if not self._asked:
            return None
        begin = time if self._begin is None else self._begin
        return max(0.0, begin + COUNTDOWN + AVERAGING - time)

    def take(self, rest: Rest, picture: NDArray[np.uint8] | None = None) -> None:
        """Use this face at rest from now on. picture: (S, S, 3) uint8 of the frame that shows it."""
        self.set(rest.params)
        self.sure, self.picture = rest.sure, picture

    def add(
        self,
        params: FaceParams,
        time: float,
        filmed: bool = True,
        picture: NDArray[np.uint8] | None = None,
    ) -> None:
        """Take a frame in which the face was found into account.

        filmed: whether its parameters were read in a picture, rather than given; picture: (S, S, 3) uint8 of the face,
        to show it should this frame become the neutral.
        """
        if self._asked:
            self._average(params, time)
        if not self._fixed:
            self._pictures.append(picture)
            self._search(params, filmed)
        if self._goal is not None:
            self.neutral = self._goal if self.neutral is None else mix(self.neutral, self._goal, FOLLOW)

    def _search(self, params: FaceParams, filmed: bool) -> None:
        self._seen.append(params)
        if len(self._seen) % SEARCH_EVERY == 1:
            if filmed:
                rest = rest_of(self._seen, self._model)
                self._goal, self.sure, self.picture = rest.params, rest.sure, self._pictures[rest.frame]
            else:
                self._goal = best_neutral(self._seen, self._model)
        self._fixed = len(self._seen) >= SEARCHED

    def _average(self, params: FaceParams, time: float) -> None:
        self._begin = time if self._begin is None else self._begin
        if time >= self._begin + COUNTDOWN:
            self._averaged.append(params)
        if time >= self._begin + COUNTDOWN + AVERAGING:
            self._goal, self._fixed, self.sure = mean(self._averaged), True, None
            self.cancel()

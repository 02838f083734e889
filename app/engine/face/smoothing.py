"""Smooths face parameters from frame to frame by the One-Euro filter (Casiez et al. 2012), tuned for each group.

The filter is a low-pass whose cut-off rises with speed, so that still faces do not tremble and quick ones do not lag.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.engine.face.parameters import Camera, Expression, FaceParams, FloatArray

# These values were set on clips of ../shared/media so that a still face is calm and a blink is kept
# (tools/driving_report.py).
SPEED_CUTOFF = 1.0  # Hz: cut-off of the filter on the speed itself
GAP = 0.5  # seconds without a frame after which filtering starts anew


@dataclass(frozen=True)
class Tuning:
    """The tuning of one filter. cutoff: Hz at rest; beta: Hz added per unit of speed, the group's unit per second."""

    cutoff: float
    beta: float


POSE = Tuning(1.5, 0.5)  # of degrees
SCALE = Tuning(0.8, 8.0)  # of the logarithm of the scale
# Of eye distances: a place is read to a thousandth of one, and a slower filter glides on after a head has stopped.
PLACE = Tuning(10.0, 50.0)
EXPRESSION = Tuning(2.5, 0.5)  # of sigmas
GAZE = Tuning(1.5, 0.15)  # of degrees
APERTURE = Tuning(3.0, 25.0)  # of apertures: a blink takes three frames and must not be rounded off


@dataclass(frozen=True)
class Smoothing:
    """How much each group is smoothed: 0 does not smooth, 1 does as tuned in this module, 2 is twice as slow."""

    pose: float = 1.0
    expression: float = 1.0
    eyes: float = 1.0
    place: float = 1.0


class OneEuro:
    """A filter of one vector. amount: the divisor of the cut-off; with 0 values pass unchanged."""

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self.amount = 1.0
        self._value: FloatArray | None = None
        self._speed: FloatArray | None = None
        self._time = 0.0

    def filter(self, value: FloatArray, time: float) -> FloatArray:
        """Return the smoothed value at a time in seconds, which must rise; the first value is returned as it is."""
        step = time - self._time
        if self._value is None or self._speed is None or not 0 < step <= GAP:
            self._value, self._speed = value, np.zeros_like(value)
        else:
            self._speed = self._speed + _share(SPEED_CUTOFF, step) * (
                (value - self._value) / step - self._speed
            )
            cutoff = self._tuning.cutoff + self._tuning.beta * np.abs(self._speed)
            share = _share(cutoff / self.amount, step) if self.amount > 0 else 1.0
            self._value = self._value + share * (value - self._value)
        self._time = time
        return self._value


class FaceSmoother:
    """Applies one filter to each group of parameters; the identity passes unchanged."""

    def __init__(self) -> None:
        self._amounts = Smoothing()
        self.reset()

    def reset(self) -> None:
        """Start anew with the next frame."""
        self._pose, self._scale, self._place = OneEuro(POSE), OneEuro(SCALE), OneEuro(PLACE)
        self._expression, self._gaze, self._aperture = OneEuro(EXPRESSION), OneEuro(GAZE), OneEuro(APERTURE)
        self._unit = 0.0  # px
        self.set(self._amounts)

    def set(self, amounts: Smoothing) -> None:
        """Smooth by these amounts from the next frame on, without a jump."""
        self._amounts = amounts
        self._pose.amount, self._expression.amount = amounts.pose, amounts.expression
        self._scale.amount = self._place.amount = amounts.place
        self._gaze.amount = self._aperture.amount = amounts.eyes

    def smooth(self, params: FaceParams, time: float) -> FaceParams:
        """Return the parameters of the frame at `time` seconds, smoothed."""
        expression = params.expression
        coefficients = self._expression.filter(np.array(expression.coefficients), time)
        gaze = self._gaze.filter(np.array(expression.gaze), time)
        aperture = self._aperture.filter(np.array(expression.aperture), time)
        smoothed = Expression(
            tuple(coefficients.tolist()),
            (float(gaze[0]), float(gaze[1])),
            (float(aperture[0]), float(aperture[1])),
        )
        return FaceParams(params.identity, smoothed, self._camera(params.camera, time))

    def _camera(self, camera: Camera, time: float) -> Camera:
        yaw, pitch, roll = self._pose.filter(np.array(camera.angles), time).tolist()
        scale = math.exp(float(self._scale.filter(np.array([math.log(camera.scale)]), time)[0]))
        # The place is counted in eye distances of the first frame. Divided by each frame's own scale, the place of a
        # face far from the picture's corner would shake with that scale's trembling.
        self._unit = self._unit or camera.scale
        x, y = self._place.filter(np.array(camera.translation) / self._unit, time) * self._unit
        return Camera.from_angles(yaw, pitch, roll, scale, (float(x), float(y)))


def _share(cutoff: FloatArray | float, step: float) -> FloatArray:
    """Return how much of the way to a new value a first-order low-pass goes in `step` seconds."""
    tau = 1 / (2 * math.pi * np.asarray(cutoff))
    return np.asarray(1 / (1 + tau / step))

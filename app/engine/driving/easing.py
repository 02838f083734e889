"""Interpolates between two sets of face parameters, and leads a lost face back to rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.engine.face.parameters import Camera, Expression, FaceParams, FloatArray, Identity

# These values were chosen by eye on clips in which hands pass before faces (docs/driving.md).
HOLD = 0.5  # seconds for which a lost face stays as it was
EASE = (
    1.0  # seconds in which a lost face comes to rest, and in which it follows again at most once it is found
)
QUICKEST = 0.15  # seconds in which a face follows again that was lost for a frame or two


def mix(a: FaceParams, b: FaceParams, share: float) -> FaceParams:
    """Return `a` at share 0, `b` at 1 and a linear mixture between.

    Rotations go the shorter way, and the identity is always that of b.
    """
    if share <= 0:
        return replace(a, identity=b.identity)
    if share >= 1:
        return b
    coefficients = _line(a.expression.coefficients, b.expression.coefficients, share)
    gaze = _line(a.expression.gaze, b.expression.gaze, share)
    aperture = _line(a.expression.aperture, b.expression.aperture, share)
    one, other = a.camera.as_array(), b.camera.as_array()
    if one[1:5] @ other[1:5] < 0:
        other[1:5] *= -1
    camera = Camera.from_array(one + share * (other - one))
    expression = Expression(tuple(coefficients), (gaze[0], gaze[1]), (aperture[0], aperture[1]))
    return FaceParams(b.identity, expression, camera)


def mean(params: list[FaceParams]) -> FaceParams:
    """Return the average of faces of one person that differ little."""
    average = params[0]
    for count, one in enumerate(params[1:], 2):
        average = mix(average, one, 1 / count)
    return average


def mean_identity(identities: list[Identity]) -> Identity:
    """Return the mean of several identities."""
    return Identity(tuple(np.mean([one.coefficients for one in identities], axis=0).tolist()))


def smoothstep(share: float) -> float:
    """Return a cubic of share that goes from 0 to 1 and is level at both ends."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def _line(a: tuple[float, ...], b: tuple[float, ...], share: float) -> list[float]:
    values: FloatArray = (1 - share) * np.asarray(a) + share * np.asarray(b)
    return [float(value) for value in values]


@dataclass
class Presence:
    """Holds a lost face for HOLD seconds, then eases it to rest, and eases back to the driver once it is found."""

    _shown: FaceParams | None = None
    _from: FaceParams | None = None
    _since: float = 0.0
    _found: bool = True
    _duration: float = EASE

    @property
    def settled(self) -> bool:
        """Return whether the parameters that are shown are those that were found."""
        return self._found and self._from is None

    def found(self, params: FaceParams, time: float) -> FaceParams:
        """Return the parameters to show while the face is found."""
        if not self._found:
            self._duration = min(EASE, max(QUICKEST, 2 * (time - self._since)))
            self._found, self._from, self._since = True, self._shown, time
        if self._from is not None:
            share = (time - self._since) / self._duration
            if share < 1:
                self._shown = mix(self._from, params, smoothstep(share))
                return self._shown
            self._from = None
        self._shown = params
        return params

    def lost(self, rest: FaceParams | None, time: float) -> FaceParams | None:
        """Return the parameters to show while the face is lost; None where it was never seen."""
        if self._found:
            self._found, self._from, self._since = False, self._shown, time
        if self._from is None or rest is None:
            return self._shown
        self._shown = mix(self._from, rest, smoothstep((time - self._since - HOLD) / EASE))
        return self._shown

"""Converts to the 15 facial parameters of the released direction matrices, in their common range [-6, 6] ("Finding
Directions in GAN's Latent Space", section 3.1).

Only differences enter delta w = A delta p, so each parameter needs only a slope: [-6, 6] over its own range. The
released angles have signs opposite to Mien's: a head that is turned to the image's right, looks up, or has its top
tilted to the right has negative angles there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FaceParams

A = 6.0  # the common range is [-A, A]; as released

# Minimum and maximum of each parameter over the data set of VoxCeleb, as released.
_VOXCELEB = (
    (-0.11169848, 0.19479339),
    (-0.99687529, 2.35403085),
    (-0.95584613, 1.60167682),
    (-0.25134960, 0.63006318),
    (-0.32551891, 1.65576077),
    (-1.88959742, 1.33327889),
    (-1.35066056, 1.22582483),
    (-1.12498868, 1.05212033),
    (-1.67797518, 0.92898178),
    (-0.91705596, 1.08661509),
    (-0.77371633, 1.87179077),
    (-1.66550004, 0.82434839),
)
# The same for FFHQ.
_FFHQ = (
    (-0.0705, 0.2434),
    (-1.1691, 3.6461),
    (-1.1617, 1.8394),
    (-0.2662, 0.5003),
    (-0.5656, 1.3909),
    (-1.6653, 1.6466),
    (-1.4325, 1.1277),
    (-1.0907, 1.2641),
    (-1.8446, 0.6157),
    (-1.2562, 0.9579),
    (-0.8389, 1.4293),
    (-1.7976, 0.8101),
    (-1.3201, 1.4847),
)


@dataclass(frozen=True)
class Parameterisation:
    """The meaning of a direction matrix' columns.

    names: one a column; slopes: change of a column's input per unit of its parameter; ours: whether the matrix was
    trained here. The units are degrees with Mien's signs for yaw, pitch and roll, radians for the jaw, DECA's units for
    exp0 and so on, or with `ours` sigmas of our components for exp1 and so on.
    """

    names: tuple[str, ...]
    slopes: tuple[float, ...]
    ours: bool = False

    def shift(self, changes: Mapping[str, float]) -> NDArray[np.float32]:
        """Return the matrix' input (1, n), within [-2A, 2A], for changes of parameters by name; unknown names are left
        out.
        """
        values = [slope * changes.get(name, 0.0) for name, slope in zip(self.names, self.slopes)]
        return np.clip(np.array([values], np.float32), -2 * A, 2 * A)


def _released(angles: Mapping[str, float], ranges: Sequence[tuple[float, float]]) -> Parameterisation:
    shape = ("jaw", *(f"exp{k}" for k in range(len(ranges) - 1)))
    slopes = [-A / limit for limit in angles.values()] + [2 * A / (high - low) for low, high in ranges]
    return Parameterisation((*angles, *shape), tuple(slopes))


VOXCELEB = _released({"yaw": 40.0, "pitch": 20.0, "roll": 20.0}, _VOXCELEB)  # 11 expressions
FFHQ = _released({"yaw": 40.0, "pitch": 20.0}, _FFHQ)  # no roll, 12 expressions


def pose_change(before: FaceParams, after: FaceParams) -> dict[str, float]:
    """Return differences of yaw, pitch and roll in degrees, with Mien's signs."""
    names = ("yaw", "pitch", "roll")
    return {n: b - a for n, a, b in zip(names, before.camera.angles, after.camera.angles)}


def expression_change(before: FaceParams, after: FaceParams) -> NDArray[np.float64]:
    """Return (28,) differences of the expression in sigmas."""
    return np.subtract(after.expression.coefficients, before.expression.coefficients)

"""Movements that the face model makes only along with others, drawn where they belong.

Its 28 components move a jaw sideways together with the temples and against the lips, and cheeks together with the
brows: what a gain adds of them would bend what is beside them. These fields add it alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from app.engine.face import indices
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Expression
from app.engine.face.semantic import MOVEMENTS
from app.engine.warping.curves import FloatArray
from app.engine.warping.shell import smoothstep

# index -> its control, and how many times as far as asked a full movement of it is drawn
GAINS = {
    "jaw_side": ("jaw_side", 5.0),
    "brow_gap": ("brows_together", 7.0),
    "cheek_left": ("cheeks", 2.0),
    "cheek_right": ("cheeks", 2.0),
}
NOSE_BASE = -0.65  # y, model units
BROW_REACH, CHEEK_REACH = 0.35, 0.28  # eye distances


def local_lift(worn: Expression, asked: Expression) -> FloatArray:
    """(468, 3) in model space: what a change of expression lacks of these movements to be read as it is asked.

    It hardly grows beyond a natural movement, so that no sum of sliders makes brows meet.
    """
    change = np.subtract(asked.coefficients, worn.coefficients)
    natural = np.array([MOVEMENTS[control].changes[name] for name, (control, _) in GAINS.items()])
    extra = np.array([gain - 1 for _, gain in GAINS.values()])
    lacking = extra * natural * np.tanh(_rows() @ change / natural) / np.tanh(1)
    return np.asarray(np.tensordot(lacking, _fields(), 1))


@cache
def _rows() -> FloatArray:
    """(4, 28): change of each movement's index per sigma of each component."""
    rows = dict(zip(indices.NAMES, indices.jacobian(default_model())))
    return np.stack([rows[name] for name in GAINS])


@cache
def _fields() -> FloatArray:
    """(4, 468, 3): the movements, each changing its index by one eye distance."""
    mean = default_model().mean
    made = {"jaw_side": _jaw(mean), "brow_gap": _frown(mean)}
    made |= {name: _cheek(mean, name) for name in ("cheek_left", "cheek_right")}
    read = {name: dict(zip(indices.NAMES, indices.measure(field)))[name] for name, field in made.items()}
    return np.stack([made[name] / read[name] for name in GAINS])


def _jaw(mean: FloatArray) -> FloatArray:
    """Sideways: the chin whole, the lips a third, nothing from the nose upwards, less towards the jaw's angles."""
    x, y = mean[:, 0], mean[:, 1]
    share = smoothstep(0, 1, (NOSE_BASE - y) / (NOSE_BASE - y.min())) * (1 - 0.5 * (x / np.abs(x).max()) ** 2)
    return np.stack([share, 0 * x, 0 * x], axis=1)


def _frown(mean: FloatArray) -> FloatArray:
    """The brows' inner ends towards each other, what lies between pressed together; nothing at the eyes."""
    x, y = mean[:, 0], mean[:, 1]
    inner = list(indices.vertices("brow_gap"))
    at_x, at_y = np.abs(x[inner]).mean(), y[inner].mean()
    beyond = _bump((np.abs(x) - at_x) / BROW_REACH)
    share = np.where(np.abs(x) < at_x, np.sin(np.pi / 2 * np.abs(x) / at_x), beyond)
    share = share * smoothstep(0.0, 0.2, y) * _bump(np.maximum(y - at_y, 0) / BROW_REACH)
    return np.stack([-np.sign(x) * share, -0.15 * share * np.minimum(np.abs(x) / at_x, 1), 0 * x], axis=1)


def _cheek(mean: FloatArray, index: str) -> FloatArray:
    """Up and forwards about the cheek bone, nothing at the lids."""
    x, y = mean[:, 0], mean[:, 1]
    at = mean[[vertex for vertex, weight in indices.vertices(index).items() if weight > 0]].mean(axis=0)
    share = _bump(np.hypot(x - at[0], y - at[1]) / CHEEK_REACH) * smoothstep(0.1, 0.25, -y)
    return np.stack([0 * x, share, 0.3 * share], axis=1)


def _bump(x: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * x**2))

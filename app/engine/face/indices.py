"""Measures what a face does by indices: signed distances on its shape, in units of the eye distance.

All indices are linear in the vertices: with Euclidean distances a mouth edit overshoots (docs/mesh-warp.md, “Model”).
Left and right are the person's own; sideways indices are positive to the image's right.
"""

from __future__ import annotations

import numpy as np

from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FloatArray

X, Y, Z = 0, 1, 2  # columns of a vertex
CHIN = 152  # MediaPipe's vertex at the chin's lowest point
_EYE_LINE = dict.fromkeys((33, 133, 362, 263), -0.25)
# By index (axis, {vertex: weight}); an index's weights sum to zero, so that a moved face measures the same.
_INDICES: dict[str, tuple[int, dict[int, float]]] = {
    "mouth_gap": (Y, {13: 0.5, 82: 0.25, 312: 0.25, 14: -0.5, 87: -0.25, 317: -0.25}),
    "mouth_width": (X, {291: 1, 61: -1}),
    "lift_left": (Y, {291: 1, 168: -1}),
    "lift_right": (Y, {61: 1, 168: -1}),
    "mouth_side": (X, {13: 0.25, 14: 0.25, 61: 0.25, 291: 0.25, 168: -0.5, 6: -0.5}),
    "jaw_side": (X, {152: 0.5, 148: 0.25, 377: 0.25, 168: -0.5, 6: -0.5}),
    "protrusion": (Z, {0: 0.5, 17: 0.5, 205: -0.5, 425: -0.5}),
    "brow_left": (Y, {**_EYE_LINE, 282: 0.25, 283: 0.25, 334: 0.25, 296: 0.25}),
    "brow_right": (Y, {**_EYE_LINE, 52: 0.25, 53: 0.25, 105: 0.25, 66: 0.25}),
    "brow_gap": (X, {285: 0.5, 336: 0.5, 55: -0.5, 107: -0.5}),
    "cheek_left": (Y, {**_EYE_LINE, 280: 0.25, 330: 0.25, 347: 0.25, 329: 0.25}),
    "cheek_right": (Y, {**_EYE_LINE, 50: 0.25, 101: 0.25, 118: 0.25, 100: 0.25}),
    "eye_left": (Y, {385: 1 / 3, 386: 1 / 3, 387: 1 / 3, 380: -1 / 3, 374: -1 / 3, 373: -1 / 3}),
    "eye_right": (Y, {158: 1 / 3, 159: 1 / 3, 160: 1 / 3, 153: -1 / 3, 145: -1 / 3, 144: -1 / 3}),
}
# How far one corner of the mouth lies outwards; the sum of both is the mouth's width.
_NOSE_LINE = {168: -0.5, 6: -0.5}
_SIDES: dict[str, tuple[int, dict[int, float]]] = {
    "out_left": (X, {291: 1, **_NOSE_LINE}),
    "out_right": (X, {61: -1, 168: 0.5, 6: 0.5}),
}
NAMES = tuple(_INDICES)
SIDES = tuple(_SIDES)
_ALL = _INDICES | _SIDES
# The coordinates of all indices one after the other, and where each index begins among them.
_VERTICES = [vertex for _, vertices in _ALL.values() for vertex in vertices]
_AXES = [axis for axis, vertices in _ALL.values() for _ in vertices]
_WEIGHTS = np.array([weight for _, vertices in _ALL.values() for weight in vertices.values()])
_STARTS = np.cumsum([0, *(len(vertices) for _, vertices in _ALL.values())])[:-1]


def vertices(name: str) -> dict[int, float]:
    """Return the vertices by which an index is measured, with their weights."""
    return dict(_INDICES[name][1])


def read(shape: FloatArray) -> dict[str, float]:
    """Return by name all 16 indices of a shape (468, 3) in model space: those of NAMES and of SIDES."""
    return dict(zip(_ALL, _read(shape).tolist()))


def _read(shapes: FloatArray) -> FloatArray:
    """Return the indices (..., 16) of shapes (..., 468, 3)."""
    return np.asarray(np.add.reduceat(shapes[..., _VERTICES, _AXES] * _WEIGHTS, _STARTS, axis=-1))


def axis_of(name: str) -> int:
    """Return the axis of model space that an index is measured along: 0 across, 1 up, 2 towards the viewer."""
    return _ALL[name][0]


def rows(model: MorphableModel) -> dict[str, FloatArray]:
    """Return, by the names of all 16 indices, their changes (28,) per sigma of each expression component."""
    return dict(zip(_ALL, _read(model.expression_basis).T * model.expression_sigma))


def measure(shape: FloatArray) -> FloatArray:
    """Return the indices (14,) of a shape (468, 3) in model space, in the order of NAMES."""
    return _read(shape)[: len(NAMES)]


def jacobian(model: MorphableModel) -> FloatArray:
    """Return (14, 28): the change of each index of NAMES per sigma of each expression component."""
    return np.asarray(_read(model.expression_basis).T[: len(NAMES)] * model.expression_sigma)

"""Translates our camera for LivePortrait: how its points must move so that the head stands where it is asked.

LivePortrait's space is ours with y and z turned round (down, and into the picture), in units of half the square's
side; its own points keep the offset between its idea of a head's middle and ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.engine.face.parameters import Camera, FloatArray
from app.engine.squares.crop import Square, Turn

FLIP = np.diag([1.0, -1.0, -1.0])  # ours (y up, z to the viewer) to LivePortrait's axes
EYE_POINTS = (11, 15)  # of the 21, image-left's and image-right's
# Eye distances that the head's middle can lie behind the eyes; a bound that real heads keep, chosen.
DEEPEST = 1.5


@dataclass(frozen=True, eq=False)
class Change:
    """From the photo's pose to another. turn: (3, 3) for columns, in the square's axes; zoom: factor; middle: (x, y)
    of the points' origin, half sides of the square from its middle."""

    turn: FloatArray
    zoom: float
    middle: tuple[float, float]


def pose_change(own: Camera, asked: Camera, square: Square, points: FloatArray, middle: FloatArray) -> Change:
    """Return what leads from camera `own` to `asked`, both in the photo's pixels.

    points: (21, 3) of the photo; middle: (2,) where their origin is. The points at
    the eyes give how deep the origin lies in the head, because our model's origin lies there.
    """
    assert square.turn is not None
    depth = -float(points[list(EYE_POINTS), 2].mean()) * square.turn.side / 2
    depth = min(max(depth, 0.0), DEEPEST * own.scale)
    x, y = to_photo(middle, square)
    origin = own.unproject(np.array([[x, y, -depth]]))
    moved = to_square(asked.project(origin)[0, :2], square)
    leaning = np.eye(3)
    leaning[:2, :2] = axes(square.turn)
    turn = leaning @ FLIP @ asked.rotation @ own.rotation.T @ FLIP @ leaning.T
    return Change(turn, asked.scale / own.scale, (float(moved[0]), float(moved[1])))


def axes(turn: Turn) -> FloatArray:
    """Return (2, 2): from the photo's directions to the square's."""
    c, s = math.cos(turn.angle), math.sin(turn.angle)
    return np.array([[c, s], [-s, c]])


def to_square(place: FloatArray, square: Square) -> FloatArray:
    """Convert (2,) photo pixels to half sides of the square from its middle."""
    assert square.turn is not None
    middle = np.array([square.x, square.y]) + square.side / 2
    return np.asarray(axes(square.turn) @ (place - middle) * 2 / square.turn.side)


def to_photo(place: FloatArray, square: Square) -> FloatArray:
    """Return the inverse of `to_square`."""
    assert square.turn is not None
    middle = np.array([square.x, square.y]) + square.side / 2
    return np.asarray(axes(square.turn).T @ place * square.turn.side / 2 + middle)

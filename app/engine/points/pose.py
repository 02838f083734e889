"""Converts our camera to LivePortrait's: how its points must move so that the head has the asked pose.

LivePortrait's space is ours with y and z reversed (down, and into the picture), in units of half the square's side. The
middle of a head lies elsewhere there than in our face model; its own points keep that offset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.engine.face.parameters import Camera, FloatArray
from app.engine.squares.crop import Square, Turn

FLIP = np.diag([1.0, -1.0, -1.0])  # from our axes (y up, z to the viewer) to LivePortrait's
EYE_POINTS = (11, 15)  # those of the 21 points that lie at the eyes, the one on the image's left first
# Greatest eye distances by which a head's middle lies behind the eyes; our choice, which real heads stay below.
DEEPEST = 1.5


@dataclass(frozen=True, eq=False)
class Change:
    """A change from the photo's pose to another.

    turn: (3, 3) rotation of columns, in the square's axes; zoom: factor of size; middle: (x, y) of the points' origin,
    in half sides of the square from its middle.
    """

    turn: FloatArray
    zoom: float
    middle: tuple[float, float]


def pose_change(own: Camera, asked: Camera, square: Square, points: FloatArray, middle: FloatArray) -> Change:
    """Return the change from camera `own` to `asked`, both in the photo's pixels.

    points: (21, 3) of the photo; middle: (2,) their origin. The points at the eyes give the origin's depth in the head,
    because the origin of our face model lies at the eyes.
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
    """Return the rotation (2, 2) from the photo's directions to the square's."""
    c, s = math.cos(turn.angle), math.sin(turn.angle)
    return np.array([[c, s], [-s, c]])


def to_square(place: FloatArray, square: Square) -> FloatArray:
    """Return a place (2,) px of the photo in half sides of the square from its middle."""
    assert square.turn is not None
    middle = np.array([square.x, square.y]) + square.side / 2
    return np.asarray(axes(square.turn) @ (place - middle) * 2 / square.turn.side)


def to_photo(place: FloatArray, square: Square) -> FloatArray:
    """Return a place (2,) in half sides of the square from its middle as px of the photo."""
    assert square.turn is not None
    middle = np.array([square.x, square.y]) + square.side / 2
    return np.asarray(axes(square.turn).T @ place * square.turn.side / 2 + middle)

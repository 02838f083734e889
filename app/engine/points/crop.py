"""Computes from our landmarks the turned square that LivePortrait sees of a face (as the released `crop.py`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.engine.face.parameters import FloatArray
from app.engine.squares.crop import BROWS, JAW, Square, Turn

SCALE = 2.3  # the square's side over the face's, as released
# Share of the square's side by which its middle lies below the face's; below 0 it lies above; as released.
LIFT = -0.125
NOSE = (1, 4)  # MediaPipe's vertices of the nose's tip, which in profile lies outside jaw and brows
# MediaPipe's vertices of corners and lids, of the eye on the image's left first.
EYES = ((33, 133, 159, 145), (362, 263, 386, 374))
MOUTH_CORNERS = (61, 291)  # MediaPipe's vertices, the one on the image's left first


@dataclass(frozen=True)
class Rectangle:
    """A turned square of the photo. centre, side: px; angle: radians, > 0 where the face leans clockwise."""

    centre: tuple[float, float]
    side: float
    angle: float

    def matrix(self, size: int) -> FloatArray:
        """Return the affine map (2, 3) from the photo's px to those of the square at a side of `size` px."""
        zoom = size / self.side
        c, s = zoom * math.cos(self.angle), zoom * math.sin(self.angle)
        turned = np.array([[c, s], [-s, c]])
        return np.column_stack([turned, np.full(2, size / 2) - turned @ np.array(self.centre)])


def rectangle(
    points: FloatArray, eyes: FloatArray, mouth: FloatArray, scale: float = SCALE, lift: float = LIFT
) -> Rectangle:
    """Return the square about points (N, 2) px of a face without its forehead.

    eyes, mouth: (2,) px between the eyes and between the mouth's corners, by which the face leans.
    """
    down = mouth - eyes
    length = float(np.linalg.norm(down))
    down = down / length if length >= 1e-3 else np.array([0.0, 1.0])
    across = np.array([down[1], -down[0]])
    axes = np.stack([across, down])
    placed = points @ axes.T
    low, high = placed.min(axis=0), placed.max(axis=0)
    side = scale * float((high - low).max())
    middle = ((low + high) / 2 + (0.0, lift * side)) @ axes
    return Rectangle(
        (float(middle[0]), float(middle[1])), side, math.atan2(float(across[1]), float(across[0]))
    )


def face_rectangle(landmarks: FloatArray) -> Rectangle:
    """Return the square of MediaPipe's landmarks (478, >= 2)."""
    points = landmarks[:, :2]
    eyes = np.mean([points[list(eye)].mean(axis=0) for eye in EYES], axis=0)
    mouth = points[list(MOUTH_CORNERS)].mean(axis=0)
    return rectangle(points[[*JAW, *BROWS, *NOSE]], eyes, mouth)


def turned_square(landmarks: FloatArray) -> Square:
    """Return the square of landmarks (478, >= 2) px as a box of whole pixels around the turned square."""
    found = face_rectangle(landmarks)
    turn = Turn(found.angle, max(found.side, 8.0))
    side = turn.box_side
    x, y = (round(middle - side / 2) for middle in found.centre)
    return Square(x, y, side, turn)

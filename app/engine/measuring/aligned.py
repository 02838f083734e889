"""Cuts and turns faces as the training data of imported recognisers were cut."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FittedFace

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

# InsightFace's places of eyes, nose and mouth corners (the image's left first) in 112 x 112 px.
ARCFACE_SIDE = 112
ARCFACE_POINTS = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
FIVE = (468, 473, 1, 61, 291)  # irises, nose tip, mouth corners
# MediaPipe's vertices around either eye, named by the picture's sides.
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173)
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398)
# px: side at which LibreFace aligns a face, and side of the middle that it cuts.
UNITS_SIDE, UNITS_CROP = 256, 224


def arcface_crop(picture: Image, face: FittedFace) -> Image:
    """Return the face (112, 112, 3), moved by the similarity that brings its five points nearest to their places."""
    source = face.landmarks[list(FIVE), :2]
    a = source @ (1, 1j)
    b = ARCFACE_POINTS @ (1, 1j)
    turn = np.vdot(a - a.mean(), b - b.mean()) / np.vdot(a - a.mean(), a - a.mean()).real
    shift = b.mean() - turn * a.mean()
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    return _warped(picture, matrix, ARCFACE_SIDE)


def action_unit_crop(picture: Image, face: FittedFace) -> Image:
    """Return the face (224, 224, 3), upright along eyes and mouth, as LibreFace and FFHQ cut faces."""
    left, right = (face.landmarks[list(eye), :2].mean(axis=0) for eye in (LEFT_EYE, RIGHT_EYE))
    mouth = face.landmarks[[61, 291], :2].mean(axis=0)
    eyes, across, down = (left + right) / 2, right - left, mouth - (left + right) / 2
    axis = across - down[::-1] * (-1, 1)
    axis *= max(np.hypot(*across) * 2.0, np.hypot(*down) * 1.8) / np.hypot(*axis)
    centre = eyes + 0.1 * down
    scale = UNITS_SIDE / 2 / np.hypot(*axis)
    x, y = axis / np.hypot(*axis) * scale
    turn = np.array([[x, y], [-y, x]])
    matrix = np.column_stack([turn, np.full(2, UNITS_CROP / 2) - turn @ centre])
    return _warped(picture, matrix, UNITS_CROP)


def _warped(picture: Image, matrix: Points, side: int) -> Image:
    """Return the crop (side, side, 3) of a picture by an affine map (2, 3) from the picture to the crop.

    Where the map shrinks the picture, it is reduced by area averages first.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        size = tuple(max(1, round(2 * scale * length)) for length in picture.shape[1::-1])
        ratio = np.array(size) / picture.shape[1::-1]
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix / np.array([*ratio, 1.0])
    offset = matrix.copy()  # pixels' centres lie at halves
    offset[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return np.asarray(
        cv2.warpAffine(picture, offset, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT),
        np.uint8,
    )

"""The square that the latent generators see, cut as their authors cut it, and put back into the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatPicture = NDArray[np.float32]

# MediaPipe's points of the jaw line and the brows: the hull of the 68 points the released crop is made from.
_JAW = (127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356)
RELEASED_FACES = 2.0  # sides of the face in the square's side
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)


@dataclass(frozen=True)
class Square:
    """A square of the photo in whole pixels; it may reach over the edge."""

    x: int
    y: int
    side: int

    def inside(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) of the part within a photo."""
        return (
            min(max(self.x, 0), width),
            min(max(self.y, 0), height),
            min(max(self.x + self.side, 0), width),
            min(max(self.y + self.side, 0), height),
        )


def face_square(landmarks: NDArray[np.float64], faces: float = RELEASED_FACES) -> Square:
    """The released crop (`crop_using_landmarks`) of landmarks (478, >= 2) in pixels.

    Centre of the 68 points' box, raised by a twelfth of the square's side, which is `faces` times the box's
    longer side; no rotation.
    """
    points = landmarks[[*_JAW, *_BROWS], :2]
    low, high = points.min(axis=0), points.max(axis=0)
    centre = np.round((low + high) / 2).astype(int)
    size = max(int((high - low).max()), 1)
    half = round(faces / 2 * size)
    return Square(int(centre[0]) - half, int(centre[1]) - half // 6 - half, 2 * half)


def unit_range(pixels: NDArray[Any]) -> FloatPicture:
    """uint8 or uint16 pixels as float32 in [0, 1]."""
    return (pixels / np.float32(np.iinfo(pixels.dtype).max)).astype(np.float32)


def to_depth(picture: FloatPicture, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The inverse of `unit_range`, rounded and clipped."""
    levels = np.clip(picture, 0, 1) * np.iinfo(dtype).max
    return np.asarray(np.round(levels), dtype)


def cut(picture: FloatPicture, square: Square) -> FloatPicture:
    """(side, side[, 3]) of a float picture; mirrored where the square reaches over the edge."""
    import cv2

    height, width = picture.shape[:2]
    x0, y0, x1, y1 = square.inside(width, height)
    part = picture[y0:y1, x0:x1]
    borders = (y0 - square.y, square.y + square.side - y1, x0 - square.x, square.x + square.side - x1)
    if not any(borders) or part.size == 0:
        return part if part.size else np.zeros((square.side, square.side, *picture.shape[2:]), np.float32)
    return np.asarray(cv2.copyMakeBorder(part, *borders, borderType=cv2.BORDER_REFLECT), np.float32)


def resized(picture: FloatPicture, size: int) -> FloatPicture:
    """A square picture at another size, bicubic with anti-aliasing (Pillow's, as released)."""
    from PIL import Image

    planes = picture[..., None] if picture.ndim == 2 else picture
    scaled = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).resize((size, size), Image.Resampling.BICUBIC)
        )
        for plane in np.moveaxis(planes, -1, 0)
    ]
    result = np.asarray(np.stack(scaled, axis=-1), np.float32)
    return result[:, :, 0] if picture.ndim == 2 else result

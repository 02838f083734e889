"""Cuts the square of a photo for a network as its authors do, and brings a square back to the photo's pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.imaging.colour import largest

FloatPicture = NDArray[np.float32]

# MediaPipe's points of the jaw line, which with the brows are the hull of the 68 points of the released crop.
JAW = (127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356)
RELEASED_FACES = 2.0  # the square's side over the face's, as released (docs/headgan.md)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)  # MediaPipe's points of the brows


@dataclass(frozen=True)
class Turn:
    """How a network's square stands in the box of the photo that is cut for it; both have the same middle.

    angle: radians from the photo's x axis to the square's, > 0 clockwise; side: px of the photo, of the square.
    """

    angle: float
    side: float

    @property
    def box_side(self) -> int:
        """Return the side, in whole px, of the smallest box around the square."""
        return max(1, math.ceil(self.side * (abs(math.cos(self.angle)) + abs(math.sin(self.angle)))))

    def matrix(self, box: int, size: int) -> NDArray[np.float64]:
        """Return the affine map (2, 3) from px of the box to px of the network's picture.

        box, size: sides of both in px. Places count from the first pixel's centre, as in OpenCV.
        """
        zoom = size / self.side * self.box_side / box
        c, s = zoom * math.cos(self.angle), zoom * math.sin(self.angle)
        turned = np.array([[c, s], [-s, c]])
        shift = np.full(2, size / 2 - 0.5) + turned @ np.full(2, 0.5 - box / 2)
        return np.column_stack([turned, shift])


@dataclass(frozen=True)
class Square:
    """A square of the photo in whole px, which may reach over the photo's edge.

    turn: how the network's square stands in it, None where the network sees all of it.
    """

    x: int
    y: int
    side: int
    turn: Turn | None = None

    def inside(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the part (x0, y0, x1, y1) px that lies in a photo of this size."""
        return (
            min(max(self.x, 0), width),
            min(max(self.y, 0), height),
            min(max(self.x + self.side, 0), width),
            min(max(self.y + self.side, 0), height),
        )


def face_square(landmarks: NDArray[np.float64], faces: float = RELEASED_FACES) -> Square:
    """Return the square of landmarks (478, >= 2) px that the released code (`crop_using_landmarks`) cuts.

    Its side is `faces` times the longer side of the 68 points' box. Its middle is that of the box, raised by a twelfth
    of the square's side. It is not turned.
    """
    points = landmarks[[*JAW, *BROWS], :2]
    low, high = points.min(axis=0), points.max(axis=0)
    centre = np.round((low + high) / 2).astype(int)
    size = max(int(np.max(high - low)), 1)
    half = round(faces / 2 * size)
    return Square(int(centre[0]) - half, int(centre[1]) - half // 6 - half, 2 * half)


def unit_range(pixels: NDArray[Any]) -> FloatPicture:
    """Return uint8 or uint16 pixels as float32 in [0, 1]."""
    return (pixels / np.float32(largest(pixels.dtype))).astype(np.float32)


def to_depth(picture: FloatPicture, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a picture in [0, 1] as pixels of a type (uint8 or uint16), rounded and clipped."""
    levels = np.clip(picture, 0, 1) * largest(dtype)
    return np.asarray(np.round(levels), dtype)


def cut(picture: FloatPicture, square: Square) -> FloatPicture:
    """Return the square (side, side[, 3]) of a picture, mirrored where it reaches over the picture's edge."""
    import cv2

    height, width = picture.shape[:2]
    x0, y0, x1, y1 = square.inside(width, height)
    part = picture[y0:y1, x0:x1]
    borders = (y0 - square.y, square.y + square.side - y1, x0 - square.x, square.x + square.side - x1)
    if not any(borders) or part.size == 0:
        return part if part.size else np.zeros((square.side, square.side, *picture.shape[2:]), np.float32)
    return np.asarray(cv2.copyMakeBorder(part, *borders, borderType=cv2.BORDER_REFLECT), np.float32)


def resized(picture: FloatPicture, size: int) -> FloatPicture:
    """Return a square picture at another size, bicubic with anti-aliasing (Pillow's, as released)."""
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


def shrunk(box: FloatPicture, size: int, turn: Turn | None = None) -> FloatPicture:
    """Return the network's square (size, size[, 3]) of a box (side, side[, 3]) that was cut from the photo."""
    import cv2

    if turn is None:
        return resized(box, size)
    factor = min(1.0, size / turn.side)
    small = box if factor == 1 else resized(box, max(1, round(factor * box.shape[0])))
    matrix = turn.matrix(small.shape[0], size)
    return np.asarray(
        cv2.warpAffine(small, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def spread(
    picture: FloatPicture, side: int, turn: Turn | None = None, outside: float | None = None
) -> FloatPicture:
    """Return a network's picture (h, h[, 3]) in the pixels of its box, (side, side[, 3]).

    Outside a turned square the border is repeated, or the value `outside` stands.
    """
    import cv2

    if turn is None:
        return resized(picture, side)
    inner = max(1, round(turn.side))
    source = resized(picture, inner) if inner < picture.shape[0] else picture
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.warpAffine(
            source,
            turn.matrix(side, source.shape[0]),
            (side, side),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=border,
            borderValue=(outside or 0.0,) * 4,
        ),
        np.float32,
    )


def spread_flow(flow: NDArray[np.float32], side: int, turn: Turn | None = None) -> NDArray[np.float32]:
    """Return a network's flow (h, h, 2), in px of its picture, as a flow (side, side, 2) in px of the box."""
    wide = np.dstack([spread(flow[..., k], side, turn) for k in range(2)])
    if turn is None:
        return np.asarray(wide * np.float32(side / flow.shape[0]), np.float32)
    back = np.linalg.inv(turn.matrix(side, flow.shape[0])[:, :2])
    return np.asarray(wide @ back.T.astype(np.float32), np.float32)

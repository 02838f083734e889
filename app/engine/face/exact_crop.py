"""Samples a square of a whole picture, bit for bit the same with every version of OpenCV.

OpenCV's own warpPerspective differs from version to version (with 5.0 boxes are up to 1.3 px off); its remap does not.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

# Both values are those of OpenCV's warpPerspective (imgproc/src/imgwarp.cpp).
STEPS = 32  # places between two pixels in OpenCV's bilinear table
BLOCK = 64  # columns that share one rounded start in OpenCV's loop over blocks


def whole_picture(pixels: NDArray[np.uint8], side: int, squeezed: bool) -> NDArray[np.uint8]:
    """Return a square (side, side, 3) of a picture (H, W, 3).

    squeezed: whether the picture is squeezed to a square; else it lies in the middle of one that holds it, with black
    around. Pixel indices are scaled without a half-pixel shift and without protection from aliasing, as in MediaPipe.
    """
    height, width = pixels.shape[:2]
    whole, between = _maps(width, height, side, squeezed)
    return np.asarray(
        cv2.remap(pixels, whole, between, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    )


@lru_cache(maxsize=64)
def _maps(width: int, height: int, side: int, squeezed: bool) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Return the two maps of cv2.remap: whole pixels (side, side, 2) and places in its table (side, side)."""
    across, down = (width, height) if squeezed else (max(width, height),) * 2
    left, top = (width - across) / 2, (height - down) / 2
    region = [(left, top + down), (left, top), (left + across, top), (left + across, top + down)]
    square = [(0, side), (0, 0), (side, 0), (side, side)]
    forward = cv2.getPerspectiveTransform(np.array(region, np.float32), np.array(square, np.float32))
    m = cv2.invert(forward)[1]
    column = np.arange(side)
    start, within, row = column // BLOCK * BLOCK, column % BLOCK, np.arange(side)[:, None]
    x, y, w = (m[k, 0] * start + m[k, 1] * row + m[k, 2] + m[k, 0] * within for k in range(3))
    scale = STEPS / w
    places = np.rint(np.stack([x * scale, y * scale], axis=2)).astype(np.int32)
    whole = (places >> 5).astype(np.int16)
    between = ((places[..., 1] & 31) * STEPS + (places[..., 0] & 31)).astype(np.uint16)
    for array in (whole, between):
        array.flags.writeable = False
    return whole, between

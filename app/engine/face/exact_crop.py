"""Samples a square of a whole picture to the last bit as the face networks' training and comparison do.

OpenCV's own warpPerspective differs from version to version (5.0: boxes up to 1.3 px off); its remap does not.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

# Both are OpenCV's own (imgproc/src/imgwarp.cpp), so that crops are the same in every release.
STEPS = 32  # OpenCV's bilinear table has so many places between two pixels
BLOCK = 64  # columns that share one rounded start, as in OpenCV's loop over blocks


def whole_picture(pixels: NDArray[np.uint8], side: int, squeezed: bool) -> NDArray[np.uint8]:
    """Return (side, side, 3) of (H, W, 3): the picture squeezed to a square, or in the middle of one that holds it,
    black beyond. Pixel indices are scaled by W / side: no half-pixel shift, no protection from aliasing.
    """
    height, width = pixels.shape[:2]
    whole, between = _maps(width, height, side, squeezed)
    return np.asarray(
        cv2.remap(pixels, whole, between, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    )


@lru_cache(maxsize=64)
def _maps(width: int, height: int, side: int, squeezed: bool) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Return cv2.remap's two maps: (side, side, 2) whole pixels and (side, side) places in its table."""
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

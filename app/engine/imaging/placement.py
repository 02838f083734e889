"""Smaller copies of pictures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def resize_to(pixels: NDArray[Any], max_side: int) -> tuple[NDArray[Any], float]:
    """The picture with no side longer than `max_side`, and the scale it got; never enlarged.

    pixels: (H, W) or (H, W, C) of uint8, uint16, float32 or float64; averaged over areas, so nothing aliases.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale == 1.0:
        return pixels, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), scale

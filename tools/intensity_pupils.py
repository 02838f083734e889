"""Finds pupils as Head2Head++ does: as the centre of mass of what is dark within the lids (section 3.3,
equation 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.rendering.eye_sketch import OUTLINES


def intensity_pupils(pixels: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2, 2) pixels of the pupils; the eye on the image's left comes first.

    Each is the mean place within the six lid landmarks, weighted by 255 - intensity. landmarks: at least
    (468, 2) pixels; pixels: (H, W, 3) sRGB. For a shut eye the middle of the eye is returned.
    """
    return np.array([_centroid(pixels, landmarks[list(outline), :2]) for outline in OUTLINES])


def _centroid(pixels: NDArray[np.uint8], outline: NDArray[np.float64]) -> NDArray[np.float64]:
    import cv2

    height, width = pixels.shape[:2]
    low = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 2, (width, height))
    if (high <= low).any():
        return np.asarray(outline.mean(axis=0))
    inside = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(inside, [np.round(outline - low - 0.5).astype(np.int32)], 1)
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[low[1] : high[1], low[0] : high[0]]), cv2.COLOR_RGB2GRAY)
    weights = (255.0 - grey) * inside
    if weights.sum() <= 0:
        return np.asarray(outline.mean(axis=0))
    ys, xs = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
    return np.asarray(np.array([(weights * xs).sum(), (weights * ys).sum()]) / weights.sum())

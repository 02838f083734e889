"""Gives every pixel of a picture the nearest one of which something is known, or its mirror image there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def nearest_known(known: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return (H, W) the index, in the flattened picture, of each pixel's nearest known one (H, W), and (H, W) px to it.

    Where nothing is known, the indices are 0.
    """
    apart, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(label.max() + 1, np.int64)
    place[label[known]] = np.flatnonzero(known)
    return place[label], np.asarray(apart, np.float32)


def mirror_image(
    known: NDArray[np.bool_], smooth: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return columns and rows (H, W) of each pixel's mirror image across the border of what is known, and (H, W) px to
    that border, 0 where a pixel is known.

    smooth: px over which the border is straightened. Across the nearest pixel of a jagged border, a collar's mirror
    image was torn into teeth behind jaws (p26, p11).
    """
    longest = float(sum(known.shape))  # px: where nothing is known, distances have no end
    apart, within = (
        np.minimum(cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5), longest)
        for part in (~known, known)
    )
    signed = np.where(known, 0.5 - within, apart - 0.5).astype(np.float32)
    signed = cv2.GaussianBlur(signed, (0, 0), max(0.5, smooth))
    across, down = (cv2.Sobel(signed, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1)))
    steps = 2 * signed / np.maximum(np.hypot(across, down), 1e-3)
    y, x = np.indices(known.shape, np.float32)
    return x - steps * across, y - steps * down, np.asarray(apart, np.float32)

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
    known: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return columns and rows (H, W) of each pixel's mirror image at the nearest known pixel (H, W), and (H, W) px to
    that pixel.
    """
    nearest, apart = nearest_known(known)
    y, x = np.indices(known.shape, np.float32)
    row, column = np.divmod(nearest, known.shape[1])
    return (2 * column - x).astype(np.float32), (2 * row - y).astype(np.float32), apart

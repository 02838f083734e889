"""Tells what the photo's edge cuts off, which stays at the edge so that nothing tears there, and how soft the person's
own edge is.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.skull import eased, smoothstep
from app.engine.warping.curves import FloatArray

# IOD of a person's edge: sharp to soft. Mattes of photos have 0.02 to 0.08, sharp cut-outs of the same photos 0.001 to
# 0.005.
SOFT_EDGE = (0.005, 0.02)


def border_share(points: FloatArray, matte: NDArray[np.float32], margin: float) -> FloatArray:
    """a share that is 0 where the photo's edge cuts the person off, and outside, and 1 from `margin` px inside that
    edge on.

    Where the edge cuts nobody off nothing could tear, so hair that comes near it moves with the head.
    """
    height, width = matte.shape
    x, y = points[:, 0], points[:, 1]
    column, row = (np.clip(v.astype(int), 0, end - 1) for v, end in ((x, width), (y, height)))
    strip = max(1, round(0.1 * margin))
    sides = (
        (x, matte[:, :strip].max(axis=1), row),
        (width - x, matte[:, -strip:].max(axis=1), row),
        (y, matte[:strip].max(axis=0), column),
        (height - y, matte[-strip:].max(axis=0), column),
    )
    share = np.ones(len(points))
    for inside, person, along in sides:
        share = np.minimum(share, 1 - _spread(person, margin)[along] * (1 - smoothstep(0, margin, inside)))
    return share


def edge_softness(matte: NDArray[np.floating[Any]], iod: float) -> float:
    """Return 0 where the edge of an alpha channel (H, W) in [0, 1] is sharp to 1 where it is as soft as the matte of a
    photo; iod: px between the eyes.
    """
    solid = (matte >= 0.5).astype(np.uint8)
    length = int(np.count_nonzero(cv2.dilate(solid, np.ones((3, 3), np.uint8)) != solid))
    soft = int(np.count_nonzero((matte > 0.1) & (matte < 0.9)))
    return eased(*SOFT_EDGE, soft / (iod * max(length, 1)))


def _spread(line: NDArray[np.float32], reach: float) -> FloatArray:
    """Return values along an edge, each for `reach` / 2 px to both sides, with soft ends."""
    wide = cv2.dilate(line.reshape(-1, 1), np.ones((2 * round(reach / 2) + 1, 1)))
    return np.asarray(cv2.blur(wide, (1, 2 * round(reach / 4) + 1)).ravel(), np.float64)

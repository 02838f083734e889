"""Finds which triangle of the head every texel of its atlas shows."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.model import HeadModel
from app.engine.head.raster import raster_band, shares

# Chosen by eye on sheets of turned heads (tools/head_sheets.py) against the milliseconds of a frame.
SIDES = (384, 512, 768, 1024, 1280)  # texels
TEXELS = (
    6.5  # texels of the atlas' side per px between the eyes, at which the face is as fine as in the photo
)


@cache
def texels(side: int) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    """Return per texel the (S, S) triangle, the (S, S, 3) shares of its corners, and the (S * S,) nearest texel
    inside the atlas' islands.
    """
    model = HeadModel.load()
    points = np.ascontiguousarray(np.c_[model.atlas * side - 0.5, np.zeros(len(model.atlas))])
    ids, depth = np.full((side, side), -1, np.int32), np.zeros((side, side), np.float32)
    raster_band(points, model.corners, False, 0, side, 0, side, ids, depth)
    share = np.empty((side, side, 3), np.float32)
    shares(points, model.corners, ids, 0, 0, share)
    _, label = cv2.distanceTransformWithLabels(
        (ids < 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(label.max() + 1, np.int32)
    known = ids >= 0
    place[label[known]] = np.flatnonzero(known)
    return ids, share, place[label]


def atlas_side(iod: float) -> int:
    return next((side for side in SIDES if side >= TEXELS * iod), SIDES[-1])

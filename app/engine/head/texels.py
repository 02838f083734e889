"""Finds which triangle of the head every texel of its atlas shows."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.engine.head.model import HeadModel
from app.engine.head.raster import raster_band, shares
from app.engine.imaging.nearest import nearest_known

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py) and by the milliseconds that a frame
# takes.
SIDES = (384, 512, 768, 1024, 1280)  # texels: sides that an atlas may have
TEXELS = (
    6.5  # texels of an atlas' side per px between the eyes, with which the face is as fine as in the photo
)


@cache
def texels(side: int) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    """Return of an atlas' texels the triangle (S, S), -1 where there is none, the shares (S, S, 3) of the triangle's
    corners, and (S * S,) the index of the nearest texel that has a triangle.
    """
    model = HeadModel.load()
    points = np.ascontiguousarray(np.c_[model.atlas * side - 0.5, np.zeros(len(model.atlas))])
    ids, depth = np.full((side, side), -1, np.int32), np.zeros((side, side), np.float32)
    raster_band(points, model.corners, np.arange(len(model.corners)), False, 0, side, 0, side, ids, depth)
    share = np.empty((side, side, 3), np.float32)
    shares(points, model.corners, ids, 0, 0, share)
    return ids, share, nearest_known(ids >= 0)[0].astype(np.int32)


def atlas_side(iod: float) -> int:
    """Return the side, in texels, of the atlas of a face with iod px between its eyes."""
    return next((side for side in SIDES if side >= TEXELS * iod), SIDES[-1])

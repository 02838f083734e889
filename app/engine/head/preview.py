"""Draws a head by itself, shaded by one lamp, for the preview in the canvas's corner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.head.head import FloatArray
from app.engine.head.model import HeadModel
from app.engine.head.raster import carried, rasterised, shares
from app.engine.rendering.shading import GROUND, vertex_shades

FRAME = 1.15  # side of the picture over the head's longer side, so that there is a little air around the head


def shaded(points: FloatArray, size: int) -> NDArray[np.uint8]:
    """Return a picture (size, size, 3) of a head with posed points (V, 3) px, in the middle and as large as it fits."""
    model = HeadModel.load()
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    zoom = size / (FRAME * float(np.max(high - low)))
    placed = points * zoom
    placed[:, :2] += size / 2 - (low + high) / 2 * zoom
    ids, _ = rasterised(placed, model.triangles, (0, 0, size, size))
    share = np.empty((size, size, 3), np.float32)
    shares(placed - [0.5, 0.5, 0.0], model.triangles, ids, 0, 0, share)
    picture = np.empty((size, size, 3), np.float32)
    every = np.arange(len(points), dtype=np.int32)
    carried(ids, share, model.triangles, every, 255 * vertex_shades(placed, model.triangles), picture)
    picture[ids < 0] = GROUND
    return np.asarray(np.clip(np.round(picture), 0, 255), np.uint8)

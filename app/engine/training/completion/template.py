"""Gives the template's places at every texel of the network's atlas."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head import HeadModel
from app.engine.head.completion import SIDE
from app.engine.head.fill import relief, template_hairline
from app.engine.head.raster import carried
from app.engine.head.texels import texels

TORN = 4.0  # texels of the other side per texel, above which the mirrored atlas is in pieces
CHEST = -8.5  # cm of height below which a photo shows clothes


@cache
def template() -> NDArray[np.float32]:
    """Return (6, S/2, S/2), the template at every texel: place in units of 10 cm (3 planes), face, ear, hairline."""
    model = HeadModel.load()
    ids, share, nearest = texels(SIDE // 2)
    rows: list[NDArray[Any]] = [*(model.points.T / 10), model.face * 1.0, relief(), template_hairline(True)]
    table = np.column_stack(rows).astype(np.float32)
    grid = np.zeros((*ids.shape, table.shape[1]), np.float32)
    carried(ids, share, model.corners, model.base, table, grid)
    whole = grid.reshape(-1, table.shape[1])[nearest.ravel()].reshape(grid.shape)
    return np.ascontiguousarray(whole.transpose(2, 0, 1))


def head_only() -> NDArray[np.float32]:
    """Return (S, S), 1 on the head and neck, 0 on the chest."""
    above = (10 * template()[1] > CHEST).astype(np.float32)
    return np.asarray(cv2.resize(above, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


@cache
def other_side() -> NDArray[np.float32]:
    """Return (S, S, 2), the texel (column, row) of the place on the head's other side, for `cv2.remap`."""
    model = HeadModel.load()
    ids, share, nearest = texels(SIDE)
    corner = np.zeros(len(model.points), np.int64)
    # at the nape's seam two texels are the same place; either may be taken, for no photo shows it
    corner[model.base] = np.arange(len(model.base))
    table = (model.atlas[corner[model.mirror[model.base]]] * SIDE - 0.5).astype(np.float32)
    grid = np.zeros((SIDE, SIDE, 2), np.float32)
    carried(ids, share, model.corners, np.arange(len(model.base), dtype=np.int32), table, grid)
    return np.ascontiguousarray(grid.reshape(-1, 2)[nearest.ravel()].reshape(grid.shape))


@cache
def whole() -> NDArray[np.float32]:
    """Return (S, S), 1 where neighbouring texels of `other_side` are neighbours on the other side, too."""
    torn = np.abs(np.gradient(other_side(), axis=(0, 1))).max(axis=(0, 3)) >= TORN
    return np.ascontiguousarray(~torn, np.float32)

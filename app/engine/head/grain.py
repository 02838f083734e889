"""Gives filled skin the grain of the photo's own: the finest detail of a cheek that the photo shows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.model import HeadModel
from app.engine.head.texels import TEXELS

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance between the
# eyes.
CHEEKS = (50, 280, 36, 266, 118, 347)  # MediaPipe's vertices on cheeks where no beard grows
FINE = 0.04  # IOD: what is finer than this is grain
HALF = 0.14  # IOD: half the side of the tile that is taken from a cheek and repeated
MOST = 0.08  # natural logarithm of the strongest grain: what is stronger is a hair or a mark
COVERED = 0.9  # share of a tile that the photo must show
KNOWN = 0.95  # share of a texel that the photo must give so that the texel shows the photo's grain


def grain(own: NDArray[np.float32], skin: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (S, S, 1) factors by which grain makes each texel of filled skin brighter or darker than its colour.

    own: (S, S, 3) the photo's colours in [0, 1] on the atlas; skin: (S, S) share of a texel that is skin of the photo.
    All factors are 1 where the photo shows too little of both cheeks.
    """
    side = own.shape[0]
    none = np.ones((side, side, 1), np.float32)
    half = round(HALF * side / TEXELS)
    model = HeadModel.load()
    tiles = []
    for x, y in (model.weights[list(CHEEKS)] @ model.base_atlas) * side:
        part = (slice(int(y) - half, int(y) + half), slice(int(x) - half, int(x) + half))
        tiles.append((float((skin[part] > KNOWN).mean()), part))
    share, part = max(tiles, key=lambda tile: tile[0])
    if share < COVERED or half < 3:
        return none
    bright = np.log(own[part].mean(axis=2) + 0.01)
    fine = np.clip(bright - cv2.GaussianBlur(bright, (0, 0), FINE * side / TEXELS), -MOST, MOST)
    tile = np.block([[fine, fine[:, ::-1]], [fine[::-1], fine[::-1, ::-1]]])
    repeats = -(-side // tile.shape[0])
    return np.asarray(np.exp(np.tile(tile, (repeats, repeats))[:side, :side, None]), np.float32)

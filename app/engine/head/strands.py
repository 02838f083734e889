"""Draws strands on hair that the photo does not show: streaks that run down the head as short hair does."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.model import HeadModel
from app.engine.head.raster import carried
from app.engine.head.texels import TEXELS, texels

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model.
CENTRE = (0.0, 4.0, 0.5)  # cm: the middle of the skull
AROUND, ALONG = 0.09, 0.45  # cm: thickness and length of a tuft
GRID = (1536, 384)  # cells of the noise, around and down the head
RADIUS, HEIGHT = 9.0, 26.0  # cm of the head that the noise covers
WAVE = 0.15  # cm by which a tuft leans to either side
SEED = 3  # seed of the noise, so that hair is the same every time
DARK = 0.02  # share of the largest pixel value below which differences are the camera's noise
MOST = 0.16  # greatest unevenness (as `unevenness` measures it) that strands make; more comes from light
# IOD: sigma of the blur over which hair is uneven by its strands. With 0.12, light, a hairline and shaved skin counted
# as strands, and a shaved head got a wig of wires (105 of the true views).
AROUND_IOD = 0.025


@cache
def streaks(side: int) -> NDArray[np.float32]:
    """Return (S, S, 1) streaks of mean 0 and standard deviation 1 over an atlas with a side of S texels."""
    model = HeadModel.load()
    ids, share, _ = texels(side)
    x, y, z = (model.points - np.array(CENTRE)).T
    lean = WAVE * np.sin(1.3 * y + 0.9 * z) * (1 + 0.5 * np.sin(2.1 * x))
    # The noise has its seam in front, where the face is.
    sine, cosine = x / np.hypot(x, z), z / np.hypot(x, z)
    table = np.column_stack([sine, cosine, lean / RADIUS, y]).astype(np.float32)
    grid = np.zeros((side, side, 4), np.float32)
    carried(ids, share, model.corners, model.base, table, grid)
    angle = np.arctan2(grid[..., 0], -grid[..., 1]) + grid[..., 2]
    at_x = ((angle / (2 * np.pi) + 0.5) * GRID[0]).astype(np.float32)
    at_y = ((0.5 - grid[..., 3] / HEIGHT) * GRID[1]).astype(np.float32)
    noise = np.random.default_rng(SEED).normal(size=GRID[::-1]).astype(np.float32)
    thick = AROUND / (2 * np.pi * RADIUS) * GRID[0], ALONG / HEIGHT * GRID[1]
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=max(0.5, thick[0] / 2), sigmaY=thick[1] / 2)
    found = cv2.remap(noise / noise.std(), at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(found[..., None], np.float32)


def unevenness(pixels: NDArray[np.float32], hair: NDArray[np.float32]) -> float:
    """Return how uneven hair is at the scale of the strands that `streaks` makes: the standard deviation of the
    logarithm of its brightness over that of what is around it.

    pixels: (S, S, 3) the photo's colours in [0, 1] on the atlas; hair: (S, S) 1 where hair is visible. The result lies
    in [0, MOST] and is 0 where there is too little hair.
    """
    shown = (hair > 0.8).astype(np.float32)
    if shown.sum() < 50:
        return 0.0
    bright = np.log(pixels.mean(axis=2) + np.float32(DARK)) * shown
    sigma = AROUND_IOD * hair.shape[0] / TEXELS
    around, weight = (cv2.GaussianBlur(a, (0, 0), sigma) for a in (bright, shown))
    found = (bright - around / np.maximum(weight, 1e-6))[shown > 0]
    return float(min(np.std(found), MOST))

"""Continues the strands of the hair that a photo shows over hair that it does not show.

Beyond the last hair that the photo shows well, its texture goes on as its mirror image on the atlas, where nothing is
foreshortened. Mirror images are mirrored again until they cover the whole scalp.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.strands import DARK, MOST
from app.engine.head.texels import TEXELS
from app.engine.imaging.nearest import mirror_image

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance between the
# eyes, of which an atlas' side has TEXELS.
WELL = 0.4  # cosine of normal and view from which hair is seen well enough: nearer the outline it is smeared
KNOWN = 0.95  # share of a texel that the photo must give so that the texel shows the photo's hair
INSIDE = 0.06  # IOD inside hair from which no skin beside it shows through
ROUND = (
    0.1  # IOD: radius of the least corner of what is mirrored: mirror images at a jagged edge are a jumble
)
COARSE = 0.1  # IOD: what is finer than this is texture, what is coarser is the hair's colour
MARK = 4.0  # times the median strength of texture: what is stronger is a parting, a shadow or a seam
ENOUGH = 0.25  # IOD^2 of hair from which there is texture to be continued
ROUNDS = 4  # times that what is known is mirrored outwards; each about doubles it
SOFT = 0.02  # IOD over which texture fades out where none can be continued


def continued(
    own: NDArray[np.float32], hair: NDArray[np.float32], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (S, S, 1) factors by which strands make each texel of made-up hair brighter or darker than its colour, and
    (S, S, 1) how much of a texel they are known for, 0 to 1.

    own: (S, S, 3) the photo's colours in [0, 1] on the atlas; hair: (S, S) share of a texel that the photo shows as
    hair, and shows well; wanted: (S, S) the texels that may need texture.
    """
    side = own.shape[0]
    iod = side / TEXELS
    sure = (hair > KNOWN).astype(np.uint8)
    for step, size in ((cv2.MORPH_ERODE, INSIDE), (cv2.MORPH_OPEN, ROUND)):
        width = 2 * max(1, round(size * iod)) + 1
        sure = cv2.morphologyEx(sure, step, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    if sure.sum() < ENOUGH * iod**2:
        return np.ones((side, side, 1), np.float32), np.zeros((side, side, 1), np.float32)
    weight = sure.astype(np.float32)
    bright = np.log(own.mean(axis=2) + np.float32(DARK)) * weight
    blur = (0, 0), COARSE * iod
    coarse = cv2.GaussianBlur(bright, *blur) / (cv2.GaussianBlur(weight, *blur) + np.float32(1e-6))
    fine = (bright - coarse) * weight
    most = MARK * float(np.median(np.abs(fine[sure > 0])))
    fine = np.clip(fine, -most, most)
    fine *= min(1.0, MOST / max(float(np.std(fine[sure > 0])), 1e-6))
    known, missing = sure.copy(), wanted & (sure == 0)
    for _ in range(ROUNDS):
        x, y, _ = mirror_image(known > 0)
        there = missing & (cv2.remap(known, x, y, cv2.INTER_NEAREST, borderValue=0) > 0)
        fine[there] = cv2.remap(fine, x, y, cv2.INTER_LINEAR)[there]
        known[there], missing[there] = 1, False
    # Mirror images of different places meet, of which one is lighter than the other.
    fine = (fine - cv2.GaussianBlur(fine, *blur)) * known
    soft = cv2.GaussianBlur(known.astype(np.float32), (0, 0), SOFT * iod)
    return np.exp(fine)[..., None], np.clip(2 * soft - 1, 0, 1)[..., None] * known[..., None]

"""Tells which of a head's vertices lie behind clothes, or beside the person's slimmer neck."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head import HeadModel
from app.engine.head.fill import below_jaw
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import largest
from app.engine.warping.beside import Beside
from app.engine.warping.curves import FloatArray
from app.engine.warping.kinds import blurred
from app.engine.warping.plate import Places

# Chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance between the eyes, cm those of the
# head model.
BARE = (0.01, 0.04)  # IOD beside the person over which a neck that the photo does not have ends
NECK_MOVES = (0.8, 0.95)  # share of the head's motion over which a neck is head
STRAIGHTENED = 16  # steps that smooth over the mesh where a neck ends
STEEP = 4.0  # times as steep as after these steps
# Share after these steps at which a neck ends; at a half, a spot of it was left beside a far jaw (p11).
ENDS_AT = 0.3
COVERED = (0.2, 0.6)  # share of clothes over which a place comes to be theirs
BLUR = 0.02  # IOD over which that share is blurred
TURNS = (0.4, 0.8)  # share of the head's motion over which the photo's clothes stop being drawn on the neck
JAW_EDGE = (-0.4, 0.8)  # cm below the jaw's line over which its underside begins
THROAT = (1.5, 3.0)  # cm below the jaw's line over which the throat begins, which turns behind a collar


@cache
def throat() -> FloatArray:
    """Return (V,) 1 on the neck below the jaw's underside."""
    return smoothstep(*THROAT, below_jaw())


def covered_neck(at: FloatArray, beside: Beside, rigid: FloatArray) -> FloatArray:
    """Return (V,) 1 below the jaw where the photo shows clothes instead of what turns; at: (V, 2) px of the photo;
    rigid: (V,) share of the head's motion.
    """
    where = beside.where
    x, y = np.floor(at * where.factor).astype(int).T
    height, width = where.matte.shape
    worn = blurred(beside.clothes, BLUR * where.iod)[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    moves = smoothstep(*TURNS, rigid) * smoothstep(*JAW_EDGE, below_jaw())
    return np.asarray(smoothstep(*COVERED, worn) * moves)


def before_the_neck(beside: Beside, body: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (H, W) 255 on clothes, behind which a neck turns; (0, 0) where the photo shows none.

    body: (H, W) how opaque the body is that stays where it is, of the photo's type.
    """
    if not (beside.clothes >= 0.5).any():
        return np.zeros((0, 0), np.uint8)
    height, width = body.shape
    sharp = cv2.resize(beside.clothes, (width, height), interpolation=cv2.INTER_LINEAR)
    opaque = body / np.float32(largest(body.dtype))
    return np.asarray(opaque * np.clip(255 * (2 * sharp - 0.5) + 0.5, 0, 255), np.uint8)


def beside_neck(at: FloatArray, where: Places, rigid: FloatArray) -> FloatArray:
    """Return (V,) 1 or more where the model's neck stands beside the person's, which is slimmer, 0 or less where it
    does not: nothing is drawn where it is 1. Values that ended at 0 and 1 would make the edge as jagged as the mesh.
    """
    apart = cv2.distanceTransform((where.matte < 0.1).astype(np.uint8), cv2.DIST_L2, 5) / where.iod
    x, y = np.floor(at * where.factor).astype(int).T
    height, width = apart.shape
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    found = apart[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    beside = inside * smoothstep(*BARE, found) * (1 - smoothstep(*NECK_MOVES, rigid))
    return STEEP * (_straightened(beside) - ENDS_AT) + 0.5


def shown_beside(shown: FloatArray, person: FloatArray) -> FloatArray:
    """Return (V,) how much the photo shows a vertex, without jags along the jaw's outline in the photo, from behind
    which a neck comes out that stands beside the person's. What the jaw hides stays hidden.

    shown, person: of `Seen`.
    """
    neck = (1 - person) * smoothstep(*JAW_EDGE, below_jaw())
    return np.asarray(shown + neck * (np.clip(2 * _straightened(shown) - 1, 0, 1) - shown))


def _straightened(field: FloatArray) -> FloatArray:
    averaging = HeadModel.load().averaging
    for _ in range(STRAIGHTENED):
        field = averaging @ field
    return field

"""Finds a hat whose brim stands out far beyond the head: it is one rigid piece, of which the skull knows nothing."""

from __future__ import annotations

import cv2
import numpy as np

from app.engine.head import HeadModel
from app.engine.head.skull import smoothstep
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.kinds import Kinds
from app.engine.warping.plate import Places

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance between the
# eyes. A pair of values is a range over which something goes from none to all.
WIDE = 0.6  # IOD beside the head beyond which a brim reaches on both sides
BRIM = 0.3  # IOD^2 of each side that lies beyond
# Heights from the ears (0) to the chin (1): where a brim may end, and where nothing hangs beside a head with a brim.
ENDS, BELOW = 0.45, (0.5, 0.9)
HANGING = 0.05  # IOD^2 of hair beside the head there, from which it is long hair and no brim
SKIN = 0.5  # share of skin's colours from which a place is no hat
ROUND = 0.05  # IOD: what is narrower is no part of a hat
LAID_UNDER = 0.08  # IOD by which the head goes on under a hat's edge
SMOOTH = 0.25  # IOD: sigma of the blur of a hat's depth
NEAR = (0.01, 0.05)  # share of that blur's weight that is hat's: no hat near to one
ASIDE = 1.7  # IOD from the head's middle at which a brim is sought that hides what is behind it
BEHIND = (0.1, -0.1)  # cosine of normal and view: a place of the head before a brim to one behind it


def hat_of(where: Places, found: Kinds) -> Float32:
    """Return a small (h, w) field, 1 on a hat with a wide brim, before the head and beside it; found: what the person's
    pixels are.
    """
    none = np.zeros(where.matte.shape, np.float32)
    person, free = where.matte > 0.5, where.head == 0
    if where.head.sum() == 0:
        return none
    right = np.indices(none.shape)[1] > np.nonzero(where.head)[1].mean()
    beyond = person & free & (where.distance > WIDE) & (where.level < ENDS) & (where.below < 0)
    hangs = person & free & (found.hair > 0.5) & (where.level > BELOW[0]) & (where.level < BELOW[1])
    hangs &= where.distance < 2 * WIDE
    for side in (right, ~right):
        if (beyond & side).sum() < BRIM * where.iod**2 or (hangs & side).sum() > HANGING * where.iod**2:
            return none
    before = where.meshed & ~where.skin & (where.level < 0)
    beside = free & (where.level < ENDS) & (found.clothes < 0.5)
    mask = (person & (before | beside) & (found.skin < SKIN)).astype(np.uint8)
    for step in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        width = 2 * max(1, round(ROUND * where.iod)) + 1
        mask = cv2.morphologyEx(mask, step, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    count, part = cv2.connectedComponents(mask)
    brim = np.bincount(part[beyond], minlength=count) > 0
    brim[0] = False
    return brim[part].astype(np.float32)


def inside_hat(hat: Float32, where: Places) -> Float32:
    """Return a small (h, w) field, 1 above the lower edge of a hat (h, w) at some distance from it.

    Beside a crown the photo shows what is behind the hat, and that is inside of it, too, as seen from elsewhere.
    """
    width = 2 * max(1, round(LAID_UNDER * where.iod)) + 1
    above = np.maximum.accumulate(hat[::-1])[::-1]
    return np.asarray(cv2.GaussianBlur(cv2.erode(above, np.ones((width, width), np.uint8)), (0, 0), 1.0))


def under_hat(hat: Float32, where: Places, at: FloatArray, facing: FloatArray) -> FloatArray:
    """Return (V,) 1 where a head is inside a hat (h, w), at some distance from the hat's lower edge.

    at: (V, 2) px of the vertices in the photo; facing: (V,) cosine of normal and view.
    """
    if not hat.any():
        return np.zeros(len(at))
    inner = inside_hat(hat, where)
    x, y = at.T * where.factor
    aside = np.sign(HeadModel.load().points[:, 0]) * ASIDE * where.iod

    def there(column: FloatArray) -> FloatArray:
        height, across = hat.shape
        rows, columns = np.clip(y.astype(int), 0, height - 1), np.clip(column.astype(int), 0, across - 1)
        return np.asarray(inner[rows, columns], float)

    behind = smoothstep(*BEHIND, facing) * there(np.nonzero(where.head)[1].mean() + aside)
    return np.maximum(there(x), behind)


def rounded(depth: Float32, hat: Float32, where: Places) -> Float32:
    """Return depths (h, w) px with those of a hat (h, w) smoothed, because a skull's outline bent it where they met."""
    if not hat.any():
        return depth
    blur = (0, 0), SMOOTH * where.iod
    near = cv2.GaussianBlur(hat, *blur)
    smooth = cv2.GaussianBlur(depth * hat, *blur) / np.maximum(near, 1e-3)
    share = inside_hat(hat, where) * smoothstep(*NEAR, near)
    return np.asarray(depth + share * (smooth - depth), np.float32)

"""Takes the roughness of the hair's outline from a photo's matte, so that hair that no photo shows ends as loosely."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.head.model import FloatArray

# IOD is the distance between the eyes. Angles are those of a picture, about the skull's middle, from the head's upward
# direction.
STEPS = 720  # angles round the head, half a degree apart
KNOWN = 75.0  # degrees on both sides within which an outline is hair's: ears and shoulders lie further down
START, END, STEP = 0.9, 3.2, 0.01  # IOD along a ray: where the search starts and ends, and its step
PERSON = 0.5  # matte at which the outline lies
OFF = 360 * (np.arange(STEPS) / STEPS - 0.5)  # degrees of these angles from the upward one, in rising order
# Degree of the polynomial that tells the head's shape: what bends more often over the known angles is roughness.
SHAPE = 9
# Share of a fringe's reach over which what is loose fades, outwards and inwards: deeper gaps between curls, which lie
# before other curls in the photo, were cuts (p25).
OUTWARDS, INWARDS = (0.7, 0.95), (0.1, 0.8)
LOW = (105.0, 125.0)  # degrees: hair is loose to whole, because a neck stands behind it
CELLS = 32  # cells from REACH inside the smoothed outline to REACH outside it
LEAST_KNOWN = 0.35  # share of the known angles at which the photo must show an outline
RARE = 0.08  # share of the outline that may stand out further, or lie further in, than a fringe reaches
# Least and greatest IOD by which a fringe reaches to either side of the smoothed outline. The mattes of shaved heads
# reach 0.03 (042, 172 of the true views, p21 and p26 of the portraits).
REACH = (0.03, 0.16)


@dataclass(frozen=True, eq=False)
class Fringe:
    """How a person's outline differs from a smooth one.

    matte: (STEPS, CELLS) float32 in [0, 1], by angle, and from `reach` outside the smoothed outline to as far inside
    it; reach: IOD, 0 where the outline is smooth; out: (V,) IOD by which a head's vertices stand further out for it,
    up to `reach`.
    """

    matte: NDArray[np.float32]
    reach: float
    out: FloatArray


SMOOTH = Fringe(np.ones((STEPS, CELLS), np.float32), 0.0, np.zeros(0))


def fringe(camera: Camera, centre: FloatArray, matte: NDArray[np.float32]) -> Fringe:
    """Return the roughness of the outline that a photo shows of a person's hair; centre: (3,) the skull's middle in
    model space; matte: (H, W) in [0, 1].
    """
    middle, iod = camera.project(centre[None])[0, :2], camera.scale
    up = camera.rotation[:2, 1] * FLIP[:2]
    angle = np.arctan2(up[1], up[0]) + 2 * np.pi * np.arange(STEPS) / STEPS
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    reach = np.arange(START, END, STEP)
    height, width = matte.shape

    def read(distance: FloatArray) -> NDArray[np.float32]:
        at = (middle + direction[:, None] * (distance * iod)[..., None] - 0.5).astype(np.float32)
        found = cv2.remap(matte, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.float32)

    ends = read(np.broadcast_to(reach, (STEPS, len(reach)))) < PERSON
    end = reach[np.argmax(ends, axis=1)]
    last = middle + direction * ((end + REACH[1]) * iod)[:, None]
    seen = ends.any(axis=1) & (last >= 1).all(axis=1) & (last < (width - 1, height - 1)).all(axis=1)
    known = _longest(np.roll(seen, STEPS // 2) & (np.abs(OFF) < KNOWN))
    if len(known) < LEAST_KNOWN * (np.abs(OFF) < KNOWN).sum():
        return SMOOTH
    off = np.interp(OFF, (OFF[known[0]], OFF[known[-1]]), (-1.0, 1.0))[known]
    end = np.roll(end, STEPS // 2)[known]
    smooth = np.polynomial.Legendre.fit(off, end, SHAPE)(off)
    rows = (known - STEPS // 2) % STEPS
    out = 1 - 2 * (np.arange(CELLS) + 0.5) / CELLS

    def strip_of(reach: float) -> NDArray[np.float32]:
        away = np.ones((STEPS, CELLS))
        away[rows] = smooth[:, None] + reach * out
        return read(away)[rows]

    mean = strip_of(REACH[1]).mean(axis=0)
    size = REACH[1] * float(np.abs(out[(mean > RARE) & (mean < 1 - RARE)]).max(initial=0.0))
    if size < REACH[0]:
        return SMOOTH
    strip = strip_of(size)
    strip = np.clip(strip, np.interp(-out, INWARDS, (0, 1)), np.interp(out, OUTWARDS, (1, 0)))
    # What is not known is the mirror image of what is, to and fro.
    place = (np.roll(np.arange(STEPS), STEPS // 2) - known[0]) % (2 * len(known))
    whole = strip[np.minimum(place, 2 * len(known) - 1 - place)]
    low = np.interp(np.abs(np.roll(OFF, STEPS // 2)), LOW, (0, 1))[:, None]
    return Fringe((whole + low * (1 - whole)).astype(np.float32), size, np.zeros(0))


def _longest(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the numbers of the longest run of known places (N,)."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    if not len(ends):
        return np.zeros(0, np.int64)
    k = int(np.argmax(ends[1::2] - ends[::2]))
    return np.arange(ends[2 * k], ends[2 * k + 1])

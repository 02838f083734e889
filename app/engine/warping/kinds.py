"""Tells by colour what a person's pixels are: hair or hat, skin, or clothes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.skull import eased, smoothstep
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.plate import Places

# Chosen by eye on sheets of turned heads with long hair, hats and scarves (tools/head_sheets.py). IOD is the
# distance between the eyes; a pair of numbers is a range over which something goes from none to all.
BINS = 12  # bins of each axis of L*a*b* in which colours are counted
LIKE = (0.12, 0.4)  # probability that a place's colour is hair's: from certainly not hair to certainly hair
SKIN = 0.5  # weight of the face's colours among the colours that are not hair's
ANY = 0.02  # share of all counted colours that every bin gets beforehand, for hair and for all else
BESIDE_HEAD = 1.6  # IOD beside the head within which what stands above the ears is hair or hat
BODY = 0.9  # IOD below the chin from which a person is body
DEEP = 0.5  # of what a photo shows below the chin, where it shows less than that
CLOTHES = (0.3, 0.55)  # probability that a place's colour is clothes', rather than the head's
# Share of clothes that may look like hair which hangs down to them: up to the first they may be clothes, up to the
# second they surely are.
ALIKE = (0.8, 0.3)
ENOUGH = 30  # number of pixels from which colours can be counted
# Share of the way from the ears to the chin over which clothes begin: above it, what looks like them is hair.
FROM = (0.5, 0.7)
# The same where hair does not look like clothes, and the share of hair that does: hair unlike them to like them. The
# shoulder towards which a head leans reaches up to its ear, and went along with the head (p26: 0.02; p30: 0.33).
FROM_UNLIKE, HAIR_LIKE = (0.0, 0.2), (0.05, 0.1)
LOWER_FACE = 0.55  # share of the way from the ears to the chin from which a face may be bearded
NARROW = 0.16  # IOD: narrower strips are no clothes
# IOD: narrower gaps in clothes are buttons and folds in the shade, where the share of their colours on the head is less
# than the second value. Without that, skin between two collars was drawn red (p25).
BUTTON, RARE = 0.24, 0.02
# Standard deviations of the face's hue within which a body's colour is skin, and the least standard deviation
# (logarithms of red over green and of green over blue). What remains is surely clothes.
HUES, LEAST_HUE = 3.0, 0.06


@dataclass(frozen=True, eq=False)
class Kinds:
    """What a person's pixels are, as (h, w) fields of a small copy from 0 to 1.

    hair: hair or hat rather than skin or clothes; skin: skin rather than hair or hat; clothes: clothes that hang
    together with the body's; stays: 1 on clothes that surely do not move with the head.
    """

    hair: Float32
    skin: Float32
    clothes: Float32
    stays: Float32


def kinds(where: Places, small: NDArray[np.uint8]) -> Kinds:
    """Compare each pixel's colour with those above the head, of the face and of the body; small: (h, w, 3)."""
    solid, free = where.matte > 0.9, where.head == 0
    top = solid & ((free & (where.level < 0) & (where.distance < BESIDE_HEAD)) | where.scalp)
    low = solid & free
    deepest = float(where.below[low].max(initial=0.0))
    body = low & (where.below > min(BODY, DEEP * deepest))
    face = where.skin & solid
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    code = (lab.astype(int) * BINS // 256) @ np.array([BINS * BINS, BINS, 1])
    hairy = _counted(code[top]) if top.sum() >= ENOUGH else np.zeros(BINS**3)
    bare = _counted(code[face])
    flesh = skin_hue(small, face)
    # A beard is little of a face: it counts by itself, lest a dark one be taken for a dark collar.
    lower = face & (where.level > LOWER_FACE)
    own = np.maximum(bare, _counted(code[lower])) if lower.sum() >= ENOUGH else bare
    clothes = _clothes(where, code, hairy + own, body, flesh, top)
    above = np.asarray(1 - smoothstep(0.0, 0.3, where.level), np.float32)
    if top.sum() < ENOUGH:
        return Kinds(above, 1 - above, clothes, clothes)
    other = SKIN * bare + (_counted(code[body]) if body.sum() > ENOUGH else 0.0)
    like = blurred(smoothstep(*LIKE, hairy / (hairy + other + ANY / BINS))[code], 0.04 * where.iod)
    skin = blurred(smoothstep(0.5, 0.8, bare / (bare + hairy + ANY / BINS))[code], 0.02 * where.iod)
    alike = _alike(where, like, clothes)
    clothes, stays = (np.asarray(clothes * float(alike <= most), np.float32) for most in ALIKE)
    return Kinds(np.maximum(like, above), skin, clothes, stays)


def _alike(where: Places, like: Float32, clothes: Float32) -> float:
    """Return the share of clothes (h, w) that looks like the hair, by its colours (h, w), which hangs down from beside
    the head.

    Where hair and clothes look alike, half of the hair stayed with the body (p31 of the portraits, p15's shawl).
    """
    hair = (like > 0.5) & (where.matte > 0.5) & (where.neck | (where.head == 0))
    count, part = cv2.connectedComponents(hair.astype(np.uint8))
    high = np.bincount(part[hair & (where.level < FROM[0])], minlength=count) >= ENOUGH
    worn = clothes > 0.5
    return float((worn & hair & high[part]).sum() / max(worn.sum(), 1))


def _clothes(
    where: Places,
    code: NDArray[np.int64],
    head: FloatArray,
    body: NDArray[np.bool_],
    flesh: NDArray[np.bool_],
    top: NDArray[np.bool_],
) -> Float32:
    """Return (h, w) 1 on clothes that hang together with the body's; head: colours counted on the head; flesh: what
    may be skin by its hue; top: where there is surely hair or a hat.
    """
    surely = body & ~flesh
    if surely.sum() < ENOUGH:
        return np.zeros(where.matte.shape, np.float32)
    worn = _counted(code[surely])
    chance = smoothstep(*CLOTHES, worn / (worn + head + ANY / BINS))[code] * ~flesh
    low = smoothstep(*FROM, where.level)
    if top.sum() >= ENOUGH:
        unlike = 1 - eased(*HAIR_LIKE, float(chance[top].mean()))
        low = np.maximum(low, unlike * smoothstep(*FROM_UNLIKE, where.level))
    found = blurred(chance, 0.02 * where.iod) * low
    # What is narrower than a collar is the fringe of a beard that touches one, or a hole in a pattern.
    mask = ((found > 0.5) & (where.matte > 0.5)).astype(np.uint8)
    gap = _morphed(mask, cv2.MORPH_CLOSE, BUTTON * where.iod) * ((head < RARE)[code] & ~flesh)
    mask = np.maximum(mask, gap)
    mask = _morphed(
        _morphed(mask, cv2.MORPH_CLOSE, 0.5 * NARROW * where.iod), cv2.MORPH_OPEN, NARROW * where.iod
    )
    count, part = cv2.connectedComponents(mask)
    reached = np.bincount(part[body], minlength=count) >= ENOUGH
    reached[0] = False
    near = cv2.dilate(reached[part].astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(np.maximum(found, reached[part]) * near, np.float32)


def _morphed(mask: NDArray[np.uint8], step: int, size: float) -> NDArray[np.uint8]:
    """Return a mask (h, w) closed or opened by a disc of `size` px."""
    width = 2 * max(1, round(size / 2)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return np.asarray(cv2.morphologyEx(mask, step, disc), np.uint8)


def skin_hue(small: NDArray[np.uint8], face: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (h, w) whether a colour has the hue of most of the face, in light or shade."""
    red, green, blue = np.moveaxis(np.log(small.astype(np.float32) + 4), 2, 0)
    hue = np.stack([red - green, green - blue], axis=2)
    if not face.any():
        return np.zeros(face.shape, bool)
    middle = np.median(hue[face], axis=0)
    spread = 1.48 * np.median(np.abs(hue[face] - middle), axis=0)
    apart = (hue - middle) / np.maximum(spread, LEAST_HUE)
    return np.asarray(np.square(apart).sum(axis=2) < HUES**2)


def _counted(codes: NDArray[np.int64]) -> FloatArray:
    """Return (BINS ** 3,) shares of the colours, a little smoothed."""
    counts = np.bincount(codes, minlength=BINS**3).reshape(BINS, BINS, BINS).astype(float)
    for axis in range(3):
        counts = counts + 0.5 * (_shifted(counts, 1, axis) + _shifted(counts, -1, axis))
    return np.asarray(counts.ravel() / max(counts.sum(), 1.0))


def _shifted(counts: FloatArray, by: int, axis: int) -> FloatArray:
    """Return the values of the neighbouring bins, 0 beyond the ends."""
    moved = np.roll(counts, by, axis)
    end = [slice(None)] * 3
    end[axis] = slice(0, 1) if by > 0 else slice(-1, None)
    moved[tuple(end)] = 0
    return moved


def blurred(field: NDArray[Any], sigma: float) -> Float32:
    return np.asarray(cv2.GaussianBlur(np.asarray(field, np.float32), (0, 0), max(0.5, sigma)))

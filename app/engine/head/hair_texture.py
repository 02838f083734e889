"""Carries the texture of the hair that a photo shows over hair that it does not show.

Round patches of the visible hair's texture, in all three colours, are laid over the scalp so that they overlap. Each is
turned as hair grows, away from the whorl, and scaled by the atlas' stretch at either place, so that strands are as
thick and run as they do where the photo shows them. Where patches overlap, their sum is divided by the root of the sum
of the squared weights, which keeps the strength of the texture: the variance-preserving blending of “High-Performance
By-Example Noise using a Histogram-Preserving Blending Operator” (Heitz and Neyret 2018).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep
from app.engine.head.strands import CENTRE, DARK
from app.engine.head.texels import TEXELS

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance between the
# eyes, of which an atlas' side has TEXELS; cm are those of the head model.
WELL = 0.4  # cosine of normal and view from which hair is seen well enough: nearer the outline it is smeared
LIKE = 0.25  # likeness to hair rather than skin (`Fill.like`) from which a place is hair, thin hair too
KNOWN = 0.95  # share of a texel that the photo must give so that the texel shows the photo's hair
INSIDE = 0.06  # IOD inside hair from which no skin beside it shows through
COARSE = 0.12  # IOD: what is finer than this is texture, what is coarser is the hair's colour
LEAST_SIGMA = 3.0  # px: sigma of a blur from which it is made on a smaller picture
MARK = 5.0  # times the median strength of texture: what is stronger is a parting, a shadow or a seam
HUE_MARK = 1.5  # the same of the texture's hue
EVENED = (0.5, 1.2)  # least and greatest factor by which texture is made as strong as most of it
# IOD^2 of hair from which there is texture to be continued: of 0.11 its places were seen to come again like scales
# (042 of the true views), of 0.16 they were not (p29 and p05 of the portraits).
ENOUGH = 0.13
WHORL = (0.0, 0.8, -0.6)  # direction from the skull's middle to the whorl, from which hair grows to all sides
# cm of a patch where the photo shows little hair, and where it shows MUCH: curls and locks stay whole. Of 2.2 cm, long
# hair was cut into blotches like scales (007 of the true views); of 3.3 cm, patches did not fit into short hair, and
# there were smooth spots (p29 of the portraits).
RADIUS, WIDE = 2.2, 3.3
MUCH = 0.55  # IOD^2 of hair: p09, p13 and p29 have up to 0.47, 007, 018 and 034 0.60 to 0.63
BETWEEN = 0.68  # share of a patch's radius between the middles of patches
FLAT = 0.35  # share of its radius within which a patch has its whole weight
MIDDLE = 0.5  # share of the greatest distance from skin, from which a place of hair may be a patch's middle
# number of places of visible hair, nearest in a view from the front, among which a patch's texture is drawn: those of
# neighbours lie near each other, so that strands run on
BEST = 6
OFTEN = 1.5  # cm that a place counts as further off for each patch that has its texture already
SIDEWAYS = 2.0  # cm from the middle plane beyond which a patch for the other side is mirrored
# Share of its difference from its neighbours by which a texel stands out more, across and down: a patch is read between
# texels, which leaves 2/3 + 1/3 cos w of the power at w radians a texel.
SHARPENED = 0.12
AROUND = 0.17  # IOD: sigma of the blur within which strands have one direction
RUNS_ON = (
    4.0  # cm from hair that the photo shows, over which its strands' direction gives way to that of growth
)
FEW = 500  # number of places of visible hair whose strands are carried on
# Evenness of directions, 0 to 1, from which a patch has one: curls to strands.
STRAIGHT = (0.1, 0.3)
LOWEST = -8.0  # cm of height below which no hair grows
FACE = 0.5  # cm from the face's landmarks within which no hair grows
FLAT_TRIANGLE = 1e-4  # cm^2 below which a triangle has no direction
WHOLE = np.float32(0.99)  # share of a place that is sure hair, from which it gives texture
SEED = 7  # seed of the choice of patches, so that hair is the same every time
COVERED = (0.05, 0.3)  # sum of weights: texture that is not known to known


@cache
def growth() -> FloatArray:
    """Return (A, 2, 2) at the atlas' vertices the change of the place on an atlas, in parts of its side, by cm along
    the growth of hair and by cm across it.
    """
    model = HeadModel.load()
    points, atlas, corners = model.points[model.base], model.atlas, model.corners
    away = points - np.array(CENTRE)
    away = away / np.linalg.norm(away, axis=1, keepdims=True)
    along = (away @ np.array(WHORL))[:, None] * away - np.array(WHORL)
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-3)
    across = np.cross(away, along)
    found, weight = np.zeros((len(points), 2, 2)), np.zeros(len(points))
    sides = [(corners[:, 0], corners[:, 1]), (corners[:, 0], corners[:, 2])]
    for k in range(3):
        at = corners[:, k]
        edges = np.stack([points[b] - points[a] for a, b in sides], 1)  # (T, 2, 3)
        flat = np.stack([(edges * axis[at][:, None]).sum(2) for axis in (along, across)], 2)  # (T, 2, 2)
        moved = np.stack([atlas[b] - atlas[a] for a, b in sides], 1)  # (T, 2, 2)
        size = np.abs(np.linalg.det(flat))
        good = size > FLAT_TRIANGLE
        slope = np.linalg.solve(flat[good], moved[good]).transpose(0, 2, 1)
        np.add.at(found, at[good], slope * size[good][:, None, None])
        np.add.at(weight, at[good], size[good])
    return np.asarray(found / np.maximum(weight, 1e-9)[:, None, None])


@cache
def middles(apart: float) -> NDArray[np.int64]:
    """Return (N,) vertices of the atlas, so many cm from each other, that cover the head where hair may grow."""
    model = HeadModel.load()
    points = model.points[model.base]
    free = (points[:, 1] > LOWEST) & (model.distance[model.base] > FACE) & ~model.ear[model.base]
    nearest, chosen = np.where(free, np.inf, 0.0), []
    at = int(np.argmax(np.where(free, points[:, 1], -np.inf)))
    while nearest[at] > apart:
        chosen.append(at)
        nearest = np.minimum(nearest, np.linalg.norm(points - points[at], axis=1))
        at = int(np.argmax(nearest))
    # The atlas' seam has its vertices twice, and a patch on either side.
    return np.flatnonzero(np.isin(model.base, model.base[chosen]))


def continued(
    own: NDArray[np.float32], hair: NDArray[np.float32], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (S, S, 3) factors by which texture changes each texel's colour of made-up hair, of mean 1, and (S, S, 1)
    how much of a texel they are known for, 0 to 1.

    own: (S, S, 3) the photo's colours in [0, 1] on the atlas; hair: (S, S) share of a texel that the photo shows as
    hair, and shows well; wanted: (S, S) the texels that may need texture.
    """
    side = own.shape[0]
    iod = side / TEXELS
    width = 2 * max(1, round(INSIDE * iod)) + 1
    sure = (hair > KNOWN).astype(np.uint8)
    sure = cv2.erode(sure, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    if sure.sum() < ENOUGH * iod**2:
        return np.ones((side, side, 3), np.float32), np.zeros((side, side, 1), np.float32)
    fine = _texture(own, sure, COARSE * iod)
    sums = np.zeros((side, side, 5), np.float32)
    radius = WIDE if sure.sum() > MUCH * iod**2 else RADIUS
    for at, back, source, inverse in _patches(fine, sure, wanted, radius):
        _lay(fine, wanted, at, back, source, inverse, np.float32(radius), np.float32(FLAT), sums)
    factors, known = np.ones((side, side, 3), np.float32), np.zeros((side, side, 1), np.float32)
    _finish(sums, wanted, *COVERED, factors, known)
    return factors, known


def _texture(own: NDArray[np.float32], sure: NDArray[np.uint8], sigma: float) -> NDArray[np.float32]:
    """Return (S, S, 4) the logarithms of what is finer than sigma texels, of mean 0 and everywhere about as strong, and
    1 where the hair is sure.
    """
    out = np.zeros((*sure.shape, 4), np.float32)
    x, y, w, h = cv2.boundingRect(sure)
    box = (slice(y, y + h), slice(x, x + w))
    inside = sure[box] > 0
    weight = inside.astype(np.float32)
    bright = np.log(own[box] + np.float32(DARK)) * weight[..., None]
    fine = bright - _blurred(bright, weight, sigma)
    most = MARK * float(np.median(np.abs(fine[inside])))
    fine = np.clip(fine, -most, most) * weight[..., None]
    # Single places of another hue are skin that shows through.
    grey = fine.mean(axis=2, keepdims=True)
    hue = fine - grey
    most = HUE_MARK * np.median(np.abs(hue[inside]), axis=0)
    fine = grey + np.clip(hue, -most, most)
    # A tuft in its own shade is stronger than the rest, and would be seen to come again.
    strength = np.sqrt(_blurred(np.square(fine).mean(axis=2), weight, 2 * sigma))
    usual = float(np.median(strength[inside]))
    fine *= np.clip(usual / np.maximum(strength, 1e-6), *EVENED)[..., None]
    sharper = np.array([-SHARPENED, 1 + 2 * SHARPENED, -SHARPENED], np.float32)
    fine = cv2.sepFilter2D(fine, -1, sharper, sharper)
    out[box][..., :3] = (fine - fine[inside].mean(axis=0)) * weight[..., None]
    out[box][..., 3] = weight
    return out


def _blurred(picture: NDArray[np.float32], weight: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a picture (h, w) or (h, w, C), 0 outside the weight (h, w), blurred within it; sigma: px."""
    part = min(1.0, LEAST_SIGMA / sigma)
    size = (max(1, round(weight.shape[1] * part)), max(1, round(weight.shape[0] * part)))
    small, held = (
        cv2.GaussianBlur(cv2.resize(a, size, interpolation=cv2.INTER_AREA), (0, 0), sigma * part)
        for a in (picture, weight)
    )
    found = small / np.maximum(held.reshape(held.shape + (1,) * (picture.ndim - 2)), 1e-4)
    return np.asarray(cv2.resize(found, weight.shape[::-1], interpolation=cv2.INTER_LINEAR))


def leanings(fine: NDArray[np.float32], places: FloatArray, slopes: FloatArray) -> FloatArray:
    """Return (N, 2) the cosine and the sine of twice the angle by which strands lean from the growth of hair, times how
    even their direction is, 0 to 1.

    fine: (S, S, 4) of `_texture`; places: (N, 2) px; slopes: (N, 2, 2) px by cm along and across that growth.
    """
    x0, y0, width, height = cv2.boundingRect((fine[..., 3] > 0).astype(np.uint8))
    box = fine[y0 : y0 + height, x0 : x0 + width]
    grey = box[..., :3].mean(axis=2)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) * box[..., 3] for order in ((1, 0), (0, 1)))
    sigma = AROUND * fine.shape[0] / TEXELS
    part = min(1.0, LEAST_SIGMA / sigma)
    size = (max(1, round(width * part)), max(1, round(height * part)))
    x, y = np.clip(((places - [x0, y0]) * part).astype(int), 0, np.array(size) - 1).T
    a, b, c = (
        cv2.GaussianBlur(cv2.resize(k, size, interpolation=cv2.INTER_AREA), (0, 0), sigma * part)[y, x]
        for k in (across * across, across * down, down * down)
    )
    squares = np.moveaxis(np.array([[a, b], [b, c]], float), 2, 0)
    squares = slopes.transpose(0, 2, 1) @ squares @ slopes
    # Strands change across their direction, not along it.
    even = np.stack([squares[:, 1, 1] - squares[:, 0, 0], -2 * squares[:, 0, 1]], axis=1)
    return np.asarray(even / np.maximum(squares[:, 0, 0] + squares[:, 1, 1], 1e-9)[:, None])


def _directions(
    fine: NDArray[np.float32], places: FloatArray, slopes: FloatArray, at: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """Return (A,) radians from the growth of hair, towards the side of the head, at which the photo's strands lie at
    each of the atlas' vertices, 0 for curls and where it shows none, and (A,) at which they go on there.

    fine: (S, S, 4) of `_texture`; places: (A, 2) px; slopes: (A, 2, 2) of `growth`, px by cm; at: (N,) the vertices at
    which the latter is asked.
    """
    model, side = HeadModel.load(), fine.shape[0]
    points = model.points[model.base]
    x, y = np.clip(np.round(places).astype(int), 0, side - 1).T
    known = np.flatnonzero(fine[y, x, 3] > 0)
    lean = np.zeros((len(points), 2))
    lean[known] = leanings(fine, places[known], slopes[known])
    lean[points[:, 0] < 0, 1] *= -1  # on the other side of the head the same growth leans the other way
    symmetric = np.column_stack([np.abs(points[:, 0]), points[:, 1:]]) / RUNS_ON
    few = known[:: max(1, len(known) // FEW)]
    near = np.square(symmetric[at]).sum(axis=1)[:, None] + np.square(symmetric[few]).sum(axis=1)
    near = np.exp(2 * symmetric[at] @ symmetric[few].T - near)
    on, share = lean.copy(), near.max(axis=1, keepdims=True, initial=0)
    on[at] = share * (near @ lean[few]) / np.maximum(near.sum(axis=1, keepdims=True), 1e-9)
    on[at] += (1 - share) * [1.0, 0.0]
    own, to = (np.arctan2(a[:, 1], a[:, 0]) / 2 * smoothstep(*STRAIGHT, np.hypot(*a.T)) for a in (lean, on))
    return own, to


def _turn(own: float, to: float, mirrored: bool) -> FloatArray:
    """Return (2, 2) the turn of a patch, in cm along and across the growth of hair, that brings strands at the angle
    own to the angle to, both in radians.
    """
    if mirrored:
        cosine, sine = np.cos(own + to), np.sin(own + to)
        return np.array([[cosine, sine], [sine, -cosine]])
    cosine, sine = np.cos(own - to), np.sin(own - to)
    return np.array([[cosine, -sine], [sine, cosine]])


def _patches(
    fine: NDArray[np.float32], sure: NDArray[np.uint8], wanted: NDArray[np.bool_], radius: float
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Yield of each patch its middle (2,) px, the change (2, 2) of the place of its texture by place, the place (2,) px
    of its texture's middle, and (2, 2) the cm along and across the growth of hair by px; radius: cm.
    """
    model, side = HeadModel.load(), sure.shape[0]
    points, slopes = model.points[model.base], growth() * side
    places = model.atlas * side - 0.5
    x, y = np.clip(np.round(places).astype(int), 0, side - 1).T
    deep = cv2.distanceTransform(sure, cv2.DIST_L2, 3)[y, x]
    where = np.column_stack([np.abs(points[:, 0]), points[:, 1]])
    able = np.flatnonzero(deep > MIDDLE * np.max(deep))
    if not len(able):
        return
    used, chance = np.zeros(len(able)), np.random.default_rng(SEED)
    chosen = middles(BETWEEN * radius)
    own, to = _directions(fine, places, slopes, chosen)
    hand = np.where(points[:, 0] < 0, -1.0, 1.0)
    need = cv2.dilate(wanted.astype(np.uint8), np.ones((9, 9), np.uint8))
    for at in chosen:
        (left, top), (right, bottom) = (
            np.clip(np.round(places[at] + k * np.abs(slopes[at]).sum(axis=1) * radius).astype(int), 0, side)
            for k in (-1, 1)
        )
        if not need[top:bottom, left:right].any():
            continue
        far = np.hypot(*(where[able] - where[at]).T) + OFTEN * used
        near = np.argsort(far, kind="stable")[:BEST]
        pick = near[chance.integers(len(near))]
        used[pick] += 1
        source = able[pick]
        beside = min(abs(points[at, 0]), abs(points[source, 0])) > SIDEWAYS
        other = beside and points[at, 0] * points[source, 0] < 0
        inverse = np.linalg.inv(slopes[at])
        turn = _turn(hand[source] * own[source], hand[at] * to[at], other)
        back = slopes[source] @ turn @ inverse
        yield places[at], back, places[source], inverse


@njit(cache=True, nogil=True, fastmath=True)
def _lay(fine, wanted, at, back, source, inverse, radius, flat, sums):  # type: ignore[no-untyped-def]
    """Add a patch of texture (S, S, 4) to the sums (S, S, 5) of weighted texture, weights and their squares, where it
    is wanted (S, S); radius: cm; flat: FLAT; the others: of `_patches`.
    """
    side = wanted.shape[0]
    # A circle of cm is an ellipse of px, of which this is the half of the box around it.
    det = abs(inverse[0, 0] * inverse[1, 1] - inverse[0, 1] * inverse[1, 0])
    wide = radius * np.sqrt(inverse[0, 1] ** 2 + inverse[1, 1] ** 2) / det
    high = radius * np.sqrt(inverse[0, 0] ** 2 + inverse[1, 0] ** 2) / det
    for y in range(max(int(at[1] - high), 0), min(int(at[1] + high) + 2, side)):
        for x in range(max(int(at[0] - wide), 0), min(int(at[0] + wide) + 2, side)):
            if not wanted[y, x]:
                continue
            u, v = x - at[0], y - at[1]
            along, across = inverse[0, 0] * u + inverse[0, 1] * v, inverse[1, 0] * u + inverse[1, 1] * v
            t = (1 - np.sqrt(along * along + across * across) / radius) / (1 - flat)
            if t <= 0:
                continue
            t = min(t, 1.0)
            px, py = source[0] + back[0, 0] * u + back[0, 1] * v, source[1] + back[1, 0] * u + back[1, 1] * v
            i, j = int(px), int(py)
            if px < 0 or py < 0 or i >= side - 1 or j >= side - 1:
                continue
            fx, fy = np.float32(px - i), np.float32(py - j)
            a, b = (1 - fx) * (1 - fy), fx * (1 - fy)
            c, d = (1 - fx) * fy, fx * fy
            there = (
                a * fine[j, i, 3] + b * fine[j, i + 1, 3] + c * fine[j + 1, i, 3] + d * fine[j + 1, i + 1, 3]
            )
            if there < WHOLE:
                continue
            weight = np.float32(t * t * (3 - 2 * t))
            for k in range(3):
                value = (
                    a * fine[j, i, k]
                    + b * fine[j, i + 1, k]
                    + c * fine[j + 1, i, k]
                    + d * fine[j + 1, i + 1, k]
                )
                sums[y, x, k] += weight * value
            sums[y, x, 3] += weight
            sums[y, x, 4] += weight * weight


@njit(cache=True, nogil=True, fastmath=True)
def _finish(sums, wanted, little, enough, factors, known):  # type: ignore[no-untyped-def]
    """Write factors (S, S, 3) of mean 1 and how much they are known (S, S, 1) from the sums (S, S, 5) of `_lay`,
    between the sums of weights `little` and `enough`.
    """
    side, count = wanted.shape[0], 0
    mean = np.zeros(3)
    for y in range(side):
        for x in range(side):
            if sums[y, x, 3] <= little:
                continue
            t = min((sums[y, x, 3] - little) / (enough - little), 1.0)
            known[y, x, 0] = t * t * (3 - 2 * t)
            root = np.sqrt(sums[y, x, 4])
            count += 1
            for k in range(3):
                factors[y, x, k] = np.exp(sums[y, x, k] / root)
                mean[k] += factors[y, x, k]
    for k in range(3):
        mean[k] /= max(count, 1)
    for y in range(side):
        for x in range(side):
            if sums[y, x, 3] > little:
                for k in range(3):
                    factors[y, x, k] /= mean[k]

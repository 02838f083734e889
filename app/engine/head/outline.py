"""Tells how loosely hair ends that no photo shows, from the outline of the hair that a photo shows.

A strip along the head's outline shows how wide the soft edge of the matte is and how rough its end. Both may come from
hair, or from a wall behind it that the matte cannot tell from hair. A small network (tools/build_outline.py) learnt
from clean outlines, laid before other walls, how far what one half of an outline shows holds for the other half; what
does not hold is replaced by what most people have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.files import ASSETS
from app.engine.head.model import FloatArray

# Values without another origin were chosen by eye on strips of portraits. IOD is the distance between the eyes. Angles
# are those of a picture, about the skull's middle, from the head's upward direction.
COLUMNS, ROWS = 320, 32  # cells of a strip: angles, and distances from outside to inside
WIDEST = 96.0  # degrees to both sides over which a strip goes
HAIR = 75.0  # degrees to both sides within which an outline is hair's: ears and shoulders lie further down
REACH = 0.25  # IOD from the smoothed outline to both ends of a strip
START, END, STEP = 0.9, 3.2, 0.01  # IOD along a ray: where an outline is sought, and its step
PERSON = 0.5  # matte at which the outline lies
BEND = 14.0  # columns: sigma of the smoothing that tells the head's shape from roughness
# Columns: the finer sigma of each band of roughness, whose coarser one is twice as large. A column is about 0.02 IOD.
BANDS = (0.625, 1.25, 2.5)
RAMP = (0.1, 0.9)  # matte at which an edge begins and is complete
AROUND = 24.0  # columns over which looseness is measured
LEAST = np.array([0.01, 4e-4, 6e-4, 1e-3])  # IOD of looseness that make no difference
OUTER, INNER = 8, 6  # rows of a strip that lie outside and inside of every outline
NEARBY = 8.0  # columns over which colours are taken together
FAINT, FLAT = 1e-3, 1e-2  # parts of the range of colour, or of the matte, that count as no difference
NODES = np.arange(2.0, 80.0, 10.0)  # degrees from upwards at which looseness is told, the same on both sides
NEAR = 10.0  # degrees: sigma of what counts for a node
LEAST_KNOWN = 60  # columns of a side, of 125, that the photo must show
SIGNS = 12  # number of `signs`
ANGLES = (np.arange(COLUMNS) + 0.5) * 2 * WIDEST / COLUMNS - WIDEST  # degrees of a strip's columns
ROUGHER = 1.25  # times the roughness that most people have, from which there are locks
WEIGHTS = ASSETS / "weights" / "outline.npz"


@dataclass(frozen=True, eq=False)
class Strip:
    """What a photo shows along a head's outline.

    matte: (COLUMNS, ROWS) float32 in [0, 1]; colours: (COLUMNS, ROWS, 3) uint8; known: (COLUMNS,) whether the photo
    reaches so far.
    """

    matte: NDArray[np.float32]
    colours: NDArray[np.uint8]
    known: NDArray[np.bool_]


def strip_of(
    camera: Camera, centre: FloatArray, matte: NDArray[np.float32], srgb: NDArray[np.uint8]
) -> Strip:
    """Return the strip along the outline of a matte (H, W) of a photo (H, W, 3); centre: (3,) the skull's middle in
    model space.
    """
    middle, iod = camera.project(centre[None])[0, :2], camera.scale
    up = camera.rotation[:2, 1] * FLIP[:2]
    angle = np.arctan2(up[1], up[0]) + np.radians(ANGLES)
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ray = np.arange(START, END, STEP)
    beyond = _read(matte, middle + direction[:, None] * (ray * iod)[:, None]) < PERSON
    end = np.where(beyond.any(axis=1), ray[np.argmax(beyond, axis=1)], END)
    outline = smoothed(cv2.medianBlur(np.repeat(end.astype(np.float32)[None], 3, 0), 5)[1], BEND)
    away = REACH * (1 - 2 * (np.arange(ROWS) + 0.5) / ROWS)
    at = middle + direction[:, None] * ((outline[:, None] + away) * iod)[..., None]
    last = middle + direction * ((outline + REACH) * iod)[:, None]
    inside = (last >= 1) & (last < (matte.shape[1] - 1, matte.shape[0] - 1))
    return Strip(_read(matte, at), _read(srgb, at), np.asarray(inside.all(axis=1)))


def _read(picture: NDArray[Any], at: FloatArray) -> NDArray[Any]:
    """Return what a picture shows at places (A, B, 2) px."""
    places = (at - 0.5).astype(np.float32)
    return np.asarray(cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def looseness(matte: NDArray[np.float32]) -> FloatArray:
    """Return (COLUMNS, 1 + bands) IOD of a strip's matte: how wide its soft edge is, and how rough its end in each
    band, as the root of the mean square.
    """
    cell = 2 * REACH / ROWS
    inwards = np.maximum.accumulate(matte, axis=1)
    soft = cell * ((inwards > RAMP[0]) & (inwards < RAMP[1])).sum(axis=1) / (RAMP[1] - RAMP[0])
    end = cell * matte.sum(axis=1)
    rough = [np.square(smoothed(end, sigma) - smoothed(end, 2 * sigma)) for sigma in BANDS]
    mean = np.exp(smoothed(np.log(soft + 0.5 * cell), AROUND)) - 0.5 * cell
    return np.stack([mean, *(np.sqrt(smoothed(value, AROUND)) for value in rough)], axis=1)


def smoothed(values: NDArray[Any], sigma: float) -> FloatArray:
    """Return (COLUMNS,) values smoothed along an outline by a Gaussian of `sigma` columns."""
    row = np.ascontiguousarray(values, np.float32)[None]
    return np.asarray(cv2.GaussianBlur(row, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)[0], float)


def signs(strip: Strip) -> FloatArray:
    """Return (COLUMNS, SIGNS) by which a strip's looseness is believed: logarithms of the `looseness` of the matte and
    of the edge that the colours alone show, of how much these two differ, of how uneven the colours are outside and
    inside the outline, and of how far apart these are.
    """
    colours = strip.colours.astype(np.float32) / 255
    outside, inside = colours[:, :OUTER].mean(axis=1), colours[:, -INNER:].mean(axis=1)
    outside, inside = (cv2.GaussianBlur(c[None], (0, 0), NEARBY)[0] for c in (outside, inside))
    apart = inside - outside
    square = np.square(apart).sum(axis=1)
    keyed = np.einsum("crk,ck->cr", colours - outside[:, None], apart) / (square + FAINT)[:, None]
    keyed = np.clip(keyed, 0, 1).astype(np.float32)
    bent = np.abs(cv2.Laplacian(colours.mean(axis=2), cv2.CV_32F))
    parts = (bent[:, :OUTER], bent[:, -INNER:])
    uneven = [smoothed(np.log(part.mean(axis=1) + FAINT), NEARBY) for part in parts]
    differs = smoothed(np.abs(keyed - strip.matte).mean(axis=1), NEARBY)
    found = [np.log(looseness(matte) + LEAST) for matte in (strip.matte, keyed)]
    return np.column_stack([*found, np.log(differs + FLAT), *uneven, 0.5 * np.log(square + FAINT)])


def near_node(node: float, use: NDArray[np.bool_]) -> FloatArray:
    """Return (COLUMNS,) weights with the sum 1 of what counts for a node, 0 where a column is not of use."""
    weight = np.exp(-0.5 * ((np.abs(ANGLES) - node) / NEAR) ** 2) * use
    return np.asarray(weight / max(float(weight.sum()), 1e-6))


def of_side(found: FloatArray, use: NDArray[np.bool_]) -> FloatArray:
    """Return (nodes, 3 SIGNS + 1), what the network sees of one side of an outline for each node.

    found: (COLUMNS, SIGNS) of `signs`; use: (COLUMNS,) the side's columns that are known.
    """
    mean, spread = found[use].mean(axis=0), found[use].std(axis=0)
    return np.stack(
        [np.concatenate([mean, spread, near_node(n, use) @ found - mean, [n / HAIR]]) for n in NODES]
    )


def sides(known: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the columns of each side on which a photo shows enough of the outline."""
    within = known & (np.abs(ANGLES) < HAIR)
    both = [within & (ANGLES < 0), within & (ANGLES > 0)]
    return [side for side in both if side.sum() >= LEAST_KNOWN]


@cache
def _weights() -> dict[str, NDArray[np.float32]]:
    with np.load(WEIGHTS) as file:
        return dict(file)


def believed(seen: FloatArray) -> FloatArray:
    """Return (N, nodes, 1 + bands) in [0, 1], how far the looseness of N sides (N, nodes, 3 SIGNS + 1) is believed."""
    w = _weights()
    x = (seen - w["mean"]) / w["scale"]
    for k in range(2):
        x = x @ w[f"weight{k}"].T + w[f"bias{k}"]
        x = x / (1 + np.exp(-x))
    return np.asarray(1 / (1 + np.exp(-(x @ w["weight2"].T + w["bias2"]))), float)


def expected(strip: Strip) -> FloatArray:
    """Return (nodes, 1 + bands) IOD, the soft edge and the roughness by locks of hair that the photo does not show, by
    angle from upwards.

    An outline that is hardly rougher than most people's has no locks: that is the head's own shape, the matte's grain
    and hair that lies flat, which became scalloped (p12) and lumpy (p29).
    """
    usual = _weights()["usual"].astype(float)
    known = sides(strip.known)
    log = usual
    if known:
        found = signs(strip)
        seen = np.stack([of_side(found, side) for side in known])
        measured = seen[..., : len(LEAST)]
        log = (usual + believed(seen) * (measured - usual)).mean(axis=0)
    out, most = np.exp(log) - LEAST, ROUGHER * (np.exp(usual) - LEAST)
    locks = np.sqrt(np.maximum(np.square(out[:, 1:]) - np.square(most[:, 1:]), 0))
    return np.column_stack([np.maximum(out[:, 0], 0), np.where(out[:, 1:] > most[:, 1:], locks, 0)])

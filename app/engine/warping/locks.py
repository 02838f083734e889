"""Lets hair that a turned head makes up end in locks with a soft edge, which are fixed to the head, in compiled code.

Locks are bumps of the head's surface in three sizes, as high as `head.outline` expects them of the person's hair. They
reach further round the head than down it, so that they stay in the outline while a head turns aside by some 15
degrees, and come and go without a jump. An outline that is made of one height for each angle has no holes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.head import Head, HeadModel
from app.engine.head.atlas import scalp
from app.engine.head.outline import BANDS, COLUMNS, NODES, WIDEST, expected, strip_of
from app.engine.head.skull import smoothstep
from app.engine.warping.curves import Float32, FloatArray

# Values without another origin were chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance
# between the eyes. A pair of values is a range: at the first value something begins, at the second it is complete.
RADIUS = 1.9  # IOD: radius of a head with hair
HEIGHTS, ROUND = 256, 512  # cells of a map of the head: angle from the upward direction, and about it
SIZES = (0.055, 0.11, 0.22)  # IOD: cells of the noise that makes locks of each band of `outline.BANDS`
ALONG = 0.5  # IOD: cells of the same noise round the head
TAIL = 1.6  # deviations at which heights level off, so that no lock stands out like a spike
# Factors from expected roughness to the heights of each size of locks, with which the mattes of eleven drawn heads were
# as rough as expected: each band holds some of the others' locks, and a matte is smoother than what it is of.
HEIGHT_OF = (1.7, 1.05, 1.0)
STEPS = 512  # angles of a picture at which the outline is found
LOW = (105.0, 125.0)  # degrees from upwards: locks to none, because a neck stands there
# Least and greatest IOD of a soft edge: that of made-up heads without locks, and that of true views of loose hair (of
# ten people from the side, the widest has 0.078 and half have less than 0.04).
EDGE = (0.02, 0.06)
MOST = 0.12  # IOD by which locks reach out at most
HIGHEST = 99.5  # percentile of the heights of locks up to which they reach out
COMES_OUT = (0.0, -0.35)  # cosine of normal and view: the head begins to reach further out behind the outline
OFF_EARS = (0.3, 3.0)  # cm from the ears over which the same begins
# Least and greatest radius, in IOD, of a head's curvature: a nape is hollow, and a crown may be flat.
CURVED = (0.8, 3.0)
ROUNDS = 4  # rounds that smooth the curvature over the mesh


@dataclass(frozen=True, eq=False)
class Loose:
    """How loosely a person's made-up hair ends.

    heights: (HEIGHTS, ROUND) IOD of locks over the head; soft: (HEIGHTS,) IOD of the edge; reach: IOD by which it
    reaches out at most; out: (V,) IOD by which the head's vertices stand further out for it; radii: (V,) IOD.
    """

    heights: Float32
    soft: Float32
    reach: float
    out: FloatArray
    radii: FloatArray


class Locks(NamedTuple):
    """Where made-up hair ends in a frame.

    ends: (STEPS,) IOD by which it reaches beyond the smooth outline at each angle; soft: (STEPS,) IOD of its edge; x,
    y: px of the skull's middle, in index coordinates; up: radians from the picture's x axis to the first angle; reach:
    of `Loose`; least: IOD of the sharpest edge.
    """

    ends: Float32
    soft: Float32
    x: np.float32
    y: np.float32
    up: np.float32
    reach: np.float32
    least: np.float32


NO_LOCKS = Locks(np.zeros(STEPS, np.float32), np.ones(STEPS, np.float32), *(np.float32(0) for _ in range(5)))


def loose_of(head: Head, matte: Float32, srgb: NDArray[np.uint8], soft: float) -> tuple[Head, Loose]:
    """Return a head that reaches as far out as its locks, and how loosely its hair ends.

    matte: (H, W) of the person; srgb: (H, W, 3), the photo; soft: of `head_look`.
    """
    model = HeadModel.load()
    found = expected(strip_of(head.camera, head.centre, matte, srgb))
    angle = (np.arange(HEIGHTS) + 0.5) * 180 / HEIGHTS
    rough = np.stack([np.interp(angle, NODES, value) for value in found[:, 1:].T], axis=1)
    heights = lock_heights(rough * np.interp(angle, LOW, (1, 0))[:, None])
    edge = soft * np.clip(np.interp(angle, NODES, found[:, 0]), *EDGE)
    highest = min(float(np.percentile(heights, HIGHEST)), MOST)
    heights, reach = np.clip(heights, -highest, highest), highest + float(np.max(edge)) / 2
    facing = model.normals(head.points) @ head.camera.rotation[2]
    hair = scalp(model) * smoothstep(*OFF_EARS, model.off_ears)
    out = reach * hair * smoothstep(*COMES_OUT, facing)
    points = head.points + out[:, None] * head.normals
    normals = model.normals(points)
    loose = Loose(heights, edge.astype(np.float32), reach, out, radii(points, normals))
    return replace(head, points=points, normals=normals), loose


def lock_heights(rough: FloatArray) -> Float32:
    """Return (HEIGHTS, ROUND) IOD of locks over a head; rough: (HEIGHTS, bands) IOD by angle from upwards."""
    return np.asarray(np.einsum("hb,bhr->hr", (rough * HEIGHT_OF).astype(np.float32), _noise()), np.float32)


def radii(points: FloatArray, normals: FloatArray) -> FloatArray:
    """Return (V,) IOD: the radius of a head's curvature at its vertices (V, 3) with their normals (V, 3)."""
    model = HeadModel.load()
    a, b = model.triangles.ravel(), np.roll(model.triangles, 1, axis=1).ravel()
    along = points[b] - points[a]
    bent = ((normals[b] - normals[a]) * along).sum(axis=1) / np.maximum(np.square(along).sum(axis=1), 1e-9)
    size = len(points)
    curved: FloatArray = np.asarray(np.bincount(a, bent, size) + np.bincount(b, bent, size), float)
    curved = curved / np.maximum(np.bincount(a, minlength=size) + np.bincount(b, minlength=size), 1)
    for _ in range(ROUNDS):
        curved = model.averaging @ curved
    return np.asarray(1 / np.clip(curved, 1 / CURVED[1], 1 / CURVED[0]))


@cache
def _noise() -> Float32:
    """Return (bands, HEIGHTS, ROUND) heights of locks of each size, whose roughness in their band is 1."""
    out = np.empty((len(SIZES), HEIGHTS, ROUND), np.float32)
    rows = 2 * WIDEST / COLUMNS * HEIGHTS / 180  # of the map, by column of a strip
    for k, (size, sigma) in enumerate(zip(SIZES, BANDS)):
        _noisy(size, k, out[k])
        band = _band(out[k], sigma * rows)
        out[k] = np.tanh(band / (TAIL * band.std()))
        out[k] /= _band(out[k], sigma * rows).std()
    return out


def _band(heights: Float32, sigma: float) -> Float32:
    """Return what a Gaussian of `sigma` rows leaves of heights, less what twice that leaves, down the head."""
    fine, coarse = (
        cv2.sepFilter2D(heights, -1, np.ones(1), cv2.getGaussianKernel(2 * math.ceil(4 * s) + 1, s))
        for s in (sigma, 2 * sigma)
    )
    return np.asarray(fine - coarse, np.float32)


@njit(cache=True, nogil=True, forceinline=True)
def _hashed(i, j, k):  # type: ignore[no-untyped-def]
    """Return a number in [-1, 1] that belongs to a corner (i, j, k) of a lattice."""
    n = (i * 73856093) ^ (j * 19349663) ^ (k * 83492791)
    n = (n ^ (n >> 13)) * 1274126177 & 0x7FFFFFFF
    n = (n ^ (n >> 16)) * 1911520717 & 0x7FFFFFFF
    return (n >> 7 & 0xFFFF) / 32767.5 - 1.0


@njit(cache=True, nogil=True)
def _noisy(size, seed, out):  # type: ignore[no-untyped-def]
    """Write noise with cells of `size` IOD down a head and ALONG round it into out (HEIGHTS, ROUND)."""
    for a in range(out.shape[0]):
        down = math.pi * (a + 0.5) / out.shape[0]
        for b in range(out.shape[1]):
            about = 2 * math.pi * (b + 0.5) / out.shape[1]
            x = RADIUS * math.sin(down) * math.sin(about) / ALONG + 1000 * (seed + 5)
            y = RADIUS * down / size + 1000
            z = RADIUS * math.sin(down) * math.cos(about) / ALONG + 1000
            i, j, k = int(x), int(y), int(z)
            u, v, w = x - i, y - j, z - k
            u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
            total = 0.0
            for c in range(8):
                p, q, r = c & 1, c >> 1 & 1, c >> 2
                share = (u if p else 1 - u) * (v if q else 1 - v) * (w if r else 1 - w)
                total += share * _hashed(i + p, j + q, k + r)
            out[a, b] = total


def locks_in(loose: Loose, centre: FloatArray, camera: Camera, iod: float) -> Locks:
    """Return where a head's made-up hair ends under a camera.

    centre: (3,) the skull's middle in model space; iod: px between the eyes, by which an edge is at least a px wide.
    """
    ends, edge = np.empty(STEPS, np.float32), np.empty(STEPS, np.float32)
    x, y = camera.project(centre[None])[0, :2] - 0.5
    up = camera.rotation[:2, 1] * FLIP[:2]
    turned = math.atan2(up[1], up[0])
    _ends(loose.heights, loose.soft, camera.rotation * FLIP[:, None], turned, ends, edge)
    return Locks(ends, edge, *(np.float32(v) for v in (x, y, turned, loose.reach, 1 / iod)))


@njit(cache=True, nogil=True)
def _ends(heights, soft, axes, up, ends, edge):  # type: ignore[no-untyped-def]
    """Write ends and soft of `Locks` into ends and edge (STEPS,); axes: (3, 3) the picture's axes in model space."""
    rows, columns = heights.shape
    for s in range(len(ends)):
        angle = up + 2 * math.pi * s / len(ends)
        c, d = math.cos(angle), math.sin(angle)
        x, y, z = (
            c * axes[0, 0] + d * axes[1, 0],
            c * axes[0, 1] + d * axes[1, 1],
            c * axes[0, 2] + d * axes[1, 2],
        )
        row = math.acos(min(max(y, -1.0), 1.0)) / math.pi * rows - 0.5
        column = math.atan2(x, z) / (2 * math.pi) * columns - 0.5 + 2 * columns
        row = min(max(row, 0.0), rows - 1.001)
        i, j = int(row), int(column)
        u, v = row - i, column - j
        j, n = j % columns, (j + 1) % columns
        first = heights[i, j] + v * (heights[i, n] - heights[i, j])
        second = heights[i + 1, j] + v * (heights[i + 1, n] - heights[i + 1, j])
        ends[s], edge[s] = first + u * (second - first), soft[i]


@njit(cache=True, nogil=True, fastmath=True)
def loosened(deep, x, y, locks):  # type: ignore[no-untyped-def]
    """Return how much of made-up hair covers a pixel (x, y) that lies so many IOD inside the furthest end of locks."""
    angle = np.arctan2(y - locks.y, x - locks.x) - locks.up
    turned = angle * np.float32(STEPS / (2 * math.pi)) + np.float32(2 * STEPS)
    i = int(turned)
    u = turned - np.float32(i)
    a, b = i % STEPS, (i + 1) % STEPS
    end = locks.ends[a] + u * (locks.ends[b] - locks.ends[a])
    width = max(locks.soft[a], locks.least)
    return min(max((deep - locks.reach + end) / width + np.float32(0.5), np.float32(0)), np.float32(1))

"""Lets the hair that a turned head makes up end as loosely as the photo's, in compiled code."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from app.engine.face.parameters import FLIP, Camera
from app.engine.head import Head, HeadModel
from app.engine.warping.curves import Float32, FloatArray

# Least and greatest radius, in IOD, of a head's curvature: a nape is hollow, and a crown may be flat.
RADIUS = (0.8, 3.0)
ROUNDS = 4  # rounds that smooth the curvature over the mesh


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
    return np.asarray(1 / np.clip(curved, 1 / RADIUS[1], 1 / RADIUS[0]))


class FringeView(NamedTuple):
    """Where a fringe lies in a frame.

    matte: of `Fringe`; x, y: px of the skull's middle, in index coordinates; up: radians from the picture's x axis to
    the head's upward direction, y down; reach: IOD.
    """

    matte: Float32
    x: np.float32
    y: np.float32
    up: np.float32
    reach: np.float32


def fringe_view(head: Head, camera: Camera) -> FringeView:
    """Return where a head's fringe lies under a camera."""
    fringe = head.fringe
    x, y = camera.project(head.centre[None])[0, :2] - 0.5
    up = camera.rotation[:2, 1] * FLIP[:2]
    turned = math.atan2(up[1], up[0])
    return FringeView(fringe.matte, *(np.float32(v) for v in (x, y, turned, fringe.reach)))


@njit(cache=True, nogil=True, fastmath=True)
def loosened(deep, x, y, fringe):  # type: ignore[no-untyped-def]
    """Return the coverage of made-up hair at a pixel (x, y) that lies so many IOD inside a fringe's outer end."""
    cells, steps = fringe.matte.shape[1], fringe.matte.shape[0]
    at = max(deep / (np.float32(2) * fringe.reach) * np.float32(cells) - np.float32(0.5), np.float32(0))
    if at >= cells - 1:
        return np.float32(1)
    angle = np.arctan2(y - fringe.y, x - fringe.x) - fringe.up
    turned = angle * np.float32(steps / (2 * math.pi)) + np.float32(2 * steps)
    i, j = int(turned), int(at)
    u, v = turned - np.float32(i), at - np.float32(j)
    a, b = i % steps, (i + 1) % steps
    first = fringe.matte[a, j] + u * (fringe.matte[b, j] - fringe.matte[a, j])
    second = fringe.matte[a, j + 1] + u * (fringe.matte[b, j + 1] - fringe.matte[a, j + 1])
    return first + v * (second - first)

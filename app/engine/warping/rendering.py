"""Draws the pixels of a posed mesh, in bands on all cores."""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.warping.curves import Float32, FloatArray, box_around
from app.engine.warping.eyes import Eye, EyePose, margin
from app.engine.warping.geometry import Skin
from app.engine.warping.kernels import (
    MAPS,
    band_displacements,
    fill_ids,
    moved_extent,
    triangle_maps,
    warp_band,
)
from app.engine.warping.topology import topology

# These values were chosen by eye on sheets (tools/sheets.py).
BAND_ROWS = 24  # rows that a thread draws at once
STILL = 0.01  # px: smaller displacements count as none
EDGE = 0.02  # IOD by which neighbours move apart at an occluding edge


@dataclass(frozen=True, eq=False)
class Layers:
    """The photo separated into person and background, at one resolution.

    texture: (H, W, 4) photo and matte; background: (H, W, 3); zone: (H, W) 0 where the photo is plain background, 2
    where the person is solid, 1 between; hold: (H, W) from 0 where nothing may move to 255 where all may, or (0, 0)
    where all may everywhere; reach: the box (x0, y0, x1, y1) px of everything that is not plain background; iod: px
    between the eyes.
    """

    texture: NDArray[Any]
    background: NDArray[Any]
    zone: NDArray[np.uint8]
    hold: NDArray[np.uint8]
    reach: tuple[int, int, int, int]
    iod: float


@dataclass(frozen=True, eq=False)
class Motion:
    """The fine mesh in index coordinates, ready to draw.

    source, target, mirrored: (V, 2) float32, in the photo, in the target, and of the mirrored texture in the photo;
    light: (V, 5) brightness gain - 1, share of the mirrored texture, and that texture's gain - 1 for r, g, b; order:
    (T,) triangles from back to front; box: (x0, y0, x1, y1) px around what moves.
    """

    source: Float32
    target: Float32
    mirrored: Float32
    light: Float32
    order: NDArray[np.int64]
    box: tuple[int, int, int, int]

    def with_eyes(self, eyes: Sequence[tuple[Eye, EyePose]], layers: Layers) -> Motion:
        """Return the same motion with a box that also holds the eyes to be drawn."""
        x0, y0, x1, y1 = self.box
        for eye, target in eyes:
            size = (layers.zone.shape[1], layers.zone.shape[0])
            left, top, right, bottom = box_around(target.contour, margin(eye) + 1, size)
            if x1 <= x0:
                x0, y0, x1, y1 = left, top, right, bottom
            x0, y0, x1, y1 = min(x0, left), min(y0, top), max(x1, right), max(y1, bottom)
        return replace(self, box=(x0, y0, x1, y1))


@cache
def pool() -> ThreadPool:
    """Return the daemon threads that draw a picture's bands; the kernels run without Python's lock."""
    made = ThreadPool(min(8, os.cpu_count() or 1))
    # A pool that lives until the interpreter ends writes a complaint to standard error.
    atexit.register(made.terminate)
    return made


def nothing_moves() -> Motion:
    """Return a motion in which nothing moves; eyes and mouth widen its empty box."""
    none = np.zeros((0, 2), np.float32)
    return Motion(none, none, none, np.zeros((0, 5), np.float32), np.zeros(0, np.int64), (0, 0, 0, 0))


def motion(
    layers: Layers, source: FloatArray, fine: FloatArray, mirrored: FloatArray, light: FloatArray
) -> Motion:
    """Return the motion of the fine mesh.

    source, mirrored: (900, 3) px of the coarse mesh in the photo and of its mirrored texture; light: (900, 5) as in
    `Motion`; fine: (V, 3) px of the fine mesh in the target.
    """
    mesh = topology()
    carried = mesh.smooth @ np.concatenate([source[:, :2] - 0.5, mirrored[:, :2] - 0.5, light], axis=1)
    carried = carried.astype(np.float32)
    start, lit = np.ascontiguousarray(carried[:, :2]), np.ascontiguousarray(carried[:, 4:])
    end = np.ascontiguousarray(fine[:, :2] - 0.5, np.float32)
    still = np.abs(start - end).max(axis=1) < STILL
    end[still] = start[still]
    a, b, c = (fine[:, 2][mesh.triangles[:, k]] for k in range(3))
    order = np.lexsort((a + b + c, mesh.layer))
    box = _moved_box(layers, start, end, still & ~lit[:, :2].any(axis=1))
    return Motion(start, end, np.ascontiguousarray(carried[:, 2:4]), lit, order, box)


def _moved_box(layers: Layers, source: Any, target: Any, still: Any) -> tuple[int, int, int, int]:
    """Return the box (x0, y0, x1, y1) px around all that moves; it is empty where all vertices are still (V,)."""
    *extent, far = moved_extent(topology().triangles, still, source, target)
    if extent[0] > extent[2]:
        return 0, 0, 0, 0
    away = int(np.ceil(far)) + 2
    x0, y0, x1, y1 = layers.reach
    low = np.maximum(np.floor(extent[:2]).astype(int) - 1, [x0 - away, y0 - away])
    high = np.minimum(np.ceil(extent[2:]).astype(int) + 2, [x1 + away, y1 + away])
    height, width = layers.zone.shape
    left, top = min(width, max(0, int(low[0]))), min(height, max(0, int(low[1])))
    return left, top, max(left, min(width, int(high[0]))), max(top, min(height, int(high[1])))


def render(layers: Layers, moved: Motion) -> NDArray[Any]:
    """Return the pixels (h, w, 3) of the moved box, of the photo's type."""
    mesh = topology()
    x0, y0, x1, y1 = moved.box
    out = np.empty((y1 - y0, x1 - x0, 3), layers.texture.dtype)
    if out.size == 0:
        return out
    maps = np.empty((len(mesh.triangles), MAPS), np.float32)
    triangle_maps(moved.source, moved.target, moved.mirrored, moved.light, mesh.triangles, maps)
    limit = np.float32(max(1.5, EDGE * layers.iod))
    top = np.float32(65535 if layers.texture.dtype == np.uint16 else 255)
    mirrors = bool(moved.light[:, 1].any())

    def band(start: int) -> None:
        end = min(start + BAND_ROWS, y1)
        warp_band(
            start, end, x0, x1, layers.texture, layers.background, layers.zone, layers.hold, moved.target,
            mesh.triangles, moved.order, maps, mirrors, limit, top, out[start - y0 : end - y0],
        )  # fmt: skip

    pool().map(band, range(y0, y1, BAND_ROWS), 1)
    return out


def displacements(layers: Layers, moved: Motion) -> Float32:
    """Return the displacements (h, w, 2) px of the moved box, from each pixel to where `render` takes its colour."""
    mesh = topology()
    x0, y0, x1, y1 = moved.box
    maps = np.empty((len(mesh.triangles), MAPS), np.float32)
    triangle_maps(moved.source, moved.target, moved.mirrored, moved.light, mesh.triangles, maps)
    ids = np.full((y1 - y0, x1 - x0), -1, np.int16)
    fill_ids(y0, y1, x0, x1, moved.target, mesh.triangles, moved.order, ids)
    flow = np.empty((*ids.shape, 2), np.float32)
    band_displacements(y0, y1, x0, x1, maps, layers.hold, ids, flow)
    return flow


def warm_up(dtype: type[np.generic]) -> None:
    """Compile every kernel for pictures of a type (uint8 or uint16), by running it on a tiny one."""
    mesh = topology()
    angle = np.linspace(0, 2 * np.pi, mesh.smooth.shape[1])
    points = np.stack([8 + 6 * np.cos(angle), 8 + 6 * np.sin(angle), angle], axis=1)
    fine = mesh.smooth @ points
    skin = Skin.of(fine, mesh.triangles)
    fine = skin.unfolded(fine + 1.0, skin.areas(fine))
    picture = np.zeros((16, 16, 4), dtype)
    layers = Layers(
        picture,
        picture[..., :3].copy(),
        np.ones((16, 16), np.uint8),
        np.zeros((0, 0), np.uint8),
        (0, 0, 16, 16),
        4.0,
    )
    moved = motion(layers, points, fine, points, np.zeros((len(points), 5)))
    render(layers, moved)
    displacements(layers, moved)

"""The weights-free generator: the photo warped by a 3D mesh of the face inside a depth shell."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.pool import ThreadPool
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.controls import CONTROLS
from app.engine.face.parameters import FaceParams
from app.engine.generators import GeneratorInfo, Patch, SourceImage, Target
from app.engine.warping.background import fill
from app.engine.warping.geometry import target_points
from app.engine.warping.shell import FloatArray, SourceMesh, source_mesh
from app.engine.warping.topology import topology

BAND_ROWS = 24
STILL = 0.01  # px: displacements below this are none


@dataclass(frozen=True, eq=False)
class WarpCode:
    """What one face of one photo needs for every frame."""

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None
    background: NDArray[Any]
    alpha_background: NDArray[Any] | None
    matte: NDArray[np.uint8]
    zone: NDArray[np.uint8]
    hold: NDArray[np.uint8]
    mesh: SourceMesh
    params: FaceParams
    fine: FloatArray
    reach: tuple[int, int, int, int]  # x0, y0, x1, y1 of everything that is not plain background


@cache
def _pool() -> ThreadPool:
    """Daemon threads that share out a picture's bands; the kernels run without the GIL."""
    return ThreadPool(min(8, os.cpu_count() or 1))


class MeshWarp:
    """See `reference/mesh-warp.md`; every stage in `app.engine.warping` names its own source."""

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo("mesh-warp", "Mesh warp", 0, tuple(c.name for c in CONTROLS), (), "MIT")

    def encode(self, source: SourceImage) -> WarpCode:
        face = source.face
        iod = face.params.camera.scale
        matte = np.clip(source.matte * 255 + 0.5, 0, 255).astype(np.uint8)
        grown = max(2, round(0.11 * iod))
        zone = _zones(matte, grown)
        mesh = source_mesh(face, source.matte)
        background = fill(source.pixels, zone > 0, iod)
        alpha_background = None
        if source.alpha is not None:
            alpha_background = fill(source.alpha[..., None], zone > 0, iod)[..., 0]
        return WarpCode(
            np.ascontiguousarray(source.pixels),
            source.alpha,
            background,
            alpha_background,
            matte,
            zone,
            np.zeros((0, 0), np.uint8),
            mesh,
            face.params,
            topology().smooth @ mesh.points,
            _bounds(zone),
        )

    def generate(self, code: WarpCode, target: Target) -> Patch:
        times: list[tuple[str, float]] = []
        with _timed("geometry", times):
            moved = target_points(code.mesh, target.params.camera, np.zeros((468, 3)))
            fine = topology().smooth @ moved
        with _timed("warp", times):
            return _render(code, fine)


def _zones(matte: NDArray[np.uint8], grown: int) -> NDArray[np.uint8]:
    """0 where the background is the photo itself, 2 where the person is solid, 1 between."""
    some = cv2.dilate((matte > 0).astype(np.uint8), np.ones((2 * grown + 1, 2 * grown + 1), np.uint8))
    solid = cv2.erode((matte == 255).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(some + solid, np.uint8)


def _bounds(zone: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    x, y, w, h = cv2.boundingRect((zone > 0).astype(np.uint8))
    return x, y, x + w, y + h


def _render(code: WarpCode, fine: FloatArray) -> Patch:
    from app.engine.warping.kernels import MAPS, triangle_maps, warp_band

    mesh = topology()
    source = np.ascontiguousarray(code.fine[:, :2] - 0.5, np.float32)
    target = np.ascontiguousarray(fine[:, :2] - 0.5, np.float32)
    still = np.abs(source - target).max(axis=1) < STILL
    target[still] = source[still]
    x0, y0, x1, y1 = _moved_box(code, source, target, still)
    out = np.empty((y1 - y0, x1 - x0, 3), code.pixels.dtype)
    if out.size == 0:
        return Patch(out, 0, 0, None)
    shade = np.zeros((len(fine), 2), np.float32)
    maps = np.empty((len(mesh.triangles), MAPS), np.float32)
    triangle_maps(source, target, source, shade, mesh.triangles, maps)
    depth = fine[:, 2][mesh.triangles].sum(axis=1)
    order = np.lexsort((depth, mesh.layer))
    limit = np.float32(max(1.5, 0.02 * code.mesh.iod))
    top = np.float32(65535 if code.pixels.dtype == np.uint16 else 255)

    def band(start: int) -> None:
        end = min(start + BAND_ROWS, y1)
        warp_band(
            start,
            end,
            x0,
            x1,
            code.pixels.shape[0],
            code.pixels,
            code.background,
            code.matte,
            code.zone,
            code.hold,
            target,
            mesh.triangles,
            order,
            maps,
            limit,
            top,
            True,
            out[start - y0 : end - y0],
        )

    _pool().map(band, range(y0, y1, BAND_ROWS), 1)
    return Patch(out, x0, y0, None)


def _moved_box(code: WarpCode, source: Any, target: Any, still: Any) -> tuple[int, int, int, int]:
    triangles = topology().triangles
    moving = triangles[~still[triangles].all(axis=1)]
    if len(moving) == 0:
        return 0, 0, 0, 0
    corners = target[moving.ravel()]
    far = int(np.ceil(np.abs(source - target).max())) + 2
    low = np.maximum(
        np.floor(corners.min(axis=0)).astype(int) - 1, [code.reach[0] - far, code.reach[1] - far]
    )
    high = np.minimum(
        np.ceil(corners.max(axis=0)).astype(int) + 2, [code.reach[2] + far, code.reach[3] + far]
    )
    height, width = code.pixels.shape[:2]
    x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
    return x0, y0, max(x0, min(width, int(high[0]))), max(y0, min(height, int(high[1])))


@contextmanager
def _timed(name: str, times: list[tuple[str, float]]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.append((name, 1000 * (time.perf_counter() - start)))


GENERATOR = MeshWarp

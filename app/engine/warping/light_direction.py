"""Estimates from which direction a photo's light comes, by the brightness of its skin and the face's normals."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from app.engine.face.morphable_model import default_model
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE, largest
from app.engine.warping.curves import FloatArray
from app.engine.warping.topology import BROWS, LOWER_LIDS, LOWER_LIP, N_FACE, UPPER_LIDS, UPPER_LIP

NEARER = 0.06  # IOD by which a part of the face must be nearer to cover another
FACING = (0.2, 0.05)  # cosine between normal and view over which skin comes to be hidden
LOW_PASS, SMALL_IOD = (
    0.12,
    40.0,
)  # IOD: sigma of the blur of brightness; px between the eyes at which it is taken


def light_direction(pixels: NDArray[Any], points: FloatArray, iod: float) -> FloatArray:
    """Return the (3,) direction from which a photo's light comes (pixels' axes, z to the viewer); its length is that
    light's strength over the mean. points: (468, 3) px of the face.

    It is a robust least squares of brightness on (1, normal), leaning to no direction (Basri and Jacobs 2003, order 1).
    """
    n = _normals(points)
    brightness = _colours(pixels, points, iod) @ LUMINANCE
    weight = (1 - _hidden(points, n, iod)) * np.clip(n[:, 2], 0, 1)
    weight[list(_features())] = 0
    basis = np.column_stack([np.ones(N_FACE), n])
    light = np.zeros(4)
    for _ in range(3):
        gram = basis.T @ (basis * weight[:, None]) + np.diag([0, 1, 1, 1]) * 0.02 * max(weight.sum(), 1e-6)
        light = np.linalg.solve(gram + 1e-9 * np.eye(4), basis.T @ (weight * brightness))
        error = np.abs(basis @ light - brightness)
        weight = weight / (1 + (error / max(float(np.median(error)) * 2, 1e-4)) ** 2)
    return np.asarray(light[1:] / max(float(light[0]), 0.02))


@cache
def _incidence() -> csr_matrix:
    """(468, T): the sparse matrix that sums values of the face's triangles at each vertex."""
    face = default_model().triangles
    rows, columns = face.ravel(), np.repeat(np.arange(len(face)), 3)
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(N_FACE, len(face)))


def _normals(points: FloatArray) -> FloatArray:
    """Return (468, 3) unit normals of points (px, y down, z to the viewer), towards the outside of the head."""
    a, b, c = (points[default_model().triangles[:, k]] for k in range(3))
    total = _incidence() @ np.cross(c - a, b - a)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9))


@cache
def _features() -> tuple[int, ...]:
    """Return vertices whose colour says little about light: lids, brows, lips."""
    rows = (*UPPER_LIDS, *LOWER_LIDS, *BROWS, UPPER_LIP, LOWER_LIP)
    return tuple(sorted({v for row in rows for v in row}))


def _colours(pixels: NDArray[Any], points: FloatArray, iod: float) -> FloatArray:
    """Return (468, 3) colours in [0, 1] at the vertices, low-pass."""
    scale = min(1.0, SMALL_IOD / iod)
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), max(0.5, LOW_PASS * iod * scale))
    x, y = (
        np.clip((points[:, k] * size[k] / whole).astype(int), 0, size[k] - 1)
        for k, whole in ((0, width), (1, height))
    )
    top = largest(pixels.dtype)
    return np.asarray(small[y, x] / top, float)


def _hidden(points: FloatArray, n: FloatArray, iod: float) -> FloatArray:
    """Return (468,) 1 where a vertex faces away or where a nearer part of the face covers it."""
    a, b, c = (points[default_model().triangles[:, k]] for k in range(3))
    u, v = b - a, c - a
    det = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    inverse = 1 / np.where(np.abs(det) < 1e-6, 1e-6, det)
    p = points[:, None, :2] - a[None, :, :2]
    s = (p[..., 0] * v[:, 1] - p[..., 1] * v[:, 0]) * inverse
    t = (p[..., 1] * u[:, 0] - p[..., 0] * u[:, 1]) * inverse
    z = a[:, 2] + s * u[:, 2] + t * v[:, 2]
    over = (s > 0) & (t > 0) & (s + t < 1) & (z > points[:, None, 2] + NEARER * iod)
    return np.asarray(np.maximum(over.any(axis=1), smoothstep(*FACING, n[:, 2])), float)

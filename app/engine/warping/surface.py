"""Computes the normals of the face mesh, the light that changes with them, and where skin is taken from the face's
other half, because the photo does not show this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from app.engine.face.morphable_model import default_model
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE
from app.engine.warping.shell import FloatArray, SourceMesh
from app.engine.warping.topology import (
    BROWS,
    LOWER_LIDS,
    LOWER_LIP,
    N_FACE,
    N_MESH,
    N_OVAL,
    N_RINGS,
    OVAL,
    RING_DISTANCES,
    UPPER_LIDS,
    UPPER_LIP,
    topology,
)

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py).
# Least and greatest light on a surface over that in the photo. With 0.55 to 1.8 the pictures come no nearer to true
# studio views, and a clip of a turning head is further from its frames (a_headpose_female, L1 of the face 12.7 levels
# instead of 10.8).
LIGHT_RANGE = (0.78, 1.28)
MIRROR_RANGE = (0.35, 2.5)  # least and greatest colour of one side over that of the other
TURNED = 8.0  # degrees of yaw from which a photo hides part of a face


@dataclass(frozen=True, eq=False)
class Surface:
    """What the photo shows about skin and light.

    normals: (468, 3) unit, of the source, in pixels' axes with z to the viewer; light: (4,) with which brightness is
    light . (1, normal); twin: (900,) index of the mirror vertex on the other side; hidden: (468,) 1 where the photo
    does not show a vertex; ratio: (900, 3) colour of this side over that of the other; mirrors: whether the photo
    hides anything.
    """

    normals: FloatArray
    light: FloatArray
    twin: NDArray[np.int64]
    hidden: FloatArray
    ratio: FloatArray
    mirrors: bool


@cache
def _incidence() -> tuple[NDArray[np.int32], csr_matrix]:
    """Return the face's triangles (T, 3), with eyes and mouth filled, and the matrix (468, T) that sums over the
    triangles at each vertex.
    """
    coarse = topology().coarse
    face = coarse[(coarse < N_FACE).all(axis=1)]
    rows, columns = face.ravel(), np.repeat(np.arange(len(face)), 3)
    return face, csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(N_FACE, len(face)))


def normals(points: FloatArray) -> FloatArray:
    """Return unit normals (468, 3) of mesh points (468, 3) px (y down, z to the viewer), out of the head."""
    face, sums = _incidence()
    a, b, c = (points[face[:, k]] for k in range(3))
    total = sums @ np.cross(c - a, b - a)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9))


@cache
def _features() -> tuple[int, ...]:
    """Return vertices whose colour says little about light: lids, brows, lips."""
    rows = (*UPPER_LIDS, *LOWER_LIDS, *BROWS, UPPER_LIP, LOWER_LIP)
    return tuple(sorted({v for row in rows for v in row}))


@cache
def twins() -> NDArray[np.int64]:
    """Return (900,) index of the vertex on the other side."""
    spokes = (-np.arange(N_OVAL)) % N_OVAL
    rings = [N_FACE + k * N_OVAL + spokes for k in range(N_RINGS)]
    return np.concatenate([default_model().mirror.astype(np.int64), *rings])


def surface(pixels: NDArray[Any], mesh: SourceMesh, yaw: float) -> Surface:
    """Return what a photo shows about skin and light; pixels: (H, W, 3) uint8 or uint16; yaw: degrees of the photo."""
    points = mesh.points[:N_FACE]
    n = normals(points)
    colour = _colour(pixels, mesh)
    hidden = _hidden(points, n, mesh.iod)
    light = _light(n, colour[:N_FACE] @ LUMINANCE, hidden)
    mirrors = abs(yaw) > TURNED
    ratio = _ratio(colour[:N_FACE], n, hidden) if mirrors else np.ones((N_MESH, 3))
    return Surface(n, light, twins(), hidden, ratio, mirrors)


def _colour(pixels: NDArray[Any], mesh: SourceMesh) -> FloatArray:
    """Return the low-pass colours (900, 3) in [0, 1] at the mesh's vertices."""
    scale = min(1.0, 40.0 / mesh.iod)
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), max(0.5, 0.12 * mesh.iod * scale))
    x = np.clip((mesh.points[:, 0] * size[0] / width).astype(int), 0, size[0] - 1)
    y = np.clip((mesh.points[:, 1] * size[1] / height).astype(int), 0, size[1] - 1)
    top = 65535 if pixels.dtype == np.uint16 else 255
    return np.asarray(small[y, x] / top, float)


def _hidden(points: FloatArray, n: FloatArray, iod: float) -> FloatArray:
    """Return (468,) 1 where a vertex faces away or where a nearer part of the face covers it."""
    face, _ = _incidence()
    a, b, c = (points[face[:, k]] for k in range(3))
    u, v = b - a, c - a
    det = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    inverse = 1 / np.where(np.abs(det) < 1e-6, 1e-6, det)
    p = points[:, None, :2] - a[None, :, :2]
    s = (p[..., 0] * v[:, 1] - p[..., 1] * v[:, 0]) * inverse
    t = (p[..., 1] * u[:, 0] - p[..., 0] * u[:, 1]) * inverse
    z = a[:, 2] + s * u[:, 2] + t * v[:, 2]
    over = (s > 0) & (t > 0) & (s + t < 1) & (z > points[:, None, 2] + 0.06 * iod)
    return np.asarray(np.maximum(over.any(axis=1), smoothstep(0.2, 0.05, n[:, 2])), float)


def _light(n: FloatArray, brightness: FloatArray, hidden: FloatArray) -> FloatArray:
    """Return the light (4,) by least squares of brightness (468,) on (1, normal), with a ridge against directions.

    Source: Basri and Jacobs, Lambertian Reflectance and Linear Subspaces, 2003, harmonics of order 1.
    """
    weight = (1 - hidden) * np.clip(n[:, 2], 0, 1)
    weight[list(_features())] = 0
    basis = np.column_stack([np.ones(N_FACE), n])
    for _ in range(3):
        gram = basis.T @ (basis * weight[:, None]) + np.diag([0, 1, 1, 1]) * 0.02 * max(weight.sum(), 1e-6)
        light = np.linalg.solve(gram + 1e-9 * np.eye(4), basis.T @ (weight * brightness))
        error = np.abs(basis @ light - brightness)
        weight = weight / (1 + (error / max(float(np.median(error)) * 2, 1e-4)) ** 2)
    return np.asarray(light)


def toward(light: FloatArray) -> FloatArray:
    """Return the direction (3,) from which a light (4,) comes, in pixels' axes (z to the viewer).

    Its length is the strength of the directed light over the mean light.
    """
    return np.asarray(light[1:] / max(float(light[0]), 0.02))


def lit(light: FloatArray, n: FloatArray) -> FloatArray:
    """Return the brightness (N,) of surfaces with normals (N, 3) in a light (4,); it never comes near 0."""
    value = light[0] + n @ light[1:]
    return np.asarray(np.maximum(value, 0.25 * max(float(light[0]), 0.02)))


def relight(surface: Surface, after: FloatArray) -> FloatArray:
    """Return (900,) brightness gain - 1 for the target's normals, after (468, 3); it is exactly 0 where none turned."""
    gain = np.clip(lit(surface.light, after) / lit(surface.light, surface.normals), *LIGHT_RANGE) - 1
    gain[np.abs(gain) < 1e-3] = 0
    fade = np.array(RING_DISTANCES)
    fade = np.exp(-((fade / 0.35) ** 2)) * (fade < 0.7)
    rings = (fade[:, None] * gain[list(OVAL)][None]).ravel()
    return np.concatenate([gain, rings])


def _ratio(own: FloatArray, n: FloatArray, hidden: FloatArray) -> FloatArray:
    """Return (900, 3) the colour of this side over that of the other where the photo shows both, continued smoothly
    elsewhere.

    own: (468, 3) colours in [0, 1]; n: (468, 3) normals; hidden: (468,).
    """
    twin = twins()[:N_FACE]
    seen = (1 - hidden) * smoothstep(0.25, 0.5, n[:, 2])
    weight = (seen * seen[twin])[:, None]
    log = np.log(np.clip((own + 0.01) / (own[twin] + 0.01), *MIRROR_RANGE))
    value, held = log * weight, weight
    around = topology().averaging[:N_FACE, :N_FACE]
    for _ in range(80):  # the ratio diffuses from known vertices
        near = around @ held
        value = np.where(
            near > 1e-9, log * weight + (1 - weight) * (around @ value) / np.maximum(near, 1e-9), 0
        )
        held = np.maximum(weight, (near > 1e-9).astype(float))
    ratio = np.exp(value)
    fade = np.exp(-((np.array(RING_DISTANCES) / 0.6) ** 2))
    rings = 1 + fade[:, None, None] * (ratio[list(OVAL)] - 1)[None]
    return np.concatenate([ratio, rings.reshape(-1, 3)])


def mirror_share(surface: Surface, after: FloatArray, yaw_change: float) -> FloatArray:
    """Return (900,) in [0, 1] how much of the other side's skin each vertex takes; it is 0 in the source's own pose.

    after: (468, 3) the target's normals; yaw_change: degrees. Only the face is mirrored: what lies beyond its outline
    (an ear, hair, the profile itself) has no mirror image there.
    """
    if not surface.mirrors:
        return np.zeros(N_MESH)
    before = surface.normals[:, 2]
    twin = surface.twin[:N_FACE]
    stretch = after[:, 2] / np.maximum(before, 0.05)
    share = smoothstep(1.5, 2.8, stretch) * smoothstep(0.1, 0.35, before[twin] - before)
    share = np.maximum(share, surface.hidden * smoothstep(0, 0.10, after[:, 2] - before))
    share *= smoothstep(0.0, 3.0, np.array(abs(yaw_change)))
    spread = _spread(np.concatenate([share, np.zeros(N_MESH - N_FACE)]))
    # Two skins blended half and half would show the features of both.
    return np.concatenate([smoothstep(0.2, 0.8, spread[:N_FACE]), np.zeros(N_MESH - N_FACE)])


def _spread(share: FloatArray) -> FloatArray:
    """Return values (900,) smoothed over the mesh; values that are 0 everywhere stay 0."""
    if not share.any():
        return share
    for _ in range(3):
        share = topology().averaging @ share
    return np.asarray(share)

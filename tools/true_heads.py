"""Draws heads of known shape at known poses, as the truth for what is read of pictures; none of them ships.

The scan is read with DracoPy (Apache-2.0), which only this tool needs: pip install DracoPy.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.face.parameters import rotation_matrix
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.reading import open_photo

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
GROUND = (176, 178, 180)  # levels of the background
OVER = 2  # samples for each pixel along each axis
PIVOT = np.array([0.0, -0.3, -1.0])  # eye distances from the eyes' middle; heads are turned about this point
# Eye centres of the scan in its own units; they lie between the lids' corners, on the surface.
SCAN_EYES = np.array([[-0.62, 1.12, 1.62], [0.62, 1.12, 1.62]])


@dataclass(frozen=True, eq=False)
class Head:
    """One head. vertices (V, 3) in eye distances, x to the image's right, y up, z to the viewer, with the
    eyes' middle at the origin; normals (V, 3); uv (V, 2) of the texture with v up; triangles (T, 3); texture
    (h, w, 3).

    photo, place, share: a portrait (H, W, 3) that is painted over the texture, (V, 2) px of every vertex in
    the portrait, and (V,) how much the portrait covers there.
    """

    vertices: Array
    normals: Array
    uv: Array
    triangles: NDArray[np.int32]
    texture: Image
    photo: Image
    place: Array
    share: Array


def scan(folder: Path) -> Head:
    """Return the LeePerrySmith scan (see shared/models3d/SOURCES.md), changed in nothing but its unit."""
    import DracoPy

    data = (folder / "LeePerrySmith.glb").read_bytes()
    mesh = DracoPy.decode(data[data.index(b"DRACO") :])
    eyes = SCAN_EYES.mean(axis=0)
    points = (np.asarray(mesh.points, np.float64) - eyes) / np.linalg.norm(SCAN_EYES[1] - SCAN_EYES[0])
    triangles = np.asarray(mesh.faces, np.int32)
    return Head(
        points,
        normals_of(points, triangles),
        np.asarray(mesh.tex_coord, np.float64),
        triangles,
        to_srgb8(open_photo(folder / "color.jpg")),
        np.zeros((2, 2, 3), np.uint8),
        np.zeros((len(points), 2)),
        np.zeros(len(points)),
    )


def tilted(head: Head, angles: tuple[float, float, float]) -> Head:
    """Return the head turned by these angles, with the new pose as its zero."""
    rotation = rotation_matrix(*angles)
    return replace(head, vertices=head.vertices @ rotation.T, normals=head.normals @ rotation.T)


def landmarks_on(head: Head, landmarks: Array, scale: float, distance: float) -> Array:
    """Return (N, 3) points of the head's surface that lie under (N, 2) px of its front view, as `drawn` makes
    it with size 512.
    """
    place = surface(head, 512, scale, distance)
    at = np.clip(np.round(landmarks[:, :2] * OVER - 0.5).astype(int), 0, len(place) - 1)
    return np.asarray(place[at[:, 1], at[:, 0]])


def surface(head: Head, size: int = 512, scale: float = 90.0, distance: float = 25.0) -> Array:
    """Return (size * OVER, size * OVER, 3) the points of the head that its front view shows, NaN beside the head; the
    arguments are those of `drawn`.
    """
    points, _ = _projected(head, (0.0, 0.0, 0.0), size, scale, distance)
    place = np.full((size * OVER, size * OVER, 3), np.nan)
    depth = np.full(place.shape[:2], -1e9)
    _places(points, head.triangles, head.vertices, depth, place)
    return place


def pose_of(points: Array, pixels: Array, distance: float = 25.0) -> Array:
    """Return (3,) degrees: the yaw, pitch and roll at which `drawn` shows points (N, 3) of a head nearest to pixels (N,
    2), with any size and place in the picture. The few that lie far off count little.
    """
    from scipy.optimize import least_squares

    def off(pose: Array) -> Array:
        turned = (points - PIVOT) @ rotation_matrix(*pose[:3]).T
        near = 100 * np.exp(pose[3]) / (1 - turned[:, 2] / distance)
        return np.asarray((pose[4:] + turned[:, :2] * (1, -1) * near[:, None] - pixels).ravel())

    start = np.concatenate([np.zeros(4), pixels.mean(axis=0)])
    scale = (5.0, 5.0, 5.0, 0.05, 5.0, 5.0)  # degrees, degrees, degrees, of log scale, px, px
    return np.asarray(least_squares(off, start, x_scale=scale, loss="soft_l1", f_scale=2.0).x[:3])


def wearing(head: Head, on_head: Array, points: Array, photo: Image, place: Array) -> Head:
    """Return the head with its landmarks bent to those of a portrait, and with the portrait painted on its
    face.

    on_head, points: (N, 3) the landmarks on the head and, in the same unit, the portrait's; place: (N, 2) px
    of the portrait's landmarks.
    """
    from scipy.interpolate import RBFInterpolator
    from scipy.spatial import cKDTree

    good = np.isfinite(on_head).all(axis=1)
    source, target, at = on_head[good], points[good], place[good]
    near, _ = cKDTree(source).query(head.vertices)
    fade = 1 - smoothstep(near, 0.3, 1.5)
    shift = RBFInterpolator(source, target - source, kernel="linear", smoothing=1e-3, neighbors=64)
    vertices = head.vertices + fade[:, None] * shift(head.vertices)
    spread = RBFInterpolator(target, at, kernel="linear", smoothing=1e-6, neighbors=64)
    normals = normals_of(vertices, head.triangles)
    share = (1 - smoothstep(near, 0.08, 0.25)) * smoothstep(normals[:, 2], 0.1, 0.4)
    front = vertices[:, 2] > source[:, 2].min() - 0.3
    return replace(
        head, vertices=vertices, normals=normals, photo=photo, place=spread(vertices), share=share * front
    )


def smoothstep(value: Array, low: float, high: float) -> Array:
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def normals_of(points: Array, triangles: NDArray[np.int32]) -> Array:
    """Return vertex normals; vertices that a seam doubles count as one."""
    _, same = np.unique(np.round(points, 5), axis=0, return_inverse=True)
    same = same.ravel()
    a, b, c = (points[triangles[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    found = np.zeros((same.max() + 1, 3))
    for k in range(3):
        np.add.at(found, same[triangles[:, k]], flat)
    found = found[same]
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))


def _projected(
    head: Head, angles: tuple[float, float, float], size: int, scale: float, distance: float
) -> tuple[Array, Array]:
    """Return (V, 3) px of a picture OVER times as large, with depth, and the (3, 3) rotation."""
    rotation = rotation_matrix(*angles)
    turned = (head.vertices - PIVOT) @ rotation.T
    near = OVER * scale * distance / (distance - turned[:, 2])
    middle = size * OVER / 2
    x, y = middle + turned[:, 0] * near, middle - turned[:, 1] * near
    return np.stack([x, y, turned[:, 2]], axis=1), rotation


def drawn(
    head: Head,
    angles: tuple[float, float, float],
    size: int = 512,
    scale: float = 90.0,
    distance: float = 25.0,
    light: tuple[float, float, float] = (0.0, 0.4, 1.0),
    even: float = 0.5,
) -> Image:
    """Return (size, size, 3) sRGB of the head turned by (yaw, pitch, roll) in Mien's signs about PIVOT.

    scale: px of an eye distance at the pivot's depth; distance: of the camera from there, in eye distances; light:
    where it comes from; even: the share of it that comes from everywhere (all of it on what is painted of a portrait).
    """
    points, rotation = _projected(head, angles, size, scale, distance)
    towards = np.array(light) / np.linalg.norm(light)
    shade = even + (1 - even) * np.clip(head.normals @ rotation.T @ towards, 0, 1)
    shade = head.share + (1 - head.share) * shade
    side = size * OVER
    picture = np.empty((side, side, 3))
    picture[:] = GROUND
    attributes = np.column_stack([head.uv, shade, head.share, head.place])
    textures = head.texture.astype(np.float32), head.photo.astype(np.float32)
    _raster(points, head.triangles, attributes, *textures, np.full((side, side), -1e9), picture)
    small = picture.reshape(size, OVER, size, OVER, 3).mean(axis=(1, 3))
    return np.asarray(np.clip(np.round(small), 0, 255), np.uint8)


@numba.njit(cache=True)
def _corners(points, triangle, x, y):  # type: ignore[no-untyped-def]
    """Return barycentric coordinates of a pixel's centre, negative outside the triangle, and its depth."""
    ax, ay, az = points[triangle[0]]
    bx, by, bz = points[triangle[1]]
    cx, cy, cz = points[triangle[2]]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0.0:
        return -1.0, -1.0, -1.0, 0.0
    b = ((x + 0.5 - ax) * (cy - ay) - (y + 0.5 - ay) * (cx - ax)) / area
    c = ((bx - ax) * (y + 0.5 - ay) - (by - ay) * (x + 0.5 - ax)) / area
    a = 1.0 - b - c
    return a, b, c, a * az + b * bz + c * cz


@numba.njit(cache=True)
def _sample(texture, x, y, q):  # type: ignore[no-untyped-def]
    x = min(max(x - 0.5, 0.0), texture.shape[1] - 1.001)
    y = min(max(y - 0.5, 0.0), texture.shape[0] - 1.001)
    m, n = int(y), int(x)
    fy, fx = y - m, x - n
    top = texture[m, n, q] * (1 - fx) + texture[m, n + 1, q] * fx
    low = texture[m + 1, n, q] * (1 - fx) + texture[m + 1, n + 1, q] * fx
    return top * (1 - fy) + low * fy


@numba.njit(cache=True)
def _box(points, triangle, width, height):  # type: ignore[no-untyped-def]
    i, j, k = triangle
    xs = (points[i, 0], points[j, 0], points[k, 0])
    ys = (points[i, 1], points[j, 1], points[k, 1])
    return (
        max(0, int(min(xs))),
        min(width - 1, int(max(xs)) + 1),
        max(0, int(min(ys))),
        min(height - 1, int(max(ys)) + 1),
    )


@numba.njit(cache=True)
def _raster(points, triangles, attributes, texture, photo, depth, picture):  # type: ignore[no-untyped-def]
    for t in range(len(triangles)):
        triangle = triangles[t]
        x0, x1, y0, y1 = _box(points, triangle, depth.shape[1], depth.shape[0])
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                a, b, c, z = _corners(points, triangle, x, y)
                if a < 0 or b < 0 or c < 0 or z <= depth[y, x]:
                    continue
                depth[y, x] = z
                v = a * attributes[triangle[0]] + b * attributes[triangle[1]] + c * attributes[triangle[2]]
                for q in range(3):
                    own = _sample(texture, v[0] * texture.shape[1], (1 - v[1]) * texture.shape[0], q)
                    if v[3] > 0:
                        own = (1 - v[3]) * own + v[3] * _sample(photo, v[4], v[5], q)
                    picture[y, x, q] = own * v[2]


@numba.njit(cache=True)
def _places(points, triangles, vertices, depth, place):  # type: ignore[no-untyped-def]
    for t in range(len(triangles)):
        triangle = triangles[t]
        x0, x1, y0, y1 = _box(points, triangle, depth.shape[1], depth.shape[0])
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                a, b, c, z = _corners(points, triangle, x, y)
                if a < 0 or b < 0 or c < 0 or z <= depth[y, x]:
                    continue
                depth[y, x] = z
                place[y, x] = (
                    a * vertices[triangle[0]] + b * vertices[triangle[1]] + c * vertices[triangle[2]]
                )

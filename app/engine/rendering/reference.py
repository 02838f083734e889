"""Renders meshes with NumPy, slowly but in simple steps, so that the OpenGL renderer can be compared with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.rendering.shading import GROUND, faces_viewer, triangle_colours, vertex_shades


def rasterise(
    points: NDArray, triangles: NDArray, size: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return of every pixel the number of the nearest triangle (h, w), -1 where there is none, and the barycentric
    coordinates (h, w, 3) of the pixel's centre in that triangle.

    points: (N, 3) px; size: (w, h).
    """
    width, height = size
    depth = np.full((height, width), -np.inf)
    owner = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3))
    for index, corners in enumerate(points[triangles]):
        x0, y0 = np.maximum(np.floor(corners[:, :2].min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(corners[:, :2].max(axis=0)).astype(int), (width, height))
        if x0 >= x1 or y0 >= y1:
            continue
        inside = _barycentric(corners, np.arange(x0, x1) + 0.5, np.arange(y0, y1)[:, None] + 0.5)
        if inside is None:
            continue
        box = np.s_[y0:y1, x0:x1]
        z = inside @ corners[:, 2]
        nearer = (inside >= 0).all(axis=2) & (z > depth[box])
        depth[box][nearer] = z[nearer]
        owner[box][nearer] = index
        weights[box][nearer] = inside[nearer]
    return owner, weights


def _barycentric(corners: NDArray, x: NDArray, y: NDArray) -> NDArray[np.float64] | None:
    """Return the barycentric coordinates (h, w, 3) of a grid in one triangle; None where it has no area."""
    (ax, ay), (bx, by), (cx, cy) = corners[:, :2]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0:
        return None
    b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
    c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
    return np.asarray(np.stack([1 - b - c, b, c], axis=2))


class ReferenceRenderer:
    """`NmfcRenderer` in NumPy."""

    def __init__(self, mean: NDArray, triangles: NDArray) -> None:
        self._triangles = np.asarray(triangles)
        self._colours = triangle_colours(mean, triangles)

    def nmfc(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.float32]:
        shown = faces_viewer(points, self._triangles)
        owner, _ = rasterise(points, self._triangles[shown], size)
        colours = np.vstack([self._colours[shown], np.zeros((1, 3), np.float32)])
        return np.asarray(colours[owner])  # the number -1 of the background takes the last row

    def shaded(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
        owner, weights = rasterise(points, self._triangles, size)
        shades = vertex_shades(points, self._triangles)[self._triangles[owner]]
        picture = 255 * np.einsum("hwk,hwkc->hwc", weights, shades)
        picture[~faces_viewer(points, self._triangles)[owner]] *= 0.5
        picture[owner < 0] = GROUND
        return np.asarray(np.round(picture), np.uint8)

    def close(self) -> None:
        pass

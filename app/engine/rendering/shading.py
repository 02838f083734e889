"""Computes the colours that every renderer of a face mesh gives its triangles and vertices.

NMFC colours follow Head2Head++, section 3.2 and Eq. 3; the shaded view is lit by one lamp.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# These values were chosen by eye for the window's dark theme; colours are sRGB, 0 to 255.
# Direction to the lamp: up, a little to the image's left, to the viewer.
LIGHT = np.array([-0.35, 0.45, 0.82])
SKIN = np.array([214.0, 178.0, 160.0])  # colour of the mesh
GROUND = np.array([48.0, 48.0, 48.0])  # colour of the background
AMBIENT = 0.22  # share of full light that comes from everywhere
WRAP = 0.25  # cosine of the angle by which light reaches beyond the terminator, which makes it soft


def normalised_mean(mean: NDArray) -> NDArray[np.float64]:
    """Return the mean face (N, 3) with each axis stretched to [0, 1]."""
    low = mean.min(axis=0)
    return np.asarray((mean - low) / (mean.max(axis=0) - low), np.float64)


def triangle_colours(mean: NDArray, triangles: NDArray) -> NDArray[np.float32]:
    """Return of each triangle (M, 3) the normalised mean coordinates, in [0, 1], of its centre."""
    return np.asarray(normalised_mean(mean)[triangles].mean(axis=1), np.float32)


def faces_viewer(points: NDArray, triangles: NDArray) -> NDArray[np.bool_]:
    """Return (M,) whether each triangle of projected points (y down) shows its outside."""
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    ab, ac = b - a, c - a
    return np.asarray(ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] < 0)


def vertex_normals(points: NDArray, triangles: NDArray) -> NDArray[np.float64]:
    """Return (N, 3) unit normals, area weighted, x right, y up, z to the viewer, of projected points."""
    upright = points * (1.0, -1.0, 1.0)
    a, b, c = (upright[triangles[:, k]] for k in range(3))
    weighted = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    rows = triangles.ravel()
    normals = np.stack([np.bincount(rows, weighted[:, k], len(points)) for k in range(3)], axis=1)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))


def vertex_shades(points: NDArray, triangles: NDArray) -> NDArray[np.float32]:
    """Return (N, 3) in [0, 1]: Lambert's law with a soft terminator; the inside is lit like the outside, darker."""
    normals = vertex_normals(points, triangles)
    wrapped = np.clip((normals @ (LIGHT / np.linalg.norm(LIGHT)) + WRAP) / (1 + WRAP), 0, 1)
    return np.asarray(SKIN / 255 * (AMBIENT + (1 - AMBIENT) * wrapped[:, None]), np.float32)

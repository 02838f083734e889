"""Normalised Mean Face Coordinates: what the networks of HeadGAN and Head2Head++ are conditioned on.

The posed mesh is drawn with the colours of the *mean* face, x/y/z min-max normalised per axis; every
triangle has one colour, that of its centre, which is the mean of its three vertices' colours
(Head2Head++, section 3.2 and Eq. 3; HeadGAN, section 3.1). Background is 0.

Both renderers look along -z at points as `Camera.project` gives them: a pixel belongs to the triangle
nearest to the viewer (largest z) at its centre (column + 0.5, row + 0.5). For the NMFC, triangles that
face away are not drawn: through an open mouth the inside of the far cheek is background, not skin.
Triangles are counter-clockwise seen from outside in model space.
"""

from __future__ import annotations

import sys
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LIGHT = np.array([-0.35, 0.45, 0.82])  # from above, a little from the image's left, towards the viewer
SKIN = np.array([214.0, 178.0, 160.0])
GROUND = np.array([48.0, 48.0, 48.0])
AMBIENT = 0.22


class NmfcRenderer(Protocol):
    """Draws one topology; made, used and closed on one thread."""

    def nmfc(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.float32]:
        """NMFC of projected vertices (N, 3) in pixels; size (w, h) -> (h, w, 3) in [0, 1], background 0."""

    def shaded(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The same mesh lit from above left on dark grey; size (w, h) -> (h, w, 3) sRGB."""

    def close(self) -> None:
        """Free what the graphics card holds."""


def normalised_mean(mean: NDArray) -> NDArray[np.float64]:
    """Mean face (N, 3) with each axis stretched to [0, 1]."""
    low = mean.min(axis=0)
    return np.asarray((mean - low) / (mean.max(axis=0) - low), np.float64)


def triangle_colours(mean: NDArray, triangles: NDArray) -> NDArray[np.float32]:
    """(M, 3) in [0, 1]: per triangle the normalised mean coordinates of its centre."""
    return np.asarray(normalised_mean(mean)[triangles].mean(axis=1), np.float32)


def faces_viewer(points: NDArray, triangles: NDArray) -> NDArray[np.bool_]:
    """(M,): whether each triangle of projected points shows its outside (y runs down)."""
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    ab, ac = b - a, c - a
    return np.asarray(ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] < 0)


def vertex_normals(points: NDArray, triangles: NDArray) -> NDArray[np.float64]:
    """(N, 3) unit normals, area weighted, x right, y up, z to the viewer, of projected points."""
    upright = points * (1.0, -1.0, 1.0)
    a, b, c = (upright[triangles[:, k]] for k in range(3))
    weighted = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    rows = triangles.ravel()
    normals = np.stack([np.bincount(rows, weighted[:, k], len(points)) for k in range(3)], axis=1)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))


def vertex_shades(points: NDArray, triangles: NDArray) -> NDArray[np.float32]:
    """(N, 3) in [0, 1]: Lambert's law with a soft terminator; the inside is lit like the outside, darker."""
    normals = vertex_normals(points, triangles)
    wrapped = np.clip((normals @ (LIGHT / np.linalg.norm(LIGHT)) + 0.25) / 1.25, 0, 1)
    return np.asarray(SKIN / 255 * (AMBIENT + (1 - AMBIENT) * wrapped[:, None]), np.float32)


def make_renderer(mean: NDArray | None = None, triangles: NDArray | None = None) -> NmfcRenderer:
    """A mesh's renderer, the default model's if none is given: OpenGL off screen if the machine has it, else NumPy.

    mean: (V, 3), whose coordinates are the colours; triangles: (T, 3).
    """
    from app.engine.face.morphable_model import default_model
    from app.engine.rendering.reference import ReferenceRenderer

    if mean is None or triangles is None:
        mean, triangles = default_model().mean, default_model().triangles
    try:
        from app.engine.rendering.gl import GlRenderer

        return GlRenderer(mean, triangles)
    except Exception as reason:  # every driver fails in its own way; the NumPy renderer always works
        print(f"OpenGL is not available ({reason}); NMFC are drawn by NumPy.", file=sys.stderr)
        return ReferenceRenderer(mean, triangles)

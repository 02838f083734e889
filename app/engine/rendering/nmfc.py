"""Draws Normalised Mean Face Coordinates, on which the networks of HeadGAN and Head2Head++ are conditioned.

The posed mesh is drawn with the colours of the *mean* face: x, y and z, min-max normalised per axis. Every triangle has
one colour, that of its centre, which is the mean of its three vertices' colours (Head2Head++, section 3.2 and equation
3; HeadGAN, section 3.1). The background is 0.

Both renderers look along -z at points as `Camera.project` gives them: a pixel belongs to the triangle that is nearest
to the viewer (largest z) at the pixel's centre (column + 0.5, row + 0.5). For the NMFC, triangles that face away are
not drawn: through an open mouth the inside of the far cheek is background, not skin. Triangles are counter-clockwise
seen from outside in model space.
"""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.face.morphable_model import default_model
from app.engine.rendering.reference import ReferenceRenderer

LOG = logging.getLogger(__name__)


class NmfcRenderer(Protocol):
    """A renderer of one mesh's triangles, which is made, used and closed on one thread."""

    def nmfc(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the NMFC (h, w, 3) in [0, 1] of projected vertices (N, 3) px; size: (w, h). The background is 0."""

    def shaded(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the picture (h, w, 3) sRGB of the same mesh, lit from above left, on dark grey; size: (w, h)."""

    def close(self) -> None:
        """Free the renderer's memory on the graphics card."""


def make_renderer(mean: NDArray | None = None, triangles: NDArray | None = None) -> NmfcRenderer:
    """Return a mesh's renderer: OpenGL off screen where the machine has it, else NumPy.

    mean: (V, 3), whose coordinates are the colours; triangles: (T, 3); None for both takes the default face model.
    """
    if mean is None or triangles is None:
        mean, triangles = default_model().mean, default_model().triangles
    try:
        from app.engine.rendering.gl import GlRenderer

        return GlRenderer(mean, triangles)
    except Exception as reason:  # every driver fails in its own way; the NumPy renderer always works
        LOG.warning("OpenGL is not available (%s); NMFC are drawn by NumPy.", reason)
        return ReferenceRenderer(mean, triangles)

"""Draws Normalised Mean Face Coordinates, on which the networks of HeadGAN and Head2Head++ are conditioned.

The posed mesh is drawn with the colours of the *mean* face, x/y/z min-max normalised per axis; every
triangle has one colour, that of its centre, which is the mean of its three vertices' colours
(Head2Head++, section 3.2 and Eq. 3; HeadGAN, section 3.1). Background is 0.

Both renderers look along -z at points as `Camera.project` gives them: a pixel belongs to the triangle
nearest to the viewer (largest z) at its centre (column + 0.5, row + 0.5). For the NMFC, triangles that
face away are not drawn: through an open mouth the inside of the far cheek is background, not skin.
Triangles are counter-clockwise seen from outside in model space.
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
    """Draws one topology; made, used and closed on one thread."""

    def nmfc(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.float32]:
        """NMFC of projected vertices (N, 3) in pixels; size (w, h) -> (h, w, 3) in [0, 1], background 0."""

    def shaded(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the same mesh lit from above left on dark grey; size (w, h) -> (h, w, 3) sRGB."""

    def close(self) -> None:
        """Free what the graphics card holds."""


def make_renderer(mean: NDArray | None = None, triangles: NDArray | None = None) -> NmfcRenderer:
    """Return a mesh's renderer, the default model's if none is given: OpenGL off screen if the machine has it, else
    NumPy.

    mean: (V, 3), whose coordinates are the colours; triangles: (T, 3).
    """
    if mean is None or triangles is None:
        mean, triangles = default_model().mean, default_model().triangles
    try:
        from app.engine.rendering.gl import GlRenderer

        return GlRenderer(mean, triangles)
    except Exception as reason:  # every driver fails in its own way; the NumPy renderer always works
        LOG.warning("OpenGL is not available (%s); NMFC are drawn by NumPy.", reason)
        return ReferenceRenderer(mean, triangles)

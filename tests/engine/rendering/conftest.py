"""A small head-like mesh with a hole for a mouth, so that these tests need no face model."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

SIZE = (96, 80)  # px


@pytest.fixture(scope="session")
def dome() -> tuple[NDArray, NDArray]:
    """Return (vertices (N, 3) in model units, triangles (M, 3)): half a bumpy ball, z to the viewer, with a hole."""
    count = 13
    u, v = np.meshgrid(np.linspace(-1, 1, count), np.linspace(-1, 1, count))
    z = np.sqrt(np.maximum(0, 2.2 - u**2 - v**2)) + 0.15 * np.exp(-8 * (u**2 + v**2))
    vertices = np.stack([u, v, z], axis=-1).reshape(-1, 3)
    cells = [(r, c) for r in range(count - 1) for c in range(count - 1) if not (r == 3 and 4 <= c <= 7)]
    corners = np.array([[r * count + c, r * count + c + 1] for r, c in cells])
    low, high = corners, corners + count
    triangles = np.concatenate([np.c_[low, high[:, 1]], np.c_[low[:, 0], high[:, 1], high[:, 0]]])
    return vertices, triangles

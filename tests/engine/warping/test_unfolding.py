"""Folds are opened until none is left."""

from __future__ import annotations

import numpy as np

from app.engine.warping.unfolding import unfold

SIDE = 14  # vertices on a side


def test_rounding_keeps_no_fold_alive() -> None:
    """Two neighbours that push each other end within rounding of their least areas, and that is open enough."""
    rng = np.random.default_rng(3)
    y, x = np.indices((SIDE, SIDE)).reshape(2, -1).astype(float)
    corner = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = (
        part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:])
    )
    corners = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)
    placed = np.stack([x, y, 0 * x], 1) + rng.normal(0, 0.8, (SIDE * SIDE, 3))
    least = np.full(len(corners), 0.02)
    assert not unfold(corners, least, placed, 24)
    u, v = placed[corners[:, 1]] - placed[corners[:, 0]], placed[corners[:, 2]] - placed[corners[:, 0]]
    assert ((v[:, 0] * u[:, 1] - v[:, 1] * u[:, 0]) > 0.019).all()

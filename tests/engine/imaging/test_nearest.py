"""What is hidden in a picture is the mirror image of what lies beside it."""

from __future__ import annotations

import numpy as np

from app.engine.imaging.nearest import mirror_image

SIDE, BORDER = 80, 40  # px of the picture's side, and of the columns that are known


def test_a_straight_border_mirrors_exactly() -> None:
    y, x = np.indices((SIDE, SIDE))
    columns, rows, away = mirror_image(x < BORDER, 3.0)
    middle = (slice(20, -20), slice(BORDER, BORDER + 20))
    assert np.abs(columns[middle] - (2 * BORDER - 1 - x[middle])).max() < 0.1
    assert np.abs(rows[middle] - y[middle]).max() < 0.1
    assert (away[:, :BORDER] == 0).all() and np.abs(away[middle] - (x[middle] - BORDER + 1)).max() < 0.5


def test_a_jagged_border_does_not_tear_its_mirror_image() -> None:
    """Once, each pixel was mirrored at the nearest known one: a collar had teeth behind a jaw (p26, p11)."""
    y, x = np.indices((SIDE, SIDE))
    columns, rows, _ = mirror_image(x < BORDER + 4 * (y // 5 % 2), 6.0)
    middle = (slice(20, -20), slice(BORDER + 4, BORDER + 16))
    for axis in (0, 1):
        steps = np.hypot(np.diff(columns[middle], axis=axis), np.diff(rows[middle], axis=axis))
        assert steps.max() < 2.5  # 9 once

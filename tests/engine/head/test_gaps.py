"""The wall between tufts of hair is no part of the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.head.fill import template_hairline
from app.engine.head.gaps import gaps
from app.engine.head.model import FloatArray, HeadModel

WALL, HAIR = 190, 30  # levels of 255
IOD = 40.0  # px between the eyes
SIZE = 300  # px of the picture's sides


def tufted(hair: int) -> tuple[NDArray[np.uint8], NDArray[np.float32], FloatArray, FloatArray, FloatArray]:
    """Return a picture of a head with three gaps in its hair, its matte, which takes these for hair, (V, 2) px of the
    head, (V,) 1 where the picture shows it, and (V,) 1 in a gap.
    """
    model = HeadModel.load()
    x, y, _ = model.points.T
    at = np.column_stack([150 + x * IOD / 6.3, 150 - y * IOD / 6.3])
    shown = (model.normals(model.points)[:, 2] > 0.1).astype(float)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    matte = (np.hypot(columns - 150, (rows - 140) / 1.2) < 60).astype(np.float32)
    picture = np.full((SIZE, SIZE, 3), WALL, np.uint8)
    picture[matte > 0] = hair
    gap = (matte > 0) & (rows < 95) & (np.abs((columns - 150) % 24 - 12) < 5)
    picture[gap] = WALL
    i, j = at.astype(int).T
    return picture, matte, at, shown, gap[j, i].astype(float)


def test_wall_between_tufts_is_told_from_hair() -> None:
    picture, matte, at, shown, gap = tufted(HAIR)
    wall = np.full_like(picture, WALL)
    found = gaps(at, shown, picture, wall, matte, 1.0, IOD, True)
    scalp = (template_hairline(True) > 0.5) & (shown > 0)
    assert (scalp & (gap > 0)).sum() > 20
    assert np.min(found[scalp & (gap > 0)]) > 0.9
    assert np.max(found[(at[:, 1] > 110) | (shown == 0)]) == 0
    middle = scalp & (gap == 0) & (np.abs((at[:, 0] - 150) % 24 - 12) > 9)
    assert middle.sum() > 20 and np.median(found[middle]) < 0.1


def test_what_may_be_the_hairs_own_has_no_gaps() -> None:
    """White hair before a bright sky is kept whole (p05), and a scarf's shadows before a dark room (p08)."""
    for hair in (WALL - 30, WALL + 60):
        picture, matte, at, shown, _ = tufted(hair)
        assert not gaps(at, shown, picture, np.full_like(picture, WALL), matte, 1.0, IOD, True).any()

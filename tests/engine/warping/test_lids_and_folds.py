"""Lids are harmonic and meet, and a face has no fold-overs."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.face.fitting import EYEBALL
from app.engine.face.morphable_model import default_model
from app.engine.warping.lids import SHUT, harmonic_skin, lid_gap, lids_follow, move_lids, openness
from app.engine.warping.topology import LOWER_LIDS, N_FACE, UPPER_LIDS, joined_vertices
from app.engine.warping.unfolding import Skin


def model_points() -> np.ndarray:
    from app.engine.face.morphable_model import default_model

    return default_model().mean


def test_neighbours_are_mutual_and_end_at_the_openings() -> None:
    around = joined_vertices()
    assert len(around) == N_FACE and min(map(len, around)) >= 2
    assert all(v in around[n] for v, ring in enumerate(around) for n in ring)
    assert UPPER_LIDS[0][4] not in around[LOWER_LIDS[0][4]], "the eye is open"


@pytest.mark.parametrize("side", [0, 1])
def test_lids_meet_and_their_skin_follows(side: int) -> None:
    points = model_points()
    shut = points + move_lids(points, side, lid_gap(points, side), 0.0)
    assert np.abs(lid_gap(shut, side)).max() < 1e-9
    other = lid_gap(points, 1 - side)
    assert np.allclose(lid_gap(shut, 1 - side), other)
    _, skin, extension = harmonic_skin(side)
    assert extension.min() >= -1e-9 and extension.sum(axis=1).max() <= 1 + 1e-9
    assert np.abs((shut - points)[skin]).max() < np.abs(shut - points).max()


def test_openness_runs_from_shut_to_wide() -> None:
    assert openness(0.3, SHUT) == 0
    assert openness(0.3, 0.3) == 1
    assert openness(0.3, 0.36) == pytest.approx(1.2)


@pytest.mark.parametrize("side", [0, 1])
def test_lids_go_with_the_eyes(side: int) -> None:
    upper, lower = list(UPPER_LIDS[side][1:-1]), list(LOWER_LIDS[side][1:-1])
    iris = EYEBALL * np.sin(np.radians(15))
    for gaze, sign in ((15.0, 1), (-15.0, -1)):
        offsets = lids_follow(side, (0.0, 0.0), (0.0, gaze))
        assert 0.6 * iris < sign * offsets[upper[3], 1] < iris
        assert 0 < sign * offsets[lower, 1].mean() < sign * offsets[upper, 1].mean()
    assert not lids_follow(side, (3.0, 2.0), (3.0, 2.0)).any()


def test_lids_bulge_over_the_cornea_the_same_way_on_both_sides() -> None:
    mirror = default_model().mirror
    left, right = (lids_follow(side, (0.0, 0.0), (way, 0.0)) for side, way in ((0, 20.0), (1, -20.0)))
    assert np.abs(left).max() > 0.005
    assert np.allclose(left, right[mirror] * (-1, 1, 1))


def test_a_fold_is_opened() -> None:
    # In this 5 x 5 grid the middle vertex is dragged across its neighbours.
    n = 5
    grid = np.array([[x * 10.0, y * 10.0, 0.0] for y in range(n) for x in range(n)])
    corners = []
    for y in range(n - 1):
        for x in range(n - 1):
            a, b, c, d = y * n + x, y * n + x + 1, (y + 1) * n + x, (y + 1) * n + x + 1
            corners += [(a, c, b), (b, c, d)]
    skin = Skin.of(grid, np.array(corners, np.int32))
    turned = skin.areas(grid)
    assert (turned > 0).all()
    dragged = grid.copy()
    dragged[12, 0] += 25
    assert skin.folded(dragged, turned) > 0
    opened = skin.unfolded(dragged, turned)
    assert skin.folded(opened, turned) == 0
    assert np.abs(opened - dragged).max() < 15, (
        "by the shortest way, less than the vertex was dragged too far"
    )
    assert np.array_equal(skin.unfolded(grid.copy(), turned), grid)


def test_behind_spectacles_a_blink_leaves_what_is_above_the_lid() -> None:
    points = model_points()
    free = move_lids(points, 0, lid_gap(points, 0), 0.0)
    held = move_lids(points, 0, lid_gap(points, 0), 0.0, spectacles=1.0)
    upper = list(UPPER_LIDS[0][1:-1])
    assert np.allclose(free[upper], held[upper])
    above = [257, 258, 259]
    assert np.abs(held[above, 1]).mean() < 0.5 * np.abs(free[above, 1]).mean()

"""The right parts of a head stay behind the photo's outline."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.face.parameters import Camera
from app.engine.head import Head
from app.engine.warping.holding import Hidden, carried_along, edge_shown, held, posed, steadiness


@pytest.mark.parametrize(
    ("yaw", "pitch", "kept"),
    [
        (0, 0, 1),
        (6, 0, 1),
        (30, 0, 0),
        (-30, 12, 0),
        (0, 12, 1),
        (0, 18, 1),
        (0, 36, 0),
        (0, -20, 0),
        (3, 15, 1),
    ],
)
def test_a_head_that_only_looks_up_keeps_its_outline(yaw: float, pitch: float, kept: float) -> None:
    """Once, the head's jaw was twice as deep and its ears stood out from 12 degrees up."""
    before, after = (Camera.from_angles(*angles, 0, 90, (0, 0)) for angles in ((2, 3), (2 + yaw, 3 + pitch)))
    assert held(before, after) == pytest.approx(kept, abs=0.01)
    assert edge_shown(before, after) == pytest.approx(kept, abs=0.01)


@pytest.mark.parametrize(
    ("own", "change", "kept"), [(47, -6, 0), (-47, 6, 0), (47, 6, 1), (47, -1, 1), (20, -6, 1), (0, 6, 1)]
)
def test_a_profile_that_turns_back_soon_shows_its_far_side(own: float, change: float, kept: float) -> None:
    """Once, the nose and mouth of such a face were drawn twice, the second time beside it."""
    before, after = (Camera.from_angles(yaw, 0, 0, 90, (0, 0)) for yaw in (own, own + change))
    assert held(before, after) == pytest.approx(kept, abs=0.01)


def test_a_filmed_heads_outline_does_not_shake_with_the_fit() -> None:
    """What is held back of a tremble of 2 degrees would be too much of a turn of 20."""
    before, middle = Camera.from_angles(2, 3, 0, 90, (0, 0)), np.zeros(3)
    trembles, turns = (Camera.from_angles(2, 3 + by, 0, 90, (0, 0)) for by in (2, 20))
    assert steadiness(middle, before, trembles) > 0.45
    assert steadiness(middle, before, turns) < 0.05


def test_a_held_outline_goes_with_the_middle_of_the_head_and_a_steady_one_stays() -> None:
    """The compiled pose is the sum of the four motions its docstrings name, each projected by itself."""
    rng = np.random.default_rng(11)
    count = 40
    own = Camera.from_angles(6.0, -4.0, 3.0, 90.0, (200.0, 160.0))
    camera = Camera.from_angles(16.0, -6.0, 8.0, 97.0, (210.0, 150.0))
    points, centre, flat, added = (rng.normal(size=(n, 3)) for n in (count, 1, count, count))
    rigid, unseen, outline = rng.uniform(size=(3, count))
    identity = np.zeros(100)
    head = Head(points, points, rigid, own, (1.0, np.eye(3), np.zeros(3)), identity, centre[0], unseen, True)
    shift, steady, keeps = np.array([5.0, -3.0]), 0.4, held(own, camera)
    assert 0.05 < keeps < 0.95
    moved = points + added + keeps * flat
    wanted = head.posed(camera, added + keeps * flat, shift)
    along = carried_along(head, camera, moved) - camera.project(moved)
    wanted += keeps * (unseen * rigid)[:, None] * along
    motion = (camera.project(points) - own.project(points))[:, :2]
    wanted[:, :2] -= steady * (outline * rigid)[:, None] * motion
    found = posed(head, Hidden(unseen, outline, unseen, flat), camera, added, shift, steady)
    assert found == pytest.approx(wanted, abs=1e-8)
    unmoved = posed(head, Hidden(0 * unseen, outline, unseen, 0 * flat), own, None, np.zeros(2))
    assert unmoved == pytest.approx(own.project(points), abs=1e-8)

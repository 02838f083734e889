"""The whole head draws the right frames, and the right parts of it stay behind the photo's outline."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.face.parameters import Camera
from app.engine.head import Head
from app.engine.warping.head_drawing import share_of
from app.engine.warping.holding import Hidden, carried_along, edge_shown, held, posed, turn


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


@pytest.mark.parametrize(("yaw", "pitch"), [(3, 0), (-3, 0), (0, 3), (0, -3), (25, 10)])
def test_the_head_alone_draws_from_three_degrees_on(yaw: float, pitch: float) -> None:
    """Once, another mesh drew it up to 12 degrees and both did up to 15, which took twice as long."""
    before, after = (Camera.from_angles(*angles, 0, 90, (0, 0)) for angles in ((2, 3), (2 + yaw, 3 + pitch)))
    assert share_of(turn(before, after)) == 1
    assert share_of(turn(before, before)) == 0


@pytest.mark.parametrize(("yaw", "share"), [(3.5, 0), (6.5, 1)])
def test_a_filmed_head_that_trembles_stays_the_fine_warp_s(yaw: float, share: float) -> None:
    """Heads on film that hardly turn were further from their frames where the head drew them from 3 degrees on."""
    before, after = (Camera.from_angles(angle, 0, 0, 90, (0, 0)) for angle in (2, 2 + yaw))
    assert share_of(turn(before, after), filmed=True) == pytest.approx(share, abs=0.001)


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

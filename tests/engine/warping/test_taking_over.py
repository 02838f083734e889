"""When the whole head draws a frame, and what of it stays behind the photo's outline, is tested here."""

from __future__ import annotations

import pytest

from app.engine.face.parameters import Camera
from app.engine.warping.head_drawing import share_of
from app.engine.warping.holding import edge_shown, held, turn


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

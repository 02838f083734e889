"""When the whole head draws a frame instead of the fine warp."""

from __future__ import annotations

import pytest

from app.engine.face.parameters import Camera
from app.engine.warping.head_drawing import share_of, taken_over


@pytest.mark.parametrize(
    ("yaw", "pitch", "share"),
    [(0, 0, 0), (30, 0, 1), (-30, 12, 1), (0, 12, 0), (0, 18, 0), (0, 36, 1), (0, -20, 1), (3, 15, 0)],
)
def test_a_head_that_only_looks_up_stays_the_fine_warps(yaw: float, pitch: float, share: float) -> None:
    """The head's jaw was twice as deep and its ears stood out from 12 degrees up."""
    before, after = (Camera.from_angles(*angles, 0, 90, (0, 0)) for angles in ((2, 3), (2 + yaw, 3 + pitch)))
    assert share_of(taken_over(before, after)) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("own", "change", "share"), [(47, -6, 1), (-47, 6, 1), (47, 6, 0), (47, -1, 0), (20, -6, 0), (0, 6, 0)]
)
def test_a_profile_that_turns_back_is_soon_the_heads(own: float, change: float, share: float) -> None:
    """The fine warp drew the nose and mouth of such a face twice, the second time beside it."""
    before, after = (Camera.from_angles(yaw, 0, 0, 90, (0, 0)) for yaw in (own, own + change))
    assert share_of(taken_over(before, after)) == pytest.approx(share, abs=0.01)

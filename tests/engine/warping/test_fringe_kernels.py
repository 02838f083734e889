"""Made-up hair ends with the locks of the photo's outline."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.head import HeadModel
from app.engine.head.fringe import CELLS, STEPS
from app.engine.warping.fringe_kernels import RADIUS, FringeView, loosened, radii

REACH = 0.08  # IOD


def view(up: float) -> FringeView:
    """Return a fringe that has hair in the half to the right of upwards, as an angle grows, and nothing to the left."""
    matte = np.zeros((STEPS, CELLS), np.float32)
    matte[: STEPS // 2] = 1
    return FringeView(matte, np.float32(5), np.float32(7), np.float32(up), np.float32(REACH))


def at(deep: float, angle: float, of: FringeView) -> float:
    """Return the coverage so many IOD inside the fringe's outer end, at an angle in radians about its middle."""
    x, y = of.x + 90 * np.cos(angle), of.y + 90 * np.sin(angle)
    return float(loosened(np.float32(deep), np.float32(x), np.float32(y), of))


@pytest.mark.parametrize("up", [-np.pi / 2, 0.3, 3.0])
def test_locks_stand_at_their_angle_from_upwards(up: float) -> None:
    assert at(0.1 * REACH, up + 1, view(up)) == 1 and at(0.1 * REACH, up - 1, view(up)) == 0


def test_hair_is_whole_deeper_inside_than_a_fringe_reaches() -> None:
    assert at(1.9 * REACH, -1, view(0.0)) == 0 and at(2 * REACH, -1, view(0.0)) == 1


def test_the_radius_of_a_ball_is_its_own() -> None:
    points = HeadModel.load().points
    ball = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert radii(1.7 * ball, ball) == pytest.approx(1.7, rel=1e-3)
    assert radii(0.1 * ball, ball) == pytest.approx(RADIUS[0])

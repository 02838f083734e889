"""Made-up hair ends in locks that are fixed to the head, without holes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.engine.face.parameters import Camera
from app.engine.head import HeadModel
from app.engine.head.outline import BANDS as SIGMAS
from app.engine.head.outline import COLUMNS, WIDEST, smoothed
from app.engine.warping.locks import (
    CURVED,
    HEIGHT_OF,
    HEIGHTS,
    RADIUS,
    STEPS,
    Locks,
    Loose,
    lock_heights,
    locks_in,
    loosened,
    radii,
)

IOD = 100.0  # px
SOFT = 0.04  # IOD


def loose(rough: tuple[float, ...]) -> Loose:
    """Return hair with locks of such roughness in each band, all over the head."""
    heights = lock_heights(np.tile(rough, (HEIGHTS, 1)))
    none = np.zeros(0)
    return Loose(heights, np.full(HEIGHTS, SOFT, np.float32), 0.12, none, none)


def at(hair: Loose, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Locks:
    return locks_in(hair, np.zeros(3), Camera.from_angles(yaw, pitch, roll, IOD, (300, 300)), IOD)


def coverage(deep: float, angle: float, of: Locks) -> float:
    x, y = of.x + 190 * math.cos(angle), of.y + 190 * math.sin(angle)
    return float(loosened(np.float32(deep), np.float32(x), np.float32(y), of))


def test_hair_without_locks_ends_where_the_head_does() -> None:
    flat = at(loose((0.0, 0.0, 0.0)), yaw=20)
    assert not flat.ends.any()
    middle, near = (coverage(float(flat.reach) + d, 1.0, flat) for d in (0.0, 0.25 * SOFT))
    assert middle == pytest.approx(0.5, abs=1e-3) and near == pytest.approx(0.75, abs=1e-3)


@pytest.mark.parametrize("band", range(3))
def test_locks_are_as_rough_as_they_are_asked_to_be(band: int) -> None:
    rough = [0.0, 0.0, 0.0]
    rough[band] = 0.01
    found = []
    for yaw in range(-40, 50, 10):
        ends = np.roll(at(loose(tuple(rough)), yaw=yaw).ends, STEPS // 2)
        columns = (np.arange(COLUMNS) + 0.5) * 2 * WIDEST / COLUMNS - WIDEST
        along = np.interp(columns, (np.arange(STEPS) / STEPS - 0.5) * 360, ends)
        sigma = SIGMAS[band]
        found.append(np.square(smoothed(along, sigma) - smoothed(along, 2 * sigma)).mean())
    drawn = np.sqrt(np.mean(found)) / (0.01 * HEIGHT_OF[band])
    assert 0.5 < drawn < 1.3, "the finest are as wide as the steps between angles"


def test_locks_stay_while_a_head_turns_and_go_along_with_a_tilt() -> None:
    hair = loose((0.004, 0.006, 0.01))
    before, turned, far = (at(hair, yaw=yaw).ends for yaw in (20.0, 21.0, 60.0))
    assert np.abs(turned - before).max() < 0.4 * np.abs(before).max()
    assert np.corrcoef(before, turned)[0, 1] > 0.98 and np.corrcoef(before, far)[0, 1] < 0.7
    tilted = at(hair, yaw=20.0, roll=30.0).ends
    assert tilted[1:] == pytest.approx(before[1:], abs=3e-3), "the first angle is the whorl itself"


def test_made_up_hair_has_no_holes_and_no_specks() -> None:
    """Once, cut-outs had translucent specks where the photo's matte has them."""
    edge = at(loose((0.004, 0.004, 0.008)))
    deep = np.linspace(0, 0.3, 60)
    for angle in np.linspace(0, 6.2, 40):
        shown = [coverage(d, angle, edge) for d in deep]
        assert (np.diff(shown) >= 0).all() and shown[0] == 0 and shown[-1] == 1


def test_a_cut_out_ends_within_a_pixel() -> None:
    hair = loose((0.01, 0.01, 0.02))
    sharp = at(Loose(hair.heights, 0 * hair.soft, hair.reach, hair.out, hair.radii))
    assert sharp.least == pytest.approx(1 / IOD)
    for angle in (0.5, 2.0, 4.0):
        shown = np.array([coverage(d, angle, sharp) for d in np.arange(0, 0.3, 0.001)])
        assert ((shown > 0) & (shown < 1)).sum() <= 1000 / IOD + 1


def test_the_radius_of_a_ball_is_its_own() -> None:
    points = HeadModel.load().points
    ball = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert radii(1.7 * ball, ball) == pytest.approx(1.7, rel=1e-3)
    assert radii(0.1 * ball, ball) == pytest.approx(CURVED[0])
    assert pytest.approx(1.9) == RADIUS

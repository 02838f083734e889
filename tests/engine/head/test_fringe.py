"""Hair's outline is as rough as a photo shows it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.fringe import KNOWN, LOW, OFF, STEPS, Fringe, fringe

SIZE, IOD = 400, 60.0  # px
CENTRE = np.array([0.0, 0.35, -1.3])  # the skull's middle, in model space
LOCKS = 40  # locks round the head


def camera(roll: float = 0.0) -> Camera:
    return Camera.from_angles(0, 0, roll, IOD, (SIZE / 2, SIZE / 2 + 20))


def person(depth: float, of: Camera) -> NDArray[np.float32]:
    """Return the matte (H, W) of a round head whose locks stand out by `depth` IOD."""
    y, x = np.indices((SIZE, SIZE)) + 0.5
    right, down = x - of.project(CENTRE[None])[0, 0], y - of.project(CENTRE[None])[0, 1]
    radius = (1.8 + depth * np.sin(LOCKS * np.arctan2(down, right))) * IOD
    return np.clip(radius - np.hypot(right, down) + 0.5, 0, 1).astype(np.float32)


def test_a_smooth_outline_has_no_fringe() -> None:
    assert fringe(camera(), CENTRE, person(0.0, camera())).reach == 0


@pytest.mark.parametrize("depth", [0.05, 0.1])
def test_a_fringe_reaches_as_far_as_the_locks(depth: float) -> None:
    found = fringe(camera(), CENTRE, person(depth, camera()))
    assert found.reach == pytest.approx(depth, abs=0.025)
    middle = found.matte[np.roll(np.abs(OFF) < KNOWN, STEPS // 2), found.matte.shape[1] // 2]
    assert (middle > 0.9).mean() > 0.3 and (middle < 0.1).mean() > 0.3, "locks and gaps between them"
    around = found.matte[np.roll(np.abs(OFF) < LOW[0], STEPS // 2)]
    assert (around[:, -1] > 0.9).all() and (around[:, 0] < 0.1).all(), "hair inside, nothing outside"
    assert (found.matte[np.roll(np.abs(OFF) > LOW[1], STEPS // 2)] == 1).all(), "a neck stands behind it"


def test_locks_stand_where_they_are_in_the_photo() -> None:
    of = camera()
    found, angle = fringe(of, CENTRE, person(0.1, of)), np.pi / 2 - 2 * np.pi * np.arange(STEPS) / STEPS
    known = np.roll(np.abs(OFF) < KNOWN - 5, STEPS // 2)
    lock = np.sin(LOCKS * -angle)
    middle = found.matte[:, found.matte.shape[1] // 2]
    assert (middle[known & (lock > 0.6)] > 0.5).all() and (middle[known & (lock < -0.6)] < 0.5).all()


def test_what_ears_and_shoulders_hide_is_continued() -> None:
    found = fringe(camera(), CENTRE, person(0.1, camera()))
    below = np.roll((np.abs(OFF) > KNOWN + 5) & (np.abs(OFF) < LOW[0]), STEPS // 2)
    middle = found.matte[below, found.matte.shape[1] // 2]
    assert (middle > 0.9).mean() > 0.3 and (middle < 0.1).mean() > 0.3


def test_the_picture_s_edge_is_no_outline() -> None:
    """Hair that the photo's edge cuts off ends smoothly there."""
    of = Camera.from_angles(0, 0, 0, IOD, (SIZE / 2, 60))
    found: Fringe = fringe(of, CENTRE, person(0.1, of))
    assert found.reach == 0

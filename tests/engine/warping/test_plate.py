"""Clothes stay with the body when a head turns, and go on behind its jaw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.warping.beside import _to_the_edge, beside_head
from app.engine.warping.hair import _texture
from app.engine.warping.plate import behind
from tests.engine.warping.test_kinds import SIDE, WHITE, person

COLLAR = slice(126, 146), slice(70, 80)  # beside the neck
BACKGROUND = np.full((SIDE, SIDE, 3), (90, 120, 150), np.uint8)


@pytest.mark.parametrize("colour", [WHITE, (40, 60, 130), (150, 30, 35)])
def test_a_collar_stays_where_it_is(colour: tuple[int, int, int]) -> None:
    """Once, a collar beside a jaw went half along with it, and a wedge stood by itself (p26 turned by -25)."""
    where, picture = person(colour, 0.7)
    beside = beside_head(where, picture)
    assert beside.share[COLLAR].max() < 0.02
    part, (x, y, w, h) = behind(picture, BACKGROUND, beside.where, beside.share, beside.stays)
    whole = np.dstack([picture, np.full((SIDE, SIDE), 255, np.uint8)])
    whole[y : y + h, x : x + w] = part
    apart = np.abs(whole[COLLAR][..., :3].astype(int) - picture[COLLAR])
    assert apart.max() <= 1 and whole[COLLAR][..., 3].min() > 250
    hung, _ = _texture(picture, BACKGROUND, where.matte, beside, where.matte, (0, 0, SIDE, SIDE))
    assert hung[COLLAR][..., 3].max() < 10


def test_the_blurred_edge_of_clothes_stays_with_them() -> None:
    """Once, dabs of a jacket's edge, which was wider than 0.08 IOD in the matte, stood on the curtain behind a turned
    head (p29).
    """
    iod = 20.0
    matte = np.ones((SIDE, SIDE), np.float32)
    edge = slice(100, 107)  # 0.35 IOD
    matte[:100], matte[edge] = 0, np.linspace(0.1, 0.9, 7)[:, None]
    worn = np.zeros((SIDE, SIDE), np.float32)
    worn[107:, : SIDE // 2] = 1
    where = replace(person(WHITE, 0.7)[0], matte=matte, iod=iod)
    found = _to_the_edge(worn, where)
    assert (found[edge, : SIDE // 2 - 10] == 1).all() and not found[:95].any()
    assert not found[edge, SIDE // 2 + 10 :].any()
    np.testing.assert_array_equal(found[107:], worn[107:])


def test_a_pattern_goes_on_behind_the_jaw() -> None:
    """Once, stripes beside a jaw were a grey smear where the jaw had been."""
    where, picture = person(WHITE, 0.7)
    rows = np.indices((SIDE, SIDE))[0]
    picture[(rows // 8 % 2 == 0) & (where.head == 0)] = (20, 20, 24)
    none = np.zeros((SIDE, SIDE), np.float32)
    part, (x, y, _, _) = behind(picture, BACKGROUND, where, none, none)
    uncovered = part[122 - y : 146 - y, 76 - x : 79 - x, :3].mean(axis=(1, 2))
    assert np.ptp(uncovered) > 120


def test_a_shoulder_goes_on_behind_hair_that_lies_on_it() -> None:
    """Once, the background showed in a hole of the shoulder towards which a head leaned (p26)."""
    where, picture = person(WHITE, 0.7)
    leaning = replace(where, level=where.level - np.float32(0.9))
    worn, share = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    fringe = slice(121, 124), slice(60, 72)
    worn[124:, 50:80] = 1
    share[fringe] = 1
    part, (x, y, w, h) = behind(picture, BACKGROUND, leaning, share, worn)
    whole = np.full((SIDE, SIDE), 255, np.uint8)
    whole[y : y + h, x : x + w] = part[..., 3]
    assert whole[fringe].min() > 200  # 7 once

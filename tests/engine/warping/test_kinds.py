"""A person's pixels are told apart by colour: what stands before the neck, and what is skin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.warping.kinds import _alike, kinds
from app.engine.warping.plate import Places

SKIN, HAIR, WHITE = (205, 160, 140), (70, 55, 45), (225, 228, 232)  # sRGB colours
SIDE, IOD = 200, 30.0  # px of the picture's side and between the eyes


def person(collar: tuple[int, int, int], throat: float) -> tuple[Places, np.ndarray]:
    """Return a drawn person: hair, a face, a throat as light as `throat` of the face, and a collar that stands
    before the neck's sides and goes down to the picture's edge, open over the chest.
    """
    y, x = np.indices((SIDE, SIDE), float)
    face = ((x - 100) / 32) ** 2 + ((y - 75) / 42) ** 2 < 1
    hair = (((x - 100) / 42) ** 2 + ((y - 65) / 52) ** 2 < 1) & ~face & (y < 75)
    neck = (np.abs(x - 100) < 26) & (y > 90) & (y < 150) & ~face
    worn = ((y > 150) | ((y > 118) & (np.abs(x - 100) > 14) & (np.abs(x - 100) < 50))) & ~face
    chest = worn & (np.abs(x - 100) < 200 - y) & (y > 150) & (np.abs(x - 100) < 14)
    picture = np.full((SIDE, SIDE, 3), (90, 120, 150), float)
    picture[hair] = HAIR
    picture[neck] = throat * np.array(SKIN)
    picture[worn] = collar
    picture[chest] = 0.95 * np.array(SKIN)
    picture[face] = SKIN
    picture += np.random.default_rng(3).normal(0, 4, picture.shape)
    head = face | hair | neck
    here = np.zeros((SIDE, SIDE), np.float32)
    where = Places(
        head.astype(np.uint8), here, hair & (y < 60), face, neck | (head & worn), head, here,
        ((y - 75) / 42).astype(np.float32), ((y - 117) / IOD).astype(np.float32),
        (head | worn).astype(np.float32), 1.0, IOD,
    )  # fmt: skip
    return where, np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("collar", [WHITE, (40, 60, 130), (150, 30, 35), (28, 29, 30)])
def test_a_collar_before_the_neck_is_clothes(collar: tuple[int, int, int]) -> None:
    """Once, collars were drawn onto the jaws of turned and raised heads (p11, p22; five of 51 true views)."""
    found = kinds(*person(collar, 0.7)).clothes
    assert found[122:146, 76:84].mean() > 0.95 and found[122:146, 116:124].mean() > 0.95


@pytest.mark.parametrize("throat", [1.0, 0.7, 0.45])
def test_neither_a_shaded_throat_nor_an_open_chest_is_clothes(throat: float) -> None:
    found = kinds(*person(WHITE, throat)).clothes
    assert found[122:146, 90:110].mean() < 0.05
    assert found[:116].mean() < 0.01


@pytest.mark.parametrize("top, alike", [(50, 1.0), (120, 0.0)])
def test_hair_that_hangs_down_over_clothes_of_its_colour_is_no_clothes(top: int, alike: float) -> None:
    """Once, half of Mona Lisa's hair stayed with the body when her head turned (p31); a collar does stay."""
    where, _ = person(WHITE, 0.7)
    y, x = np.indices((SIDE, SIDE))
    dark = (np.abs(x - 100) > 40) & (np.abs(x - 100) < 48) & (y > top) & (y < 150)
    where.matte[dark] = 1
    assert _alike(where, dark.astype(np.float32), (dark & (y > 125)).astype(np.float32)) == alike


@pytest.mark.parametrize("collar, apart", [(WHITE, True), (HAIR, False)])
def test_a_shoulder_beside_the_ear_is_clothes_unless_hair_looks_like_it(
    collar: tuple[int, int, int], apart: bool
) -> None:
    """Once, a head that leaned took the shoulder's edge along, which left dotted lines on the shoulder (p26)."""
    where, picture = person(collar, 0.7)
    leaning = replace(where, level=where.level - np.float32(0.9))
    found = kinds(leaning, picture).clothes
    assert (found[124:132, 60:82].mean() > 0.9) == apart


@pytest.mark.parametrize("colour, worn", [((25, 40, 95), True), (SKIN, False)])
def test_a_button_and_its_shade_are_no_hole_in_clothes_and_skin_is(
    colour: tuple[int, int, int], worn: bool
) -> None:
    """Once, a neck was drawn through a keyhole around a collar's button (p11 turned by 24 degrees)."""
    where, picture = person(WHITE, 0.7)
    y, x = np.indices((SIDE, SIDE))
    gap = (np.abs(x - 76) < 0.1 * IOD) & (y > 118) & (y < 136)
    picture[gap] = colour
    found = kinds(where, picture).clothes[122:132, 75:78]
    assert (found > 0.9).all() if worn else (found < 0.1).all()

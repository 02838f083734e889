"""The colour of hair at every height, from what the outline shows."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.head.hair_colour import hair_colour
from app.engine.head.hairline import inside_hairline
from app.engine.head.model import HeadModel

# Red, green and blue in [0, 255]; the first three are those of p29 of the portraits.
SKIN, GREY, STUBBLE, WHITE = (
    (183.0, 135.0, 109.0),
    (146.0, 123.0, 106.0),
    (195.0, 153.0, 126.0),
    (214.0, 208.0, 204.0),
)


def found(crown: tuple[float, ...], temples: tuple[float, ...]) -> np.ndarray:
    """Return the hair's mean colour (3,) of a head of which every vertex is one pixel of its own."""
    model = HeadModel.load()
    count = len(model.points)
    picture = np.empty((1, count, 3), np.float32)
    hair = model.distance > 2.0
    picture[:] = SKIN
    picture[0, hair & (model.points[:, 1] < 8.0)] = temples
    picture[0, hair & (model.points[:, 1] >= 8.0)] = crown
    at = np.column_stack([np.arange(count) + 0.5, np.full(count, 0.5)])
    facing, shown = np.full(count, 0.5), np.ones(count)
    colour = hair_colour(model, at, facing, shown, shown, picture, 1.0, True)
    assert colour is not None
    return colour[(model.distance > 3.0) & (model.points[:, 1] < 6.0) & (model.points[:, 1] > 4.0)].mean(
        axis=0
    )


def test_temples_shaved_to_the_skin_give_no_colour_to_the_hair() -> None:
    """Once, p29 of the portraits, whose grey hair is shaved at the sides, had a bald back when he turned."""
    assert np.linalg.norm(found(GREY, STUBBLE) - GREY) < 0.5 * np.linalg.norm(np.subtract(STUBBLE, GREY))


@pytest.mark.parametrize("temples", [WHITE, (60.0, 50.0, 45.0)])
def test_hair_beside_a_bald_crown_gives_its_colour(temples: tuple[float, ...]) -> None:
    assert np.linalg.norm(found(SKIN, temples) - temples) < 0.2 * np.linalg.norm(np.subtract(temples, SKIN))


def test_grey_hair_above_high_temples_keeps_its_grey() -> None:
    """Once, white and grey hair went on brown where the forehead is high: half of the scalp's template was skin (p05,
    p09 and p29 of the portraits)."""
    model = HeadModel.load()
    grey, count = np.array([105.0, 102.0, 100.0]), len(model.points)
    bare = inside_hairline(True) < 2.0
    picture = np.where(bare[:, None], np.array(SKIN), grey)[None].astype(np.float32)
    at = np.column_stack([np.arange(count) + 0.5, np.full(count, 0.5)])
    facing, shown = np.full(count, 0.5), (model.points[:, 2] > 3).astype(float)
    colour = hair_colour(model, at, facing, shown, shown, picture, 1.0, True)
    assert colour is not None
    assert np.abs(colour - grey).max() < 8

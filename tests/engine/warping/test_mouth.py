"""The open mouth: what the photo shows of its own teeth, and what is made around them."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.warping.mouth import INNER, Mouth, MouthPose, draw_mouth, mouth_source

IOD = 100.0


def lips(top: float, bottom: float) -> np.ndarray:
    """(20, 2) px of an inner contour around x = 100, as `INNER` orders it."""
    x = np.linspace(60, 140, 11)
    bulge = 1 - ((x - 100) / 40) ** 2
    middle = (top + bottom) / 2
    upper = np.column_stack([x, middle - (middle - top) * bulge])
    lower = np.column_stack([x, middle + (bottom - middle) * bulge])
    return np.vstack([upper, lower[-2:0:-1]])


@pytest.fixture
def smile() -> np.ndarray:
    """Grey skin with a bright row of teeth between lips at 90 and 102."""
    photo = np.full((200, 200, 3), 120, np.uint8)
    photo[90:102, 65:135] = 240
    return photo


def drawn(photo: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """The mouth after the upper lip went to `top` and the lower one to `bottom`."""
    mouth = Mouth(
        lips(90, 102), 0.12, 0.6, np.ones(3, np.float32), np.ones(3, np.float32), 0.3, IOD, 1.0, 0.0
    )
    still = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    sprite = np.array([[IOD, 0, 100], [0, IOD, 300.0]])  # far below: only the photo's own teeth matter here
    pose = MouthPose(
        lips(top, bottom), sprite, sprite, still, np.array([100.0, 90]), np.array([0.0, 1]), 0.3, 1.0
    )
    out = photo.copy()
    draw_mouth(out, (0, 0), photo, mouth, pose)
    return out


def test_a_lip_that_rises_shows_tooth_and_no_dark_gap(smile: np.ndarray) -> None:
    middle = drawn(smile, 85, 120)[:, 100, 1].astype(int)
    assert middle[88:100].min() > 200, "teeth go on upwards"
    assert middle[110] < 90, "below them the mouth is dark"


def test_no_tooth_of_the_photo_sticks_to_a_lower_lip_that_drops(smile: np.ndarray) -> None:
    warped = smile.copy()
    warped[118:122, 80:120] = 240  # what the warp took along
    out = warped.copy()
    mouth = Mouth(
        lips(90, 102), 0.12, 0.6, np.ones(3, np.float32), np.ones(3, np.float32), 0.3, IOD, 1.0, 0.0
    )
    still = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    pose = MouthPose(
        lips(90, 120), still * IOD, still * IOD, still, np.array([100.0, 90]), np.array([0.0, 1]), 0.3, 1.0
    )
    draw_mouth(out, (0, 0), smile, mouth, pose)
    assert out[118:122, 100, 1].max() < 160


def landmarks(top: float, bottom: float) -> np.ndarray:
    """(478, 3) px: an inner contour around x = 100 and an upper lip above it."""
    points = np.full((478, 3), 60.0)
    points[INNER, :2] = lips(top, bottom)
    points[[11, 12, 72, 302, 38, 268], :2] = (100.0, top - 6)
    return points


@pytest.mark.parametrize(("between", "teeth", "shut"), [(240, 1.0, 0.0), (120, 0.0, 0.12), (30, 0.0, 0.0)])
def test_what_lies_between_the_lips_is_told_by_its_brightness(
    between: int, teeth: float, shut: float
) -> None:
    photo = np.full((200, 200, 3), 120, np.uint8)
    photo[90:102, 60:141] = between
    mouth = mouth_source(photo, landmarks(90, 102), IOD, 0.12)
    assert (mouth.teeth, mouth.shut) == (teeth, pytest.approx(shut))


def test_lips_just_apart_show_teeth_and_no_black_hole() -> None:
    photo = np.full((200, 200, 3), 150, np.uint8)
    mouth = mouth_source(photo, landmarks(95, 96), IOD, 0.01)
    still = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    upper, lower = (np.array([[IOD, 0, 100], [0, IOD, y]]) for y in (96.0, 97.0))
    pose = MouthPose(lips(90, 104), upper, lower, still, np.array([100.0, 90]), np.array([0.0, 1]), 0.14, 1.0)
    out = photo.copy()
    draw_mouth(out, (0, 0), photo, mouth, pose)
    inside = out[93:101, 80:120].astype(float).mean()
    assert 60 < inside < 150, "on clips the inside has 0.6 to 0.9 of the skin's brightness at such a gap"

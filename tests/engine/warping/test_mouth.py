"""The open mouth: what the photo shows of its own teeth, and what is made around them."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.warping.light import Light, light_of
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


STILL = np.array([[1.0, 0, 0], [0, 1.0, 0]])
WHITE = np.ones(3, np.float32)
SMILING = Mouth(lips(90, 102), 0.12, Light(0.6, WHITE, WHITE, 0.3), WHITE, IOD, 1.0, 0.0)


def opened(top: float, bottom: float, upper: np.ndarray, lower: np.ndarray, gap: float) -> MouthPose:
    """Lips at `top` and `bottom`, not drawn wide, with the teeth's affines `upper` and `lower`."""
    down = np.array([0.0, 1])
    return MouthPose(lips(top, bottom), upper, lower, STILL, np.array([100.0, 90]), down, gap, 0.0, 1.0)


@pytest.fixture
def smile() -> np.ndarray:
    """Grey skin with a bright row of teeth between lips at 90 and 102."""
    photo = np.full((200, 200, 3), 120, np.uint8)
    photo[90:102, 65:135] = 240
    return photo


def drawn(photo: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """The mouth after the upper lip went to `top` and the lower one to `bottom`."""
    sprite = np.array([[IOD, 0, 100], [0, IOD, 300.0]])  # far below: only the photo's own teeth matter here
    out = photo.copy()
    draw_mouth(out, (0, 0), photo, SMILING, opened(top, bottom, sprite, sprite, 0.3))
    return out


def test_a_lip_that_rises_shows_tooth_and_no_dark_gap(smile: np.ndarray) -> None:
    middle = drawn(smile, 85, 120)[:, 100, 1].astype(int)
    assert middle[88:100].min() > 200, "teeth go on upwards"
    assert middle[110] < 90, "below them the mouth is dark"


def test_no_tooth_of_the_photo_sticks_to_a_lower_lip_that_drops(smile: np.ndarray) -> None:
    warped = smile.copy()
    warped[118:122, 80:120] = 240  # what the warp took along
    out = warped.copy()
    draw_mouth(out, (0, 0), smile, SMILING, opened(90, 120, STILL * IOD, STILL * IOD, 0.3))
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
    mouth = seen(photo, 90, 102, 0.12)
    assert (mouth.teeth, mouth.shut) == (teeth, pytest.approx(shut))


def seen(photo: np.ndarray, top: float, bottom: float, gap: float) -> Mouth:
    points = landmarks(top, bottom)
    return mouth_source(photo, points, IOD, gap, light_of(photo, points))


def just_apart(photo: np.ndarray) -> np.ndarray:
    """The photo with lips that part by 0.14 IOD, the rows of teeth together."""
    mouth = seen(photo, 95, 96, 0.01)
    upper, lower = (np.array([[IOD, 0, 100], [0, IOD, y]]) for y in (96.0, 97.0))
    out = photo.copy()
    draw_mouth(out, (0, 0), photo, mouth, opened(90, 104, upper, lower, 0.14))
    return out


def test_lips_just_apart_show_teeth_and_no_black_hole() -> None:
    inside = just_apart(np.full((200, 200, 3), 150, np.uint8))[93:101, 80:120].astype(float).mean()
    assert 60 < inside < 150, "on clips the inside has 0.4 to 0.8 of the skin's brightness at such a gap"


def test_lips_just_apart_touch_in_the_corners() -> None:
    photo = np.full((200, 200, 3), 150, np.uint8)
    changed = np.abs(just_apart(photo).astype(int) - photo).max(axis=2)
    assert changed[90:104, 100].max() > 20
    assert max(changed[:, :66].max(), changed[:, 135:].max()) < 5


def test_teeth_take_on_the_colour_of_light_that_no_skin_has() -> None:
    orange = np.full((200, 200, 3), (210, 130, 40), np.uint8)
    inside = just_apart(orange)[93:101, 80:120].astype(float).mean(axis=(0, 1))
    assert inside[2] < 0.6 * inside[1] < inside[0]


def test_made_teeth_are_as_bright_as_the_photos_own(smile: np.ndarray) -> None:
    low = np.array([[IOD, 0, 100], [0, IOD, 112.0]])
    away = np.array([[IOD, 0, 100], [0, IOD, 300.0]])
    bright, dim = (smile, np.where(smile == 240, 170, smile).astype(np.uint8))
    rows = []
    for photo in (bright, dim):
        out = photo.copy()
        mouth = seen(photo, 90, 102, 0.12)
        draw_mouth(out, (0, 0), photo, mouth, opened(90, 122, away, low, 0.32))
        rows.append(np.percentile(out[112:121, 88:112], 90))
    assert rows[0] / rows[1] == pytest.approx(240 / 170, rel=0.05)


def test_a_wide_mouth_has_a_tongue_before_a_dark_throat() -> None:
    photo = np.full((200, 200, 3), 150, np.uint8)
    mouth = seen(photo, 95, 96, 0.01)
    away = np.array([[IOD, 0, 100], [0, IOD, 400.0]])
    out = photo.copy()
    draw_mouth(out, (0, 0), photo, mouth, opened(80, 130, away + [[0, 0, 0], [0, 0, -800]], away, 0.5))
    assert out[122, 100].mean() > 2 * out[88, 100].mean()

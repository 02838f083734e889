"""The open mouth: what the photo shows of its own teeth, and what is made around them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity, rotation_matrix
from app.engine.warping import mouth_kernels
from app.engine.warping.light import Light, light_of
from app.engine.warping.mouth import INNER, Mouth, MouthPose, in_photo, mouth_picture, mouth_source, own_mouth
from app.engine.warping.posing import _incisors, face_source
from app.engine.warping.teeth import MouthLight, _lit, inside

IOD = 100.0  # px


def lips(top: float, bottom: float) -> np.ndarray:
    """Return (20, 2) px of an inner contour around x = 100, as `INNER` orders it."""
    x = np.linspace(60, 140, 11)
    bulge = 1 - ((x - 100) / 40) ** 2
    middle = (top + bottom) / 2
    upper = np.column_stack([x, middle - (middle - top) * bulge])
    lower = np.column_stack([x, middle + (bottom - middle) * bulge])
    return np.vstack([upper, lower[-2:0:-1]])


DOWN = np.array([0.0, 1.0])  # px, the direction from lip to lip
AXES = IOD * np.diag([1.0, -1.0, 1.0])
AWAY = (100.0, -900.0)  # px; the made teeth are out of sight, where only the photo's own matter
WHITE = np.ones(3, np.float32)
SMILING = Mouth(lips(90, 102), 0.12, Light(0.6, WHITE, WHITE, WHITE, 0.3), WHITE, IOD, 1.0, 0.0)


def opened(
    top: float, bottom: float, edge: tuple[float, float], drop: float, gap: float, axes: np.ndarray = AXES
) -> MouthPose:
    """Return lips at `top` and `bottom`, not drawn wide, with the upper incisors' edge at `edge` px and the jaw
    dropped.
    """
    lip = np.array([100.0, 90])
    return MouthPose(
        lips(top, bottom),
        axes,
        AXES,
        np.array(edge),
        drop,
        lip,
        lip,
        np.eye(2),
        np.array([0.0, 1]),
        gap,
        0.0,
        1.0,
    )


@pytest.fixture
def smile() -> np.ndarray:
    """Return grey skin with a bright row of teeth between lips at 90 and 102."""
    photo = np.full((200, 200, 3), 120, np.uint8)
    photo[90:102, 65:135] = 240
    return photo


def draw_mouth(out: np.ndarray, photo: np.ndarray, mouth: Mouth, pose: MouthPose) -> None:
    """Draw a photo's mouth into out, a copy of the photo, in place."""
    picture = mouth_picture(own_mouth(photo, mouth, DOWN), mouth, pose, (out.shape[1], out.shape[0]))
    assert picture is not None
    picture.draw(out, (0, 0))


def drawn(photo: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """Return the mouth after the upper lip went to `top` and the lower one to `bottom`."""
    out = photo.copy()
    draw_mouth(out, photo, SMILING, opened(top, bottom, AWAY, 0.0, 0.3))
    return out


def test_a_mouth_is_drawn_as_far_as_it_lies_in_the_box(smile: np.ndarray) -> None:
    whole, pose = drawn(smile, 85, 120), opened(85, 120, AWAY, 0.0, 0.3)
    picture = mouth_picture(own_mouth(smile, SMILING, DOWN), SMILING, pose, (200, 200))
    assert picture is not None
    for x, y, right, bottom in ((0, 0, 200, 200), (80, 95, 130, 110), (0, 0, 90, 200), (150, 150, 200, 200)):
        box = slice(y, bottom), slice(x, right)
        out = smile[box].copy()
        picture.draw(out, (x, y))
        np.testing.assert_array_equal(out, whole[box])


def test_a_lip_that_rises_shows_tooth_and_no_dark_gap(smile: np.ndarray) -> None:
    middle = drawn(smile, 85, 120)[:, 100, 1].astype(int)
    assert middle[88:100].min() > 200, "teeth go on upwards"
    assert middle[110] < 90, "below them the mouth is dark"


def test_no_tooth_of_the_photo_sticks_to_a_lower_lip_that_drops(smile: np.ndarray) -> None:
    warped = smile.copy()
    warped[118:122, 80:120] = 240  # the warp took this along
    out = warped.copy()
    draw_mouth(out, smile, SMILING, opened(90, 120, AWAY, 0.0, 0.3))
    assert out[118:122, 100, 1].max() < 160


def landmarks(top: float, bottom: float) -> np.ndarray:
    """Return (478, 3) px: an inner contour around x = 100 and an upper lip above it."""
    points = np.full((478, 3), 60.0)
    points[INNER, :2] = lips(top, bottom)
    points[[11, 12, 72, 302, 38, 268], :2] = (100.0, top - 6)
    return points


@pytest.mark.parametrize(("between", "teeth", "shut"), [(240, 1.0, 0.0), (120, 0.0, 0.12), (30, 0.0, 0.0)])
def test_what_lies_between_the_lips_is_recognised_by_its_brightness(
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
    """Return the photo with lips that part by 0.14 IOD while the rows of teeth stay together."""
    mouth = seen(photo, 95, 96, 0.01)
    out = photo.copy()
    draw_mouth(out, photo, mouth, opened(90, 104, (100.0, 96.0), 0.02, 0.14))
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
    bright, dim = (smile, np.where(smile == 240, 170, smile).astype(np.uint8))
    rows = []
    for photo in (bright, dim):
        out = photo.copy()
        mouth = seen(photo, 90, 102, 0.12)
        draw_mouth(out, photo, mouth, opened(90, 122, (100.0, 96.0), 0.18, 0.32))
        rows.append(np.percentile(out[112:121, 88:112], 90))
    assert rows[0] / rows[1] == pytest.approx(240 / 170, rel=0.05)


def wide_open(axes: np.ndarray = AXES, towards: tuple[float, float, float] = (0.0, 0, 0)) -> np.ndarray:
    """Return (200, 200, 3) luminance and colour of a mouth wide open between lips at 80 and 130."""
    photo = np.full((200, 200, 3), (190, 145, 115), np.uint8)
    mouth = replace(seen(photo, 95, 96, 0.01), toward=np.array(towards))
    out = photo.copy()
    draw_mouth(out, photo, mouth, opened(80, 130, (100.0, 88.0), 0.32, 0.5, axes))
    return out.astype(float)


def test_a_wide_mouth_has_teeth_above_a_tongue_before_a_dark_throat() -> None:
    out = wide_open()
    tooth, throat, tongue = out[84, 96], out[91:105, 100].mean(axis=1).min(), out[112, 100]
    assert tooth.mean() > 2.5 * throat
    assert tongue[0] > 1.2 * tongue[2], "flesh is red"
    assert tongue.mean() > 1.15 * throat


def test_teeth_turn_with_the_head() -> None:
    turn = rotation_matrix(30.0, 0.0, 0.0)
    out = wide_open(np.asarray(AXES @ turn))
    row = out[83:87, 62:139].mean(axis=(0, 2))
    front = wide_open()[83:87, 62:139].mean(axis=(0, 2))
    assert abs(front[:38].mean() - front[39:].mean()) < 12, "from the front both sides are alike"
    assert abs(row[:38].mean() - row[39:].mean()) > 12, "a row of teeth that turns shows one of its sides"


def test_teeth_are_lit_from_where_the_photo_is() -> None:
    left, right = (wide_open(towards=(way, 0.0, 0.5))[83:87] for way in (-0.6, 0.6))
    assert left[:, 76:94].mean() > 1.1 * right[:, 76:94].mean()
    assert right[:, 106:124].mean() > 1.1 * left[:, 106:124].mean()


def test_the_photos_teeth_are_an_arch_that_turns() -> None:
    u = np.linspace(-25, 25, 11)

    def places(axes: np.ndarray) -> np.ndarray:
        frame = in_photo(opened(90, 110, AWAY, 0.0, 0.3, axes))
        return np.array(
            [mouth_kernels.in_photo(np.float32(100 + across), np.float32(95), *frame)[0] for across in u]
        )

    assert np.allclose(places(AXES), 100 + u, atol=1e-3), "unturned they stay where they are"
    steps = np.diff(places(np.asarray(AXES @ rotation_matrix(25.0, 0.0, 0.0))))
    assert steps.min() > 0.5
    assert abs(steps[0] - steps[-1]) > 0.2, "the side that turns away is drawn together"


def test_teeth_take_on_less_of_the_skins_colour_than_eyeballs() -> None:
    """On 13 photos that show teeth this was measured: made ones were orange in dark faces and warm light."""
    points = np.full((478, 3), 20.0)
    light = light_of(np.full((40, 40, 3), (150, 105, 80), np.uint8), points)
    grey = light_of(np.full((40, 40, 3), 120, np.uint8), points)
    saturation = [np.ptp(colour) for colour in (light.teeth, light.white)]
    assert 0.5 * saturation[1] < saturation[0] < 0.8 * saturation[1]
    assert np.ptp(grey.coloured(grey.teeth)) < 0.02


def test_back_teeth_fade_into_the_dark_of_a_wide_mouth() -> None:
    """Once, seen from the side, the far row stood before the dark as a grey block."""
    it = inside()
    one = np.ones(3, np.float32)
    light = MouthLight(one, one, np.zeros(3), 1.0, np.zeros(3, np.float32))
    shown = _lit(it, np.diag([100.0, -100.0, 100.0]), light, np.ones(len(it.points), bool)).mean(axis=1)
    teeth, depth = it.tooth > 0, it.points[:, 2]
    front, back = shown[teeth & (depth > -0.05)].max(), shown[teeth & (depth < -0.45)].max()
    assert back < 0.25 * front
    tongue = shown[(it.tooth == 0) & (depth < -0.3) & (np.abs(it.points[:, 0]) < 0.1)].max()
    assert tongue > 0.3 * front, "a tongue lies open to the light"


def test_a_smile_shows_upper_teeth_down_to_three_quarters_of_its_gap() -> None:
    """Once they ended at 0.45 of it, above a second row, as on none of 102 portraits that smile."""
    params = FaceParams(Identity(), Expression(), Camera.from_angles(0, 0, 0, IOD, (200, 200)))
    source = face_source(params.camera.project(default_model().mean), params)
    lip = source.lip_rest + 0.05
    for gap in (0.1, 0.2):
        smiling, speaking = ((lip - _incisors(source, lip, gap, drawn)[0]) / gap for drawn in (0.12, 0.0))
        assert speaking <= 0.45 + 1e-6 < smiling <= 0.75 + 1e-6

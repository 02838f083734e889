"""Eyes that a photo shows shut: what they look like when they open."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.face.fitting import apertures_of
from app.engine.face.morphable_model import default_model
from app.engine.warping.eyeballs import eyes_of
from app.engine.warping.eyes import Eye, EyePose, contour_vertices, draw_eye
from app.engine.warping.lids import lid_gap, move_lids, opened_gap
from app.engine.warping.light import light_of

SIZE, SCALE = 320, 130.0
OPEN = apertures_of(default_model().mean)
SKIN = (190, 140, 115)
BLUE = (60, 90, 200)


def faced(left: float = 1.0, right: float = 1.0) -> np.ndarray:
    """(478, 3) px of the mean face from the front, its lids at these shares of their gap."""
    points = default_model().mean.copy()
    for side, share in enumerate((left, right)):
        points = points + move_lids(points, side, lid_gap(points, side), share)
    points = np.column_stack([SIZE / 2 + SCALE * points[:, 0], SIZE / 2 - SCALE * points[:, 1], points[:, 2]])
    irises = []
    for side in (1, 0):  # 468 to 472 are the right one's
        centre = points[contour_vertices(side)].mean(axis=0)
        irises += [centre + 0.09 * SCALE * np.array([np.cos(a), np.sin(a), 0]) for a in (0, 1.57, 3.14, 4.71)]
        irises.insert(-4, centre)
    return np.vstack([points, irises])


def painted(landmarks: np.ndarray, sides: tuple[int, ...]) -> np.ndarray:
    """Skin with white eyes and blue irises on these sides."""
    import cv2

    photo = np.full((SIZE, SIZE, 3), SKIN, np.uint8)
    for side in sides:
        cv2.fillPoly(
            photo, [np.round(landmarks[contour_vertices(side), :2]).astype(np.int32)], (230, 230, 230)
        )
        centre = landmarks[contour_vertices(side), :2].mean(axis=0)
        cv2.circle(photo, tuple(np.round(centre).astype(int).tolist()), round(0.09 * SCALE), BLUE, -1)
    return photo


def shown(photo: np.ndarray, eye: Eye, landmarks: np.ndarray, lids: np.ndarray) -> np.ndarray:
    """The photo with the lids at these landmarks."""
    middle = landmarks[contour_vertices(eye.side), :2].mean(axis=0)
    out = photo.copy()
    contour = lids[contour_vertices(eye.side), :2]
    draw_eye(out, (0, 0), eye, EyePose(contour, np.eye(2), middle, np.zeros(2), 0.0))
    return out


def test_a_shut_eye_opens_on_white_and_a_dark_iris() -> None:
    shut, wide = faced(0, 0), faced()
    photo = painted(shut, ())
    eyes = eyes_of(photo, shut, (0.03, 0.03), light_of(photo, shut))
    assert [eye.shown for eye in eyes] == [0, 0]
    for eye in eyes:
        out = shown(photo, eye, shut, wide).astype(float).mean(axis=2)
        corners = wide[contour_vertices(eye.side), :2]
        x, y = np.round(corners.mean(axis=0)).astype(int)
        white = np.round(corners[0] + 0.25 * (corners[8] - corners[0])).astype(int)
        assert out[y - 3 : y + 4, x - 3 : x + 4].min() < 0.6 * out[white[1], white[0]]
        assert out[white[1], white[0]] > 0.6 * np.mean(SKIN)


def test_a_shut_eye_that_stays_shut_is_left_alone() -> None:
    shut = faced(0, 0)
    photo = painted(shut, ())
    for eye in eyes_of(photo, shut, (0.03, 0.03), light_of(photo, shut)):
        assert np.array_equal(shown(photo, eye, shut, shut), photo)


def test_a_winking_eye_opens_as_the_other_one() -> None:
    wink, wide = faced(1, 0), faced()
    photo = painted(wink, (0,))
    eye = eyes_of(photo, wink, (OPEN[0], 0.03), light_of(photo, wink))[1]
    assert eye.side == 1
    out = shown(photo, eye, wink, wide)
    x, y = np.round(eye.centre).astype(int)
    assert np.abs(out[y, x].astype(int) - BLUE).max() < 40


def test_an_open_eye_is_the_photos_own() -> None:
    wide = faced()
    photo = painted(wide, (0, 1))
    assert [eye.shown for eye in eyes_of(photo, wide, OPEN, light_of(photo, wide))] == [1, 1]


def test_a_made_eye_has_no_colour_in_a_black_and_white_photo() -> None:
    shut = faced(0, 0)
    photo = np.full((SIZE, SIZE, 3), 150, np.uint8)
    out = shown(photo, eyes_of(photo, shut, (0.03, 0.03), light_of(photo, shut))[0], shut, faced())
    assert np.ptp(out.astype(int), axis=2).max() <= 1 < np.abs(out.astype(int) - 150).max()


@pytest.mark.parametrize("side", [0, 1])
def test_a_shut_eye_opens_in_the_shape_of_an_eye_without_a_jump(side: int) -> None:
    usual = lid_gap(default_model().mean, side)
    none = np.zeros((7, 3))
    assert np.allclose(opened_gap(none, side, 0.0, OPEN[side]), usual)
    assert np.abs(opened_gap(none, side, 0.05, 0.051)).max() < 0.01
    assert np.allclose(opened_gap(usual, side, 0.2, 0.3), 1.5 * usual), "an open eye keeps its own shape"

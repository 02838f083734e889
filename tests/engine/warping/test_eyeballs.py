"""Eyes that a photo shows shut look right when they open."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.engine.face.fitting import EYEBALL, apertures_of
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.warping.eye_parts import take_apart
from app.engine.warping.eyeballs import eyes_of
from app.engine.warping.eyes import Eye, EyePose, contour_vertices, draw_eye, eye_turn
from app.engine.warping.lid_frame import LidFrame
from app.engine.warping.lids import lid_gap, move_lids, opened_gap
from app.engine.warping.light import light_of

SIZE, SCALE = 320, 130.0  # px of the picture, px of an eye distance
OPEN = apertures_of(default_model().mean)
SKIN = (190, 140, 115)  # levels
BLUE = (60, 90, 200)  # levels


def faced(left: float = 1.0, right: float = 1.0) -> np.ndarray:
    """Return (478, 3) px of the mean face from the front, with its lids open by these shares of their gap."""
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
    """Return skin with white eyes and blue irises on these sides."""
    photo = np.full((SIZE, SIZE, 3), SKIN, np.uint8)
    for side in sides:
        cv2.fillPoly(
            photo, [np.round(landmarks[contour_vertices(side), :2]).astype(np.int32)], (230, 230, 230)
        )
        centre = landmarks[contour_vertices(side), :2].mean(axis=0)
        cv2.circle(photo, tuple(np.round(centre).astype(int).tolist()), round(0.09 * SCALE), BLUE, -1)
    return photo


def params(left: float = OPEN[0], right: float = OPEN[1]) -> FaceParams:
    return FaceParams(Identity(), Expression(aperture=(left, right)), Camera(SCALE))


def taken(photo: np.ndarray, landmarks: np.ndarray, left: float, right: float) -> tuple[Eye, ...]:
    return eyes_of(photo, landmarks, params(left, right), light_of(photo, landmarks))


def shown(
    photo: np.ndarray, eye: Eye, lids: np.ndarray, gaze: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Return the photo with its lids at these landmarks and its eye turned."""
    look, slip = eye_turn(Expression(), Expression(gaze=gaze), np.eye(3))
    out = photo.copy()
    contour = lids[contour_vertices(eye.side), :2]
    draw_eye(out, (0, 0), eye, EyePose(contour, eye.ball, 1.0, np.eye(3), look, SCALE * slip, 0.0))
    return out


def blue_centre(picture: np.ndarray, landmarks: np.ndarray, side: int) -> np.ndarray:
    """Return (2,) px of what is blue between the lids of one eye."""
    lids = landmarks[contour_vertices(side), :2]
    x0, y0 = np.floor(lids.min(axis=0)).astype(int)
    x1, y1 = np.ceil(lids.max(axis=0)).astype(int)
    box = picture[y0:y1, x0:x1].astype(float)
    y, x = np.nonzero(box[..., 2] - box[..., 0] > 70)
    return np.array([x.mean() + x0, y.mean() + y0])


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("degrees", [-12.0, 8.0, 15.0])
def test_a_gaze_of_so_many_degrees_turns_the_eyeball_by_them(side: int, degrees: float) -> None:
    wide = faced()
    photo = painted(wide, (0, 1))
    eye = taken(photo, wide, *OPEN)[side]
    before = blue_centre(shown(photo, eye, wide), wide, side)
    after = blue_centre(shown(photo, eye, wide, (degrees, 0.0)), wide, side)
    moved = EYEBALL * SCALE * np.sin(np.radians(degrees))
    assert after[0] - before[0] == pytest.approx(moved, abs=1.0)
    assert after[1] - before[1] == pytest.approx(0, abs=1.0)


def test_a_reflection_stays_behind_where_the_iris_goes() -> None:
    wide = faced()
    photo = painted(wide, (0, 1))
    middle = wide[contour_vertices(0), :2].mean(axis=0)
    x, y = np.round(middle).astype(int)
    photo[y - 3 : y, x - 3 : x] = 255
    eye = taken(photo, wide, *OPEN)[0]

    moved = EYEBALL * SCALE * np.sin(np.radians(12))

    def glint(picture: np.ndarray, iris: float) -> float:
        """Return the x of the red inside an iris whose centre is at `iris`."""
        columns = np.arange(round(iris) - 6, round(iris) + 7)
        red = np.clip(picture[y - 3 : y, columns, 0].astype(float) - 80, 0, None).sum(axis=0)
        return float((red * columns).sum() / red.sum())

    slid = glint(shown(photo, eye, wide, (12.0, 0.0)), x + moved) - glint(shown(photo, eye, wide), x)
    assert 0.3 * moved < slid < 0.8 * moved


def test_put_together_again_an_eye_is_the_photos() -> None:
    wide = faced()
    photo = painted(wide, (0, 1))
    for eye in taken(photo, wide, *OPEN):
        inside = shown(photo, eye, wide).astype(int) - photo
        assert np.abs(inside).mean() < 0.3


def test_a_shut_eye_opens_on_white_and_a_dark_iris() -> None:
    shut, wide = faced(0, 0), faced()
    photo = painted(shut, ())
    eyes = taken(photo, shut, 0.03, 0.03)
    assert [eye.shown for eye in eyes] == [0, 0]
    for eye in eyes:
        out = shown(photo, eye, wide).astype(float).mean(axis=2)
        corners = wide[contour_vertices(eye.side), :2]
        x, y = np.round(corners.mean(axis=0)).astype(int)
        white = np.round(corners[0] + 0.25 * (corners[8] - corners[0])).astype(int)
        assert out[y - 3 : y + 4, x - 3 : x + 4].min() < 0.6 * out[white[1], white[0]]
        assert out[white[1], white[0]] > 0.6 * np.mean(SKIN)


def test_a_shut_eye_that_stays_shut_is_left_alone() -> None:
    shut = faced(0, 0)
    photo = painted(shut, ())
    for eye in taken(photo, shut, 0.03, 0.03):
        assert np.array_equal(shown(photo, eye, shut), photo)


def test_lashes_beside_a_shut_eye_are_no_open_eye() -> None:
    """One of two shut eyes was read as half open, and both were opened on the lashes' black."""
    shut, narrow, wide = faced(0, 0), faced(0, 0.55), faced()
    photo = painted(narrow, ())
    cv2.fillPoly(photo, [np.round(narrow[contour_vertices(1), :2]).astype(np.int32)], (30, 20, 15))
    for eye in taken(photo, narrow, 0.04, 0.15):
        out = shown(photo, eye, wide).astype(float).mean(axis=2)
        corners = wide[contour_vertices(eye.side), :2]
        x, y = np.round(corners[0] + 0.25 * (corners[8] - corners[0])).astype(int)
        assert out[y, x] > 0.6 * np.mean(SKIN)
    assert [eye.shown for eye in taken(painted(shut, ()), shut, 0.04, 0.2)] == [0, 1]


def test_a_made_up_eye_is_as_sharp_as_its_photo() -> None:
    shut, wide = faced(0, 0), faced()
    photo = painted(shut, ())
    x, y = np.round(shut[contour_vertices(0), :2].mean(axis=0)).astype(int)
    photo[y - 34 : y - 26, x - 30 : x + 30] = 40  # a brow

    def steepest(blur: float) -> float:
        """Return the steepest step from the iris to the sclera, over their difference."""
        blurred = cv2.GaussianBlur(photo, (0, 0), blur)
        eye = taken(blurred, shut, 0.03, 0.03)[0]
        x, y = np.round(eye.iris).astype(int)
        edge = shown(blurred, eye, wide).astype(float).mean(axis=2)[y + 3, x : x + round(1.4 * eye.reach)]
        return float(np.abs(np.diff(edge)).max() / np.ptp(edge))

    assert steepest(0.5) > 1.4 * steepest(3.0)


def test_a_winking_eye_opens_as_the_other_one() -> None:
    wink, wide = faced(1, 0), faced()
    photo = painted(wink, (0,))
    eye = taken(photo, wink, OPEN[0], 0.03)[1]
    assert eye.side == 1
    out = shown(photo, eye, wide)
    x, y = np.round(eye.iris).astype(int)
    assert np.abs(out[y, x].astype(int) - BLUE).max() < 40


def test_an_open_eye_is_the_photos_own() -> None:
    wide = faced()
    photo = painted(wide, (0, 1))
    assert [eye.shown for eye in taken(photo, wide, *OPEN)] == [1, 1]


def test_a_made_eye_has_no_colour_in_a_black_and_white_photo() -> None:
    shut = faced(0, 0)
    photo = np.full((SIZE, SIZE, 3), 150, np.uint8)
    out = shown(photo, taken(photo, shut, 0.03, 0.03)[0], faced())
    assert np.ptp(out.astype(int), axis=2).max() <= 1 < np.abs(out.astype(int) - 150).max()


@pytest.mark.parametrize("side", [0, 1])
def test_a_shut_eye_opens_in_the_shape_of_an_eye_without_a_jump(side: int) -> None:
    usual = lid_gap(default_model().mean, side)
    none = np.zeros((7, 3))
    assert np.allclose(opened_gap(none, side, 0.0, OPEN[side]), usual)
    assert np.abs(opened_gap(none, side, 0.05, 0.051)).max() < 0.01
    assert np.allclose(opened_gap(usual, side, 0.2, 0.3), 1.5 * usual), "an open eye keeps its own shape"


def test_a_rim_of_spectacles_stays_where_a_lid_moves_under_it() -> None:
    wide, shut = faced(), faced(0, 0)
    photo = painted(wide, (0, 1))
    lids = wide[contour_vertices(0), :2]
    x, top = round(float(lids[:, 0].mean())), round(float(lids[:, 1].min()))
    rim = slice(top - 14, top - 10)
    photo[rim, x - 60 : x + 60] = 20
    eye = eyes_of(photo, wide, params(), light_of(photo, wide), spectacles=1.0)[0]
    bent = photo.copy()
    bent[rim] = SKIN
    bent[top - 6 : top - 2, x - 20 : x + 20] = 20  # the mesh takes the rim along like this
    contour = shut[contour_vertices(0), :2]
    draw_eye(bent, (0, 0), eye, EyePose(contour, eye.ball, 1.0, np.eye(3), np.eye(3), np.zeros(2), 1.0))
    assert bent[rim, x].mean() < 60
    assert bent[top - 6 : top - 2, x].mean() > 100


def test_a_lids_rim_within_the_landmarks_is_no_reflection() -> None:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    frame = LidFrame.of(np.stack([60 - 40 * np.cos(angle), 40 - 20 * np.sin(angle)], axis=1), 1)
    y, x = np.indices((80, 120), np.float32) + np.float32(0.5)
    distance = np.hypot(x - 60, y - 45) / np.float32(15)
    crop = np.full((80, 120, 3), (230, 226, 222), np.float32)
    crop[distance < 1] = (110, 105, 95)
    crop[40:44, 52:56] = 245  # this is a window
    crop[52:] = (245, 190, 165)  # the lower lid, which the landmarks do not see
    _, below, above = frame.coordinates(x, y)
    inside = np.asarray((below > 0) & (above > 0), np.float32)
    parts = take_apart(crop, frame, inside, distance, np.array([60.0, 45.0]), np.full(3, 225, np.float32))
    assert parts.glint[41:43, 53:55].min() > 60
    assert parts.glint[53:56, 55:65].max() < 10
    assert np.abs(parts.iris[53:56, 57:63] - (110, 105, 95)).max() < 25

"""Spectacles are recognised by their bridge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.warping.doubts import beyond_safe, doubts
from app.engine.warping.lid_frame import LidFrame
from app.engine.warping.lid_skin import lid_skin, slid
from app.engine.warping.spectacles import Front, spectacles

CAMERA = Camera(100.0, translation=(200.0, 200.0))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_dark_bar_across_the_nose_is_a_bridge(depth: type) -> None:
    points = CAMERA.project(default_model().mean)
    skin = np.full((400, 400, 3), (190, 140, 115), depth) * (257 if depth is np.uint16 else 1)
    assert spectacles(skin.astype(depth), points, CAMERA) == 0
    worn = skin.copy()
    y = round(float(points[6, 1]))
    worn[y - 3 : y + 3, 170:230] //= 8
    assert spectacles(worn.astype(depth), points, CAMERA) == 1
    shaded = skin * np.linspace(1, 0.5, 400)[None, :, None]
    assert spectacles(shaded.astype(depth), points, CAMERA) < 0.1, "a nose has a shadow at its side"


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_turned_nose_before_a_dark_far_wall_wears_none(side: float) -> None:
    """Once, 18 of 51 people turned by 42 degrees counted as wearers: what lies behind a nose is no bridge."""
    camera = Camera.from_angles(side * 30.0, 0.0, 0.0, 100.0, (200.0, 200.0))
    points = camera.project(default_model().mean)
    picture = np.full((400, 400, 3), (190, 140, 115), np.uint8)
    nose = points[[8, 168, 6, 197], :2]
    middle = np.interp(np.arange(400), nose[:, 1], nose[:, 0])
    far = (np.arange(400)[None, :] - middle[:, None]) * side > 3
    dark = far & (np.arange(400)[:, None] > points[168, 1])  # the wall behind is dark below a light window
    picture[dark] = 10
    assert spectacles(picture, points, camera) == 0
    y = round(float(points[6, 1]))
    picture[y - 3 : y + 3, 100:300] = 15
    assert spectacles(picture, points, camera) == 1, "the bridge itself is seen in the nearer half, too"


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_dark_glasses_without_a_dark_bridge_are_worn_and_shaded_eyes_are_not(depth: type) -> None:
    """Once, sunglasses with a bridge in the skin's colour were not recognised, and a lens rose with the brow."""
    points = CAMERA.project(default_model().mean)
    for share, worn in ((0.15, 1.0), (0.75, 0.0)):
        skin = np.full((400, 400, 3), (190, 140, 115), depth) * (257 if depth is np.uint16 else 1)
        for eye in ((33, 133), (263, 362)):
            middle = points[list(eye), :2].mean(axis=0).round().astype(int).tolist()
            glass = np.zeros((400, 400), np.uint8)
            cv2.ellipse(glass, middle, (34, 30), 0, 0, 360, 255, -1)
            skin[glass > 0] = (skin[glass > 0] * share).astype(depth)
        assert spectacles(skin.astype(depth), points, CAMERA) == worn
    one = np.full((400, 400, 3), (190, 140, 115), np.uint8)
    one[:, :200] //= 8  # half the face lies in the dark, and its cheek with it
    assert spectacles(one, points, CAMERA) < 0.1


def test_a_nose_outside_the_photo_wears_none() -> None:
    points = CAMERA.project(default_model().mean) + [900.0, 0, 0]
    assert spectacles(np.full((400, 400, 3), 90, np.uint8), points, CAMERA) == 0


@pytest.mark.parametrize("own", [0.0, 15.0])
def test_spectacles_turn_as_one_rigid_thing_before_the_face(own: float) -> None:
    """Once, rims drawn on the skin were stretched over nose and temple from 24 degrees on."""
    before = Camera.from_angles(own, 0.0, 0.0, 100.0, (200.0, 200.0))
    after = Camera.from_angles(own + 25, 0.0, 0.0, 100.0, (200.0, 200.0))
    skin = default_model().mean
    front = Front.of(before.project(skin), before, 1.0)
    raised = front.raised(skin)
    assert np.allclose(before.project(raised)[:, :2], before.project(skin)[:, :2]), "the photo stays"
    x, y = skin[:, 0] - front.bridge[0], skin[:, 1] - front.bridge[1]
    rims = (np.abs(x) < 0.9) & (np.abs(x) > 0.1) & (y > -0.35) & (y < 0.2)

    def bent(points: NDArray[np.float64]) -> float:
        """Return the root mean square, in px, of how far points are off one plane's motion."""
        start = np.column_stack([before.project(points)[rims, :2], np.ones(rims.sum())])
        end = after.project(points)[rims, :2]
        return float(
            np.sqrt(np.square(end - start @ np.linalg.lstsq(start, end, rcond=None)[0]).sum(1).mean())
        )

    assert bent(raised) < 0.65 * bent(skin), "but for the bend of the front and the nose between"
    assert np.array_equal(Front.of(before.project(skin), before, 0.0).raised(skin), skin), (
        "without them nothing"
    )


def test_spectacles_of_a_photo_from_the_side_are_not_brought_forward() -> None:
    """Once they were, from behind the face's outline: frontalised, the far rim was torn and the temple a wall."""
    before, skin = Camera.from_angles(28.0, 0.0, 0.0, 100.0, (200.0, 200.0)), default_model().mean
    assert np.array_equal(Front.of(before.project(skin), before, 1.0).raised(skin), skin)


@pytest.mark.parametrize("yaw", [-47.0, 47.0])
def test_a_bridge_is_recognised_near_a_profile(yaw: float) -> None:
    """Once, nothing was known from 44 degrees on, and no warning named a profile's spectacles."""
    camera = Camera.from_angles(yaw, 0.0, 0.0, 100.0, (200.0, 200.0))
    points = camera.project(default_model().mean)
    picture = np.full((400, 400, 3), (190, 140, 115), np.uint8)
    assert spectacles(picture, points, camera) == 0
    y = round(float(points[6, 1]))
    picture[y - 3 : y + 3, 100:300] = 15
    assert spectacles(picture, points, camera) == 1


def test_a_lid_that_shuts_behind_rims_is_skin_and_the_rims_stay() -> None:
    skin, rim, lashes = (205.0, 160.0, 135.0), 30.0, 45.0
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    open_ = np.stack([100 - 50 * np.cos(angle), 110 - 20 * np.sin(angle)], axis=1)
    crop = np.full((200, 200, 3), skin, np.float32)
    y, x = np.indices(crop.shape[:2], np.float32) + np.float32(0.5)
    own = LidFrame.of(open_, 1)
    along, below, above = own.coordinates(x, y)
    lid = (along > 0) & (along < 1)
    crop[lid & (below > -3) & (below < 2)] = lashes
    crop[lid & (below > 0) & (above > 0)] = (240, 240, 235)
    crop[60:66] = rim  # the rim goes straight across, over the lid
    strip = lid_skin(crop, own, 1.0)
    assert strip is not None
    shut = np.where(open_[:, 1:] < 110, open_ * (1, 0) + (0, 108), open_)
    target = LidFrame.of(shut, 1)
    drawn = slid(crop.copy(), strip, own, target, x, y, 1.0)
    assert np.abs(drawn[61:65, 60:140] - rim).max() < 12, "the rim stays where it is"
    assert np.abs(drawn[92:100, 90:110] - skin).mean() < 30, "where the eyeball was is skin"
    assert np.abs(drawn[84:90, 90:110] - lashes).min() > 60, "lashes go with the lid"


def test_a_lid_under_a_shading_rim_has_the_colour_and_grain_of_the_skin_under_the_eye() -> None:
    """Once, it was a smooth plate, as dark as the shade of brow and rim."""
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    open_ = np.stack([100 - 50 * np.cos(angle), 110 - 20 * np.sin(angle)], axis=1)
    y, x = np.indices((220, 200), np.float32) + np.float32(0.5)
    grain = np.random.default_rng(1).normal(0, 6, (220, 200, 1))
    shade = np.where(y < 110, 0.62, 1.0)[..., None]
    crop = (np.array([205.0, 160.0, 135.0]) * shade + grain).astype(np.float32)
    own = LidFrame.of(open_, 1)
    along, below, above = own.coordinates(x, y)
    crop[(along > 0) & (along < 1) & (below > 0) & (above > 0)] = (240, 240, 235)
    strip = lid_skin(crop, own, 1.0)
    assert strip is not None
    target = LidFrame.of(np.where(open_[:, 1:] < 110, open_ * (1, 0) + (0, 124), open_), 1)
    lid = slid(crop.copy(), strip, own, target, x, y, 1.0)[98:112, 85:115]
    assert lid.mean() > 0.72 * crop[140:160, 85:115].mean(), "lighter than the shade"
    assert (lid - cv2.blur(lid, (5, 5))).std() > 2.5, "and no plate"


def test_what_a_turn_makes_up_is_named() -> None:
    def named(own: float, asked: float, worn: bool = False) -> str:
        cameras = [Camera.from_angles(yaw, 0.0, 0.0, 100.0, (200.0, 200.0)) for yaw in (own, asked)]
        before, after = (FaceParams(Identity((0.0,) * 40), Expression(), camera) for camera in cameras)
        assert beyond_safe(before, after) == (["yaw"] if abs(asked - own) > 40 else [])
        return " ".join(doubts(before, after, float(worn)))

    assert named(0, 12) == named(0, 12, worn=True) == ""
    assert "ear" in named(0, 30) and "spectacles" not in named(0, 30)
    assert "spectacles" in named(0, 30, worn=True)
    assert "mirrored" in named(45, 0) and "cheeks" in named(45, 0) and "spectacles" not in named(45, 0)
    assert "double" in named(45, 0, worn=True), "a profile with glasses, frontalised"
    assert "double" in named(28, 0, worn=True), "once, only from 35 degrees on"
    assert "double" not in named(28, 0) + named(28, 40, worn=True)

"""Two people who touch in a photo are told apart, and nobody drags what is the other's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.engine.contract import SourceImage, Target
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, Identity
from app.engine.generators.mesh_warp import MeshWarp
from app.engine.warping.neighbours import Neighbours, neighbours

# Levels of colours.
WALL, SKIN, GREY, RED = (200, 200, 190), (190, 140, 115), (90, 90, 95), (150, 40, 30)
IOD = 30.0  # px
OWN, OTHER = (150.0, 150.0), (245.0, 130.0)  # px: between the eyes
SIZE = (400, 320)  # px


def face_at(middle: tuple[float, float], scale: float = IOD) -> FittedFace:
    camera = Camera.from_angles(0, 0, 0, scale, middle)
    params = FaceParams(Identity(), Expression(), camera)
    points = default_model().vertices(params)
    irises = np.repeat(points[[33, 263]], 5, axis=0)
    (x, y), (w, h) = points[:, :2].min(axis=0), np.ptp(points[:, :2], axis=0)
    return FittedFace(params, np.vstack([points, irises]), (x, y, w, h), np.zeros((468, 3)))


def person(
    pixels: np.ndarray, matte: np.ndarray, middle: tuple[float, float], wide: int, hair, clothes
) -> None:
    """Draw one with hair around the head and shoulders."""
    x, y = (round(v) for v in middle)
    for picture, colours in ((pixels, (hair, clothes, SKIN)), (matte, (1.0, 1.0, 1.0))):
        cv2.rectangle(picture, (x - 55, y + 85), (x + 55, SIZE[1]), colours[1], -1)
        cv2.ellipse(picture, (x, y), (wide, wide + 14), 0, 0, 360, colours[0], -1)
        cv2.ellipse(picture, (x, y + 15), (32, 50), 0, 0, 360, colours[2], -1)


@pytest.fixture(scope="module")
def source() -> SourceImage:
    pixels = np.full((SIZE[1], SIZE[0], 3), WALL, np.uint8)
    matte = np.zeros(pixels.shape[:2], np.float32)
    person(pixels, matte, OTHER, 75, RED, RED)
    person(pixels, matte, OWN, 48, GREY, GREY)
    return SourceImage(pixels, None, face_at(OWN), matte, (face_at(OTHER),))


def found_in(source: SourceImage) -> Neighbours:
    found = neighbours(source.pixels, source.matte, source.face, source.others)
    assert found is not None
    return found


def test_hair_and_clothes_of_somebody_behind_are_theirs(source):
    theirs = found_in(source).theirs
    red = (source.pixels == RED).all(axis=2)
    grey = (source.pixels == GREY).all(axis=2)
    assert theirs[cv2.erode(red.astype(np.uint8), np.ones((5, 5))) > 0].mean() > 0.97
    assert theirs[cv2.erode(grey.astype(np.uint8), np.ones((5, 5))) > 0].mean() < 0.03


def test_who_is_further_off_may_be_covered_and_who_is_nearer_may_not(source):
    assert not found_in(source).before.any()
    other = SourceImage(source.pixels, None, source.others[0], source.matte, (source.face,))
    assert found_in(other).before[round(OWN[1]), round(OWN[0])] == 1


def test_a_head_that_turns_leaves_the_hair_behind_it_where_it_is(source):
    warp = MeshWarp()
    code = warp.encode(source)
    own = source.face.params
    camera = own.camera.from_angles(-24, 0, 0, own.camera.scale, own.camera.translation)
    patch = warp.generate(code, Target(FaceParams(own.identity, own.expression, camera)))
    out = source.pixels.copy()
    h, w = patch.pixels.shape[:2]
    out[patch.y : patch.y + h, patch.x : patch.x + w] = patch.pixels
    hair = (source.pixels == RED).all(axis=2)
    hair[:, : round(OWN[0]) + 68] = False  # further than the head reaches
    assert code.layers.texture[hair, 3].max() < 0.05 * 255
    assert np.abs(out[hair].astype(int) - source.pixels[hair]).mean() < 1


def test_nobody_near_changes_nothing(source):
    assert neighbours(source.pixels, source.matte, source.face, ()) is None


def with_somebody_hidden(source: SourceImage) -> tuple[SourceImage, np.ndarray]:
    """Return the two with a third behind the first, whose forehead and hair alone are seen, and (H, W) where."""
    pixels, matte = source.pixels.copy(), source.matte.copy()
    x, y = (round(v) for v in OWN)
    seen = np.zeros(matte.shape, np.uint8)
    cv2.ellipse(seen, (x - 10, y - 52), (34, 34), 0, 0, 360, 2, -1)
    cv2.ellipse(seen, (x - 10, y - 50), (24, 24), 0, 0, 360, 1, -1)
    own = np.zeros(matte.shape, np.uint8)
    cv2.ellipse(own, (x, y), (48, 62), 0, 0, 360, 1, -1)
    seen[(own > 0) | (source.matte > 0)] = 0
    for kind, colour in ((1, (215, 178, 158)), (2, (60, 58, 60))):
        pixels[seen == kind] = colour
    matte[seen > 0] = 1
    return SourceImage(pixels, None, source.face, matte, source.others), seen


def test_a_hidden_person_whose_face_is_not_found_is_not_the_heads(source):
    crowded, seen = with_somebody_hidden(source)
    inner = cv2.erode((seen > 0).astype(np.uint8), np.ones((7, 7))) > 0
    theirs = found_in(crowded).theirs
    assert theirs[inner].mean() > 0.9
    grey = cv2.erode((crowded.pixels == GREY).all(axis=2).astype(np.uint8), np.ones((5, 5))) > 0
    assert theirs[grey].mean() < 0.05


def with_a_telephone(source: SourceImage) -> tuple[SourceImage, np.ndarray]:
    """Return the two with a black telephone before the first one's left cheek and a hand beside it, and (H, W) where
    these are.
    """
    pixels, matte = source.pixels.copy(), source.matte.copy()
    x, y = (round(v) for v in OWN)
    held = np.zeros(matte.shape, np.uint8)
    cv2.rectangle(held, (x + 13, y + 22), (x + 42, y + 50), 1, -1)
    cv2.rectangle(held, (x + 30, y + 4), (x + 60, y + 44), 2, -1)
    for kind, colour in ((1, (12, 12, 14)), (2, (200, 150, 125))):
        pixels[held == kind] = colour
    matte[held > 0] = 1
    return SourceImage(pixels, None, source.face, matte, source.others), held


def test_a_thing_held_before_a_cheek_stands_before_the_face(source):
    calling, held = with_a_telephone(source)
    found = found_in(calling)
    inner = cv2.erode((held > 0).astype(np.uint8), np.ones((7, 7))) > 0
    assert found.before[inner].mean() > 0.9
    assert found.theirs[inner].mean() > 0.9
    x, y = (round(v) for v in OWN)
    assert found.theirs[y - 20 : y + 40, x - 30 : x].max() < 0.1  # the other cheek, eyes and nose


def test_a_beard_is_no_thing_before_a_face(source):
    pixels, (x, y) = source.pixels.copy(), (round(v) for v in OWN)
    skin = (pixels == SKIN).all(axis=2)
    skin[: y + 22] = False
    skin[:, x + 50 :] = False
    pixels[skin] = (30, 22, 18)
    bearded = SourceImage(pixels, None, source.face, source.matte, source.others)
    assert not found_in(bearded).before.any()

"""The shade at the rim of what a photo shows does not become a streak, and a nose ends inside its outline."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.engine.head.beard import beard_region
from app.engine.head.grain import BEARDS, beard_edge, beard_grain, grain, stubble_grain
from app.engine.head.hair_colour import hair_colour
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.raster import carried, rasterised
from app.engine.head.rim import _skin, inside_outlines, rim_gain
from app.engine.head.texels import TEXELS, texels
from app.engine.imaging.colour import LUMINANCE

SKIN, HAIR = np.array([210.0, 160.0, 140.0]), np.array([60.0, 50.0, 48.0])
SIDE = 384  # texels of the atlas's side


def lit_from_the_camera() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (V, 3) colours, (V,) cosine to the camera and (V,) shown of a template half as light at its
    outline.
    """
    model = HeadModel.load()
    facing = model.normals(model.points)[:, 2]
    return SKIN * (0.5 + 0.5 * np.clip(facing / 0.6, 0, 1))[:, None], facing, (facing > 0.02).astype(float)


def before_the_ear(facing: FloatArray) -> FloatArray:
    x, y, _ = (model := HeadModel.load()).points.T
    rim = (facing > 0.05) & (facing < 0.3) & (y > -2) & (y < 1) & (model.distance < 1) & (np.abs(x) > 5)
    return np.asarray(rim & ~model.ear)


def test_a_cheek_is_as_light_before_the_ear_as_where_it_faces_the_camera() -> None:
    """Once, a turn stretched a front photo's dark rim into a grey streak."""
    model = HeadModel.load()
    colours, facing, shown = lit_from_the_camera()
    gain, trusted, _ = rim_gain(model, facing, shown, colours, np.tile(HAIR, (len(facing), 1)), True)
    rim = before_the_ear(facing)
    assert rim.sum() > 10
    light = (colours * gain[:, None])[rim] @ LUMINANCE / (SKIN @ LUMINANCE)
    assert np.median(light) > 0.85 and np.median(colours[rim] @ LUMINANCE / (SKIN @ LUMINANCE)) < 0.7
    assert np.median(trusted[rim]) < 0.5
    assert (gain[facing > 0.9] < 1.1).all() and (trusted[facing > 0.6] == 1).all()


def test_hair_along_the_outline_stays_hair() -> None:
    model = HeadModel.load()
    colours, facing, shown = lit_from_the_camera()
    rim = before_the_ear(facing)
    none = rim_gain(model, facing, shown, colours, np.tile(HAIR, (len(facing), 1)), True)[2]
    colours[(facing < 0.5)] = HAIR
    gain, trusted, hung = rim_gain(model, facing, shown, colours, np.tile(HAIR, (len(facing), 1)), True)
    assert np.median(gain[rim]) < 1.1 and np.median(trusted[rim]) > 0.9
    cheek = rim & (hung > 0)
    assert not none[rim].any() and cheek.sum() > 5


def test_what_is_worn_is_no_skin_beside_fair_hair() -> None:
    """Once, the arm of dark spectacles beside fair hair was taken for shaded skin, and skin was drawn for it (p27)."""
    seen = np.array([[192, 121, 89], [125, 68, 48], [66, 33, 32], [37, 21, 26]], float)
    hair = np.tile([145.0, 104.0, 76.0], (len(seen), 1))
    assert _skin(seen, np.array([1.0, 0, 0, 0]), hair).round(2).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("turned", [45.0, -45.0])
def test_a_turned_nose_takes_its_colours_from_inside_its_outline(turned: float) -> None:
    """Once, the line where a photo's nose ends before the far cheek lay over the middle of the frontalised
    nose.
    """
    model = HeadModel.load()
    c, s = np.cos(np.radians(turned)), np.sin(np.radians(turned))
    x, y, z = model.points.T
    iod = 64.0
    at = np.stack([c * x + s * z, -y, c * z - s * x], 1) * iod / 6.3 + [200, 200, 0]
    ids, depth = rasterised(at, model.triangles, (0, 0, 400, 400))
    inward = inside_outlines(model, at, ids, depth, iod)
    bridge = (np.abs(x) < 0.05) & (y > 0.8) & (y < 2.0) & (z > 11)
    away = -np.sign(turned)  # the near side lies there in the picture
    assert bridge.sum() >= 3
    assert (away * inward[bridge, 0] > 0.005 * iod).all()
    assert not inward[model.distance > 3].any()
    np.testing.assert_array_equal(inside_outlines(model, at, ids, depth, iod)[(np.abs(x) > 5) & (y > 2)], 0)


def test_a_raised_chin_takes_its_colours_from_inside_its_outline() -> None:
    """Once, the edge of the scarf before a chin became dark dashes across the raised chin (p15 of the portraits)."""
    model = HeadModel.load()
    at = model.points * [10, -10, 10] + [200, 200, 0]
    ids, depth = rasterised(at, model.triangles, (0, 0, 400, 400))
    inward = inside_outlines(model, at, ids, depth, 63.0)
    x, y, z = model.points.T
    edge = (np.abs(x) < 1.5) & (z > 9.5) & (z < 10.3) & (y < -7.4)
    assert edge.sum() >= 3 and (inward[edge, 1] < -0.01 * 63.0).all()
    lips = model.face & (model.openness > 0.9) & (np.abs(x) < 2) & (y > -5) & (y < -3)
    assert lips.any() and np.abs(inward[lips]).max() < 0.005 * 63.0


def test_a_beard_under_the_jaw_is_made_of_the_beards_own_hairs() -> None:
    """Once, beards ended before the jaw's underside, and what was made up of them was smooth (p03, p07 and p13 of the
    portraits raised by 24 degrees).
    """
    x, y, z = (model := HeadModel.load()).points.T
    under = (np.abs(x) < 2) & (z > 6) & (z < 9) & (y < -7.5) & (y > -9)
    assert under.sum() > 10 and (beard_region()[under] > 0.5).all()
    ids, share, _ = texels(SIDE)
    shown = (model.normals(model.points)[:, 2] > 0.3).astype(np.float32) * beard_region()
    jaw = np.zeros((SIDE, SIDE, 1), np.float32)
    carried(ids, share, model.corners, model.base, shown[:, None].astype(np.float32), jaw)
    noise = np.random.default_rng(0).normal(size=(SIDE, SIDE, 1))
    own = np.asarray(0.5 * np.exp(0.1 * noise) * np.ones(3), np.float32)
    none = np.ones_like(jaw)
    for made in (beard_grain(own, jaw[..., 0]), stubble_grain(own, jaw[..., 0], none)):
        assert made is not None
        assert np.std(np.log(made)) == pytest.approx(0.1, rel=0.3)
    assert stubble_grain(own, 0 * jaw[..., 0], none) is none


def test_made_up_skin_has_the_cheeks_grain() -> None:
    """Once, made-up skin was as smooth as plastic beside the photo's."""
    model = HeadModel.load()
    ids, share, _ = texels(SIDE)
    seen = (model.normals(model.points)[:, 2] > 0.3).astype(np.float32)[:, None]
    skin = np.zeros((SIDE, SIDE, 1), np.float32)
    carried(ids, share, model.corners, model.base, seen, skin)
    noise = np.random.default_rng(0).normal(size=(SIDE, SIDE, 1))
    own = np.asarray(0.5 * np.exp(0.03 * noise) * np.ones(3), np.float32)
    made = grain(own, skin[..., 0])
    assert made.shape == (SIDE, SIDE, 1) and np.std(np.log(made)) == pytest.approx(0.03, rel=0.3)
    assert abs(float(np.log(made).mean())) < 0.003
    assert (grain(own, 0 * skin[..., 0]) == 1).all()


def test_the_back_of_a_shaved_head_has_the_temples_hair() -> None:
    """Once, a bald crown's highlight, lighter than skin, was taken for hair: the back ended in pale scales."""
    model = HeadModel.load()
    facing = model.normals(model.points)[:, 2]
    _, y, _ = model.points.T
    at = model.points[:, :2] * [4, -4] + [100, 100]
    low = np.full((200, 200, 3), SKIN, np.float32)
    low[:68] = 1.15 * SKIN
    temples = (model.distance > 1.0) & (y > 2) & (y < 8) & (facing > 0) & (facing < 0.8)
    for px, py in at[temples].astype(int):
        low[py, px] = HAIR
    shown = (facing > 0.02).astype(float)
    hair = hair_colour(model, at, facing, shown, shown, low, 1.0, True)
    assert hair is not None
    back = (model.points[:, 2] < -4) & (y > 2) & (y < 7)
    assert np.median(hair[back] @ LUMINANCE) < 0.6 * (SKIN @ LUMINANCE)
    assert (hair @ LUMINANCE).max() < 1.01 * (SKIN @ LUMINANCE)
    # What hides the ears is a hat, which may be as light as skin: once, p07's fur became dark brown at the back.
    hat = hair_colour(model, at, facing, shown, shown, low, 1.0, False)
    assert hat is not None
    crown = (model.points[:, 2] < -4) & (y > 11)
    assert np.median(hat[crown] @ LUMINANCE) > 1.3 * np.median(hair[crown] @ LUMINANCE)


def test_a_beard_is_not_striped_like_the_edge_that_one_place_of_it_shows() -> None:
    """Once, dark stripes ran across p03's made-up jaw: the place taken for all of it held the mouth's edge."""
    side = 1024
    own = np.exp(np.random.default_rng(4).normal(-1, 0.1, (side, side, 3))).astype(np.float32)
    model = HeadModel.load()
    places = (model.weights[list(BEARDS)] @ model.base_atlas) * side
    width = round(0.05 * side / TEXELS)
    for k, (x, y) in enumerate(places.astype(int)):
        along, across = ((3 * width, width), (width, 3 * width), (0, 0))[k // 2 % 3]
        own[y - along : y + along, x - across : x + across] *= 0.5
    made = beard_grain(own, np.ones((side, side), np.float32))
    assert made is not None
    coarse = cv2.GaussianBlur(np.log(made[:256, :256, 0]), (0, 0), width / 2)
    down, across = (float(np.abs(np.diff(coarse, axis=k)).mean()) for k in (0, 1))
    assert 0.8 < down / across < 1.25
    tufts, beard = np.full((side, side, 1), 3.0, np.float32), np.zeros((side, side, 1), np.float32)
    beard[: side // 2] = 1
    edge = beard_edge(tufts, made, beard)
    assert (edge[side // 2 :] == 3).all() and np.std(edge[: side // 2]) == pytest.approx(1, abs=0.1)
    assert not beard_edge(tufts, None, beard)[: side // 2].any()


def test_grain_shows_no_mark_again_and_again() -> None:
    """Once, a mark on a cheek came back at every tile of made-up skin, mirrored to a medallion (p17, p22)."""
    side = 1280
    skin = np.ones((side, side), np.float32)
    own = np.full((side, side, 3), 0.5, np.float32) + np.random.default_rng(1).normal(
        0, 0.01, (side, side, 1)
    )
    own[40::80, 40::80] = own[41::80, 40::80] = own[40::80, 41::80] = 0.1
    cheeks, jaw = grain(own.astype(np.float32), skin), beard_grain(own.astype(np.float32), skin)
    for found in (cheeks, jaw, stubble_grain(own.astype(np.float32), skin, 1 * cheeks)):
        assert found is not None
        made = np.log(found[256:512, 256:512, 0])
        shift = np.fft.irfft2(np.abs(np.fft.rfft2(made - made.mean())) ** 2)
        shift /= shift[0, 0]
        assert shift[20:-20, 20:-20].max() < 0.3 and 0.004 < made.std() < 0.06
    assert beard_grain(own.astype(np.float32), 0 * skin) is None

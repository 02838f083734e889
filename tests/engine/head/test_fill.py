"""In the made-up sides of a head, beards go on, and necks are as dark as in the photo."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.head.beard import beard_region, beard_seen
from app.engine.head.fill import UNDER_JAW, below_jaw, filled
from app.engine.head.model import FloatArray, HeadModel
from app.engine.imaging.colour import LUMINANCE

SKIN, HAIR = np.array([210.0, 160.0, 140.0]), np.array([60.0, 45.0, 40.0])


def frontal(beard: FloatArray, neck: float = 0.8) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (V, 3) colours and normals and (V,) shown, of the template seen from the front.

    beard: (V,) 1 where there is a beard.
    """
    model = HeadModel.load()
    normals = model.normals(model.points) * [1, -1, 1]
    shown = (normals[:, 2] > 0.25).astype(float)
    colours = np.where(beard[:, None] > 0.5, HAIR, SKIN)
    _, y, z = model.points.T
    colours = np.where((y < -3.9 - 0.68 * (z - 1.0))[:, None] & (beard < 0.5)[:, None], neck * SKIN, colours)
    colours = np.where(((model.distance > 1.5) & (y > 3))[:, None], HAIR, colours)
    return colours, normals, shown


def beside_the_jaw(shown: FloatArray) -> FloatArray:
    x, y, z = HeadModel.load().points.T
    return (shown < 0.5) & (np.abs(x) > 3) & (y < -2) & (y > -4) & (z > 3.5) & (beard_region() > 0.9)


@pytest.mark.parametrize("bearded", [True, False])
def test_a_beard_goes_on_where_the_photo_ends(bearded: bool) -> None:
    """Once, beards ended in a strip of bare skin behind the jaw."""
    model = HeadModel.load()
    colours, normals, shown = frontal(beard_region() if bearded else np.zeros(len(model.points)))
    fill = filled(model, normals, normals, shown, colours, np.tile(HAIR, (len(model.points), 1)), True)
    aside = beside_the_jaw(shown)
    assert aside.sum() > 5
    hairline = float(np.median(fill.hairline[aside]))
    assert hairline > 0.7 if bearded else hairline < 0.3
    assert np.abs(np.median(fill.skin[aside], axis=0) / SKIN - 1).max() < 0.35, "skin itself stays skin"


def test_a_beard_keeps_its_own_colour_beside_darker_hair() -> None:
    """Once, what was lighter than the hair was no hair's: sideburns of stubble went on as black feathers (p04)."""
    model = HeadModel.load()
    stubble = SKIN + 0.55 * (HAIR - SKIN)
    _, normals, shown = frontal(np.zeros(len(model.points)))
    colours = SKIN + beard_region()[:, None] * (stubble - SKIN)
    fill = filled(model, normals, normals, shown, colours, np.tile(HAIR, (len(model.points), 1)), True)
    aside = beside_the_jaw(shown)
    found = np.median(fill.hair[aside], axis=0)
    assert np.linalg.norm(found - stubble) < 0.5 * np.linalg.norm(found - HAIR)


def test_the_shaded_side_of_a_face_is_no_beard() -> None:
    model = HeadModel.load()
    colours, _, shown = frontal(np.zeros(len(model.points)))
    shaded = np.where(model.points[:, 0] > 0, 0.45, 1.0)
    assert beard_seen(model, colours * shaded[:, None], shown)[0] == 0
    assert beard_seen(model, np.where(beard_region()[:, None] > 0.5, HAIR, SKIN), shown)[0] == 1


def test_a_jaw_in_more_light_is_no_light_beard() -> None:
    """Once, a jaw that is a little brighter than the cheeks counted as a fair beard (p24), and hair before one cheek
    made the other jaw one (p12): yellow stubble grew where the photo shows no jaw.
    """
    model = HeadModel.load()
    colours, _, shown = frontal(np.zeros(len(model.points)))
    region = beard_region()[:, None]
    assert beard_seen(model, colours * (1 + 0.15 * region), shown)[0] == 0
    cheek = (model.points[:, 0] > 0) & (model.points[:, 1] > -2) & (model.points[:, 1] < 1.5)
    assert beard_seen(model, np.where(cheek[:, None], HAIR, colours * (1 + 0.05 * region)), shown)[0] == 0
    grey = colours + region * (np.array([230.0, 215.0, 205.0]) - colours)
    assert beard_seen(model, grey, shown)[0] == 1


def test_a_neck_is_as_dark_as_the_photos() -> None:
    """Once, the skin below the jaw was as light as the cheek, so that turned heads had no jaw."""
    model = HeadModel.load()
    _, y, z = model.points.T
    deep = (y < -5.5 - 0.68 * (z - 1.0)) & (y > -8)
    found = []
    for neck in (0.9, 0.7):
        colours, normals, shown = frontal(np.zeros(len(model.points)), neck)
        fill = filled(model, normals, normals, shown, colours, np.tile(HAIR, (len(model.points), 1)), False)
        found.append(
            float(np.median(fill.skin[deep & (shown < 0.5)] @ [0.3, 0.6, 0.1]))
            / float(SKIN @ [0.3, 0.6, 0.1])
        )
    assert found[0] - found[1] == pytest.approx(0.2, abs=0.07)
    assert 0.1 < UNDER_JAW < 0.3


def test_a_shaded_neck_has_the_skins_hue() -> None:
    """Shade below the jaw was as red as light that went through an ear: the sample had a brick-red throat."""
    model = HeadModel.load()
    _, y, z = model.points.T
    deep = (y < -5.5 - 0.68 * (z - 1.0)) & (y > -8)
    colours, normals, shown = frontal(np.zeros(len(model.points)), 0.6)
    fill = filled(model, normals, normals, shown, colours, np.tile(HAIR, (len(model.points), 1)), True)
    red, green, _ = np.median(fill.skin[deep & (shown < 0.5)], axis=0)
    assert red / green == pytest.approx(SKIN[0] / SKIN[1], rel=0.08)


def test_nothing_plain_lies_between_a_stubbly_jaw_and_a_stubbly_throat() -> None:
    """Once, a strip of plain, shaded skin under the jaw parted beards of turned heads (p03, p07, p13, p17)."""
    model = HeadModel.load()
    _, y, z = model.points.T
    stubble = np.array([150.0, 128.0, 112.0])
    colours, normals, shown = frontal(np.zeros(len(model.points)))
    jaw = (y < -3) & (y > -10) & (z > 0)
    colours = np.where(jaw[:, None], stubble, colours)
    fill = filled(model, normals, normals, shown, colours, np.tile(HAIR, (len(model.points), 1)), True)
    under = (shown < 0.5) & (below_jaw() > -0.5) & (y > -8) & (z > 3)
    assert under.sum() > 20
    np.testing.assert_allclose(np.median(fill.skin[under], axis=0), stubble, rtol=0.1)


def test_a_throat_in_deep_shade_is_as_dark_where_it_is_made_up() -> None:
    model = HeadModel.load()
    _, y, z = model.points.T
    colours, normals, shown = frontal(np.zeros(len(model.points)), 0.45)
    fill = filled(model, normals, normals, shown, colours, np.tile(HAIR, (len(model.points), 1)), True)
    deep = (shown < 0.5) & (below_jaw() > 2.5) & (y > -8) & (z > 1)
    assert np.median(fill.skin[deep] @ LUMINANCE) / (SKIN @ LUMINANCE) == pytest.approx(0.5, abs=0.1)


def test_made_up_hair_is_in_the_light_of_the_mirrored_hair_beside_it() -> None:
    """Once, it was as light as the other side's: pale and dark patches lay side by side on p08's scarf."""
    model = HeadModel.load()
    colours, normals, _ = frontal(np.zeros(len(model.points)))
    shown = ((model.points[:, 0] < 0.5) & (normals[:, 2] > 0.25)).astype(float)
    share = shown[model.mirror] * (1 - shown)
    hair = np.tile(HAIR, (len(model.points), 1))
    behind = (
        (model.points[:, 0] > 3) & (model.points[:, 1] > 6) & (normals[:, 2] < 0) & (normals[:, 2] > -0.4)
    )
    lit = []
    for light in (1.0, 0.5):
        mirrored = (light * colours[model.mirror], share)
        fill = filled(model, normals, normals, shown, colours, hair, False, mirrored)
        lit.append(fill.hair[behind].mean())
    assert lit[1] < 0.75 * lit[0]


def test_sunlit_skin_goes_on_beside_grey_hair() -> None:
    """Once, the lit cheek of p05, nearer to white hair than its shaded cheek, went on in the colour of the shade."""
    model = HeadModel.load()
    x, y, z = model.points.T
    white = np.array([200.0, 196.0, 190.0])
    _, normals, shown = frontal(np.zeros(len(x)))
    colours = SKIN * np.where(x < 0, 1.1, 0.45)[:, None]
    colours[(model.distance > 1.5) & (y > 3)] = white
    fill = filled(model, normals, normals, shown, colours, np.tile(white, (len(x), 1)), True)
    aside = (shown < 0.5) & (np.abs(y) < 2) & (z > 4.5) & (z < 6.5) & (np.abs(x) > 4) & ~model.ear
    lit, shaded = (fill.skin[aside & side] @ LUMINANCE / (SKIN @ LUMINANCE) for side in (x < 0, x > 0))
    assert min(len(lit), len(shaded)) > 5
    assert np.median(lit) > 0.9 and np.median(shaded) < 0.6


def test_skin_beside_dark_hair_goes_on_without_its_dark() -> None:
    """Once, a strip before p04's ear was as dark as the mixture of skin and hair at the sideburn."""
    model = HeadModel.load()
    x, y, z = model.points.T
    colours, normals, shown = frontal(np.zeros(len(x)))
    mixed = (normals[:, 2] < 0.5) & (model.distance < 1.5) & (y > -2)
    colours[mixed] = SKIN * (HAIR / SKIN) ** 0.4
    fill = filled(model, normals, normals, shown, colours, np.tile(HAIR, (len(x), 1)), True)
    aside = (shown < 0.5) & (np.abs(y) < 1.5) & (z > 4.5) & (z < 6.5) & (np.abs(x) > 4) & ~model.ear
    assert mixed.sum() > 30 and aside.sum() > 5
    assert np.median(fill.skin[aside] @ LUMINANCE) > 0.8 * (SKIN @ LUMINANCE)


def test_skin_beside_mirrored_skin_is_as_dark_as_that() -> None:
    """Once, made-up skin went on as light as the lit side: a pale line lay over a cheek in the shade (p34)."""
    model = HeadModel.load()
    x = model.points[:, 0]
    normals = model.normals(model.points) * [1, -1, 1]
    shown = ((x > -1) & (normals[:, 2] > -0.2)).astype(float)
    colours = np.tile(SKIN, (len(shown), 1))
    share = (x < -1) * (model.distance < 0.8) * shown[model.mirror]
    fills = []
    for mirrored in (None, (0.4 * colours, share)):
        fill = filled(
            model, normals, normals, shown, colours, np.tile(HAIR, (len(shown), 1)), False, mirrored
        )
        beside = (x < -3) & (model.distance > 0.8) & (model.distance < 2) & (below_jaw() < -2)
        beside &= fill.hairline < 0.3
        assert beside.sum() > 50
        fills.append(float(np.median(fill.skin[beside] @ LUMINANCE)) / float(SKIN @ LUMINANCE))
    assert fills[0] > 0.7 and fills[1] < 0.6 * fills[0]

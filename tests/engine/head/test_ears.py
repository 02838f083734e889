"""Ears are found where they show and shaded by their relief; the fill beside them has a hairline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.contract import SourceImage
from app.engine.engine import Engine
from app.engine.face.parameters import Camera
from app.engine.head import HeadModel, fit_head
from app.engine.head.atlas import completed, seen
from app.engine.head.ears import _moved, _Scene, held_in
from app.engine.head.fill import filled, relief, template_hairline
from app.engine.head.low_colours import low_colours
from app.engine.head.strands import streaks, unevenness
from app.engine.head.texels import TEXELS, texels
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.matte import person_matte

PHOTOS = next((f / "shared/media/images" for f in Path(__file__).parents if (f / "shared").is_dir()), None)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.mark.skipif(PHOTOS is None, reason="needs ../shared/media/images")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("p29_usgov", True),
        ("p22_nasa", True),
        ("p26_usgov", True),
        ("p16_cc0", True),
        ("p12_cc0", False),
        ("p20_nasa", True),
        ("p03_cc0", True),
        ("p06_cc0", False),
        ("p17_cc0", False),
        ("p23_nasa", False),
        ("p01_cc0", False),
    ],
)
def test_ears_are_reported_from_hair(engine: Engine, name: str, shown: bool) -> None:
    """Men with short hair, a bald one and a turned one have ears, and so has a woman whose ears lie in her
    hair's shade, and a man whose dark ears look like his short hair; hair or a hat over the ears leaves none, even
    hair of the skin's colour.
    """
    assert PHOTOS is not None
    portrait = engine.open(PHOTOS / f"a_{name}.jpg")
    pixels, face = to_srgb8(portrait.photo), portrait.faces[0]
    source = SourceImage(pixels, None, face, person_matte(pixels, face))
    assert fit_head(source.face, source.matte, pixels).ears is shown


@pytest.mark.skipif(PHOTOS is None, reason="needs ../shared/media/images")
@pytest.mark.parametrize("name", ["p09_cc0", "p21_nasa"])
def test_an_ear_that_shows_is_the_photo_s(engine: Engine, name: str) -> None:
    """Once, ears were made up as flat shells where the share facing the camera was a thousandth below its
    limit.
    """
    assert PHOTOS is not None
    portrait = engine.open(PHOTOS / f"a_{name}.jpg")
    pixels, face = to_srgb8(portrait.photo), portrait.faces[0]
    matte = person_matte(pixels, face)
    head = fit_head(face, matte, pixels)
    own = seen(head, matte)
    shares = completed(
        head, own, pixels, matte, low_colours(pixels, matte, head.camera.scale, own.at, own.facing)
    )[1]
    model = HeadModel.load()
    left = relief() * (model.points[:, 0] > 0)
    assert float(left @ shares.ears / left.sum()) > 0.8
    seen_well = left * (own.confident > 0.9)
    assert float(seen_well @ shares.kept / seen_well.sum()) > 0.8
    hidden = left * (own.shown < 0.05) * (model.averaging @ own.shown < 0.05)
    assert hidden.sum() > 5 and float(hidden @ shares.kept / hidden.sum()) < 0.15, (
        "what stands before a hollow"
    )


@pytest.mark.skipif(PHOTOS is None, reason="needs ../shared/media/images")
@pytest.mark.parametrize("name", ["p20_nasa", "p21_nasa", "p22_nasa"])
def test_ears_stand_out_no_further_than_the_photo_s(engine: Engine, name: str) -> None:
    """Once, they stood out by 0.1 to 0.24 IOD more: the skull under them grew with the hair above them."""
    assert PHOTOS is not None
    portrait = engine.open(PHOTOS / f"a_{name}.jpg")
    pixels, face = to_srgb8(portrait.photo), portrait.faces[0]
    matte = person_matte(pixels, face)
    head, model = fit_head(face, matte, pixels), HeadModel.load()
    at, iod = head.camera.project(head.points), head.camera.scale
    for side in (-1, 1):
        own = at[(relief() > 0.5) & (np.sign(model.points[:, 0]) == side)]
        rows = own[:, 1].min() + np.linspace(0.3, 0.8, 11) * np.ptp(own[:, 1])
        beyond = []
        for row in rows:
            person = np.flatnonzero(matte[int(row)] > 0.5)
            outline = person.min() if side < 0 else person.max()
            beyond.append((side * (own[np.abs(own[:, 1] - row) < 0.08 * iod, 0] - outline)).max())
        assert np.median(beyond) < 0.08 * iod


@pytest.mark.skipif(PHOTOS is None, reason="needs ../shared/media/images")
@pytest.mark.parametrize(
    ("name", "right", "left"),
    [("p03_cc0", (0.444, 0.579), (0.409, 0.543)), ("p18_cc0", (0.25, 0.321), (0.268, 0.332))],
)
def test_ears_lie_as_high_as_the_photo_s(
    engine: Engine, name: str, right: tuple[float, float], left: tuple[float, float]
) -> None:
    """Once, the middles of dark ears below short dark hair, and of ears in glaring light, lay 0.26 to 0.38 IOD too
    high; right, left: the top and the lobe of the person's ears as one sees them, as shares of the photo's height.
    """
    assert PHOTOS is not None
    portrait = engine.open(PHOTOS / f"a_{name}.jpg")
    pixels, face = to_srgb8(portrait.photo), portrait.faces[0]
    head, model = fit_head(face, person_matte(pixels, face), pixels), HeadModel.load()
    rows = head.camera.project(head.points)[:, 1]
    for side, truth in ((-1, right), (1, left)):
        own = rows[(relief() > 0.5) & (np.sign(model.points[:, 0]) == side)]
        off = (np.min(own) + np.max(own)) / 2 - np.mean(truth) * len(pixels)
        assert abs(off) < 0.2 * head.camera.scale


def test_an_ear_stands_out_as_far_as_before_its_skull_grew() -> None:
    """Once, ears below loose hair went out with it: by 0.2 IOD, in the photo's view and from the side."""
    model = HeadModel.load()
    points = model.points / 6.2
    grown = points + 0.08 * np.sign(points) * [1, 0, 0]
    held = held_in(model, points, grown)
    assert np.abs(held - grown)[~model.ear].max() == 0
    for side in (-1, 1):
        own = model.ear & (np.sign(model.points[:, 0]) == side)
        assert abs(np.max(side * held[own, 0]) - np.max(side * points[own, 0])) < 0.03
        beside = side * (held - model.without_ears(grown))[own, 0]
        assert beside.max() > 0.4 * (side * (points - model.without_ears(points))[own, 0]).max()


def test_an_ear_lies_as_far_back_as_before_its_skull_grew() -> None:
    """Once, hair at the back of heads turned by 40 degrees took their ears along by 0.15 IOD."""
    model = HeadModel.load()
    points = model.points / 6.2
    grown = points - [0, 0, 0.15]
    held = held_in(model, points, grown)
    np.testing.assert_allclose(held[model.ear, 2], points[model.ear, 2], atol=1e-9)
    assert (held - grown)[~model.ear & (model.off_ears < 0.4), 2].min() > 0.02
    assert np.abs(held - grown)[~model.ear & (model.distance < 0.1)].max() < 0.02


def test_the_head_around_a_moved_ear_goes_along_with_it() -> None:
    """Once, a ring of triangles around a smaller and lower ear was drawn out to several times its length, half skin
    and half hair.
    """
    model = HeadModel.load()
    points = model.points / 6.2
    place = (-0.4, 0.7, 0.6, 0.0)
    none, camera = np.zeros((1, 1), np.float32), Camera.from_angles(0, 0, 0, 60.0, (0, 0))
    scene = _Scene(points, points - model.without_ears(points), none, none, camera, {})
    moved = _moved(scene, {-1: place, 1: place})
    a, b = model.triangles.ravel(), np.roll(model.triangles, 1, 1).ravel()
    near = (model.off_ears[a] < 1.5) & (model.off_ears[b] < 1.5)
    longer = np.linalg.norm(moved[a] - moved[b], axis=1) / np.linalg.norm(points[a] - points[b], axis=1)
    assert np.percentile(longer[near], 99) < 3.0
    landmarks = (model.distance < 0.1) & ~model.ear
    assert np.abs(moved - points)[landmarks].max() < 0.05


def test_skin_beside_an_ear_is_no_ear() -> None:
    """Once, flat skin above an ear counted as one, and was drawn bare in the hair there."""
    model = HeadModel.load()
    flat = (model.points[:, 1] > 4.1) & model.ear
    assert flat.sum() > 5 and relief()[flat].max() < 0.3
    assert template_hairline(True)[flat].min() > 0.5


def test_a_made_up_part_of_an_ear_is_as_bright_as_the_rest() -> None:
    """Once, a dark ear before a pale cheek had a pale hollow."""
    model = HeadModel.load()
    normals = model.normals(model.points) * [1, -1, 1]
    smooth = model.normals(model.without_ears(model.points)) * [1, -1, 1]
    ear = relief() > 0.9
    colours = np.where(ear[:, None], [120.0, 80.0, 70.0], [200.0, 150.0, 120.0])
    seen_ones = (normals[:, 2] > 0.2).astype(float)
    found = filled(model, normals, smooth, seen_ones, colours, None, True)
    made = found.skin[ear & (seen_ones == 0)]
    assert made.max(axis=0)[0] < 135 and np.median(made[:, 0]) > 60


def test_an_ear_keeps_light_from_its_middle() -> None:
    model = HeadModel.load()
    ear = relief() > 0.5
    assert model.openness[ear].min() < 0.5
    assert np.median(model.openness[model.distance < 0.5]) > 0.8


def test_the_hairline_goes_round_the_ear() -> None:
    model = HeadModel.load()
    line, covered = template_hairline(True), template_hairline(False)
    crown, chin = model.points[:, 1].argmax(), (model.weights @ model.points)[152]
    assert line[crown] == 1
    assert line[np.linalg.norm(model.points - chin, axis=1).argmin()] == 0
    assert line[relief() > 0.9].max() < 0.1 < covered[relief() > 0.9].mean()


def test_an_unseen_side_is_skin_and_hair_and_no_mixture() -> None:
    """Once, one flat brown between both colours stood beside a face that is seen from the front."""
    model = HeadModel.load()
    skin, hair = np.array([200.0, 150.0, 120.0]), np.array([30.0, 25.0, 20.0])
    normals = model.normals(model.points) * [1, -1, 1]
    smooth = model.normals(model.without_ears(model.points)) * [1, -1, 1]
    line = template_hairline(True)[:, None]
    colours = line * hair + (1 - line) * skin
    found = filled(model, normals, smooth, np.ones(len(line)), colours, np.tile(hair, (len(line), 1)), True)
    unseen = normals[:, 2] < 0
    share = found.hairline[unseen]
    assert ((share > 0.35) & (share < 0.65)).mean() < 0.1
    ear = unseen & (relief() > 0.5)
    assert np.ptp(found.skin[ear, 0]) > 40
    assert (found.skin[unseen] / skin).max() < 1.1


def test_made_up_hair_is_as_uneven_as_the_photos() -> None:
    """Once, hair that no photo shows was one smooth colour beside the strands of the hair that it shows."""
    ids, _, _ = texels(384)
    tufts = streaks(384)[ids >= 0]
    assert abs(float(tufts.mean())) < 0.1 and 0.7 < float(tufts.std()) < 1.1
    flat, hair = np.full((384, 384, 3), 0.3, np.float32), np.ones((384, 384), np.float32)
    rough = flat * np.exp(np.random.default_rng(0).normal(0, 0.1, (384, 384, 1))).astype(np.float32)
    assert unevenness(flat, hair) == 0 and unevenness(rough, 0 * hair) == 0
    assert unevenness(rough, hair) == pytest.approx(0.09, abs=0.02)


def test_light_on_hair_is_no_strand() -> None:
    """Once, the light on a shaved head counted as its strands, and what was made up was a wig of wires."""
    side = 384
    x = np.arange(side) / side * TEXELS
    light = np.exp(0.3 * np.sin(2 * np.pi * x / 0.5)).astype(np.float32)  # waves of half an eye distance
    shaved = np.full((side, side, 3), 0.3, np.float32) * light[:, None]
    assert unevenness(shaved, np.ones((side, side), np.float32)) < 0.04

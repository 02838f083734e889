"""Hair, hats and scarves beside a turned head are drawn right, on portraits of ../shared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from app.engine.contract import Origin, SourceImage, Target
from app.engine.engine import Engine
from app.engine.generators.mesh_warp import MeshWarp, WarpCode, _view, resized
from app.engine.head import HeadModel
from app.engine.head.atlas import scalp
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.matte import person_matte
from app.engine.warping import body, holding
from app.engine.warping import hair as hair_sheet
from app.engine.warping.hair import _hanging
from app.engine.warping.head_drawing import NECK_END, drawn_head, view_of
from app.engine.warping.head_kernels import COLUMNS, PHOTO, head_band, head_maps
from app.engine.warping.head_table import table
from app.engine.warping.locks import NO_LOCKS
from app.engine.warping.own_view_kernels import OwnPixels
from tests.engine.warping.test_kinds import IOD, SIDE, WHITE, person

FOLDER = next(
    iter(f / "shared/media/images" for f in Path(__file__).parents if (f / "shared").is_dir()), None
)
LONG_HAIRED, HATTED, SHORT_HAIRED = "a_p23_nasa.jpg", "a_p17_cc0.jpg", "a_p20_nasa.jpg"
CURLY = "a_p10_cc0.jpg"  # loose curls stand off this person's hair, beyond the matte
BESIDE_HAIR = "a_p02_cc0.jpg"  # hair hangs along the far cheek
COLLARED = "a_p22_nasa.jpg"  # this person has a dark collar and dark hair
STILL = np.zeros(2)


@pytest.fixture(scope="module")
def engine():
    if FOLDER is None or not (FOLDER / LONG_HAIRED).is_file():
        pytest.skip("needs the portraits of ../shared/media/images")
    engine = Engine()
    yield engine
    engine.close()


def encoded(engine: Engine, name: str) -> tuple[SourceImage, WarpCode]:
    assert FOLDER is not None
    portrait = engine.open(FOLDER / name)
    face = portrait.faces[0]
    pixels = to_srgb8(portrait.photo)
    source = SourceImage(pixels, None, face, person_matte(pixels, face), ())
    source = resized(source, 150 / max(face.box[2:]))
    return source, MeshWarp().encode(source)


def drawn(code: WarpCode, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo with the head turned by degrees, and (N, 3) where the hair went."""
    own = code.face.params.camera
    camera = (
        own if yaw == 0 else own.from_angles(own.yaw + yaw, own.pitch, own.roll, own.scale, own.translation)
    )
    look = code.head
    view = view_of(look, camera, np.zeros((468, 3)), STILL, np.zeros((468, 3)))
    pixels, (x0, y0, x1, y1) = drawn_head(look, code.layers, code.own, view, table(look, camera))
    picture = code.pixels.copy()
    picture[y0:y1, x0:x1] = pixels
    return picture, view.hair


@pytest.mark.parametrize("name", [LONG_HAIRED, HATTED, SHORT_HAIRED])
def test_head_and_hair_in_the_photo_s_own_view_are_the_photo(engine, name):
    _, code = encoded(engine, name)
    picture, _ = drawn(code, 0.0)
    apart = np.abs(picture.astype(int) - code.pixels).max(axis=2)
    assert not apart.any()


def test_the_edge_of_a_bare_jaw_goes_behind_the_neck(engine):
    """Once, strips of a jaw's soft edge stood before the neck that comes out from behind it, and beside it."""
    for name, bare in ((SHORT_HAIRED, True), (LONG_HAIRED, False)):
        _, code = encoded(engine, name)
        sheet, iod = code.head.sheet, code.face.params.camera.scale
        ear, chin = code.face.photo[[234, 454], 1].max(), code.face.photo[152]
        where = code.head.beside.where
        x, y = (sheet.points[:, :2] * where.factor).astype(int).T.clip(0)
        far = where.distance[
            np.minimum(y, len(where.distance) - 1), np.minimum(x, where.distance.shape[1] - 1)
        ]
        assert not sheet.bare[far > 0.8].any(), "blown hair stays where it is"
        low = np.abs(sheet.points[:, 1] - (0.3 * ear + 0.7 * chin[1])) < 0.15 * iod
        low &= np.abs(np.abs(sheet.points[:, 0] - chin[0]) - 1.1 * iod) < 0.2 * iod
        assert low.sum() > 2
        _, hair = drawn(code, 25.0)
        without = replace(sheet, bare=np.zeros_like(sheet.bare))
        _, plain = drawn(replace(code, head=replace(code.head, sheet=without)), 25.0)
        moved = hair[low] - plain[low]
        if bare:
            assert (moved[:, 2] < -iod).all() and (np.abs(moved[:, 0]) > 0).all()
        else:
            assert not moved.any()


def test_long_hair_turns_at_the_head_and_stays_at_the_shoulders(engine):
    _, code = encoded(engine, LONG_HAIRED)
    sheet, iod = code.head.sheet, code.face.params.camera.scale
    chin = code.face.photo[152, 1]
    beside = np.abs(sheet.points[:, 1] - (chin - 0.5 * iod)) < 0.2 * iod
    beside &= np.abs(np.abs(sheet.points[:, 0] - code.face.photo[152, 0]) - 1.3 * iod) < 0.2 * iod
    assert beside.sum() >= 4
    assert sheet.share[beside].mean() > 0.8
    assert sheet.share[sheet.points[:, 1] > chin + 1.1 * iod].max() < 0.05


def test_a_collar_beside_a_short_haired_head_stays(engine):
    _, code = encoded(engine, SHORT_HAIRED)
    sheet, iod = code.head.sheet, code.face.params.camera.scale
    shoulders = sheet.points[:, 1] > code.face.photo[152, 1] + 0.5 * iod
    assert sheet.share[shoulders].max() < 0.2


@pytest.mark.parametrize("yaw", [-35.0, 35.0])
def test_no_background_shows_between_a_turned_face_and_its_long_hair(engine, yaw):
    """The old warp tore them apart, or left hair where the face had gone."""
    source, code = encoded(engine, LONG_HAIRED)
    white = replace(
        source, pixels=np.where(source.matte[..., None] > 0.02, source.pixels, 255).astype(np.uint8)
    )
    clear = MeshWarp().encode(white)
    face = code.face.photo[:468]
    own = code.face.params.camera
    picture, hair = drawn(clear, yaw)
    camera = own.from_angles(own.yaw + yaw, own.pitch, own.roll, own.scale, own.translation)
    placed = camera.project(own.unproject(face))
    used = np.unique(code.head.sheet.triangles)
    held = hair[used][code.head.sheet.share[used] > 0.9]
    for row in np.linspace(placed[:, 1].min(), placed[152, 1] - 0.2 * own.scale, 8):
        near = held[np.abs(held[:, 1] - row) < 0.1 * own.scale, 0]
        left, right = max(near.min(), 0) + 0.5 * own.scale, near.max() - 0.5 * own.scale
        line = picture[int(row), int(left) : int(right)]
        assert (line.min(axis=1) > 235).sum() <= 0.02 * len(line) + 2


def test_an_edit_of_long_hair_goes_over_to_the_head_without_a_jump(engine):
    source, code = encoded(engine, LONG_HAIRED)
    own, warp = code.face.params.camera, MeshWarp()
    before = None
    for yaw in np.arange(12.0, 32.0, 1.0):
        camera = own.from_angles(own.yaw + yaw, own.pitch, own.roll, own.scale, own.translation)
        target = Target(replace(code.face.params, camera=camera), origin=Origin.FILMED)
        patch = warp.generate(code, target)
        picture = source.pixels.astype(np.int16)
        height, width = patch.pixels.shape[:2]
        picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
        if before is not None:
            assert np.abs(picture - before).mean() < 6.0
        before = picture


@pytest.mark.parametrize("name", [LONG_HAIRED, SHORT_HAIRED, COLLARED])  # a hat hides all that is made up
def test_a_head_that_turns_a_little_keeps_the_photo_s_outline(engine, monkeypatch, name):
    """Once, made-up crowns and ears, and slits beside the face, were drawn from the first degree on."""
    _, code = encoded(engine, name)
    monkeypatch.setattr(body, "FOLLOWS", 0.0)  # only the head moves
    own = code.face.params
    angles = (own.camera.yaw + 6, own.camera.pitch - 6, own.camera.roll)
    camera = own.camera.from_angles(*angles, own.camera.scale, own.camera.translation)
    posed = MeshWarp().posed(code, Target(replace(own, camera=camera)))

    def apart() -> float:
        """Return the share of the picture that differs much from the photo."""
        view = _view(code, posed)
        head, (x0, y0, x1, y1) = drawn_head(code.head, code.layers, code.own, view, table(code.head, camera))
        return float(np.mean(np.abs(head.astype(int) - code.pixels[y0:y1, x0:x1]).max(axis=2) > 60))

    kept = apart()
    for name in ("COMES_OUT", "FADES"):
        monkeypatch.setattr(holding, name, (-2.0, -1.0))
    # Made-up hair is so like the photo's that the share hardly differs for p23.
    assert kept < 0.99 * apart()


@pytest.mark.parametrize(("name", "hangs"), [(LONG_HAIRED, True), (COLLARED, False)])
def test_long_hair_hangs_over_the_jaw_that_the_photo_does_not_show(engine, name, hangs):
    """Once, a strip of made-up skin stood before the hair, from the ear to the chin."""
    look = encoded(engine, name)[1].head
    model = HeadModel.load()
    beside = (np.abs(model.points[:, 0]) > 4) & (model.points[:, 1] < 0) & (look.head.rigid > 0.3)
    gone = beside & (look.there < 0.5)
    assert gone.sum() > 20 if hangs else not gone.any()
    assert look.kept[gone].max(initial=0) < 0.5, "what the photo shows stays"


def test_a_bob_hangs_before_no_gap_in_the_head(engine):
    """Once, the nape behind a bob was not drawn, and the background showed through the turned head (p24)."""
    _, code = encoded(engine, "a_p24_nasa.png")
    grown = (scalp(HeadModel.load()) > 0.99) & (code.head.head.rigid > NECK_END)
    assert np.min(code.head.there[grown]) > 0.99


def test_long_hair_carries_no_edge_of_the_jaw_along(engine):
    """Once, a loop of skin lay beside p23's jaw at 25 degrees, and a second jaw at 12."""
    look = encoded(engine, LONG_HAIRED)[1].head
    where, hair = look.beside.where, look.sheet
    h, w = hair.texture.shape[:2]
    x, y = hair.corner
    size = look.plate.texture.shape[1::-1]
    head, level = (
        cv2.resize(np.float32(part), size)[y : y + h, x : x + w] for part in (where.head, where.level)
    )
    jaw = (level > 0.3) & (level < 0.7)
    edge = jaw & (cv2.dilate(head, np.ones((5, 5))) > 0.5) & (cv2.erode(head, np.ones((5, 5))) < 0.5)
    assert np.percentile(hair.texture[edge][:, :3].mean(axis=1), 95) < 50
    assert hair.goes[jaw & (head == 1)].mean() < 1


def test_no_part_of_an_ear_that_the_photo_shows_is_brought_against_the_head(engine):
    """Once, the rim of p20's ear that lies beyond the matte was, and stood in the ear's hollow as a jagged wedge."""
    look = encoded(engine, SHORT_HAIRED)[1].head
    model = HeadModel.load()
    ear = model.ear & (model.points[:, 0] > 0)
    assert np.max(look.hidden.ear[ear]) > 0.5, "the matte leaves a part of it out"
    assert not look.hidden.flat[ear].any()


def test_thin_hair_under_a_head_does_not_replace_the_photo_s_own_pixels(monkeypatch) -> None:
    """Once, the background showed through such hair behind the ear of a head that turned (p01)."""
    colours, opacity = np.full((8, 8, 3), 90.0), np.tile(np.linspace(0, 1, 8), (8, 1))
    found = np.dstack([colours, opacity, np.ones((8, 8))]).astype(np.float32)
    monkeypatch.setattr(hair_sheet, "_continued", lambda *_: found)
    whole, photo = np.ones((8, 8), np.float32), np.full((8, 8, 3), 200, np.uint8)
    beside = SimpleNamespace(stays=np.zeros((8, 8), np.float32))
    goes = hair_sheet._texture(photo, photo, whole, beside, whole, (0, 0, 8, 8))[1]
    assert (goes[:, :6] == 255).all()
    assert (goes[:, -1] == 0).all()


@pytest.mark.parametrize("goes", [255, 0])
def test_what_the_matte_leaves_out_goes_along_with_the_hair(goes: int) -> None:
    """The ring of the sample's helmet was torn to dashes in the background's colour where the matte was exactly 0, and
    had a notch beside the jaw, where it stays with the body but was drawn once more over itself.
    """
    side = 12
    corners = np.array([[0.0, 0.0, 0.0], [side, 0.0, 0.0], [0.0, side, 0.0], [side, side, 0.0]])
    triangles = np.array([[0, 2, 1], [1, 2, 3]], np.int32)
    photo = np.full((side, side, 4), 200, np.uint8)
    photo[..., 3] = 0
    photo[4:7, :, :3] = 60  # the ring
    background = np.full((side, side, 3), 200, np.uint8)
    maps = np.zeros((2, 11), np.float32)
    values = np.column_stack([corners[:, :2] - 0.5, np.zeros(4)]).astype(np.float32)
    chosen = head_maps(
        corners - [0.5, 0.5, 0.0], triangles, triangles, values, np.array([0, 0, side, side]), maps
    )
    none, no_triangles = np.zeros((0, 3)), np.zeros((0, 3), np.int32)
    no_maps, no_hold = np.zeros((0, 2 + 3 * COLUMNS), np.float32), np.zeros((0, 0), np.uint8)
    moves = np.full((side, side), goes, np.uint8)
    texture = photo if goes else np.dstack([background, photo[..., 3]])
    hair = (corners - [0.5, 0.5, 0.0], triangles, chosen, maps, texture, moves, np.zeros(2, np.int32))
    out = background.copy() if goes else photo[..., :3].copy()
    nowhere, yes, no = np.zeros((0, 0), np.int32), np.ones(2, np.bool_), np.zeros(2, np.bool_)
    beyond, corner = np.zeros((0, 0, 3), np.int16), np.zeros(2, np.int32)
    moved = OwnPixels(
        nowhere,
        nowhere,
        beyond,
        corner,
        yes[:0],
        yes,
        no[:0],
        no,
        none,
        np.float32(0),
        np.float32(0),
        np.bool_(True),
    )
    head_band(
        0, side, 0, side, none, no_triangles, chosen[:0], no_maps, photo, background, background,
        no_hold, no_hold, 0, 0, *hair,
        np.float32(1), np.float32(1), np.float32(255), np.ones(3, np.float32), NO_LOCKS, moved, out,
    )  # fmt: skip
    np.testing.assert_array_equal(out[1:-1, 1:-1], photo[1:-1, 1:-1, :3])


def test_hair_beside_a_cheek_is_not_smeared_over_it(engine):
    """Once, a dark band lay on p02's cheek at 9 to 15 degrees: the photo's outline of the face lies a little inside
    the head's, and shows hair at the rim, which a turn makes some times wider.
    """
    _, code = encoded(engine, BESIDE_HAIR)
    look, own = code.head, code.face.params.camera
    small, larger = (
        table(look, own.from_angles(own.yaw + by, own.pitch, own.roll, own.scale, own.translation))
        for by in (5.0, 12.0)
    )
    rim = (look.hung > 0.9) & (look.kept < 0.02) & (look.seen.person > 0.95)
    rim &= (look.seen.normals[:, 2] > 0) & (look.seen.normals[:, 2] < 0.15)
    chosen = rim[HeadModel.load().base]
    assert chosen.sum() > 10
    assert np.median(small[chosen, PHOTO]) > 0.9 and np.median(larger[chosen, PHOTO]) < 0.3


def test_loose_curls_are_not_cut_off_along_the_sheet_s_cells(engine):
    """Once, squares with pieces of curls stood beside p10's hair: what the matte leaves out went on to the sheet's end,
    and the sheet did not even cover all of the hair's soft edge.
    """
    _, code = encoded(engine, CURLY)
    sheet, background = code.head.sheet, code.layers.background
    x, y = sheet.corner
    height, width = sheet.texture.shape[:2]
    covered, moving = np.zeros((2, height, width), np.uint8)
    moves = sheet.share[sheet.triangles].mean(axis=1) > 0.3
    for corners, goes in zip(sheet.points[sheet.triangles, :2] - sheet.corner, moves, strict=True):
        cv2.fillConvexPoly(covered, np.round(corners).astype(np.int32), 1)
        cv2.fillConvexPoly(moving, np.round(corners).astype(np.int32), int(goes))
    inner = cv2.erode(covered, np.ones((3, 3), np.uint8), borderValue=1)
    ends = (cv2.dilate(1 - covered, np.ones((5, 5), np.uint8)) > 0) & (inner > 0)
    ends &= (code.layers.texture[y : y + height, x : x + width, 3] == 0) & (moving > 0)
    assert ends.sum() > 100
    behind = background[y : y + height, x : x + width].astype(int)
    beyond = np.abs(sheet.texture[..., :3] - behind).max(axis=2)
    assert np.percentile(beyond[ends], 98) < 6, "nothing is cut off where the sheet ends"


def test_curls_that_the_photo_s_edge_cuts_off_are_not_drawn_out_to_strips(engine):
    """Once, p10's curls at the photo's edge became up to four times as long when the head turned away from them."""
    _, code = encoded(engine, CURLY)
    sheet, own = code.head.sheet, code.face.params.camera
    camera = own.from_angles(own.yaw - 40, own.pitch, own.roll, own.scale, own.translation)
    placed = sheet.posed(code.head.head, camera, STILL)
    along = sheet.triangles[:, [0, 2]]  # from a cell's left side to its right
    before, after = (p[along[:, 1], 0] - p[along[:, 0], 0] for p in (sheet.points, placed))
    across = np.abs(before) > 0.5 * np.abs(before).max()
    chin = code.face.photo[152]
    middle = sheet.points[along].mean(axis=1)
    beside = across & (middle[:, 0] < chin[0] - 2.0 * own.scale) & (middle[:, 1] < chin[1])
    assert beside.sum() > 20
    assert np.percentile(np.abs(after[beside] / before[beside]), 95) < 2.8


def test_a_brimmed_hat_turns_as_one_piece(engine):
    """Once, p17's brim was on the skull and beside it, torn along the skull's outline, and a made-up skull stood beside
    the crown when the head looked down.
    """
    _, code = encoded(engine, HATTED)
    look, own = code.head, code.face.params.camera
    hat = look.beside.hat > 0.5
    assert hat.sum() > 2 * look.beside.where.iod**2
    above = HeadModel.load().points[:, 1] > 12
    assert not (look.there[above] > 0.01).any(), "no skull stands in the hat"
    camera = own.from_angles(own.yaw, own.pitch - 18, own.roll, own.scale, own.translation)
    sheet = look.sheet
    placed = sheet.posed(look.head, camera, STILL)
    x, y = (
        np.clip(sheet.points[:, k] * look.beside.where.factor, 0, n - 1).astype(int)
        for k, n in ((0, hat.shape[1]), (1, hat.shape[0]))
    )
    deep = hat & (cv2.erode(hat.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)
    inside = deep[y, x]
    went = (placed - sheet.points)[:, :2]
    edges = np.concatenate([sheet.triangles[:, [0, 1]], sheet.triangles[:, [1, 2]]])
    edges = edges[inside[edges].all(axis=1)]
    apart = np.linalg.norm(went[edges[:, 0]] - went[edges[:, 1]], axis=1)
    assert apart.max() < 0.08 * own.scale, "IOD by which a cell of the hat is torn apart"


@pytest.mark.parametrize("name", [LONG_HAIRED, SHORT_HAIRED, CURLY])
def test_hair_is_no_hat(engine, name):
    assert not encoded(engine, name)[1].head.beside.hat.any()


def test_a_beard_that_an_outline_joins_to_the_temples_does_not_hang() -> None:
    """Once, a beard below the jaw counted as hair that hangs over it, and the wall showed in holes of it (p17)."""
    where, _ = person(WHITE, 0.7)
    y, x = np.indices((SIDE, SIDE))
    beard = (np.abs(x - 100) < 26) & (y > 118) & (y < 150)
    outline = (np.abs(x - 72) < 2) & (y > 30) & (y < 130)
    curtain = (np.abs(x - 150) < 0.3 * IOD) & (y > 30) & (y < 150)
    found = _hanging(beard | outline | curtain, where, 0.02 * IOD**2)
    assert not found[beard | outline].any()
    assert found[50:140, 146:154].all()

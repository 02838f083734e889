"""A lock over one temple or cheek is not taken for light on the other one, nor brought onto its skin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.head.atlas import BRIGHTEST, Seen, _before, _better, _hair_before, _mixed
from app.engine.head.fill import face_skin, relief
from app.engine.head.light import mirror_gain
from app.engine.head.low_colours import Low
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.sides import sides

SKIN, HAIR = np.array([210.0, 160.0, 140.0]), np.array([60.0, 40.0, 32.0])
SIDE = 96  # texels of the atlas's side


def with_a_lock() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (V, 3) colours of a face seen from the front, (V,) shown, and (V,) where a lock lies over the cheek of the
    image's left.
    """
    model = HeadModel.load()
    x, y, _ = model.points.T
    facing = model.normals(model.points)[:, 2]
    lock = (x < -3.5) & (y > -4) & (y < 2.5) & (facing > 0) & (model.distance < 1.5)
    return np.where(lock[:, None], HAIR, SKIN), (facing > 0.1).astype(float), lock.astype(float)


def test_a_lock_over_one_cheek_is_not_the_light_of_the_other() -> None:
    """Once, skin beside hair became grey, and hair beside skin became pale stripes (p01, p02, p06 and p12)."""
    model = HeadModel.load()
    colours, shown, lock = with_a_lock()
    two = sides(model, colours, np.tile(HAIR, (len(colours), 1)), shown, True)
    normals = model.normals(model.points)
    gain = mirror_gain(model, normals, shown, colours, face_skin(True), two.unlike)
    both = (lock + lock[model.mirror]) * shown > 0.5
    assert both.sum() > 100
    assert np.abs(np.log(gain[both])).max() < 0.2
    # Light from one side is no lock: it comes along with what is mirrored.
    left = (model.points[:, 0] < 0)[:, None]
    lit = SKIN * np.where(left, 0.6, 1.0)
    two = sides(model, lit, np.tile(HAIR, (len(colours), 1)), shown, True)
    assert not two.unlike.any() and not two.hairier.any()
    cheek = (model.points[:, 0] > 4) & (shown > 0) & (model.distance < 1)
    assert np.median(mirror_gain(model, normals, shown, lit, face_skin(True), two.unlike)[cheek]) > 1.3
    # Where everything is grey, shade and dark hair look alike: neither is claimed.
    grey = np.where(left, 30.0, 55.0) * np.ones(3)
    two = sides(model, grey, np.full((len(colours), 3), 34.0), shown, True)
    assert not two.unlike.any() and not two.over.any() and not two.hairier.any()


def test_hair_is_not_brought_onto_skin_that_the_photo_shows() -> None:
    model = HeadModel.load()
    colours, shown, lock = with_a_lock()
    two = sides(model, colours, np.tile(HAIR, (len(colours), 1)), shown, True)
    found = two.hairier
    bare = lock[model.mirror] * shown > 0.5
    assert np.median(found[bare]) > 0.9
    assert found[lock > 0.5].max() < 0.1  # skin may be brought under hair
    assert np.median(two.over[(lock > 0.5) & (shown > 0)]) > 0.9 and two.over[bare].max() < 0.1
    assert not sides(model, colours, None, shown, True).hairier.any()


def only_mirrored(at: FloatArray) -> dict[str, NDArray[np.float32]]:
    """Return what `_mixed` takes of an atlas that shows nothing but the mirror image; at: (S, S, 2) px in the photo."""
    widths = {"at": 2, "at_mirrored": 2, "gain": 3, "skin": 3, "hair": 3}
    planes = {name: np.zeros((SIDE, SIDE, n), np.float32) for name, n in widths.items()}
    for name in ("kept", "mirrored", "hairline", "rim", "beard", "facing", "mirrored_hair", "like_hair"):
        planes[name] = np.zeros((SIDE, SIDE, 1), np.float32)
    planes["at_mirrored"][:] = at
    for name in ("mirrored", "gain", "rim"):
        planes[name][:] = 1
    return planes


def test_mirrored_strands_stay_uneven() -> None:
    """Once, the limit that keeps a highlight from the other side made a grey patch of p06's hair."""
    bright, dark = 120.0, 60.0
    photo = np.full((64, 64, 3), dark, np.uint8)
    photo[:, ::4] = bright
    low = np.full((64, 64, 3), 75, np.float32)
    along = np.arange(SIDE) % 48 + 8.5
    planes, made = only_mirrored(np.stack(np.meshgrid(along, along), axis=2)), []
    for hair in (0, 1):
        planes["mirrored_hair"][:] = hair
        made.append(_mixed(planes, photo, low, 1.0).max())
    assert made[0] <= round(BRIGHTEST * 75) and made[1] > 0.95 * bright


def test_mirrored_skin_is_as_fine_as_the_photos() -> None:
    """Once, it was read between pixels by straight lines, which took a quarter of the finest contrast."""
    photo = np.random.default_rng(2).normal(128, 8, (112, 112, 1)).repeat(3, axis=2).astype(np.uint8)
    along = np.arange(SIDE) + 8.5
    for between in (0.0, 0.25, 0.5):
        across, down = np.meshgrid(along + between, along + 0.5 - between)
        planes = only_mirrored(np.stack([across, down], axis=2))
        made = _mixed(planes, photo, np.full((112, 112, 3), 250, np.float32), 1.0)
        assert 0.75 < made.std() / photo.std() < 1.1, between


def test_a_lock_over_the_far_cheek_does_not_turn_as_a_part_of_it() -> None:
    """Once, it was a dark smear on the cheek that came out, with lit skin behind it (p02, p10)."""
    model = HeadModel.load()
    c, s = np.cos(np.radians(25.0)), np.sin(np.radians(25.0))
    x, y, z = (model.normals(model.points) * [1, -1, 1]).T
    normals = np.stack([c * x - s * z, y, c * z + s * x], axis=1)
    shown = (normals[:, 2] > 0.1).astype(float)
    own = Seen(model.points[:, :2], normals, normals, shown, shown, shown, np.zeros((len(x), 2)))
    gap = normals[model.mirror, 2] - normals[:, 2]
    right, up, _ = model.points.T
    cheek = (model.distance < 1) & (np.abs(right) > 3) & (up > -5) & (up < 1) & (gap > 0.2)
    lock = cheek & (normals[:, 2] > 0.5) & (normals[:, 2] < 0.8)
    assert lock.sum() > 30
    assert np.median(_better(model, own, lock.astype(float))[lock]) > 0.5
    assert np.median(_better(model, own, np.zeros(len(x)))[lock]) < 0.3


def test_skin_beside_a_parting_is_not_lit_like_the_hair_before_it() -> None:
    """Once, the far forehead and eye that p12 shows behind parted hair were a grey veil when she was frontalised:
    what is low-pass is mixed with the hair for a centimetre, and near the middle nothing counted as hair.
    """
    model = HeadModel.load()
    x, y, _ = model.points.T
    facing = model.normals(model.points)[:, 2]
    shown = (facing > 0.1).astype(float)
    apart = np.maximum(1.0 - x, 0) * (y > 4.5) * (model.distance < 1.5)  # parted hair from near the middle on
    share = np.clip(apart / 1.5, 0, 1)[:, None] * (shown[:, None] > 0)
    colours = SKIN + share * (HAIR - SKIN)
    for _ in range(4):
        colours = model.averaging @ colours
    two = sides(model, colours, np.tile(HAIR, (len(colours), 1)), shown, True)
    gain = mirror_gain(model, model.normals(model.points), shown, colours, face_skin(True), two.unlike)
    brow = (x < -1.0) & (x > -4.0) & (y > 4.0) & (y < 5.5) & (facing > 0.3) & (model.distance < 0.5)
    assert brow.sum() > 20
    assert np.median(gain[brow]) > 0.83  # 0.78 once


def test_curls_before_an_ear_are_no_ear() -> None:
    """Once, an ear with curls before its lobe was black there when its head had turned (p25)."""
    model = HeadModel.load()
    count = len(model.points)
    normals = model.normals(model.points) * [1, -1, 1]
    at = np.array([100.0, 120.0]) + model.points[:, :2] * [8.0, -8.0]
    ear = (relief() > 0.9) & (model.points[:, 0] > 0) & (normals[:, 2] > 0)
    middle = np.median(at[ear, 1])
    picture = np.full((260, 200, 3), SKIN, np.float32)
    picture[int(middle) :, int(at[ear, 0].min()) :] = HAIR
    one = np.ones(count)
    own = Seen(at, normals, normals, one, one, (normals[:, 2] > 0.1).astype(float), np.zeros((count, 2)))
    lows = Low(picture, picture, 1.0, np.tile(SKIN, (count, 1)))
    over = _hair_before(own, lows, np.tile(HAIR, (count, 1)), 1.0)
    shown, bare = _before(model, own, over), _before(model, own, np.zeros(count))
    hidden, seen = ear & (at[:, 1] > middle + 4), ear & (at[:, 1] < middle - 10)
    assert min(hidden.sum(), seen.sum()) > 20
    assert shown[hidden].max() < 0.05
    assert np.abs(shown - bare)[seen].max() < 0.05
    assert not _hair_before(own, lows, None, 1.0).any()

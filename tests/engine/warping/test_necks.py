"""A neck turns behind a collar, and the photo's collar is not drawn on what turns."""

from __future__ import annotations

import numpy as np

from app.engine.head import HeadModel
from app.engine.head.fill import below_jaw
from app.engine.warping.hair import Beside
from app.engine.warping.head_kernels import COLUMNS, PHOTO, PHOTO_X, PHOTO_Y, RIM, THERE, head_band, head_maps
from app.engine.warping.necks import before_the_neck, covered_neck
from app.engine.warping.own_view_kernels import OwnPixels
from app.engine.warping.plate import Places

SIDE = 40  # px of the picture's side


def dressed(clothes: np.ndarray) -> Beside:
    none = np.zeros_like(clothes)
    off = none > 0
    where = Places(none.astype(np.uint8), none, off, off, off, off, none, none, none, none + 1, 1.0, 20.0)
    return Beside(where, none, none, none, clothes)


def test_clothes_cover_what_lies_below_the_jaw_and_turns() -> None:
    """Once, the jaw's underside took the colours of the collar below it (p11 raised by 18 degrees)."""
    model = HeadModel.load()
    clothes = np.zeros((SIDE, SIDE), np.float32)
    clothes[:, 20:] = 1
    for column, expected in ((5.0, 0.0), (35.0, 1.0)):
        at = np.tile([column, 20.0], (len(model.points), 1))
        covered = covered_neck(at, dressed(clothes), model.rigid)
        assert (covered[(below_jaw() > 1) & (model.rigid > 0.9)] == expected).all()
        assert not covered[below_jaw() < -0.5].any() and not covered[model.rigid < 0.3].any()


def test_a_neck_is_drawn_behind_clothes_only() -> None:
    corners = np.array([[0.0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]])
    triangles = np.array([[0, 2, 1], [1, 2, 3]], np.int32)
    values = np.zeros((4, COLUMNS), np.float32)
    values[:, [PHOTO_X, PHOTO_Y]] = corners[:, :2]
    values[:, [PHOTO, RIM]] = 1
    values[:, THERE] = 2
    maps = np.zeros((2, 2 + 3 * COLUMNS), np.float32)
    chosen = head_maps(corners, triangles, triangles, values, np.array([0, 0, 64, 64]), maps)
    skin = np.full((SIDE, SIDE, 4), 200, np.uint8)
    skin[..., 3] = 255
    worn = np.zeros((SIDE, SIDE), np.float32)
    worn[:, :20] = 1
    clothes = before_the_neck(dressed(worn), np.full((SIDE, SIDE), 255, np.uint8))
    none, no_maps, nobody = np.zeros((0, 3)), np.zeros((0, 11), np.float32), np.zeros(0, np.int64)
    hair = (
        none,
        none.astype(np.int32),
        nobody,
        no_maps,
        np.zeros((0, 0, 4), np.uint8),
        np.zeros(2, np.int32),
    )
    nowhere, no = np.zeros((0, 0), np.int32), np.zeros(2, np.bool_)
    beyond, corner = np.zeros((0, 0, 3), np.int16), np.zeros(2, np.int32)
    view = OwnPixels(
        nowhere,
        nowhere,
        beyond,
        corner,
        ~no,
        no[:0],
        no,
        no[:0],
        none,
        np.float32(0),
        np.float32(0),
        np.bool_(True),
    )
    for right in (0, 8):  # the body goes along to the right
        out = np.full((SIDE, SIDE, 3), 30, np.uint8)
        head_band(
            0, SIDE, 0, SIDE, corners, triangles, chosen, maps, skin, skin[..., :3].copy(), skin[..., :3].copy(),
            np.zeros((0, 0), np.uint8), clothes, 0, right, *hair,
            np.float32(1), np.float32(1), np.float32(255), view, out,
        )  # fmt: skip
        assert (out[5:-5, right + 4 : right + 16] == 30).all() and (out[5:-5, right + 24 : -4] == 200).all()

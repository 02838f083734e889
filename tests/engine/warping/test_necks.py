"""A neck turns behind a collar, and the photo's collar is not drawn on what turns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.head import HeadModel
from app.engine.head.fill import below_jaw
from app.engine.warping.beside import Beside
from app.engine.warping.head_kernels import (
    COLUMNS,
    PHOTO,
    PHOTO_X,
    PHOTO_Y,
    RIM,
    THERE,
    THROAT,
    head_band,
    head_maps,
)
from app.engine.warping.locks import NO_LOCKS
from app.engine.warping.necks import before_the_neck, beside_neck, covered_neck, shown_beside
from app.engine.warping.own_view_kernels import OwnPixels
from app.engine.warping.plate import Places

SIDE = 40  # px of the picture's side


def dressed(clothes: np.ndarray) -> Beside:
    none = np.zeros_like(clothes)
    off = none > 0
    where = Places(none.astype(np.uint8), none, off, off, off, off, none, none, none, none + 1, 1.0, 20.0)
    return Beside(where, none, none, none, clothes, clothes, none, none)


def drawn(
    points: np.ndarray,
    triangles: np.ndarray,
    values: np.ndarray,
    photo: np.ndarray,
    clothes: np.ndarray,
    right: int = 0,
) -> np.ndarray:
    """Return a picture (SIDE, SIDE, 3) of triangles before a ground of 30, without hair and the photo's own view."""
    maps = np.zeros((len(triangles), 2 + 3 * COLUMNS), np.float32)
    chosen = head_maps(points, triangles, triangles, values, np.array([0, 0, SIDE, SIDE]), maps)
    none, no_maps, nobody = np.zeros((0, 3)), np.zeros((0, 11), np.float32), np.zeros(0, np.int64)
    no_hair, corner = np.zeros((0, 0, 4), np.uint8), np.zeros(2, np.int32)
    hair = (none, none.astype(np.int32), nobody, no_maps, no_hair, no_hair[..., 0], corner)
    nowhere, no, zero = np.zeros((0, 0), np.int32), np.zeros(len(triangles), np.bool_), np.float32(0)
    beyond = np.zeros((0, 0, 3), np.int16)
    view = OwnPixels(
        nowhere, nowhere, beyond, corner, ~no, no[:0], no, no[:0], none, zero, zero, np.bool_(True)
    )
    out = np.full((SIDE, SIDE, 3), 30, np.uint8)
    head_band(
        0, SIDE, 0, SIDE, points, triangles, chosen, maps, photo, photo[..., :3].copy(), photo[..., :3].copy(),
        np.zeros((0, 0), np.uint8), clothes, 0, right, *hair,
        np.float32(1), np.float32(1), np.float32(255), np.ones(3, np.float32), NO_LOCKS, view, out,
    )  # fmt: skip
    return out


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


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_neck_is_drawn_behind_clothes_only(share: float) -> None:
    """Once, bits of a neck's end, of which only a share is drawn, lay over the collar (p11 turned by 24 degrees)."""
    corners = np.array([[0.0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]])
    triangles = np.array([[0, 2, 1], [1, 2, 3]], np.int32)
    values = np.zeros((4, COLUMNS), np.float32)
    values[:, [PHOTO_X, PHOTO_Y]] = corners[:, :2]
    values[:, [PHOTO, RIM, THROAT]] = 1
    values[:, THERE] = share
    skin = np.full((SIDE, SIDE, 4), 200, np.uint8)
    skin[..., 3] = 255
    worn = np.zeros((SIDE, SIDE), np.float32)
    worn[:, :20] = 1
    clothes = before_the_neck(dressed(worn), np.full((SIDE, SIDE), 255, np.uint8))
    for right in (0, 8):  # the body goes along to the right
        out = drawn(corners, triangles, values, skin, clothes, right)
        assert (out[5:-5, right + 4 : right + 16] == 30).all() and (
            out[5:-5, right + 24 : -4] == 30 + 170 * share
        ).all()


def test_a_part_of_the_head_before_another_has_no_jagged_edge() -> None:
    """Once, only the outline of the whole head was softened, and noses had stairs before the cheek behind them."""
    far = np.array([[0.0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]])
    near = np.array([[0.0, 4, 20], [SIDE, 14, 20], [0, SIDE, 20]])
    points = np.concatenate([far, near])
    triangles = np.array([[0, 2, 1], [1, 2, 3], [4, 6, 5]], np.int32)
    values = np.zeros((7, COLUMNS), np.float32)
    values[:, [PHOTO, RIM, THERE]] = 1
    values[:4, PHOTO_X] = 5
    values[4:, PHOTO_X] = 35
    photo = np.full((SIDE, SIDE, 4), 255, np.uint8)
    photo[:, :20, :3] = 100
    picture = drawn(points, triangles, values, photo, np.zeros((0, 0), np.uint8))[..., 0]
    column = picture[:, 18]
    assert (picture[2, 5:-5] == 100).all() and picture[20, 5] == 255
    assert len(np.unique(column[(column > 100) & (column < 255)])) >= 2


def test_the_end_of_a_neck_that_stands_beside_the_persons_is_straight() -> None:
    """Once, it followed the head's triangles: p09's jaw had a jagged corner from 12 degrees of yaw on.

    An end is straight where the field crosses it over several triangles instead of going from none to all in one.
    """
    model = HeadModel.load()
    matte = np.zeros((SIDE, SIDE), np.float32)
    matte[:, :20] = 1
    where = replace(dressed(matte).where, matte=matte)
    at = np.column_stack([20 + 6 * (model.points[:, 0] - 3.5), np.full(len(model.points), 20.0)])
    beside = beside_neck(at, where, model.rigid)
    assert beside.min() < 0 and beside.max() > 1
    for k in range(3):
        one, other = (beside[model.triangles[:, i]] for i in (k, (k + 1) % 3))
        assert not ((one <= 0) & (other >= 1)).any()


def test_a_neck_comes_out_from_behind_a_jaw_without_jags() -> None:
    model = HeadModel.load()
    shown = (model.points[:, 1] + 0.3 * (model.points[:, 0] % 0.8 > 0.4) < -7.0).astype(
        float
    )  # a ragged edge
    none = np.zeros(len(shown))
    soft = shown_beside(shown, none)
    neck = below_jaw()[model.triangles].min(axis=1) > 1
    for field, most in ((shown, 1), (soft, 0.5)):
        steps = np.ptp(field[model.triangles[neck]], axis=1)
        assert steps.max() == pytest.approx(1) if most == 1 else steps.max() < most
    assert not soft[(model.points[:, 1] > -6.5) & (below_jaw() > 1)].any(), "what is hidden stays hidden"
    assert (soft[below_jaw() < -1] == shown[below_jaw() < -1]).all()
    assert (shown_beside(shown, none + 1) == shown).all()


def test_a_nape_turns_by_half_of_what_the_head_does() -> None:
    """Once, all of the nape down to the collar turned with the skull, and a turned neck was as wide as the head."""
    model = HeadModel.load()
    y, z = model.points[:, 1], model.points[:, 2]
    nape = (z < -3) & (np.abs(y + 6.5) < 1)
    assert 0.25 < model.rigid[nape].mean() < 0.75
    assert (model.rigid[(z < -3) & (y > -2.5)] == 1).all(), "the skull is rigid"
    assert (model.rigid[model.distance < 0.3] == 1).all(), "the face is rigid"

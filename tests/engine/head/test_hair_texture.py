"""Hair that no photo shows has the strands of the hair that it shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.engine.head import hair_texture
from app.engine.head.hair_texture import RADIUS, WHORL, WIDE, continued, growth
from app.engine.head.model import HeadModel
from app.engine.head.raster import carried
from app.engine.head.strands import CENTRE
from app.engine.head.texels import TEXELS, texels

SIDE = 512  # texels of a side of the atlas
COLOUR = np.array([0.5, 0.3, 0.1], np.float32)  # red, green and blue, 0 to 1
STRANDS = 60  # strands around the whorl
STEP = 0.12  # cm over which strands change across their direction


def shown_to_the_front() -> tuple[np.ndarray, np.ndarray]:
    """Return (S, S) 1 on what a photo from the front shows of the upper head, and 1 on what it does not."""
    model = HeadModel.load()
    ids, share, _ = texels(SIDE)
    table = np.column_stack([model.normals(model.points)[:, 2], model.points[:, 1]]).astype(np.float32)
    grid = np.zeros((SIDE, SIDE, 2), np.float32)
    carried(ids, share, model.corners, model.base, table, grid)
    high = (ids >= 0) & (grid[..., 1] > 3)
    return (high & (grid[..., 0] > 0.3)).astype(np.float32), high & (grid[..., 0] < -0.1)


def strands() -> np.ndarray:
    """Return (S, S, 1) strands of standard deviation 1 that grow from the whorl to all sides."""
    model = HeadModel.load()
    ids, share, _ = texels(SIDE)
    away = model.points - np.array(CENTRE)
    table = np.column_stack([away[:, 0], away @ np.cross(WHORL, [1.0, 0.0, 0.0])]).astype(np.float32)
    grid = np.zeros((SIDE, SIDE, 2), np.float32)
    carried(ids, share, model.corners, model.base, table, grid)
    return np.sqrt(2) * np.sin(STRANDS * np.arctan2(grid[..., :1], grid[..., 1:]))


def changes(picture: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """Return the mean changes of a picture (S, S) along and across the growth of hair, where (S, S) says so."""
    places = HeadModel.load().atlas * SIDE - 0.5
    x, y = np.clip(np.round(places).astype(int), 0, SIDE - 1).T
    places, slopes = places[where[y, x]], growth()[where[y, x]] * SIDE

    def at(points: np.ndarray) -> np.ndarray:
        x, y = (points[None, :, k].astype(np.float32) for k in (0, 1))
        return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR))[0]

    along, across = (float(np.abs(at(places + STEP * slopes[..., k]) - at(places)).mean()) for k in (0, 1))
    return along, across


def test_strands_go_on_over_made_up_hair() -> None:
    """Once, mirrored strands ran across the back of the head, and were a third as strong as the photo's on grey and
    curly hair (p09, p29 and p03 of the portraits)."""
    hair, hidden = shown_to_the_front()
    # Light and dark strands differ in colour, as those of salt-and-pepper hair do.
    own = COLOUR * np.exp(strands() * np.array([0.3, 0.25, 0.2], np.float32))
    own[hair == 0] = 0.9  # what is not hair gives nothing
    factors, known = continued(own.astype(np.float32), hair, hair < 1)
    assert known[hidden].mean() > 0.98
    made = factors[hidden]
    assert np.std(np.log(made), axis=0) == pytest.approx([0.3, 0.25, 0.2], rel=0.35)
    assert made.mean(axis=0) == pytest.approx(1, abs=0.05), "texture changes no colour"
    along, across = changes(np.log(factors[..., 0]), hidden)
    assert along < 0.6 * across, "strands keep their direction"


def test_too_little_hair_gives_no_strands() -> None:
    """Once, 0.11 square eye distances of it were laid over all of a head, and looked like scales."""
    hair = np.zeros((SIDE, SIDE), np.float32)
    shown = cv2.distanceTransform(shown_to_the_front()[0].astype(np.uint8), cv2.DIST_L2, 3)
    y, x = np.unravel_index(np.argmax(shown), shown.shape)
    hair[y - 18 : y + 19, x - 18 : x + 19] = 1
    own = np.asarray(COLOUR * np.exp(0.2 * strands()), np.float32)
    factors, known = continued(own, hair, np.ones((SIDE, SIDE), bool))
    assert not known.any() and (factors == 1).all()


def test_strands_that_lie_across_go_on_and_then_run_down_the_head() -> None:
    """Once, a fringe's strands lay across all of a made-up head, and parted hair made spots (p05 and p24)."""
    hair, _ = shown_to_the_front()
    model = HeadModel.load()
    ids, share, _ = texels(SIDE)
    away = model.points - np.array(CENTRE)
    table = np.column_stack([away @ np.array(WHORL) / np.linalg.norm(away, axis=1), *model.points.T])
    grid = np.zeros((SIDE, SIDE, 4), np.float32)
    carried(ids, share, model.corners, model.base, table.astype(np.float32), grid)
    rings = np.sin(STRANDS * np.arccos(np.clip(grid[..., :1], -1, 1)))
    factors, _ = continued(COLOUR * np.exp(0.3 * rings, dtype=np.float32), hair, hair < 1)
    made = np.log(factors[..., 0])
    head = (ids >= 0) & (hair == 0)
    along, across = changes(made, head & (grid[..., 3] < -6) & (grid[..., 2] > 2) & (grid[..., 2] < 8))
    assert along < 0.75 * across, "far off, strands run as hair grows"
    along, across = changes(made, head & (grid[..., 3] > 2) & (grid[..., 2] > 8))
    assert along > 1.2 * across, "beside the photo's hair they lie as that does"


def test_made_up_hair_is_as_fine_as_the_photos() -> None:
    """Once, reads between texels left made-up hair 0.68 of the finest detail of true hair."""
    hair, hidden = shown_to_the_front()
    noise = np.random.default_rng(1).normal(size=(SIDE, SIDE, 1))
    fine = cv2.GaussianBlur(noise, (0, 0), 0.7)[..., None]
    fine = 0.2 * fine / fine.std()
    factors, _ = continued((COLOUR * np.exp(fine)).astype(np.float32), hair, hair < 1)
    made = np.log(factors[..., 0])
    # A frame reads between texels, by Catmull-Rom splines.
    seen = (9 * (made + np.roll(made, 1, axis=1)) - np.roll(made, 2, axis=1) - np.roll(made, -1, axis=1)) / 16
    edge = (hair > 0) & (np.roll(hair, 1, axis=1) > 0)
    detail = [
        np.diff(p, axis=0, prepend=0)[where].std() for p, where in ((seen, hidden), (fine[..., 0], edge))
    ]
    assert detail[0] == pytest.approx(detail[1], rel=0.2)


def test_patches_are_wide_where_the_photo_shows_much_hair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, long hair was cut into blotches like scales."""
    radii: list[float] = []
    monkeypatch.setattr(hair_texture, "_lay", lambda *args: radii.append(float(args[6])))
    hair, hidden = shown_to_the_front()
    own = (COLOUR * np.exp(0.2 * strands())).astype(np.float32)
    continued(own, hair, hidden)
    rows = np.cumsum(hair.sum(axis=1))
    few = hair * (rows < 0.5 * (SIDE / TEXELS) ** 2)[:, None]
    continued(own, few, hidden)
    assert set(np.round(radii, 3)) == {RADIUS, WIDE} and radii[0] > radii[-1]

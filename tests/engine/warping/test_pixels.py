"""Pixels are sampled and rasterised, the background is continued, and the kernels are exact."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.warping import head_kernels, sampling
from app.engine.warping.background import fill, push_pull
from app.engine.warping.body import Body, shift_flow, shifted
from app.engine.warping.curves import catmull_rom, soft_inside
from app.engine.warping.eye_kernels import draw_lashes
from app.engine.warping.head_kernels import _over
from app.engine.warping.layers import Layers


def ramp(height: int = 12, width: int = 16, dtype: type = np.uint8) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.dstack([3 * x + 5 * y, 2 * x + y, 100 + x - y, np.full_like(x, 255)]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bicubic_is_exact_on_pixels_and_on_ramps(dtype: type) -> None:
    image = ramp(dtype=dtype)
    assert sampling.bicubic(image, np.float32(4), np.float32(7)) == pytest.approx(
        tuple(image[7, 4]), abs=1e-3
    )
    between = sampling.bicubic(image, np.float32(4.25), np.float32(6.5))
    assert between[0] == pytest.approx(3 * 4.25 + 5 * 6.5, abs=1e-3)
    assert np.isfinite(sampling.bicubic(image, np.float32(15), np.float32(11))).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bicubic_is_that_of_the_formula_up_to_the_picture_s_edges(dtype: type) -> None:
    rng = np.random.default_rng(5)
    image = rng.integers(0, np.iinfo(dtype).max, (9, 11, 4), dtype=dtype, endpoint=True)
    for x, y in [(0, 0), (10, 8), (0.5, 7.75), (9.5, 0.25), *rng.uniform(0, (10, 8), (30, 2))]:
        wanted = np.zeros(4)
        for row in range(int(y) - 1, int(y) + 3):
            for column in range(int(x) - 1, int(x) + 3):
                weight = keys(row - y) * keys(column - x)
                wanted += weight * image[np.clip(row, 0, 8), np.clip(column, 0, 10)]
        found = sampling.bicubic(image, np.float32(x), np.float32(y))
        assert found == pytest.approx(tuple(wanted), abs=1e-5 * np.iinfo(dtype).max)


def test_a_plane_is_read_between_its_pixels() -> None:
    image = ramp()[..., 0]
    assert sampling.plane(image, np.float32(4.25), np.float32(6.5)) == pytest.approx(3 * 4.25 + 5 * 6.5)
    assert sampling.plane(image, np.float32(15), np.float32(11)) == pytest.approx(3 * 15 + 5 * 11)


def keys(away: float) -> float:
    """Return the weight of a neighbour at this distance (Keys 1981, equation 15 with a = -1/2)."""
    d = abs(away)
    if d < 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def test_a_shifted_body_keeps_the_background_where_it_is() -> None:
    """Only what is the person's moves, by its share, and what has no share stays bit for bit."""
    rng = np.random.default_rng(3)
    photo = rng.integers(0, 256, (24, 30, 4), dtype=np.uint8)
    background = np.full((24, 30, 3), 90, np.uint8)
    photo[..., 3] = 0
    photo[8:16, 10:20, 3] = 255
    photo[photo[..., 3] == 0, :3] = 90
    zone = np.where(photo[..., 3] > 0, 2, 0).astype(np.uint8)
    layers = Layers(photo, background, zone, np.zeros((0, 0), np.uint8), 8.0)
    share = np.zeros((24, 30), np.float32)
    share[:, 4:] = 1
    body = Body(share, 1.0, (0, 0, 30, 24))
    moved = shifted(layers, body, np.array([3.0, 2.0]), (0, 0, 30, 24))
    assert np.array_equal(moved[10:18, 13:23], photo[8:16, 10:20, :3])
    assert (moved[8:10, 10:20] == 90).all()
    assert np.array_equal(moved[:, :4], photo[:, :4, :3])
    still = shifted(layers, body, np.zeros(2), (0, 0, 30, 24))
    assert np.array_equal(still, photo[..., :3])
    flow = shift_flow(layers.hold, body, np.array([3.0, 2.0]), (0, 0, 30, 24))
    assert np.allclose(flow[12, 20], (-3, -2)) and not flow[:, :4].any()


def test_fill_changes_only_what_is_hidden_and_continues_the_rest() -> None:
    picture = ramp(64, 80)[..., :3].copy()
    picture[20:40, 30:50] = 255
    hidden = np.zeros((64, 80), bool)
    hidden[20:40, 30:50] = True
    filled = fill(picture, hidden, hidden.astype(np.float32), iod=20)
    assert np.array_equal(filled[~hidden], picture[~hidden])
    assert abs(int(filled[30, 40, 1]) - int(ramp(64, 80)[30, 40, 1])) < 30
    for all_or_none in (np.zeros_like(hidden), np.ones_like(hidden)):
        assert np.array_equal(fill(picture, all_or_none, all_or_none.astype(np.float32), 20), picture)


@pytest.mark.parametrize("upright", [False, True])
def test_a_horizon_is_carried_on_sideways_and_a_curtain_downwards(upright: bool) -> None:
    """A dark band, which is wider than the hole's border reaches, runs on behind the middle of what hides it."""
    picture = np.full((120, 120, 3), 200, np.uint8)
    picture[45:65] = 60
    hidden = np.zeros((120, 120), bool)
    hidden[30:110, 40:80] = True
    expected = picture[55, 60], picture[38, 60]
    if upright:
        picture, hidden = picture.transpose(1, 0, 2).copy(), hidden.T.copy()
    shown = np.where(hidden[..., None], 255, picture).astype(np.uint8)
    filled = fill(shown, hidden, hidden.astype(np.float32), iod=20)
    places = ((60, 55), (60, 38)) if upright else ((55, 60), (38, 60))
    for place, colour in zip(places, expected):
        assert np.abs(filled[place].astype(int) - colour).max() < 45


def test_a_backgrounds_own_texture_stays_beside_the_person_and_stray_hair_goes() -> None:
    """Beside a man before a window the made-up texture differed from the photo's, and turned with him as stains."""
    y, x = np.indices((200, 200))
    picture = np.where((x // 5 + y // 5) % 2, 200, 60).astype(np.uint8)[..., None].repeat(3, axis=2)
    away = np.hypot(x - 100, y - 100)
    picture[away < 50], matte = 20, (away < 50).astype(np.float32)
    stray = (away > 54.5) & (away < 56) & (x > 100)
    picture[stray] = 0
    filled = fill(picture, away < 57, matte, iod=60)
    rim = (away > 54.5) & (away < 57)
    assert np.array_equal(filled[rim & ~stray], picture[rim & ~stray])
    assert filled[stray].min() >= 60
    assert abs(filled[away < 50].mean() - 130) < 20


def test_push_pull_keeps_the_known_and_fills_between() -> None:
    colours = np.zeros((16, 16, 1), np.float32)
    colours[:, :4], colours[:, 12:] = 10, 20
    weight = np.zeros((16, 16), np.float32)
    weight[:, :4] = weight[:, 12:] = 1
    filled = push_pull(colours, weight)
    assert np.allclose(filled[weight > 0], colours[weight > 0])
    assert 10 <= filled[8, 8, 0] <= 20


def test_curves_pass_through_their_points() -> None:
    square = np.array([[2.0, 2], [12, 2], [12, 12], [2, 12]])
    curve = catmull_rom(square)
    assert np.allclose(curve[::6], square)
    inside = soft_inside(curve, (0, 0), (16, 16), 0)
    assert inside[7, 7] == 1 and inside[0, 0] == 0


def test_lashes_are_darkest_on_the_lid_and_hang_down() -> None:
    skin = np.full((21, 41, 3), 200, np.float32)
    lid, down, dark = np.array([[2.5, 8.5], [20.5, 8.5], [38.5, 8.5]]), np.array([0, 1]), np.zeros(3)
    thick, strength = np.float32(2), np.float32(0.5)
    draw_lashes(
        skin, lid.astype(np.float32), down.astype(np.float32), thick, strength, dark.astype(np.float32)
    )
    column = skin[:, 20, 0]
    assert column[8] == pytest.approx(100, abs=2) and column.argmin() == 8
    assert column[5] > column[11] + 10, "further below the line than above it"
    assert skin[8, 3, 0] > 150, "thin in the corners"


def test_a_thin_strip_meets_the_head_s_edge_without_a_gap() -> None:
    """Once, a line of the background's colour lay between a head's soft edge and the strip of its outline (p20's ear
    turned by 4 degrees).
    """
    photo, out = np.zeros((1, 1, 4), np.uint8), np.zeros((1, 1, 3), np.uint8)
    one, half, skin = np.float32(1), np.float32(0.5), np.float32(200)
    head, strip = (half * skin, half * skin, half * skin, half), (skin, skin, skin, one)
    _over(head, strip, one, one, one, photo, 0, 0, np.float32(255), out, 0, 0)
    assert out.tolist() == [[[200, 200, 200]]]


def test_what_the_photo_does_not_show_is_drawn_as_fine_as_its_atlas() -> None:
    """Once, an atlas was read between texels by straight lines: made-up and mirrored places were duller than truth."""
    rng = np.random.default_rng(4)
    atlas = rng.normal(128, 20, (64, 64, 1)).repeat(4, axis=2).clip(0, 255).astype(np.uint8)
    nothing, tint, one = np.zeros((1, 1, 4), np.uint8), np.ones(3, np.float32), np.float32(1)
    maps = np.zeros((1, 2 + 3 * head_kernels.COLUMNS), np.float32)
    for column, slope in ((head_kernels.ATLAS_X, (1, 0)), (head_kernels.ATLAS_Y, (0, 1))):
        maps[0, 2 + 3 * column : 5 + 3 * column] = (0.5, *slope)
    drawn = [
        head_kernels._colour(
            maps, 0, np.float32(x), np.float32(y), one, nothing, nothing, atlas, np.float32(255), tint
        )[0]
        for y in range(4, 60)
        for x in range(4, 60)
    ]
    assert 0.6 < np.std(drawn) / atlas[..., 0].std() < 1  # 0.5 once, halfway between texels

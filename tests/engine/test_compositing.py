"""Pixels that no patch changes stay bit-equal, and overlapping patches keep each other's work."""

import numpy as np

from app.engine.compositing import composite
from app.engine.contract import Patch


def photo(dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(dtype)


def test_no_patch_returns_the_photo_itself() -> None:
    pixels = photo()
    out, alpha, changed = composite(pixels, None, [])
    assert out is pixels and alpha is None and changed == 0


def test_one_patch_changes_only_its_box() -> None:
    pixels = photo(np.uint16)
    patch = pixels[5:10, 4:9].copy()
    patch[0, 0] += 1
    out, _, changed = composite(pixels, None, [Patch(patch, 4, 5)])
    assert changed == 1 / 600
    assert (out != pixels).any(axis=2).sum() == 1 and out[5, 4, 0] == pixels[5, 4, 0] + 1


def test_overlapping_patches_keep_what_the_first_changed() -> None:
    pixels, alpha = photo(), np.full((20, 30), 255, np.uint8)
    first, second = pixels[0:10, 0:10].copy(), pixels[5:15, 5:15].copy()
    first[6, 6] ^= 1
    second[8, 8] ^= 1
    see_through = alpha[5:15, 5:15].copy()
    see_through[0, 0] = 7
    out, out_alpha, changed = composite(pixels, alpha, [Patch(first, 0, 0), Patch(second, 5, 5, see_through)])
    assert changed == 3 / 600
    assert (out[6, 6] != pixels[6, 6]).all() and (out[13, 13] != pixels[13, 13]).all()
    assert out_alpha is not None and out_alpha[5, 5] == 7 and alpha[5, 5] == 255

"""Smaller copies: never enlarged, averaged, of every type."""

import numpy as np
import pytest

from app.engine.imaging.placement import resize_to


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (40, 60, 4)])
def test_halving_averages_two_by_two(dtype: type, shape: tuple[int, ...]) -> None:
    pixels = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    small, scale = resize_to(pixels, 30)
    assert scale == 0.5 and small.shape == (20, 30, *shape[2:]) and small.dtype == dtype
    means = pixels.astype(float).reshape(20, 2, 30, 2, -1).mean(axis=(1, 3)).reshape(small.shape)
    assert np.abs(small - means).max() <= 0.51


def test_a_small_picture_is_not_enlarged() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    assert resize_to(pixels, 60) == (pixels, 1.0) and resize_to(pixels, 500)[0] is pixels


def test_a_thin_picture_keeps_a_pixel() -> None:
    assert resize_to(np.zeros((1000, 2), np.uint8), 100)[0].shape == (100, 1)

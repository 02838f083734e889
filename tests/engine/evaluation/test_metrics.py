"""The metrics give the values that were worked out by hand."""

import numpy as np
import pytest

from app.engine.evaluation import metrics
from app.engine.face.parameters import Camera

BLACK = np.zeros((16, 16, 3), np.uint8)
GREY = np.full((16, 16, 3), 51, np.uint8)


def test_pixel_distances_by_hand() -> None:
    assert metrics.l1(BLACK, GREY) == 51
    assert metrics.apd(BLACK, GREY) == pytest.approx(51 * 3**0.5)
    assert metrics.psnr(BLACK, GREY) == pytest.approx(20 * np.log10(5))
    assert metrics.psnr(GREY, GREY) == 100


def test_a_mask_leaves_the_rest_out() -> None:
    mask = np.zeros((16, 16), bool)
    mask[:8] = True
    half = BLACK.copy()
    half[8:] = 255
    assert metrics.l1(BLACK, half, mask) == 0
    assert metrics.l1(BLACK, half) == 127.5


def test_sharpness_reports_blur() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    soft = ((noise.astype(int) + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) // 3).astype(np.uint8)
    assert metrics.sharpness(noise, noise) == 1
    assert metrics.sharpness(soft, noise) < 0.8


def test_rotation_metrics_are_means_of_angles() -> None:
    a = Camera.from_angles(10, 4, -1, 1, (0, 0))
    b = Camera.from_angles(4, 4, 2, 1, (0, 0))
    assert metrics.rotation_distance(a, b) == pytest.approx(3)
    assert metrics.rotation_error(a) == pytest.approx(5)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        metrics.l1(BLACK, GREY[:8])

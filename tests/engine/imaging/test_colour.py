"""Colour conversion is exact at 16 bit, equals littleCMS at 8 bit, and leaves a picture in sRGB alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from app.engine.imaging.colour import grey_to_srgb, srgb_profile, to_eight_bit, to_srgb, to_srgb8
from app.engine.imaging.icc import MatrixProfile, colour_space, matrix_profile
from app.engine.imaging.photo import Photo
from tests.engine.imaging.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB_CURVE,
    gamma,
    grey_profile,
    parametric,
    rgb_profile,
    table,
)

PROFILES = {
    "Adobe RGB": rgb_profile(ADOBE_RGB, gamma(563 / 256)),
    "Display P3": rgb_profile(DISPLAY_P3, SRGB_CURVE),
    "table": rgb_profile(ADOBE_RGB, table([round(65535 * (i / 40) ** 1.8) for i in range(41)])),
    "kind 0": rgb_profile(DISPLAY_P3, parametric(0, 2.0)),
    "kind 1": rgb_profile(DISPLAY_P3, parametric(1, 2.0, 1.1, -0.1)),
    "kind 2": rgb_profile(DISPLAY_P3, parametric(2, 2.0, 1.1, -0.1, 0.0)),
    "kind 4": rgb_profile(DISPLAY_P3, parametric(4, 2.4, 0.948, 0.052, 0.0774, 0.0404, 0.0, 0.0)),
}


@pytest.fixture(scope="module")
def colours() -> NDArray[np.uint8]:
    """Return (16, 256, 3) with a ramp of greys and random colours."""
    colours = np.random.default_rng(3).integers(0, 256, (16, 256, 3), dtype=np.uint8)
    colours[0] = np.arange(256)[:, None]
    return colours


@pytest.mark.parametrize("name", PROFILES)
def test_sixteen_bit_conversion_agrees_with_littlecms(name: str, colours: NDArray[np.uint8]) -> None:
    by_lcms = to_srgb(colours, PROFILES[name]).astype(int)
    ours = to_srgb(colours.astype(np.uint16) * 257, PROFILES[name])
    assert ours.dtype == np.uint16
    difference = np.abs(to_eight_bit(ours).astype(int) - by_lcms)
    assert (by_lcms != colours).any()
    assert difference.max() <= 2 and difference.mean() < 0.3


def test_sixteen_bit_conversion_keeps_low_bits() -> None:
    ramp = np.repeat(np.arange(30_000, 30_512, dtype=np.uint16)[:, None, None], 3, axis=2).reshape(1, 512, 3)
    assert len(np.unique(to_srgb(ramp, PROFILES["Adobe RGB"])[..., 0])) > 400


def test_adobe_green_lies_outside_srgb_and_is_clipped() -> None:
    green = np.zeros((1, 1, 3), np.uint16)
    green[..., 1] = 65535
    assert to_srgb(green, PROFILES["Adobe RGB"])[0, 0].tolist() == [0, 65535, 0]


def test_a_profile_equal_to_srgb_changes_nothing(colours: NDArray[np.uint8]) -> None:
    for icc in (None, srgb_profile(), b"broken" * 40):
        assert to_srgb(colours, icc) is colours


def test_what_detectors_see(colours: NDArray[np.uint8]) -> None:
    deep = colours.astype(np.uint16) * 257
    assert np.array_equal(to_srgb8(Photo(deep)), colours)
    converted = to_srgb8(Photo(deep, icc=PROFILES["Adobe RGB"]))
    assert converted.dtype == np.uint8
    assert np.array_equal(converted, to_srgb(colours, PROFILES["Adobe RGB"]))


def test_eight_bit_is_rounded_over_the_whole_range() -> None:
    values = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(to_eight_bit(values), np.rint(values / 257).astype(np.uint8))


def test_grey_of_gamma_one_gains_the_srgb_curve() -> None:
    icc = grey_profile(gamma(1.0))
    # 14028 is the linear light whose code in sRGB is the middle one.
    assert grey_to_srgb(np.array([0, 14028, 65535], np.uint16), icc).tolist() == [0, 32768, 65535]
    assert grey_to_srgb(np.array([0, 55, 255], np.uint8), icc).tolist() == [0, 128, 255]


def test_profiles_of_tables_or_without_curves_have_no_matrix() -> None:
    assert matrix_profile(grey_profile(gamma(2.2)), 256) is None
    assert matrix_profile(b"\0" * 200, 256) is None
    assert matrix_profile(PROFILES["Adobe RGB"][:200], 256) is None
    assert colour_space(b"") == "" and colour_space(PROFILES["Adobe RGB"]) == "RGB"


def test_littlecms_own_srgb_profile_is_read_as_srgb() -> None:
    profile = matrix_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), 256)
    assert isinstance(profile, MatrixProfile)
    assert np.allclose(profile.to_xyz.sum(axis=1), [0.9642, 1.0, 0.8249], atol=2e-3)  # D50
    assert abs(profile.curves[1][128] - 0.2158) < 1e-3

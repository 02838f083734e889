"""Converts colours: of photos to sRGB, and of grey, CMYK and Lab files to RGB."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from app.engine.imaging.icc import (
    SRGB_TO_XYZ,
    MatrixProfile,
    colour_space,
    grey_curve,
    matrix_profile,
    srgb_encoded,
)
from app.engine.imaging.photo import Photo

LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue (ITU-R BT.601, section 2.5.1)
BAND = 256  # rows that are converted at a time, so that a large photo needs no float copy of itself


def largest(kind: np.dtype[Any] | type[np.generic]) -> int:
    """Return the value of white in pixels of a type: 255 of uint8, 65535 of uint16."""
    return int(np.iinfo(kind).max)


def to_srgb8(photo: Photo) -> NDArray[np.uint8]:
    """Return the pixels (H, W, 3) of a photo of any depth and profile as uint8 sRGB.

    The caller must not write into the array, because it may be the photo's own.
    """
    return _srgb8(to_eight_bit(photo.pixels), photo.icc)


def to_srgb(pixels: NDArray[Any], icc: bytes | None) -> NDArray[Any]:
    """Return pixels (H, W, 3), uint8 or uint16, of a profile's space as sRGB of the same type, relative colorimetric.

    16 bits stay exact for profiles of curves and a matrix, which all usual working spaces have; for the rare RGB
    profile made of tables they become 8 bits, because littleCMS in Pillow has no more.
    """
    if pixels.dtype == np.uint8:
        return _srgb8(pixels, icc)
    if icc is None or _is_srgb(icc):
        return pixels
    profile = matrix_profile(icc, 65536)
    if profile is None:
        return _srgb8(to_eight_bit(pixels), icc).astype(np.uint16) * 257
    return _through_matrix(pixels, profile)


def to_eight_bit(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return uint8 of uint8 or uint16 values of any shape, rounded: 65535 becomes 255."""
    if values.dtype == np.uint8:
        return values
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def on_white(photo: Photo) -> NDArray[np.uint8]:
    """Return a photo's pixels (H, W, 3) in its own profile with 8 bits, and white where the photo is clear."""
    pixels = to_eight_bit(photo.pixels)
    if photo.alpha is None:
        return np.ascontiguousarray(pixels)
    weight = to_eight_bit(photo.alpha)[..., None].astype(np.uint32)
    return ((pixels * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def usable_rgb_profile(icc: bytes | None) -> bytes | None:
    """Return the profile if it is one for RGB pictures that littleCMS accepts, else None."""
    return icc if icc and colour_space(icc) == "RGB" and _transform(icc, "RGB") else None


def grey_to_srgb(pixels: NDArray[Any], icc: bytes) -> NDArray[Any]:
    """Return grey codes of a GRAY profile, uint8 or uint16 of any shape, as the codes of the same light in sRGB."""
    top = largest(pixels.dtype)
    curve = grey_curve(icc, top + 1)
    if curve is None:
        return pixels
    codes: NDArray[Any] = np.rint(srgb_encoded(curve) * top).astype(pixels.dtype)
    return np.take(codes, pixels)


def flat_rgb(image: Image.Image) -> Image.Image:
    """Return a CMYK or Lab picture as sRGB, by its profile where it has a fitting one."""
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(image, lab, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return converted or image.convert("RGB")
    icc = image.info.get("icc_profile")
    transform = _transform(icc, "CMYK") if icc and colour_space(icc) == "CMYK" else None
    return ImageCms.applyTransform(image, transform) or image if transform else image.convert("RGB")


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """Return an sRGB profile, for exports that are converted to sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@lru_cache(maxsize=8)
def _transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform of littleCMS from a profile to sRGB, or None for a damaged profile."""
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def differs_from_srgb(icc: bytes | None) -> bool:
    """Return whether converting a picture of this profile to sRGB changes its pixels."""
    return icc is not None and not _is_srgb(icc)


@lru_cache(maxsize=8)
def _is_srgb(icc: bytes) -> bool:
    """Return whether a profile maps a grid of colours to themselves; a profile's name proves nothing."""
    transform = _transform(icc, "RGB")
    if transform is None:
        return True
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(18, -1, 3)
    return bool(np.abs(_applied(grid, transform).astype(int) - grid).max() <= 1)


def _srgb8(pixels: NDArray[np.uint8], icc: bytes | None) -> NDArray[np.uint8]:
    transform = None if icc is None or _is_srgb(icc) else _transform(icc, "RGB")
    return pixels if transform is None else _applied(pixels, transform)


def _applied(pixels: NDArray[np.uint8], transform: ImageCms.ImageCmsTransform) -> NDArray[np.uint8]:
    converted = ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(pixels)), transform)
    return np.asarray(converted)


def _through_matrix(pixels: NDArray[np.uint16], profile: MatrixProfile) -> NDArray[np.uint16]:
    matrix = (np.linalg.inv(SRGB_TO_XYZ) @ profile.to_xyz).astype(np.float32)
    curves = [curve.astype(np.float32) for curve in profile.curves]
    out = np.empty_like(pixels)
    for top in range(0, len(pixels), BAND):
        band = pixels[top : top + BAND]
        linear = np.stack([curve[band[..., i]] for i, curve in enumerate(curves)], axis=-1)
        out[top : top + BAND] = np.rint(srgb_encoded(linear @ matrix.T) * 65535)
    return out

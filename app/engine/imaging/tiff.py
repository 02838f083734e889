"""Reads of TIFF files what Pillow does not: the page that is the photo, 16 bits per channel, floating point."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.imaging.icc import srgb_encoded

REDUCED, MASK = 1, 4  # bits of NewSubfileType (TIFF 6.0, section 8)
OLD_REDUCED = 2  # the same in SubfileType, which older programs write instead


@dataclass(frozen=True)
class Page:
    """One picture of a file.

    offset: bytes from the file's start to the page's directory; size: (width, height); whole: whether it is neither a
    thumbnail nor a mask; floating: whether its samples are floating point; samples: NumPy's name of their type.
    """

    offset: int
    size: tuple[int, int]
    whole: bool
    floating: bool
    samples: str


def is_tiff(data: bytes) -> bool:
    """Return whether a file begins like a TIFF, small or big."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def pages(data: bytes) -> list[Page]:
    """Return all pages, also those of sub-directories; [] where tifffile cannot read the file."""
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return [_page(page) for page in _all(file.pages)]
    except Exception:
        # Pillow opens some files that tifffile does not, and raises clear errors for the others.
        return []


def photo_among(found: list[Page]) -> Page:
    """Return the largest whole page, the first of equals."""
    return max(found, key=lambda page: (page.whole, page.size[0] * page.size[1]))


def beginning_with(data: bytes, page: Page) -> bytes:
    """Return the same file with a page as its first one, which decoders read: one number of the header changes."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    place, kind = (8, "Q") if big else (4, "I")
    return data[:place] + struct.pack(order + kind, page.offset) + data[place + struct.calcsize(kind) :]


def deep_pixels(data: bytes) -> NDArray[Any]:
    """Return the pixels (H, W) or (H, W, C) of the first page, uint16 or floating, with alpha not premultiplied."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first.aspage()
        separate = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1
        try:
            array = page.asarray()
            array = np.moveaxis(array, 0, -1) if separate else array
        except ValueError:
            # LZW and the like need libtiff, which OpenCV brings (but takes no separate planes).
            if separate:
                raise
            array = _by_opencv(data)
        if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] > 4):
            raise ValueError("neither grey nor RGB")
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE and array.dtype == np.uint16:
            array = 65535 - array
        return straight_alpha(array) if 1 in page.extrasamples else array


def straight_alpha(array: NDArray[Any]) -> NDArray[Any]:
    """Return pixels (H, W, C) without the premultiplication by their alpha (TIFF 6.0, ExtraSamples 1)."""
    full = 65535.0 if array.dtype == np.uint16 else 1.0
    alpha = array[..., -1:].astype(np.float64)
    colour = np.divide(array[..., :-1] * full, alpha, out=np.zeros(array[..., :-1].shape), where=alpha > 0)
    if array.dtype == np.uint16:
        colour = np.rint(np.minimum(colour, 65535))
    return np.concatenate([colour.astype(array.dtype), array[..., -1:]], axis=-1)


def from_floating(array: NDArray[Any]) -> tuple[NDArray[np.uint16], bool]:
    """Return floating samples (H, W) or (H, W, C) as uint16, and whether they were light that had to be tone-mapped.

    Samples within [0, 1] are codes of the file's own profile and stay as they are. Others are either codes of another
    range, where most are above 1, which is scaled to [0, 1]; or they are linear light with highlights above white,
    which gets Reinhard's curve with the brightest sample as white (Reinhard et al. 2002, equation 4) and sRGB's
    encoding.
    """
    values = np.nan_to_num(array.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    alpha = values[..., 3:] if values.ndim == 3 and values.shape[2] == 4 else None
    colour = values[..., :3] if alpha is not None else values
    top = float(np.max(colour))
    light = False
    if top > 1.0 and float(np.median(colour)) > 1.0:
        colour = colour / top
    elif top > 1.0:
        colour, light = _tone_mapped(np.maximum(colour, 0.0), top), True
    joined = colour if alpha is None else np.concatenate([colour, alpha], axis=-1)
    return np.rint(np.clip(joined, 0.0, 1.0) * 65535).astype(np.uint16), light


def _tone_mapped(light: NDArray[np.float32], white: float) -> NDArray[np.float32]:
    """Return light with Reinhard's curve on each channel and sRGB's encoding."""
    return np.asarray(srgb_encoded(light * (1 + light / white**2) / (1 + light)), np.float32)


def _all(found: Any) -> Iterator[Any]:
    for page in found:
        whole = page.aspage()
        yield whole
        if whole.subifds:
            yield from _all(whole.pages)


def _page(page: Any) -> Page:
    old = page.tags.get(255)
    reduced = int(page.subfiletype) & (REDUCED | MASK) or (old is not None and old.value == OLD_REDUCED)
    floating = page.dtype is not None and page.dtype.kind == "f"
    samples = f"{page.samplesperpixel} x {page.dtype}"
    return Page(page.offset, (page.imagewidth, page.imagelength), not reduced, floating, samples)


def _by_opencv(data: bytes) -> NDArray[Any]:
    import cv2

    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype not in (np.uint16, np.float32, np.float64):
        raise ValueError("no deep pixels")
    return np.asarray(array if array.ndim == 2 else array[..., [2, 1, 0, 3][: array.shape[2]]])

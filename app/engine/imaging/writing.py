"""Saves pictures with their source's profile and metadata, whole or not at all, and never over the source."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.engine.errors import EngineError, Remark
from app.engine.files import unwritable, write_whole
from app.engine.imaging import encoding, remarks
from app.engine.imaging.colour import srgb_profile, to_eight_bit, to_srgb
from app.engine.imaging.endings import BARE, written_ending
from app.engine.imaging.metadata import COMPOSITE_SYNTHETIC, COMPOSITE_TRAINED, marked_xmp
from app.engine.imaging.photo import Photo

ENCODERS: dict[str, encoding.Encoder] = {
    ".jpg": encoding.jpeg,
    ".png": encoding.png,
    ".webp": encoding.webp,
    ".tif": encoding.tiff,
    ".avif": encoding.avif,
    ".bmp": encoding.bmp,
}


def save_photo(
    photo: Photo,
    pixels: NDArray[Any],
    alpha: NDArray[Any] | None,
    path: Path,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Write new pixels of an opened photo to `path`, in the format its ending names.

    pixels: (H, W, 3) and alpha: (H, W) or None, both of the photo's type. Options, all of them optional:
    "quality" 1 to 100 for JPEG, WebP (100: lossless) and AVIF; "srgb" converts to sRGB; "eight_bit" writes
    8 bit where the format could hold 16; "keep_metadata" False leaves EXIF and XMP behind; "trained": a
    trained network made the pixels. Changed pixels are marked with an IPTC Digital Source Type. EngineError
    for the source's own path, an unknown ending, or a folder that cannot be written to.
    """
    path = Path(path)
    options = options or {}
    encoder = encoder_for(path)
    _refuse_source(photo, path)
    quality = options.get("quality")
    if quality is not None and not 1 <= quality <= 100:
        raise EngineError(
            f"A quality of {quality} does not exist.", "Choose a number from 1 to 100.", "export"
        )
    picture = _prepared(photo, pixels, alpha, path.suffix.lower(), options)
    write_bytes(path, encoder(picture, quality))


def remarks_on(photo: Photo, path: Path, options: Mapping[str, Any] | None = None) -> tuple[Remark, ...]:
    """Return remarks on what an opened photo lost in reading, and on what its edit loses in the file `path`."""
    eight_bit = bool((options or {}).get("eight_bit"))
    return photo.remarks + tuple(remarks.losses(photo.pixels, photo.alpha, path.suffix.lower(), eight_bit))


def own_ending(photo: Photo) -> str:
    """Return the ending of the photo's own format where Mien writes that and it holds all of the photo, else ".png"."""
    ending = written_ending(photo.path) if photo.path else ""
    loses = any(remarks.losses(photo.pixels, photo.alpha, ending, eight_bit=False))
    return ending if ending in ENCODERS and not loses else ".png"


def encoder_for(path: Path) -> encoding.Encoder:
    """Return the encoder that a file's ending names; EngineError where there is none."""
    encoder = ENCODERS.get(written_ending(path))
    if encoder is None:
        raise EngineError(
            f"Mien does not write {path.suffix or 'files without an ending'}.",
            "Choose a name that ends in .png, .jpg, .tif, .webp, .avif or .bmp.",
            "export",
        )
    return encoder


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; EngineError where it cannot be written."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise unwritable(path, error, "export") from error


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write pixels (H, W, 3) as PNG without metadata, whole or not at all."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    write_bytes(path, buffer.getvalue())


def same_file(a: Path, b: Path) -> bool:
    """Return whether two paths lead to one file, also through links."""
    same = a.resolve() == b.resolve()
    with contextlib.suppress(OSError):  # one of the two may not be there
        same = same or a.samefile(b)
    return same


def _refuse_source(photo: Photo, path: Path) -> None:
    if photo.path is not None and same_file(path, photo.path):
        raise EngineError(
            f"{path.name} is the photo you opened, and Mien never overwrites it.",
            "Choose another name.",
            "export",
        )


def _prepared(
    photo: Photo, pixels: NDArray[Any], alpha: NDArray[Any] | None, ending: str, options: Mapping[str, Any]
) -> Photo:
    """Return the photo to encode: converted as asked, and marked where its pixels are not the source's."""
    keep = options.get("keep_metadata", True)
    xmp = photo.xmp if keep else None
    if not _unchanged(photo, pixels, alpha):
        xmp = marked_xmp(xmp, COMPOSITE_TRAINED if options.get("trained") else COMPOSITE_SYNTHETIC)
    icc = photo.icc
    if options.get("srgb") or ending in BARE:
        pixels, icc = to_srgb(pixels, icc), srgb_profile()
    if options.get("eight_bit"):
        pixels, alpha = to_eight_bit(pixels), None if alpha is None else to_eight_bit(alpha)
    exif = photo.exif if keep else None
    return replace(photo, pixels=pixels, alpha=alpha, icc=icc, exif=exif, xmp=xmp)


def _unchanged(photo: Photo, pixels: NDArray[Any], alpha: NDArray[Any] | None) -> bool:
    if alpha is None or photo.alpha is None:
        return alpha is photo.alpha and np.array_equal(pixels, photo.pixels)
    return np.array_equal(pixels, photo.pixels) and np.array_equal(alpha, photo.alpha)

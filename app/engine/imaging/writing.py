"""Saves pictures with their source's profile and metadata, whole or not at all, and never over the source."""

from __future__ import annotations

import contextlib
import io
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
from app.engine.imaging.options import USUAL, ExportOptions
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
    options: ExportOptions = USUAL,
    trained: bool = False,
) -> None:
    """Write new pixels of an opened photo to `path`, in the format its ending names.

    pixels: (H, W, 3) and alpha: (H, W) or None, both of the photo's type; trained: whether a trained network made the
    pixels. Changed pixels are marked with an IPTC Digital Source Type, which says so. EngineError for the source's own
    path, an unknown ending, a quality that does not exist, or a folder that cannot be written to.
    """
    encoder = encoder_for(path)
    _refuse_source(photo, path)
    if options.quality is not None and not 1 <= options.quality <= 100:
        raise EngineError(
            f"A quality of {options.quality} does not exist.", "Choose a number from 1 to 100.", "export"
        )
    source_type = None
    if not _unchanged(photo, pixels, alpha):
        source_type = COMPOSITE_TRAINED if trained else COMPOSITE_SYNTHETIC
    edited = replace(photo, pixels=pixels, alpha=alpha)
    write_bytes(path, encoder(_converted(edited, path, options, source_type), options.quality))


def remarks_on(photo: Photo, path: Path, options: ExportOptions = USUAL) -> tuple[Remark, ...]:
    """Return remarks on what an opened photo lost in reading, and on what its edit loses in the file `path`."""
    ending = path.suffix.lower()
    return photo.remarks + tuple(remarks.losses(photo.pixels, photo.alpha, ending, options.eight_bit))


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


def _converted(edited: Photo, path: Path, options: ExportOptions, source_type: str | None) -> Photo:
    """Return the picture as its file holds it.

    source_type: IPTC's address for how the pixels were made, None where they are the photo's own.
    """
    xmp = edited.xmp if options.keep_metadata else None
    if source_type is not None:
        xmp = marked_xmp(xmp, source_type)
    exif = edited.exif if options.keep_metadata else None
    pixels, alpha, icc = edited.pixels, edited.alpha, edited.icc
    if options.srgb or path.suffix.lower() in BARE:
        pixels, icc = to_srgb(pixels, icc), srgb_profile()
    if options.eight_bit:
        pixels, alpha = to_eight_bit(pixels), None if alpha is None else to_eight_bit(alpha)
    return replace(edited, pixels=pixels, alpha=alpha, icc=icc, exif=exif, xmp=xmp)


def _unchanged(photo: Photo, pixels: NDArray[Any], alpha: NDArray[Any] | None) -> bool:
    if alpha is None or photo.alpha is None:
        return alpha is photo.alpha and np.array_equal(pixels, photo.pixels)
    return np.array_equal(pixels, photo.pixels) and np.array_equal(alpha, photo.alpha)

"""Encodes a `Photo` as the bytes of a file: one function for each format that Mien writes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from app.engine.imaging.colour import on_white, to_eight_bit
from app.engine.imaging.metadata import marked_xmp, raw_text, source_type
from app.engine.imaging.photo import Photo

Encoder = Callable[[Photo, int | None], bytes]  # takes a photo and the quality, 1 to 100 or None

JPEG_SEGMENT = 65_000  # bytes that EXIF and XMP may each have, because a segment holds 65,535
# tifffile writes no pointers to EXIF and GPS directories: unused codes keep their places in the order of tags.
TIFF_POINTERS: dict[int, int] = {IFD.Exif: 34664, IFD.GPSInfo: 34852}
EXIF_PREFIX = b"Exif\x00\x00"


def jpeg(photo: Photo, quality: int | None) -> bytes:
    """Return a JPEG: 8 bits, without chroma subsampling, with transparent parts on white."""
    dpi = {"dpi": tuple(round(v) for v in photo.dpi)} if photo.dpi else {}
    blocks = _blocks(_fitting_jpeg(photo))
    return _pillow(on_white(photo), "JPEG", quality=quality or 95, subsampling=0, **blocks, **dpi)


def webp(photo: Photo, quality: int | None) -> bytes:
    """Return a WebP: 8 bits with alpha; quality 100 is lossless."""
    return _pillow(
        _with_alpha(photo),
        "WEBP",
        quality=quality or 92,
        lossless=quality == 100,
        exact=True,
        **_blocks(photo),
    )


def avif(photo: Photo, quality: int | None) -> bytes:
    """Return an AVIF: 8 bits with alpha, without chroma subsampling."""
    return _pillow(_with_alpha(photo), "AVIF", quality=quality or 88, subsampling="4:4:4", **_blocks(photo))


def bmp(photo: Photo, quality: int | None) -> bytes:
    """Return a BMP: 8 bits, pixels only, with transparent parts on white."""
    return _pillow(on_white(photo), "BMP", **({"dpi": photo.dpi} if photo.dpi else {}))


def png(photo: Photo, quality: int | None) -> bytes:
    """Return a PNG: 8 or 16 bits, lossless, with alpha.

    OpenCV packs the pixels, because Pillow has no RGB of 16 bits; this module adds the other chunks.
    """
    import cv2

    pixels = photo.pixels[..., ::-1]
    if photo.alpha is not None:
        pixels = np.dstack([pixels, photo.alpha])
    ok, packed = cv2.imencode(".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 4])
    if not ok:
        raise ValueError("OpenCV could not write PNG")
    data = packed.tobytes()
    header = 8 + 12 + 13  # signature, then IHDR, which must come first
    return data[:header] + b"".join(_png_chunks(photo)) + data[header:]


def tiff(photo: Photo, quality: int | None) -> bytes:
    """Return a TIFF: 8 or 16 bits, lossless (deflate), with alpha."""
    import tifffile

    pixels = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    exif = Image.Exif()
    exif.load(photo.exif or b"")
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        pixels,
        photometric="rgb",
        extrasamples=None if photo.alpha is None else ["unassalpha"],
        compression="adobe_deflate",
        predictor=True,
        iccprofile=photo.icc,
        resolution=photo.dpi,
        resolutionunit="INCH" if photo.dpi else None,
        metadata=None,
        software=False,
        extratags=_tiff_tags(exif, photo.xmp),
    )
    return _with_directories(bytearray(buffer.getvalue()), exif)


def _pillow(pixels: NDArray[np.uint8], name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, name, **options)
    return buffer.getvalue()


def _blocks(photo: Photo) -> dict[str, bytes]:
    """Return the photo's profile and metadata, by the names that Pillow's savers have for them."""
    named = {"icc_profile": photo.icc, "exif": photo.exif, "xmp": photo.xmp}
    return {name: block for name, block in named.items() if block}


def _fitting_jpeg(photo: Photo) -> Photo:
    """Return the photo without EXIF or XMP that exceed a JPEG segment; of such XMP only the source type stays."""
    exif = photo.exif if len(photo.exif or b"") < JPEG_SEGMENT else None
    term = source_type(photo.xmp)
    short = marked_xmp(None, term) if term else None
    return replace(photo, exif=exif, xmp=photo.xmp if len(photo.xmp or b"") < JPEG_SEGMENT else short)


def _with_alpha(photo: Photo) -> NDArray[np.uint8]:
    pixels = to_eight_bit(photo.pixels)
    picture = pixels if photo.alpha is None else np.dstack([pixels, to_eight_bit(photo.alpha)])
    return np.ascontiguousarray(picture)


def _png_chunks(photo: Photo) -> list[bytes]:
    """Return the chunks of a PNG (third edition) that stand between IHDR and IDAT."""
    chunks = []
    if photo.icc:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(photo.icc)))
    if photo.dpi:
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", *(round(v / 0.0254) for v in photo.dpi), 1)))
    if photo.exif:
        chunks.append(_chunk(b"eXIf", photo.exif.removeprefix(EXIF_PREFIX)))
    if photo.xmp:
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp" + b"\0" * 5 + photo.xmp))
    return chunks


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _tiff_tags(exif: Image.Exif, xmp: bytes | None) -> list[tuple[int, str | int, int, Any, bool]]:
    """Return the tags of EXIF and XMP in tifffile's form: (code, type, count, value, once)."""
    tags: list[tuple[int, str | int, int, Any, bool]] = []
    for code, value in exif.items():
        if code in TIFF_POINTERS:
            tags.append((TIFF_POINTERS[code], "I", 1, 0, True))
        elif isinstance(value, str):
            tags.append((int(code), "s", 0, raw_text(value), True))
        elif isinstance(value, bytes):
            tags.append((int(code), "B", len(value), value, True))
        elif isinstance(value, int) and code != Base.Orientation:
            tags += _whole_number_tag(int(code), value)
    if xmp:
        tags.append((700, "B", len(xmp), xmp, True))
    return tags


def _whole_number_tag(code: int, value: int) -> list[tuple[int, str | int, int, Any, bool]]:
    """Return an integer's tag in the narrowest type of TIFF 6.0 that holds it, [] for one beyond 32 bits."""
    for kind, low, high in (("H", 0, 2**16), ("I", 0, 2**32), ("i", -(2**31), 2**31)):
        if low <= value < high:
            return [(code, kind, 1, value, True)]
    return []


def _with_directories(data: bytearray, exif: Image.Exif) -> bytes:
    """Return a TIFF to which the EXIF and GPS directories are appended, with its placeholders pointing at them."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        order, tags = file.byteorder, file.pages.first.aspage().tags
        entries = {code: tags[place].offset for code, place in TIFF_POINTERS.items() if place in tags}
    header = (b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    for code, entry in entries.items():
        data += bytes(len(data) % 2)
        struct.pack_into(order + "HHII", data, entry, code, 4, 1, len(data))
        directory = ImageFileDirectory_v2(ifh=header)
        for tag, value in exif.get_ifd(code).items():
            directory[tag] = value
        data += directory.tobytes(len(data))
    return bytes(data)

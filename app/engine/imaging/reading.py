"""Opens picture files of every common format, upright and at their own depth."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base

from app.engine.errors import EngineError, Remark
from app.engine.files import require_file
from app.engine.imaging import remarks, tiff
from app.engine.imaging.colour import flat_rgb, grey_to_srgb, usable_rgb_profile
from app.engine.imaging.endings import RAW
from app.engine.imaging.icc import colour_space
from app.engine.imaging.metadata import kept_exif, kept_xmp, orientation_of, upright
from app.engine.imaging.photo import Photo

MIN_SIDE = 64  # px; smaller pictures hold no face of landmarks.MIN_SIDE
MAX_SIDE = 12_000  # px; chosen with MAX_PIXELS
MAX_PIXELS = 100_000_000  # which take 1.2 GB as float32
MAX_BYTES = 1 << 30  # bytes of the file; larger than any photo of MAX_PIXELS
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF", "AVIF")
READABLE = "JPEG, PNG, WebP, TIFF, BMP, HEIC, AVIF"
ICC_TAG, XMP_TAG = 34675, 700  # TIFF's numbers of the two tags
INCH = 2  # TIFF's number for inches in ResolutionUnit

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow refuses twice that before it reserves any memory
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `_check_size` raises a clearer error


def open_photo(path: Path) -> Photo:
    """Return the photo in a picture file; EngineError where it is no whole picture of 64 to 12,000 px a side.

    Of several pictures in one file it is the largest whole page of a TIFF, else the first one or the one that the file
    names as its primary. `Photo.remarks` names the others, and what reading changed.
    """
    path = Path(path)
    data = _bytes_of(path)
    if path.suffix.lower() in RAW:  # inside it is a TIFF whose picture is only a thumbnail
        raise EngineError(
            f"{path.name} is a camera raw file.",
            "Develop it first and open the JPEG or TIFF that you export.",
            "open",
        )
    with _decoder_errors(path):
        photo = _read(data, path)
    return replace(photo, path=path, key=hashlib.sha256(data).hexdigest())


def _read(data: bytes, path: Path) -> Photo:
    found = tiff.pages(data) if tiff.is_tiff(data) else []
    page = tiff.photo_among(found) if found else None
    chosen = data if page is None or page is found[0] else tiff.beginning_with(data, page)
    outer = None if chosen is data else _carrier(data)
    others = sum(one.whole for one in found if one is not page)
    if page is not None and page.floating:
        _check_size(page.size, path)
        array, light = tiff.from_floating(tiff.deep_pixels(chosen))
        carrier = _carrier(chosen)
        if light:
            carrier.info.pop("icc_profile", None)
        grey = array.ndim == 2 or array.shape[2] < 3
        return _photo(carrier, array, [*remarks.floating(light, grey), *remarks.pages(others)], outer)
    try:
        image = Image.open(io.BytesIO(chosen), formats=_formats())
    except UnidentifiedImageError as error:
        if page is None:
            raise
        raise _unreadable(path, page.samples) from error
    with image:
        _check_size(image.size, path)
        image.load()
        array = _array(image, chosen, path)
        noted = [*remarks.conversion(image, data, array.dtype), *remarks.pages(others)]
        return _photo(image, array, noted if found else [*noted, *remarks.frames(image)], outer)


def _carrier(data: bytes) -> Image.Image:
    """Return an empty picture with the metadata of a TIFF's first directory, for pixels that Pillow cannot open."""
    carrier = Image.new("RGB", (1, 1))
    carrier.info["exif"] = data  # EXIF is a TIFF
    # As in `metadata`: damaged tags are no reason not to open the picture.
    with contextlib.suppress(Exception):
        tags = carrier.getexif()
        named = {"icc_profile": tags.get(ICC_TAG), "xmp": tags.get(XMP_TAG)}
        carrier.info |= {name: value for name, value in named.items() if value}
        if tags.get(Base.ResolutionUnit, INCH) == INCH and Base.XResolution in tags:
            carrier.info["dpi"] = tags[Base.XResolution], tags[Base.YResolution]
    return carrier


@contextlib.contextmanager
def _decoder_errors(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises for a bad file into an EngineError."""
    try:
        yield
    except EngineError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        message = f"{path.name} is not a picture that Mien knows."
        raise EngineError(message, f"Open a file of one of these kinds: {READABLE}.", "open") from error
    except Exception as error:  # a damaged file can make a decoder raise anything
        message = f"{path.name} is damaged or cut short."
        raise EngineError(
            message, "Copy it again from where it came, or open another file.", "open"
        ) from error


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise EngineError(f"{path.name} is a folder.", "Choose a picture file inside it.", "open")
        require_file(path, "open")
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(path)
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        why = getattr(error, "strerror", None) or str(error)
        raise EngineError(
            f"{path.name} could not be read: {why}.",
            "Check that you may read the file, and that its disk is there.",
            "open",
        ) from error
    if not data:
        raise EngineError(
            f"{path.name} is empty.", "Copy it again from where it came, or open another file.", "open"
        )
    return data


@cache
def _formats() -> tuple[str, ...]:
    """Return those of `FORMATS` that this machine decodes; Pillow knows the names only once it has loaded them."""
    Image.init()
    with contextlib.suppress(ImportError):  # no wheel for this machine: HEIC is then an unknown format
        from pi_heif import register_heif_opener

        register_heif_opener()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _check_size(size: tuple[int, int], path: Path) -> None:
    if max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS:
        raise _too_large(path, size)
    if min(size) < MIN_SIDE:
        raise EngineError(
            f"{path.name} has only {size[0]} x {size[1]} pixels.",
            f"Open a larger copy: at least {MIN_SIDE} pixels a side, better 500 across the face.",
            "open",
        )


def _too_large(path: Path, size: tuple[int, int] | None = None) -> EngineError:
    extent = f" ({size[0]} x {size[1]} pixels)" if size else ""
    return EngineError(
        f"{path.name} is too large{extent}.",
        f"Save a copy of at most {MAX_SIDE} pixels a side and {MAX_PIXELS // 10**6} megapixels, and open that.",
        "open",
    )


def _unreadable(path: Path, samples: str) -> EngineError:
    return EngineError(
        f"{path.name} stores its pixels in a way that Mien cannot read ({samples}).",
        "Save it with 8 or 16 bits per channel and open that.",
        "open",
    )


def _array(image: Image.Image, data: bytes, path: Path) -> NDArray[Any]:
    """Return the pixels (H, W) or (H, W, C) as they are stored: grey or RGB, with or without alpha."""
    deep = _sixteen_bit(image, data)
    return _eight_bit(image, path) if deep is None else deep


def _photo(
    image: Image.Image, array: NDArray[Any], noted: Sequence[Remark], outer: Image.Image | None
) -> Photo:
    """Return the photo of a file's pixels.

    image: the picture that was read; noted: remarks so far; outer: the whole file where the image is a page inside it,
    whose metadata count where the page has none.
    """
    said = [image, *([outer] if outer else [])]
    icc = next((one.info["icc_profile"] for one in said if one.info.get("icc_profile")), None)
    pixels, alpha = _split(array)
    if icc and colour_space(icc) == "GRAY":
        pixels = grey_to_srgb(pixels, icc)
    orientation = next((turn for one in said if (turn := orientation_of(one)) != 1), 1)
    pixels = upright(pixels, orientation)
    size = pixels.shape[1], pixels.shape[0]
    return Photo(
        pixels=pixels,
        alpha=None if alpha is None else upright(alpha, orientation),
        icc=usable_rgb_profile(icc),
        exif=next((block for one in reversed(said) if (block := kept_exif(one, size))), None),
        xmp=next((packet for one in said if (packet := kept_xmp(one))), None),
        dpi=_dpi(image),
        remarks=tuple(noted),
    )


def _eight_bit(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise _unreadable(path, image.mode)
    if image.mode in ("CMYK", "LAB"):
        return np.asarray(flat_rgb(image))
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def _sixteen_bit(image: Image.Image, data: bytes) -> NDArray[np.uint16] | None:
    """Return the pixels (H, W) or (H, W, C), uint16, of a PNG or TIFF of 16 bits or a deep HEIC or AVIF; None for
    others.

    Pillow reads 8 bits of them.
    """
    if image.format == "PNG" and data[24] == 16:  # IHDR's bit depth
        return _by_opencv(data)
    if image.format == "HEIF" and int(image.info.get("bit_depth", 8)) > 8:
        return _deep_heif(data, int(image.info["bit_depth"]))
    if image.format == "AVIF" and (depth := remarks.bits_of(image, data)) > 8:
        return _deep_avif(data, depth, image.size)
    bits = getattr(image, "tag_v2", {}).get(258, ())
    if image.format == "TIFF" and set(bits) == {16} and image.mode not in ("CMYK", "LAB", "F"):
        array = tiff.deep_pixels(data)
        if array.dtype != np.uint16:
            raise ValueError("not 16 bits")
        return array
    return None


def _deep_heif(data: bytes, bits: int) -> NDArray[np.uint16]:
    """Return the primary picture of a HEIC file of 10 or 12 bits per channel, spread over the range of 16 bits."""
    from pi_heif import open_heif

    file = open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
    return _spread(np.asarray(file[file.primary_index]), bits)


def _deep_avif(data: bytes, bits: int, size: tuple[int, int]) -> NDArray[np.uint16] | None:
    """Return an AVIF of 10 or 12 bits per channel, spread over the range of 16; None where OpenCV cannot read it."""
    import cv2

    try:
        codes = _by_opencv(data)
    except (ValueError, cv2.error):
        return None
    return _spread(codes, bits) if codes.shape[1::-1] == size else None


def _spread(codes: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """Return codes of `bits` bits, spread over the range of 16 bits."""
    top = (1 << bits) - 1
    return ((codes.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)


def _by_opencv(data: bytes) -> NDArray[np.uint16]:
    import cv2

    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise ValueError("no 16-bit pixels")
    ordered: NDArray[np.uint16] = array if array.ndim == 2 else array[..., [2, 1, 0, 3][: array.shape[2]]]
    return ordered


def _split(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the RGB (H, W, 3) and the alpha (H, W) or None of pixels (H, W) or (H, W, C), grey or RGB."""
    array = array[..., None] if array.ndim == 2 else array
    channels = array.shape[2]
    colour = array[..., :3] if channels >= 3 else np.repeat(array[..., :1], 3, axis=2)
    return colour, array[..., -1] if channels in (2, 4) else None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        x, y = (float(v) for v in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if math.isfinite(x + y) and min(x, y) > 0 else None

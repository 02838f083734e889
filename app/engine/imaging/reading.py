"""Opening picture files: every common format, upright, at its own depth, or an error that says what to do."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from app.engine.errors import EngineError
from app.engine.imaging.colour import flat_rgb, grey_to_srgb, usable_rgb_profile
from app.engine.imaging.icc import colour_space
from app.engine.imaging.metadata import kept_exif, kept_xmp, orientation_of, upright
from app.engine.imaging.photo import Photo

MIN_SIDE = 64
MAX_SIDE = 12_000
MAX_PIXELS = 100_000_000
MAX_BYTES = 1 << 30
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF", "AVIF")
READABLE = "JPEG, PNG, WebP, TIFF, BMP, HEIC or AVIF"
# Camera raw files are TIFFs inside, and their TIFF picture is only a thumbnail.
RAW_ENDINGS = {".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw"}

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow refuses twice that before it reserves any memory
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # said by `_check_size` in better words


def open_photo(path: Path) -> Photo:
    """Read a picture file; EngineError for whatever is no whole picture of 64 to 12,000 pixels a side."""
    path = Path(path)
    data = _bytes_of(path)
    if path.suffix.lower() in RAW_ENDINGS:
        raise EngineError(
            f"{path.name} is a camera raw file.",
            "Develop it first and open the JPEG or TIFF that you export.",
            "open",
        )
    with _decoder_errors(path), Image.open(io.BytesIO(data), formats=_formats()) as image:
        _check_size(image.size, path)
        image.load()
        array = _array(image, data, path)
    return _photo(image, array, path, hashlib.sha256(data).hexdigest())


@contextlib.contextmanager
def _decoder_errors(path: Path) -> Iterator[None]:
    """Whatever a decoder says about a bad file, as something a user can act on."""
    try:
        yield
    except EngineError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        message = f"{path.name} is not a picture that Mien knows."
        raise EngineError(message, f"Open a {READABLE} file.", "open") from error
    except Exception as error:  # a damaged file can make a decoder raise anything
        message = f"{path.name} is damaged or cut short."
        raise EngineError(
            message, "Copy it again from where it came, or open another file.", "open"
        ) from error


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise EngineError(f"{path.name} is a folder.", "Choose a picture file inside it.", "open")
        if not path.is_file():
            raise EngineError(
                f"There is no file {path}.", "Check its name, or choose another picture.", "open"
            )
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
    """Those of `FORMATS` that this machine decodes; Pillow knows the names only once it has loaded them."""
    Image.init()
    with contextlib.suppress(ImportError):  # no wheel for this machine: HEIC is then told as unknown
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


def _array(image: Image.Image, data: bytes, path: Path) -> NDArray[Any]:
    """(H, W) or (H, W, C) as stored, grey or RGB, with or without alpha."""
    deep = _sixteen_bit(image, data)
    return _eight_bit(image, path) if deep is None else deep


def _photo(image: Image.Image, array: NDArray[Any], path: Path, key: str) -> Photo:
    icc = image.info.get("icc_profile")
    pixels, alpha = _split(array)
    if icc and colour_space(icc) == "GRAY":
        pixels = grey_to_srgb(pixels, icc)
    orientation = orientation_of(image)
    pixels = upright(pixels, orientation)
    return Photo(
        pixels=pixels,
        alpha=None if alpha is None else upright(alpha, orientation),
        icc=usable_rgb_profile(icc),
        exif=kept_exif(image, (pixels.shape[1], pixels.shape[0])),
        xmp=kept_xmp(image),
        dpi=_dpi(image),
        path=path,
        key=key,
    )


def _eight_bit(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise EngineError(
            f"{path.name} stores its pixels in a way that Mien cannot read ({image.mode}).",
            "Save it with 8 or 16 bits per channel and open that.",
            "open",
        )
    if image.mode in ("CMYK", "LAB"):
        return np.asarray(flat_rgb(image))
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def _sixteen_bit(image: Image.Image, data: bytes) -> NDArray[np.uint16] | None:
    """(H, W) or (H, W, C) uint16 of a 16-bit PNG or TIFF, which Pillow gives at 8; None for any other."""
    if image.format == "PNG" and data[24] == 16:  # IHDR's bit depth
        return _by_opencv(data)
    bits = getattr(image, "tag_v2", {}).get(258, ())
    if image.format == "TIFF" and set(bits) == {16} and image.mode not in ("CMYK", "LAB", "F"):
        return _sixteen_bit_tiff(data)
    return None


def _by_opencv(data: bytes) -> NDArray[np.uint16]:
    import cv2

    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise ValueError("no 16-bit pixels")
    ordered: NDArray[np.uint16] = array if array.ndim == 2 else array[..., [2, 1, 0, 3][: array.shape[2]]]
    return ordered


def _sixteen_bit_tiff(data: bytes) -> NDArray[np.uint16]:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first.aspage()
        separate = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1
        try:
            array = page.asarray()
            array = np.moveaxis(array, 0, -1) if separate else array
        except (
            ValueError
        ):  # LZW and the like need libtiff, which OpenCV brings (but takes no separate planes)
            if separate:
                raise
            array = _by_opencv(data)
        if array.dtype != np.uint16 or array.shape[2:] > (4,):
            raise ValueError("neither grey nor RGB of 16 bits")
        array = 65535 - array if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE else array
        return _straight_alpha(array) if 1 in page.extrasamples else array


def _straight_alpha(array: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Undo premultiplication (TIFF 6.0, ExtraSamples 1)."""
    alpha = array[..., -1:].astype(np.float64)
    colour = np.divide(array[..., :-1] * 65535.0, alpha, out=np.zeros(array[..., :-1].shape), where=alpha > 0)
    straight: NDArray[np.uint16] = np.rint(np.minimum(colour, 65535)).astype(np.uint16)
    joined: NDArray[np.uint16] = np.concatenate([straight, array[..., -1:]], axis=-1)
    return joined


def _split(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """(H, W), or (H, W, C) of grey or RGB with or without alpha, to (H, W, 3) and (H, W) or None."""
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

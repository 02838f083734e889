"""Writes sentences about what a file loses when Mien reads it, and when Mien writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from app.engine.errors import Remark
from app.engine.imaging.endings import ALIASES, DEEP, OPAQUE

ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
GREY = "The photo is grey; the result is RGB."
HDR_TRANSFER = {16: "PQ", 18: "HLG"}  # ITU-T H.273, table 3
DEEP_AVIF, TWELVE_AVIF = 0x40, 0x20  # bits of the third byte of an AV1 configuration box (AV1-ISOBMFF, 2.3)


def pages(others: int) -> Iterator[Remark]:
    """Yield a remark on the whole pages of a TIFF besides the one that was read."""
    if others:
        yield Remark(f"The file holds {others + 1} pages; only the largest one is edited.")


def frames(image: Image.Image) -> Iterator[Remark]:
    """Yield a remark on the other pictures in a file that Pillow opened: those of an animation, a burst or an MPO."""
    count = int(getattr(image, "n_frames", 1))
    if count < 2:
        return
    if image.format in ANIMATED:
        yield Remark(f"The file is an animation of {count} frames; only its first is edited.")
    else:
        yield Remark(f"The file holds {count} pictures; only its main one is edited.")


def floating(light: bool, grey: bool) -> Iterator[Remark]:
    """Yield remarks on a TIFF of floating-point numbers."""
    if grey:
        yield Remark(GREY)
    if light:
        yield Remark("Floating-point light beyond white was tone-mapped to 16 bits per channel.")
    else:
        yield Remark("Floating-point numbers were brought to 16 bits per channel.")


def conversion(image: Image.Image, data: bytes, kind: DTypeLike) -> Iterator[Remark]:
    """Yield remarks on a picture whose channels Mien converts. kind: the type as which its pixels were read."""
    if image.mode in ("CMYK", "LAB"):
        name = "CMYK" if image.mode == "CMYK" else "Lab"
        yield Remark(f"{name} colours were turned into sRGB; the result is RGB.")
    elif image.mode in ("1", "L", "LA") or image.mode.startswith("I;16"):
        yield Remark(GREY)
    bits = bits_of(image, data)
    if bits > 8 and np.dtype(kind) == np.uint8:
        yield Remark(f"{bits} bits per channel were read as 8.")
    transfer = HDR_TRANSFER.get((image.info.get("nclx_profile") or {}).get("transfer_characteristics", 0))
    if transfer:
        yield Remark(f"The file is HDR ({transfer}); its codes are kept, but the result does not say so.")


def losses(
    pixels: NDArray[Any], alpha: NDArray[Any] | None, ending: str, eight_bit: bool
) -> Iterator[Remark]:
    """Yield remarks on what is lost where a picture is written into a file with this ending.

    eight_bit: whether 8 bits were asked, which are no loss then.
    """
    if pixels.dtype == np.uint16 and not eight_bit and ALIASES.get(ending, ending) not in DEEP:
        yield Remark(f"A {ending} file holds 8 bits per channel; the photo has 16.")
    if alpha is not None and ALIASES.get(ending, ending) in OPAQUE:
        yield Remark(f"A {ending} file holds no transparency; transparent parts are white.")


def bits_of(image: Image.Image, data: bytes) -> int:
    """Return the bits per channel of the file, 8 where it names none."""
    if image.format == "AVIF":
        place = data.find(b"av1C")
        flags = data[place + 6] if 0 <= place < len(data) - 6 else 0
        return (12 if flags & TWELVE_AVIF else 10) if flags & DEEP_AVIF else 8
    if image.format == "HEIF":
        return int(image.info.get("bit_depth", 8))
    bits = getattr(image, "tag_v2", {}).get(258, (8,))
    return max(bits) if isinstance(bits, tuple) else int(bits)

"""Reads and writes compressed clips: one picture, then the face parameters of every frame.

A `.mienclip` is the packed performance of a clip with, before it, its reference frame as PNG:

    8 bytes   MIENCLIP
    4 bytes   length of the PNG, unsigned, little-endian; then the PNG
    rest      a packed `.performance`; its neutral is the reference frame's own parameters
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.engine.errors import EngineError
from app.engine.sources.performance import Performance
from app.engine.sources.performance_files import from_bytes, to_bytes

ENDING = ".mienclip"
MAGIC = b"MIENCLIP"


def packed_clip(picture: NDArray[np.uint8], performance: Performance) -> bytes:
    """Return the content of a compressed clip; picture: (H, W, 3) sRGB, the reference frame."""
    png = io.BytesIO()
    Image.fromarray(picture).save(png, "PNG", optimize=True)
    data = png.getvalue()
    return MAGIC + struct.pack("<I", len(data)) + data + to_bytes(performance, packed=True)


def read_clip(path: Path) -> tuple[NDArray[np.uint8], Performance]:
    """Return the reference frame (H, W, 3) and the performance; EngineError where the file is no whole compressed
    clip.
    """
    try:
        return unpacked_clip(path.read_bytes())
    except OSError as error:
        raise EngineError(f"{path.name} cannot be read: {error.strerror}.", "Choose another file.") from error


def unpacked_clip(data: bytes) -> tuple[NDArray[np.uint8], Performance]:
    """Return reference frame and performance of a compressed clip's content, as `read_clip` does."""
    try:
        if data[:8] != MAGIC:
            raise ValueError("it does not start like one")
        (length,) = struct.unpack_from("<I", data, 8)
        with Image.open(io.BytesIO(data[12 : 12 + length]), formats=["PNG"]) as image:
            picture = np.array(image.convert("RGB"))
        return picture, from_bytes(data[12 + length :])
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, OSError, struct.error) as error:
        raise EngineError(
            f"This is not a whole compressed clip: {error}.", "Compress the clip again."
        ) from error

"""Defines the frozen value of an opened picture file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from app.engine.errors import Remark


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture as it was opened: upright, in its own colour space, at its own depth.

    pixels: (H, W, 3) uint8 or uint16; alpha: (H, W) of the same type or None; icc, exif, xmp: the file's own blocks
    (EXIF without the orientation, which is applied already), kept for the export; key: SHA-256 of the file's bytes;
    remarks: sentences about what the file contains and this value does not.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    path: Path | None = None
    key: str = ""
    remarks: tuple[Remark, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Return (width, height) px."""
        return self.pixels.shape[1], self.pixels.shape[0]

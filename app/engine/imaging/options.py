"""Holds what a user chooses about a picture's file besides its format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportOptions:
    """How a picture is written.

    quality: 1 to 100 for JPEG, WebP (100 is lossless) and AVIF, None for the format's usual one; srgb: whether colours
    are converted to sRGB; eight_bit: whether 8 bits per channel are written where the format could hold 16;
    keep_metadata: whether EXIF and XMP are written, too.
    """

    quality: int | None = None
    srgb: bool = False
    eight_bit: bool = False
    keep_metadata: bool = True


USUAL = ExportOptions()

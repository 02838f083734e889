"""Marks a film with how it was made, as exported pictures are marked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import __version__
from app.engine.imaging.metadata import COMPOSITE_SYNTHETIC, COMPOSITE_TRAINED, marked_xmp

XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # ISO 16684-3: XMP in ISO base media files


@dataclass(frozen=True)
class Mark:
    """What a film says of how it was made. trained: whether a trained network made the pictures."""

    trained: bool = False

    @property
    def source_type(self) -> str:
        """Return the address of IPTC's Digital Source Type."""
        return COMPOSITE_TRAINED if self.trained else COMPOSITE_SYNTHETIC

    def as_metadata(self) -> list[str]:
        """Return ffmpeg's arguments that add a comment for people; `append_to` adds the mark for programs."""
        comment = f"A portrait animated by Mien {__version__}. Digital source type: {self.source_type}"
        return ["-metadata", f"comment={comment}"]

    def append_to(self, film: Path, kind: str) -> None:
        """Add the XMP packet as a box of its own at the end of an MP4; other kinds have the comment only."""
        if kind != "mp4":
            return
        packet = marked_xmp(None, self.source_type)
        with film.open("ab") as file:
            file.write((24 + len(packet)).to_bytes(4, "big") + b"uuid" + XMP_BOX + packet)

    def as_png(self) -> Any:
        """Return Pillow's PngInfo with the XMP packet."""
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", marked_xmp(None, self.source_type).decode("utf-8"))
        return info

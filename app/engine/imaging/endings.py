"""Lists the file endings that Mien reads and writes, in one place for every dialog, folder and encoder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif")
RAW = (".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw")  # named, but not read
WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF", ".webp": "WebP", ".avif": "AVIF", ".bmp": "BMP"}
ALIASES = {".jpeg": ".jpg", ".tiff": ".tif"}  # other endings of formats that are written
LOSSY = (".jpg", ".webp", ".avif")  # of the written ones, those with a quality
DEEP = (".png", ".tif")  # those that hold 16 bits per channel
OPAQUE = (".jpg", ".bmp")  # those that hold no transparency
BARE = (".bmp",)  # those that hold neither profile nor metadata
FILMS = {".mp4": "MP4 (H.264)", ".webm": "WebM (VP9)", ".png": "PNG"}  # .png is a folder of pictures
CLIPS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".gif")
PERFORMANCES = (".performance", ".csv", ".mienclip")  # files that drive by parameters


def written_ending(path: Path) -> str:
    """Return the ending in `WRITTEN` of the format that a path's ending names; the path's own for other formats."""
    ending = path.suffix.lower()
    return ALIASES.get(ending, ending)


def patterns(endings: Iterable[str]) -> str:
    """Return endings in the form of file dialogs: "*.mp4 *.mov"."""
    return " ".join(f"*{ending}" for ending in endings)

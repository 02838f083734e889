"""Which file endings Mien takes for pictures and for clips, in one place for every dialog and folder."""

from __future__ import annotations

from collections.abc import Iterable

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif")
CLIPS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".gif")
PERFORMANCES = (".performance", ".csv", ".mienclip")  # what drives without pictures


def patterns(endings: Iterable[str]) -> str:
    """As file dialogs take them: "*.mp4 *.mov"."""
    return " ".join(f"*{ending}" for ending in endings)

"""Reads a still, or a folder of pictures, as driving frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.reading import open_photo
from app.engine.sources.frames import FOLDER_RATE, Frame


class PictureSource:
    """Gives a still, or a folder's pictures in the order of their names, as frames at a constant rate."""

    live = False

    def __init__(self, paths: list[Path], rate: Fraction = FOLDER_RATE) -> None:
        self.name = paths[0].name if len(paths) == 1 else paths[0].parent.name
        self.rate: Fraction | None = rate
        self.total = len(paths)
        self._paths, self._next = paths, 0

    def take(self, timeout: float) -> Frame | None:
        if self.ended:
            return None
        index, self._next = self._next, self._next + 1
        pixels = to_srgb8(open_photo(self._paths[index]))
        step = 1 / (self.rate or FOLDER_RATE)
        return Frame(pixels, float(index * step), index, duration=float(step))

    @property
    def ended(self) -> bool:
        return self._next >= len(self._paths)

    def close(self) -> None:
        self._next = len(self._paths)

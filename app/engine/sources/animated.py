"""Plays animated pictures as clips, in those formats that ffmpeg does not play or of which it plays one frame only."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from app.engine.errors import EngineError
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.photo import Photo
from app.engine.imaging.reading import MAX_PIXELS
from app.engine.sources.frames import Frame

FORMATS = ("WEBP", "AVIF", "PNG")
# A frame that is to be shown for less than SHORTEST seconds is shown for INSTEAD seconds, as in Firefox and Chrome.
SHORTEST, INSTEAD = 0.011, 0.1
BEHIND = (255, 255, 255)  # red, green and blue, 0 to 255, behind transparent parts


def is_animated(path: Path) -> bool:
    """Return whether a file is a picture with an animation."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return int(getattr(image, "n_frames", 1)) > 1
    except (OSError, ValueError, SyntaxError):
        return False


def holds_film(path: Path) -> bool:
    """Return whether a HEIC file is an image sequence (ISO/IEC 23008-12, 7), which has a film's index and which ffmpeg
    plays.
    """
    if path.suffix.lower() not in (".heic", ".heif"):
        return False
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"moov":
                return True
            if length < 8:
                return False
            file.seek(length - 8, 1)
    return False


class AnimatedSource:
    """The frames of an animated WebP, AVIF or PNG, whole and at their own times.

    EngineError where the file is damaged or its frames are too large to be held one by one.
    """

    live = False

    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path
        self._image = Image.open(path, formats=FORMATS)
        self.total = int(getattr(self._image, "n_frames", 1))
        if self._image.width * self._image.height > MAX_PIXELS:
            self._image.close()
            raise EngineError(f"{path.name} is too large.", "Save a smaller copy, and use that.")
        self._next, self._time = 0, 0.0
        self._upcoming = self._read()
        first = self._upcoming.duration if self._upcoming else None
        self.rate: Fraction | None = Fraction(1 / (first or INSTEAD)).limit_denominator(1001)

    def take(self, timeout: float) -> Frame | None:
        frame, self._upcoming = self._upcoming, None
        self._upcoming = self._read() if frame is not None else None
        return frame

    @property
    def ended(self) -> bool:
        return self._upcoming is None

    def close(self) -> None:
        self._upcoming, self._next = None, self.total
        self._image.close()

    def _read(self) -> Frame | None:
        if self._next >= self.total:
            return None
        try:
            self._image.seek(self._next)
            self._image.load()
            whole = self._image.convert("RGBA")
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            self.close()
            raise EngineError(
                f"{self.name} is damaged or cut short.",
                "Copy it again from where it came, or use another clip.",
            ) from error
        flat = Image.new("RGBA", whole.size, BEHIND)
        flat.alpha_composite(whole)
        icc = self._image.info.get("icc_profile")
        pixels = to_srgb8(Photo(np.asarray(flat.convert("RGB")), icc=icc))
        duration = float(self._image.info.get("duration") or 0) / 1000
        duration = INSTEAD if duration < SHORTEST else duration
        frame = Frame(pixels, self._time, self._next, duration=duration)
        self._next, self._time = self._next + 1, self._time + duration
        return frame

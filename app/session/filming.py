"""What becomes of a recording, from the order to the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Film:
    """What becomes of a recording that the user asked for."""

    path: Path
    begun_again: bool = False  # its clip had ended before its first picture
    has_pictures: bool = False
    stopped: bool = False  # by the user
    saved: bool = False  # or it is known why not

"""Follows a recording from its order to its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Film:
    """The state of a recording that the user asked for."""

    path: Path
    begun_again: bool = False  # its clip had ended before its first picture
    has_pictures: bool = False
    stopped: bool = False  # whether the user has stopped it
    saved: bool = False  # whether it is written, or it is known why it cannot be

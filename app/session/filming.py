"""Follows a recording from the user's request to the finished file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Film:
    """The state of a recording that the user asked for."""

    path: Path
    begun_again: bool = False  # whether it was begun anew because its clip had ended before the first picture
    has_pictures: bool = False
    stopped: bool = False  # whether the user has stopped it
    saved: bool = False  # whether it is written, or has failed

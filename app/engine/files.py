"""Where the user's things lie, and how they are written: beside, then renamed, so that nothing is ever half there."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """Where the user's things of Mien lie: $MIEN_HOME, else the system's place for them."""
    if home := os.environ.get("MIEN_HOME"):
        return Path(home)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "Mien"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Mien"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mien"


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

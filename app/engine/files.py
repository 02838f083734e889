"""Where the user's things lie, and how they are written: beside, then renamed, so that nothing is ever half there."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"  # what comes with Mien


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


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends well it is renamed to `path`, else it is removed.

    Readers see the old file or the new one, whole. A file that is replaced keeps its permissions, a new one gets those
    of any new file. The path beside has the same suffix, for libraries that add one of their own. OSError as usual.
    """
    beside = path.with_name(f".mien-{uuid.uuid4().hex[:12]}.part{path.suffix}")
    try:
        yield beside
        with suppress(OSError):  # there is no old file, or the file system knows no permissions
            shutil.copymode(path, beside)
        os.replace(beside, path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all (see `written`)."""
    with written(path) as beside:
        beside.write_bytes(data)

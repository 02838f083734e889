"""Finds the folders of Mien, and writes files beside their place and renames them, so that no file is ever half
written.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.engine.errors import Action, EngineError

LONGEST_NAME = 255  # bytes of a file's name: the common limit of the file systems of Linux, macOS and Windows
ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"  # files that ship with Mien


def data_folder() -> Path:
    """Return the folder of the user's models, settings and logs: $MIEN_HOME, else the system's place for such data."""
    if home := os.environ.get("MIEN_HOME"):
        return Path(home)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "Mien"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Mien"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mien"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; that file is renamed to `path` when the block ends well, else removed.

    Readers see the old file or the new one, whole. A file that is replaced keeps its permissions, a new one gets those
    of any new file. The path beside has the same suffix, because some libraries add one of their own otherwise. OSError
    where the file cannot be written.
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


def check_place(path: Path, action: Action = "") -> None:
    """Raise EngineError where no file can be written at `path`, so that users learn it before long work and not
    after it.

    What is there already stays as it is, and nothing is left behind.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        if path.exists():
            if not path.is_file():
                raise OSError(errno.EINVAL, "not a file")
            with path.open("ab"):
                pass
        else:
            path.touch(exist_ok=False)
            path.unlink()
        beside = path.with_name(f".mien-{uuid.uuid4().hex[:12]}.part")
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise unwritable(path, error, action) from error


def require_file(path: Path, action: Action = "") -> None:
    """Raise EngineError if there is no file `path`, or OSError before Python 3.14 where its name is too long."""
    if not path.is_file():
        raise EngineError(f"There is no file {path}.", "Check its name, or choose another.", action)


def unwritable(path: Path, error: OSError, action: Action = "") -> EngineError:
    """Return the error for users that says why `path` cannot be written and what helps."""
    kind = error.errno
    if kind == errno.ENAMETOOLONG:
        return EngineError(f"The name {path.name[:40]}… is too long.", "Choose a shorter name.", action)
    if kind == errno.EISDIR:
        return EngineError(f"{path} is a folder.", "Choose a file name inside it.", action)
    if kind == errno.ENOTDIR or (kind == errno.ENOENT and not path.parent.is_dir()):
        return EngineError(
            f"There is no folder {path.parent}.", "Create it, or choose one that exists.", action
        )
    if kind in (errno.ENOSPC, errno.EDQUOT):
        return EngineError(
            f"The disk of {path} is full.", "Free some space on it, or choose another.", action
        )
    # A folder that takes no files, like /proc, says that they are not there.
    if kind in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
        remedy = "Choose a folder and a file that you may write to."
        return EngineError(f"Mien may not write {path}.", remedy, action)
    reason = error.strerror or str(error)
    return EngineError(f"{path} cannot be written: {reason}.", "Choose another folder or name.", action)


def free_path(path: Path, is_taken: Callable[[Path], bool] = Path.exists) -> Path:
    """Return the path where it is free, else the first free one of “name-2”, “name-3” and so on beside it."""
    free, number = path, 2
    while is_taken(free):
        free = path.with_name(fitting(path.stem, f"-{number}{path.suffix}"))
        number += 1
    return free


def fitting(stem: str, rest: str) -> str:
    """Return the file name stem + rest, with the stem cut short where the name would be too long."""
    room = LONGEST_NAME - len(os.fsencode(rest))
    return os.fsencode(stem)[:room].decode(errors="ignore") + rest

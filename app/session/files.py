"""Files that are never half written, and JSON that says what it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from app.engine.errors import EngineError
from app.engine.files import write_whole


def make_folder(folder: Path) -> None:
    """Make a folder with those above it, where there is none; EngineError where that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"The folder {folder} could not be made: {error.strerror}.", "Choose another folder."
        ) from error


def write_beside(path: Path, data: bytes) -> None:
    """Write a file beside its place, then rename: readers see the old one or the new one, whole.

    A file that is replaced keeps its permissions. EngineError where it cannot be written.
    """
    make_folder(path.parent)
    try:
        write_whole(path, data)
    except OSError as error:
        raise EngineError(
            f"{path.name} could not be written: {error.strerror}.", "Choose another folder."
        ) from error


def write_json(path: Path, value: Any) -> None:
    write_beside(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """Return the object in a JSON file whose "format" is `kind`; EngineError for anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EngineError(
            f"{path.name} could not be read: {error.strerror}.", "Choose another file."
        ) from error
    except ValueError as error:
        raise EngineError(f"{path.name} is damaged or is no Mien file.", "Choose another file.") from error
    if not isinstance(value, dict) or value.get("format") != kind:
        raise EngineError(f"{path.name} is no {kind.replace('-', ' ')} file.", "Choose another file.")
    return value


def finite(value: Any) -> float:
    """Return a number of a JSON file; ValueError for Infinity and NaN, which JSON has no business with but Python
    reads.
    """
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no number")
    return number


def index(value: Any) -> int:
    """Return a number of a list's places in a JSON file: whole, from 0 on; ValueError for anything else."""
    number = int(finite(value))
    if number < 0 or number != float(value):
        raise ValueError(f"{value} counts nothing")
    return number


def record(value: Any) -> dict[str, Any]:
    """Return a JSON object; ValueError for anything else."""
    if not isinstance(value, dict):
        raise ValueError("this is no object")
    return value

"""Writes files that are never half written, and JSON files that state their kind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from app.engine.errors import EngineError
from app.engine.files import write_whole


def make_folder(folder: Path) -> None:
    """Make a folder, and the folders above it, where it does not exist; EngineError where that is not
    allowed.
    """
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
    """Write a value as a JSON file; EngineError where that fails."""
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
    """Return a number of a JSON file; ValueError for Infinity and NaN, which JSON does not allow but Python
    reads.
    """
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no number")
    return number


def index(value: Any) -> int:
    """Return a list index of a JSON file, a whole number from 0 on; ValueError for anything else."""
    number = int(finite(value))
    if number < 0 or number != float(value):
        raise ValueError(f"{value} counts nothing")
    return number


def record(value: Any) -> dict[str, Any]:
    """Return a JSON object; ValueError for anything else."""
    if not isinstance(value, dict):
        raise ValueError("this is no object")
    return value

"""Files that are never half written, and JSON that says what it is."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from app.engine.errors import EngineError


def write_beside(path: Path, data: bytes) -> None:
    """Write a file beside its place, then rename: readers see the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError as error:
        Path(beside).unlink(missing_ok=True)
        raise EngineError(
            f"{path.name} could not be written: {error.strerror}.", "Choose another folder."
        ) from error


def write_json(path: Path, value: Any) -> None:
    write_beside(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """The object in a JSON file whose "format" is `kind`; EngineError for anything else."""
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

"""Reads and writes project files (`.mien`): JSON with a schema number, and with the photo's path and hash or
the photo itself.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import app
from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.engine.files import file_sha256
from app.session.document import DEFAULT_GENERATOR, Box, Document, Snapshot
from app.session.files import finite, index, read_json, record, write_beside, write_json

FORMAT, SCHEMA = "mien-project", 2  # the kind and version that each file states
SUFFIX = ".mien"


@dataclass(frozen=True)
class Project:
    """A document as a file keeps it.

    places: where its photo may be, the likeliest place first; embedded: the photo's bytes where the file
    contains them.
    """

    document: Document
    places: tuple[Path, ...]
    embedded: bytes | None = None
    origin: Path | None = None  # in a recovery file: the project it was saved in before

    def find_photo(self) -> Path | None:
        """Return the first place that has a photo with the right hash, else None."""
        for place in self.places:
            if place.is_file() and (not self.document.key or file_sha256(place) == self.document.key):
                return place
        return None


def save_project(path: Path, document: Document, embed: bool = False, origin: Path | None = None) -> None:
    """Write a project; with `embed`, the photo's own bytes go into the file."""
    write_json(path, to_json(document, path.parent, embed, origin))


def to_json(
    document: Document, folder: Path, embed: bool = False, origin: Path | None = None
) -> dict[str, Any]:
    """Return a project file's content; relative paths in it are relative to `folder`."""
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "app": app.__version__,
        "photo": _photo_to_json(document, folder, embed),
        "generator": document.generator,
        "active": document.active,
        "boxes": [list(box) for box in document.boxes],
        "edits": _edits_to_json(document.edits),
        "snapshots": [{"name": s.name, "edits": _edits_to_json(s.edits)} for s in document.snapshots],
        "origin": str(origin) if origin else None,
    }


def _photo_to_json(document: Document, folder: Path, embed: bool) -> dict[str, Any] | None:
    """Return the photo's entry, with its bytes where `embed` is set; EngineError where the photo is gone or
    has changed since it was opened.
    """
    if document.photo is None:
        return None
    photo = document.photo.absolute()
    entry: dict[str, Any] = {"path": str(photo), "sha256": document.key}
    try:
        entry["relative"] = os.path.relpath(photo, folder.absolute())
    except ValueError:
        entry["relative"] = None  # the photo is on another drive
    if embed:
        entry["data"] = base64.b64encode(_bytes_of(photo, document.key)).decode("ascii")
    return entry


def _bytes_of(photo: Path, key: str) -> bytes:
    """Return the photo's own bytes, as they were when it was opened."""
    remedy = "Put the photo back, or save the project without it."
    try:
        data = photo.read_bytes()
    except OSError as error:
        raise EngineError(f"The photo {photo.name} could not be read: {error.strerror}.", remedy) from error
    if key and hashlib.sha256(data).hexdigest() != key:
        raise EngineError(f"The photo {photo.name} has changed since it was opened.", remedy)
    return data


def _edits_to_json(edits: Mapping[int, FaceEdit]) -> dict[str, Any]:
    return {str(face): edit_to_json(edit) for face, edit in edits.items()}


def load_project(path: Path) -> Project:
    """Read a project of this or an older schema; EngineError where it is damaged or newer."""
    raw = read_json(path, FORMAT)
    try:
        return _project(migrate(raw, path.name), path.parent)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EngineError(
            f"{path.name} is damaged.", "Open another project, or the photo itself.", "open"
        ) from error


def _project(raw: Mapping[str, Any], folder: Path) -> Project:
    photo = record(raw["photo"] or {})
    places = [Path(os.path.normpath(folder / photo["relative"]))] if photo.get("relative") else []
    places += [Path(photo["path"])] if photo.get("path") else []
    document = Document(
        photo=places[-1] if places else None,
        key=str(photo.get("sha256", "")),
        edits=_edits_from_json(raw["edits"]),
        active=index(raw["active"]),
        generator=str(raw.get("generator", DEFAULT_GENERATOR)),
        boxes=tuple(_box(box) for box in raw["boxes"]),
        snapshots=tuple(Snapshot(str(s["name"]), _edits_from_json(s["edits"])) for s in raw["snapshots"]),
    )
    embedded = base64.b64decode(photo["data"], validate=True) if photo.get("data") else None
    if embedded is not None and hashlib.sha256(embedded).hexdigest() != document.key:
        raise ValueError("another photo is inside than it was made of")
    origin = Path(raw["origin"]) if raw.get("origin") else None
    return Project(document, tuple(dict.fromkeys(places)), embedded, origin)


def _box(raw: Iterable[Any]) -> Box:
    x, y, w, h = (finite(side) for side in raw)
    if w <= 0 or h <= 0:
        raise ValueError("a box without an area")
    return x, y, w, h


def _edits_from_json(raw: Any) -> dict[int, FaceEdit]:
    return {index(int(face)): edit_from_json(entry) for face, entry in record(raw).items()}


def edit_to_json(edit: FaceEdit) -> dict[str, Any]:
    return {"values": dict(edit.values), "latents": dict(edit.latents), "strength": edit.strength}


def edit_from_json(raw: Any) -> FaceEdit:
    """Return one face's edit, without controls that this version does not know; KeyError, TypeError or ValueError
    where it is damaged.
    """
    entry = record(raw)
    values = {name: finite(value) for name, value in record(entry["values"]).items() if name in BY_NAME}
    latents = {str(name): finite(value) for name, value in record(entry["latents"]).items()}
    strength = finite(entry["strength"])
    if not 0 <= strength <= 1:
        raise ValueError(f"a strength of {strength}")
    return FaceEdit(tuple(values.items()), tuple(latents.items()), strength)


def unpack_photo(project: Project, folder: Path) -> Path:
    """Write an embedded photo to `folder`, unless it is there already, and return its path, which is named by
    its hash.
    """
    assert project.embedded is not None
    suffix = project.places[-1].suffix if project.places else ".png"
    path = folder / f"{hashlib.sha256(project.embedded).hexdigest()}{suffix}"
    if not path.is_file():
        write_beside(path, project.embedded)
    return path


def migrate(raw: dict[str, Any], name: str) -> dict[str, Any]:
    """Bring an older file up to today's schema, one step at a time."""
    schema = raw.get("schema", 0)
    if not isinstance(schema, int) or schema < 1:
        raise EngineError(f"{name} is damaged.", "Open another project, or the photo itself.", "open")
    if schema > SCHEMA:
        raise EngineError(f"{name} was made by a newer Mien.", "Update Mien to open it.")
    for number in range(schema, SCHEMA):
        raw = MIGRATIONS[number]({**raw, "schema": number + 1})
    return raw


def _from_1(raw: dict[str, Any]) -> dict[str, Any]:
    """Convert a project of schema 1, which had one flat mapping of controls per face, and neither snapshots nor
    boxes.
    """
    flat = record(raw.get("edits", {}))
    edits = {face: {"values": values, "latents": {}, "strength": 1.0} for face, values in flat.items()}
    return {"active": 0, "boxes": [], "snapshots": [], "origin": None, **raw, "edits": edits}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}

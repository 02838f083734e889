"""Project files (`.mien`): JSON with a schema number; the photo by path and hash, or inside."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import app
from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.session.document import DEFAULT_GENERATOR, Document, Snapshot
from app.session.files import read_json, write_beside, write_json

FORMAT, SCHEMA = "mien-project", 2
SUFFIX = ".mien"


@dataclass(frozen=True)
class Project:
    """A document as a file keeps it. `places`: where its photo may be, likeliest first; `embedded`: its bytes."""

    document: Document
    places: tuple[Path, ...]
    embedded: bytes | None = None
    origin: Path | None = None  # in a recovery file: the project it was saved in before

    def find_photo(self) -> Path | None:
        """The first place that has a photo with the right hash, else None."""
        for place in self.places:
            if place.is_file() and (not self.document.key or file_key(place) == self.document.key):
                return place
        return None


def file_key(path: Path) -> str:
    """SHA-256 of a file's bytes, as `Photo.key`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_project(path: Path, document: Document, embed: bool = False, origin: Path | None = None) -> None:
    """Write a project; with `embed` the photo's own bytes go inside."""
    write_json(path, to_json(document, path.parent, embed, origin))


def to_json(
    document: Document, folder: Path, embed: bool = False, origin: Path | None = None
) -> dict[str, Any]:
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
    if document.photo is None:
        return None
    photo = document.photo.absolute()
    entry: dict[str, Any] = {"path": str(photo), "sha256": document.key}
    try:
        entry["relative"] = os.path.relpath(photo, folder.absolute())
    except ValueError:
        entry["relative"] = None  # another drive
    if embed:
        entry["data"] = base64.b64encode(photo.read_bytes()).decode("ascii")
    return entry


def _edits_to_json(edits: Mapping[int, FaceEdit]) -> dict[str, Any]:
    return {
        str(face): {"values": dict(e.values), "latents": dict(e.latents), "strength": e.strength}
        for face, e in edits.items()
    }


def load_project(path: Path) -> Project:
    """Read a project of this or an older schema; EngineError where it is damaged or newer."""
    raw = migrate(read_json(path, FORMAT), path.name)
    try:
        return _project(raw, path.parent)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EngineError(
            f"{path.name} is damaged.", "Open another project, or the photo itself.", "open"
        ) from error


def _project(raw: Mapping[str, Any], folder: Path) -> Project:
    photo = raw["photo"] or {}
    places = [Path(os.path.normpath(folder / photo["relative"]))] if photo.get("relative") else []
    places += [Path(photo["path"])] if photo.get("path") else []
    document = Document(
        photo=places[-1] if places else None,
        key=str(photo.get("sha256", "")),
        edits=_edits_from_json(raw["edits"]),
        active=int(raw["active"]),
        generator=str(raw.get("generator", DEFAULT_GENERATOR)),
        boxes=tuple((float(x), float(y), float(w), float(h)) for x, y, w, h in raw["boxes"]),
        snapshots=tuple(Snapshot(str(s["name"]), _edits_from_json(s["edits"])) for s in raw["snapshots"]),
    )
    embedded = base64.b64decode(photo["data"], validate=True) if photo.get("data") else None
    origin = Path(raw["origin"]) if raw.get("origin") else None
    return Project(document, tuple(dict.fromkeys(places)), embedded, origin)


def _edits_from_json(raw: Mapping[str, Any]) -> dict[int, FaceEdit]:
    edits = {}
    for face, entry in raw.items():
        values = {name: float(value) for name, value in entry["values"].items() if name in BY_NAME}
        latents = {str(name): float(value) for name, value in entry["latents"].items()}
        strength = float(entry["strength"])
        edits[int(face)] = FaceEdit(tuple(values.items()), tuple(latents.items()), strength)
    return edits


def unpack_photo(project: Project, folder: Path) -> Path:
    """Write an embedded photo to `folder` and return its path, named by its hash; done once."""
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
    """Schema 1 had one flat mapping of controls per face, and neither snapshots nor boxes."""
    edits = {
        face: {"values": values, "latents": {}, "strength": 1.0}
        for face, values in raw.get("edits", {}).items()
    }
    return {"active": 0, "boxes": [], "snapshots": [], "origin": None, **raw, "edits": edits}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}

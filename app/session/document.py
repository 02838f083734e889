"""Defines the document: a frozen value of what the user has open and asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.engine.face.parameters import FaceEdit

Box = tuple[float, float, float, float]  # (x, y, w, h) in the photo's pixels
DEFAULT_GENERATOR = "mesh-warp"


@dataclass(frozen=True)
class Snapshot:
    """A named state of every face, to which the user can come back."""

    name: str
    edits: Mapping[int, FaceEdit] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """One photo and its faces' edits.

    photo: the photo's file, None while nothing is open; key: SHA-256 of that file's bytes; edits: face index
    (left to right, from 0) -> what is asked, for changed faces only; active: the face that the panels act on;
    boxes: where the user drew a face that was not found.
    """

    photo: Path | None = None
    key: str = ""
    edits: Mapping[int, FaceEdit] = field(default_factory=dict)
    active: int = 0
    generator: str = DEFAULT_GENERATOR
    boxes: tuple[Box, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()

    @property
    def edit(self) -> FaceEdit:
        """Return the active face's edit."""
        return self.edit_of(self.active)

    @property
    def is_changed(self) -> bool:
        """Return whether some face is asked to differ from the photo."""
        return any(not edit.is_identity for edit in self.edits.values())

    def is_same_work(self, other: Document) -> bool:
        """Return whether both hold the same work: they may differ in the face the panels act on."""
        return replace(self, active=0) == replace(other, active=0)

    def edit_of(self, face: int) -> FaceEdit:
        """Return one face's edit."""
        return self.edits.get(face, FaceEdit())

    def of_photo(self, photo: Path, key: str) -> Document:
        """Return the same work on a photo at another place."""
        return replace(self, photo=photo, key=key)

    def with_faces(self, count: int) -> Document:
        """Return a copy without edits of faces beyond the first `count`, snapshots included."""

        def kept(edits: Mapping[int, FaceEdit]) -> dict[int, FaceEdit]:
            return {face: edit for face, edit in edits.items() if face < count}

        snapshots = tuple(replace(snapshot, edits=kept(snapshot.edits)) for snapshot in self.snapshots)
        active = min(self.active, max(0, count - 1))
        return replace(self, edits=kept(self.edits), active=active, snapshots=snapshots)

    def with_edit(self, edit: FaceEdit, face: int | None = None) -> Document:
        """Return a copy with one face's edit replaced; a face asked nothing of is left out of `edits`."""
        index = self.active if face is None else face
        edits = {i: e for i, e in self.edits.items() if i != index}
        if edit != FaceEdit():
            edits[index] = edit
        return replace(self, edits=dict(sorted(edits.items())))

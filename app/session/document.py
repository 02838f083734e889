"""The frozen value of what the user has open and asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.engine.face.parameters import FaceEdit

Box = tuple[float, float, float, float]  # (x, y, w, h) in the photo's pixels
DEFAULT_GENERATOR = "mesh-warp"


@dataclass(frozen=True)
class Snapshot:
    """A named state of every face, to come back to."""

    name: str
    edits: Mapping[int, FaceEdit] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """One photo and what is asked of its faces.

    photo: its file, None while nothing is open; key: SHA-256 of the file's bytes; edits: face index (left to
    right, from 0) -> what is asked, only faces that are changed; active: the face the panels act on;
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
        """What is asked of the active face."""
        return self.edits.get(self.active, FaceEdit())

    @property
    def is_changed(self) -> bool:
        """Some face is asked to differ from the photo."""
        return any(not edit.is_identity for edit in self.edits.values())

    def with_edit(self, edit: FaceEdit, face: int | None = None) -> Document:
        """A copy with one face's edit replaced; a face asked nothing of is left out of `edits`."""
        index = self.active if face is None else face
        edits = {i: e for i, e in self.edits.items() if i != index}
        if edit != FaceEdit():
            edits[index] = edit
        return replace(self, edits=dict(sorted(edits.items())))

"""Renumbers the faces after another face was found between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.engine.contract import Portrait
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session.document import Box, Document, Snapshot


def index_of(portrait: Portrait, face: FittedFace) -> int:
    """Return the index that a face has in the portrait with the added face."""
    return min(range(len(portrait.faces)), key=lambda i: _distance(portrait.faces[i].box, face.box))


def _distance(a: Box, b: Box) -> float:
    return sum(abs(p - q) for p, q in zip(a, b))


def renumbering(before: Portrait, after: Portrait) -> dict[int, int]:
    """Return each face's new index by its old one, where faces were added or adding them was undone.

    Faces that only one of the two portraits has are numbered after all faces of the other, so that the way back
    gives every index again.
    """
    if len(after.faces) < len(before.faces):
        return {new: old for old, new in renumbering(after, before).items()}
    where = {old: index_of(after, face) for old, face in enumerate(before.faces)}
    added = [i for i in range(len(after.faces)) if i not in where.values()]
    return where | dict(enumerate(added, len(before.faces)))


def renumbered(edits: Mapping[int, FaceEdit], where: Mapping[int, int]) -> dict[int, FaceEdit]:
    """Return every face's edit under the face's new index."""
    return {where.get(i, i): edit for i, edit in edits.items()}


def renumbered_snapshots(snapshots: Iterable[Snapshot], where: Mapping[int, int]) -> tuple[Snapshot, ...]:
    """Return the snapshots with every face's edit under the face's new index."""
    return tuple(replace(snapshot, edits=renumbered(snapshot.edits, where)) for snapshot in snapshots)


def with_face_added(document: Document, before: Portrait, after: Portrait, box: Box) -> dict[str, Any]:
    """Return the document's fields that change when a face was found in a box: each edit stays with its face."""
    where = renumbering(before, after)
    new = where.get(len(before.faces), 0)
    return {"boxes": (*document.boxes, box), "edits": renumbered(document.edits, where), "active": new}

"""Renumbers the faces after another face was found between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.engine.contract import Portrait
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session.document import Box, Document


def index_of(portrait: Portrait, face: FittedFace) -> int:
    """Return the index that a face has in the portrait with the added face."""
    return min(range(len(portrait.faces)), key=lambda i: _distance(portrait.faces[i].box, face.box))


def _distance(a: Box, b: Box) -> float:
    return sum(abs(p - q) for p, q in zip(a, b))


def renumbered(edits: Mapping[int, FaceEdit], where: Mapping[int, int]) -> dict[int, FaceEdit]:
    """Return every face's edit under the face's new index."""
    return {where[i]: edit for i, edit in edits.items()}


def with_face_added(document: Document, before: Portrait, after: Portrait, box: Box) -> dict[str, Any]:
    """Return the document's fields that change when a face was found in a box: each edit stays with its face."""
    where = {old: index_of(after, face) for old, face in enumerate(before.faces)}
    new = next((i for i in range(len(after.faces)) if i not in where.values()), 0)
    snapshots = tuple(replace(s, edits=renumbered(s.edits, where)) for s in document.snapshots)
    edits = renumbered(document.edits, where)
    return {"boxes": (*document.boxes, box), "edits": edits, "active": new, "snapshots": snapshots}

"""Where the faces went when one more was found between them."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.contract import Portrait
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session.document import Box


def index_of(portrait: Portrait, face: FittedFace) -> int:
    """Where a face went when another was added."""
    return min(range(len(portrait.faces)), key=lambda i: _distance(portrait.faces[i].box, face.box))


def _distance(a: Box, b: Box) -> float:
    return sum(abs(p - q) for p, q in zip(a, b))


def moved(edits: Mapping[int, FaceEdit], where: Mapping[int, int]) -> dict[int, FaceEdit]:
    """Every face's edit under the face's new index."""
    return {where[i]: edit for i, edit in edits.items()}

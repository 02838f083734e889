"""What the engine's face room knows of one-click edits, as control values; loaded when first used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.engine.face.parameters import FaceEdit, FittedFace


def frontalise(face: FittedFace, strength: float) -> dict[str, float]:
    """Pose values that turn the face to the camera: 0 keeps its pose, 1 looks straight ahead."""
    from app.engine.face import semantic

    return _values(semantic.frontalise(face, strength))


def neutralise(face: FittedFace, strength: float) -> dict[str, float]:
    """Expression values that relax the face: 0 keeps its expression, 1 is neutral."""
    from app.engine.face import semantic

    return _values(semantic.neutralise(face, strength))


def drag(face: FittedFace, edit: FaceEdit, landmark: int, to: tuple[float, float]) -> FaceEdit:
    """The most probable expression with one landmark moved to a point of the photo (px)."""
    from app.engine.face import semantic
    from app.engine.face.morphable_model import default_model

    return semantic.drag(default_model(), face, edit, landmark, to)


def _values(edit: FaceEdit | Mapping[str, float] | Any) -> dict[str, float]:
    return dict(edit.values if isinstance(edit, FaceEdit) else edit)

"""Gives the engine's one-click edits as control values; the engine's code for them is loaded when first used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import N_VERTICES, FaceEdit, FittedFace


def frontalise(face: FittedFace, strength: float) -> dict[str, float]:
    """Return the pose values that turn the face to the camera: 0 keeps its pose, 1 looks straight ahead."""
    from app.engine.face import semantic

    return _values(semantic.frontalise(face, strength))


def neutralise(face: FittedFace, strength: float) -> dict[str, float]:
    """Return the expression values that relax the face: 0 keeps its expression, 1 is neutral."""
    from app.engine.face import semantic

    return _values(semantic.neutralise(face, strength))


def expression_controls() -> tuple[str, ...]:
    """Return the controls that Neutralise sets; it leaves all others alone."""
    from app.engine.face.semantic import MOVEMENTS

    return tuple(MOVEMENTS)


def sigmas(face: FittedFace, name: str) -> float:
    """Return how far one unit of a control moves the expression, in standard deviations; 0 for pose and gaze."""
    from app.engine.face import semantic

    moved = semantic.resolve(FaceEdit.of(**{name: 1.0}), face, default_model()).expression
    return float(np.linalg.norm(np.subtract(moved.coefficients, face.params.expression.coefficients)))


def _values(edit: FaceEdit | Mapping[str, float] | Any) -> dict[str, float]:
    return dict(edit.values if isinstance(edit, FaceEdit) else edit)


def points(face: FittedFace, edit: FaceEdit) -> NDArray[np.float64]:
    """Return (478, 3) pixels: where the face's landmarks are asked to be, irises turned by head and gaze."""
    if edit.is_identity:
        return face.landmarks
    from app.engine.face import semantic
    from app.engine.face.fitting import EYEBALL

    model, own = default_model(), face.params
    target = semantic.resolve(edit, face, model)
    shape = model.shape(target.identity, target.expression)
    mesh = target.camera.project(shape + face.residual)
    irises = own.camera.unproject(face.landmarks[N_VERTICES:])
    turn = np.radians(np.subtract(target.expression.gaze, own.expression.gaze))
    irises[:, :2] += EYEBALL * np.sin(turn)
    return np.concatenate([mesh, target.camera.project(irises)])

"""Where an edit puts a face's landmarks in the photo: what handles and layers of the canvas follow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FaceEdit, FittedFace

EYE_RADIUS = 0.19  # eyeball's, in distances between the eyes
# Iris points of the 478 with the corners of their eye: MediaPipe's topology.
IRISES = ((range(468, 473), (33, 133)), (range(473, 478), (362, 263)))


def asked_landmarks(face: FittedFace, edit: FaceEdit) -> NDArray[np.float64]:
    """(478, 3) as `Camera.project` gives them: the fit's own where nothing is asked, else the edit's target.

    The target's vertices keep the fit's residual; irises go with their eyes and turn with the gaze.
    """
    if edit.is_identity:
        return face.landmarks
    from app.engine.face.morphable_model import default_model
    from app.engine.face.semantic import resolve

    model = default_model()
    before, after = face.params, resolve(edit, face, model)
    shape = model.shape(after.identity, after.expression) + face.residual
    points = face.landmarks.copy()
    points[:468] = after.camera.project(shape)
    turn = [
        math.sin(math.radians(a)) - math.sin(math.radians(b))
        for a, b in zip(after.expression.gaze, before.expression.gaze)
    ]
    roll = math.radians(after.camera.roll)
    way = np.array(
        [
            turn[0] * math.cos(roll) + turn[1] * math.sin(roll),
            turn[0] * math.sin(roll) - turn[1] * math.cos(roll),
        ]
    )
    for irises, corners in IRISES:
        rows, ends = list(irises), list(corners)
        shift = points[ends].mean(axis=0) - face.landmarks[ends].mean(axis=0)
        points[rows] = face.landmarks[rows] + shift
        points[rows, :2] += EYE_RADIUS * after.camera.scale * way
    return points


def mesh() -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The model's triangles (T, 3) and their NMFC colours (T, 3) in [0, 1]."""
    from app.engine.face.morphable_model import default_model

    model = default_model()
    return model.triangles, model.nmfc_colours()

"""Makes faces from the model, so that the right answer of a fit is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from app.engine.face.fitting import EYES, fit_face
from app.engine.face.landmarks import DetectedFace, FaceTracker
from app.engine.face.morphable_model import MorphableModel, default_model
from app.engine.face.parameters import FaceParams, FittedFace


@pytest.fixture(scope="session")
def model() -> MorphableModel:
    return default_model()


@pytest.fixture(scope="session")
def detected(model: MorphableModel) -> Callable[[FaceParams], DetectedFace]:
    """Return a function that gives the landmarks to which parameters project, with irises in the middle of
    the eyes.
    """

    def make(params: FaceParams) -> DetectedFace:
        shape = model.shape(params.identity, params.expression)
        irises = {iris: (shape[outer] + shape[inner]) / 2 for outer, inner, _, _, iris in EYES.values()}
        tail = np.array([irises[468]] * 5 + [irises[473]] * 5)
        points = params.camera.project(np.concatenate([shape, tail]))
        low, high = points[:468, :2].min(axis=0), points[:468, :2].max(axis=0)
        return DetectedFace(points, (float(low[0]), float(low[1]), *(high - low).tolist()))

    return make


@pytest.fixture(scope="session")
def astronaut_faces(astronaut) -> tuple[DetectedFace, ...]:
    with FaceTracker() as tracker:
        return tracker.detect(astronaut)


@pytest.fixture(scope="session")
def face(astronaut_faces, model: MorphableModel) -> FittedFace:
    """Return the astronaut's face, fitted."""
    return fit_face(astronaut_faces[0], model)

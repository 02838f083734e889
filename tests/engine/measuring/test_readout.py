"""The read-out says what was drawn where the landmark network reads less of it."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceEdit, FaceParams, FittedFace, Identity
from app.engine.face.semantic import SHUT, resolve
from app.engine.measuring.readout import compare

OWN = (0.3, 0.28)  # the photo's lid apertures, left and right


def fitted(expression: Expression) -> FittedFace:
    model = default_model()
    params = FaceParams(Identity(), expression, Camera(100.0, translation=(200.0, 200.0)))
    points = params.camera.project(model.mean + model.expression_offset(expression))
    landmarks = np.vstack([points, np.zeros((10, 3))])
    return FittedFace(params, landmarks, (100.0, 100.0, 200.0, 200.0), np.zeros((468, 3)))


def read(aperture: tuple[float, float], edit: FaceEdit) -> dict[str, float]:
    before = fitted(Expression(aperture=OWN))
    after = fitted(Expression(aperture=aperture))
    target = resolve(edit, before, default_model())
    return dict(compare(before, target, after, edit, default_model()).measured)


def test_eyes_that_are_read_as_they_were_are_as_they_were() -> None:
    assert read(OWN, FaceEdit.of(blink_left=0.5))["blink_left"] == pytest.approx(0, abs=1e-9)


def test_half_shut_eyes_read_as_two_thirds_open_were_half_shut() -> None:
    two_thirds = tuple(SHUT + 0.665 * (own - SHUT) for own in OWN)
    found = read((two_thirds[0], two_thirds[1]), FaceEdit.of(blink_left=0.5, blink_right=0.5))
    assert found["blink_left"] == pytest.approx(0.5, abs=0.02)
    assert found["blink_right"] == pytest.approx(0.5, abs=0.02)


def test_wide_eyes_are_wider_than_they_are_read() -> None:
    found = read((OWN[0] + 0.04, OWN[1] + 0.04), FaceEdit.of(eyes_wide=1))
    assert found["eyes_wide"] > 0.9
    assert read((SHUT, SHUT), FaceEdit.of(blink_left=1))["blink_left"] == pytest.approx(1, abs=0.01)

"""Spectacles are told by their bridge."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera
from app.engine.warping.spectacles import spectacles

CAMERA = Camera(100.0, translation=(200.0, 200.0))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_dark_bar_across_the_nose_is_a_bridge(depth: type) -> None:
    points = CAMERA.project(default_model().mean)
    skin = np.full((400, 400, 3), (190, 140, 115), depth) * (257 if depth is np.uint16 else 1)
    assert spectacles(skin.astype(depth), points, CAMERA) == 0
    worn = skin.copy()
    y = round(float(points[6, 1]))
    worn[y - 3 : y + 3, 170:230] //= 8
    assert spectacles(worn.astype(depth), points, CAMERA) == 1
    shaded = skin * np.linspace(1, 0.5, 400)[None, :, None]
    assert spectacles(shaded.astype(depth), points, CAMERA) < 0.1, "a nose has a shadow at its side"


def test_a_nose_outside_the_photo_wears_none() -> None:
    points = CAMERA.project(default_model().mean) + [900.0, 0, 0]
    assert spectacles(np.full((400, 400, 3), 90, np.uint8), points, CAMERA) == 0

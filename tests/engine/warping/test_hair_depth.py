"""Hair beside a head stands where the head is, so that it does not stand out when the head turns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.engine.engine import Engine
from app.engine.face.parameters import Camera
from app.engine.head import HeadModel, fit_head
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.matte import person_matte
from app.engine.warping.hair_depth import FURTHER_BACK, beside_the_head

FOLDER = next((f / "shared/media/images" for f in Path(__file__).parents if (f / "shared").is_dir()), None)


@pytest.mark.parametrize("yaw", [-40.0, 0.0, 40.0])
def test_hair_behind_the_ear_of_a_turned_head_stands_behind_the_head(yaw: float) -> None:
    """Once, such hair was a dark crescent beside the ear of a head that was turned to the front."""
    if FOLDER is None:
        pytest.skip("needs the portraits of ../shared/media/images")
    engine = Engine()
    portrait = engine.open(FOLDER / "a_p22_nasa.jpg")
    pixels = to_srgb8(portrait.photo)
    head = fit_head(portrait.faces[0], person_matte(pixels, portrait.faces[0]), pixels)
    engine.close()
    camera = Camera.from_angles(yaw, 0, 0, 40.0, (120.0, 120.0))
    head = replace(head, camera=camera)
    places: Any = SimpleNamespace(factor=1.0)
    depth = np.full((240, 240), float(camera.project(head.centre[None])[0, 2]))
    back = beside_the_head(head, places, depth)
    y, x = np.indices(depth.shape) + 0.5
    before, after = (
        camera.unproject(np.column_stack([x.ravel(), y.ravel(), z.ravel()])) for z in (depth, depth - back)
    )
    skull = HeadModel.load().without_ears(head.points)
    level = np.abs(before[:, 1] - head.centre[1]) < 0.5
    near = np.sign(camera.rotation[2, 0]) * before[:, 0]
    half = np.abs(skull[:, 0]).max()
    aside = level & (near > half + 0.05) & (near < half + 0.3)
    if yaw == 0:
        assert back.max() == 0
    else:
        assert aside.sum() > 100
        assert np.abs(after[aside, 0]).max() < half + 0.02
        assert 0 < back.max() <= FURTHER_BACK * camera.scale

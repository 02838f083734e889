"""A shaved head is told from one with hair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.hairline import haired, inside_hairline
from app.engine.head.model import HeadModel
from app.engine.head.raster import rasterised

SIZE = 400  # px
CAMERA = Camera.from_angles(0, 0, 0, 60.0, (SIZE / 2, SIZE / 2))
SKIN = np.array([200, 150, 120])


def seen_with(crown: NDArray[np.float64]) -> float:
    """Return what `haired` says of the template, whose hair has the brightness (H, W) of its skin."""
    model = HeadModel.load()
    unit = model.weights @ model.points
    iod = float(np.linalg.norm(unit[[33, 133]].mean(0) - unit[[263, 362]].mean(0)))
    points = (model.points - unit[[33, 133, 263, 362]].mean(0)) / iod
    ids, _ = rasterised(CAMERA.project(points), model.triangles, (0, 0, SIZE, SIZE))
    scalp = np.append((inside_hairline(True)[model.triangles] > 0).all(axis=1), False)[ids]
    picture = np.where(scalp, crown, 1.0)[..., None] * SKIN
    return haired(model, points, CAMERA, (ids >= 0).astype(np.float32), picture.astype(np.uint8), True)


def test_a_crown_like_the_face_is_shaved() -> None:
    assert seen_with(np.ones((SIZE, SIZE))) == 0
    assert seen_with(np.full((SIZE, SIZE), 1.15)) == 0, "a crown shines"


def test_dark_hair_is_hair() -> None:
    assert seen_with(np.full((SIZE, SIZE), 0.4)) == 1


def test_hair_as_bright_as_skin_is_told_by_its_texture() -> None:
    noise = np.random.default_rng(0).normal(size=(SIZE // 4, SIZE // 4)).repeat(4, 0).repeat(4, 1)
    assert seen_with(np.clip(1 + 0.2 * noise, 0.4, 1.25)) == 1

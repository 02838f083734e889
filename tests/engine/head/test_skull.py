"""A skull with hair that stands out further than it may is round."""

from __future__ import annotations

import numpy as np

from app.engine.face.parameters import Camera
from app.engine.head.model import HeadModel
from app.engine.head.skull import RATIO, inflated

SIZE = 400  # px


def test_hair_wider_than_a_skull_may_be_makes_no_corners() -> None:
    """Once, where the outline's growth met its limit, turned heads had a corner above each ear."""
    model = HeadModel.load()
    unit = model.weights @ model.points
    iod = float(np.linalg.norm(unit[[33, 133]].mean(0) - unit[[263, 362]].mean(0)))
    points = (model.points - unit[[33, 133, 263, 362]].mean(0)) / iod
    camera = Camera.from_angles(0, 0, 0, 60.0, (SIZE / 2, SIZE / 2))
    at = camera.project(points)
    y, x = np.indices((SIZE, SIZE))
    skull = at[(model.points[:, 1] > 0) & ~model.ear]
    matte = (np.abs(x - SIZE / 2) < 1.45 * np.abs(skull[:, 0] - SIZE / 2).max()) & (y > skull[:, 1].min() - 2)
    centre = np.array([0.0, 0.35, -1.3])
    chin = float((model.weights @ points)[152, 1])
    _, grown = inflated(model, points, camera, matte.astype(np.float32), centre, chin, False)
    log = np.log1p(grown)
    assert log.max() > 0.6 * np.log(RATIO[1]), "it does grow"
    corner = (log - model.averaging @ log)[~model.ear]
    assert corner.max() < 0.02

"""Colours of vertices are blurred over the head, not across the picture."""

from __future__ import annotations

import numpy as np

from app.engine.face.parameters import Camera
from app.engine.head import HeadModel, rasterised
from app.engine.head.light import light_on, tint_of
from app.engine.head.low_colours import low_colours
from app.engine.head.raster import carried, shares
from app.engine.head.skull import smoothstep

IOD = 60.0  # px between the eyes of the drawn head
CM = 6.3  # cm between the eyes of the head model


def test_the_shaded_rim_of_a_turned_forehead_keeps_its_own_colour() -> None:
    """Once, the blur mixed it with brighter skin, and what was mirrored beyond the rim had another shade."""
    model, side = HeadModel.load(), 320
    camera = Camera.from_angles(40.0, 0.0, 0.0, IOD / CM, (side / 2, side / 2))
    points = np.ascontiguousarray(camera.project(model.points - [0, 2, 0]))
    facing = (model.normals(model.points) @ camera.rotation.T)[:, 2]
    colours = np.repeat(40 + 170 * smoothstep(0.2, 0.8, facing)[:, None], 3, 1)
    ids, _ = rasterised(points, model.triangles, (0, 0, side, side))
    share = np.empty((side, side, 3), np.float32)
    shares(points - [0.5, 0.5, 0.0], model.triangles, ids, 0, 0, share)
    picture = np.zeros((side, side, 3), np.float32)
    every = np.arange(len(points), dtype=np.int32)
    carried(ids, share, model.triangles, every, colours.astype(np.float32), picture)
    matte = (ids >= 0).astype(np.float32)
    low = low_colours(picture.astype(np.uint8), matte, IOD, points[:, :2], np.clip(facing, 0, 1))
    _, y, z = model.points.T
    rim = (y > 6) & (y < 10) & (z > 4) & (model.points[:, 0] > 0) & (np.abs(facing - 0.5) < 0.05)
    assert rim.sum() > 20
    assert (low.vertices - colours)[rim].mean() < 18, "a blur across the picture is 30 levels too bright"


def test_a_cool_lamp_before_a_warm_room_is_told_from_skin() -> None:
    """Once, only the brightness of turned skin changed, and a strip of the forehead that had turned from the room to
    the lamp was warmer than the skin on both sides of it."""
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(800, 3))
    normals[:, 2] = np.abs(normals[:, 2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    lamp = 0.35 + 0.4 * normals[:, 2] + 0.2 * normals[:, 0]
    skin = np.array([0.9, 0.7, 0.6])
    asked = np.array([0.75, 1.0, 1.2])
    colours = skin * lamp[:, None] ** asked
    even = np.ones(len(normals))
    tint = tint_of(normals, colours, even, light_on(normals, colours[:, 1], even))
    np.testing.assert_allclose(tint, asked, atol=0.06)
    plain = skin * lamp[:, None]
    tint = tint_of(normals, plain, even, light_on(normals, plain[:, 1], even))
    np.testing.assert_allclose(tint, 1, atol=0.02)

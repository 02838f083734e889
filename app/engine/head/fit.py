"""Fits the head model to landmarks and to the matte's outline (docs/mesh-warp.md, “Whole head”)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.face.fitting import align
from app.engine.face.parameters import Camera, FittedFace
from app.engine.head.ears import held_in, placed_ears
from app.engine.head.hairline import haired
from app.engine.head.head import FloatArray, Head
from app.engine.head.model import HeadModel
from app.engine.head.neck import narrowed, within_person
from app.engine.head.skull import inflated, smoothstep

# rounds that fit the similarity, and the shapes' weights by ridge regression, in turn (docs/mesh-warp.md, “Whole head”)
ROUNDS = 4
EXPRESSION_RANGE = (-0.3, 1.2)  # weights of a shape; ICT's own go from 0 to 1, and people go a little further
RESIDUAL_ROUNDS = (
    3  # rounds that carry what is left between the landmarks and the head's vertices over to the head
)
# Cosine between normal and view: a landmark is not believed to believed. Landmarks of a face's hidden part are found
# at its outline instead, which would make the far side of a turned face too wide.
HIDDEN = (-0.35, 0.0)
CENTRE = (0.0, 0.35, -1.3)  # IOD from the face's middle to the skull's, of the template


def fit_head(face: FittedFace, matte: NDArray[np.float32], srgb: NDArray[np.uint8]) -> Head:
    """Return the head of one face.

    matte: (H, W) in [0, 1] of the face's person; srgb: (H, W, 3) the photo, in which ears are sought.
    """
    model, camera = HeadModel.load(), face.params.camera
    target = camera.unproject(face.landmarks[:468])
    shape, place, identity = _shaped(model, target)
    scale, rotation, offset = place
    points = scale * shape @ rotation.T + offset
    seen = smoothstep(*HIDDEN, model.weights @ (model.normals(points) @ camera.rotation[2]))[:, None]
    for _ in range(RESIDUAL_ROUNDS):
        points = points + model.binding @ (seen * _across(target - model.weights @ points, camera))
    centre = target.mean(axis=0) + np.array(CENTRE)
    chin = float(target[152, 1])
    points = narrowed(model, points, camera, matte)
    points, ears = placed_ears(model, points, camera, matte, srgb)
    hairy = haired(model, points, camera, matte, srgb, ears)
    hair, share = inflated(model, points, camera, matte, centre, chin, ears, hairy)
    hair = within_person(model, hair, camera, matte)
    if ears:
        hair = held_in(model, points, hair)
    return Head(hair, model.normals(hair), model.rigid, camera, place, identity, centre, share, ears)


def _across(offsets: FloatArray, camera: Camera) -> FloatArray:
    """Return (N, 3) offsets without their part along the view.

    A photo shows where a landmark lies across the view. Its depth is a guess of the network, which makes the far
    side of a turned face too deep. The depth is therefore that of the fitted shapes, which come from scanned heads.
    """
    along = camera.rotation[2]
    return np.asarray(offsets - np.outer(offsets @ along, along))


def _shaped(
    model: HeadModel, target: FloatArray
) -> tuple[FloatArray, tuple[float, FloatArray, FloatArray], FloatArray]:
    """Return the head (V, 3) cm with the face's identity and expression, the similarity to model space, and the (100,)
    weights of the identity's shapes.

    target: (468, 3) the face's landmarks in model space.
    """
    ours = model.weights @ model.points
    even = np.ones(len(ours))
    weights = np.zeros(len(model.our_shapes))
    count = len(model.identity)
    for _ in range(ROUNDS):
        shaped = ours + (weights @ model.our_shapes).reshape(-1, 3)
        scale, rotation, offset = align(shaped, target, even)
        gap = ((target - offset) / scale) @ rotation - ours
        weights = model.regression @ gap.ravel()
        weights[count:] = np.clip(weights[count:], *EXPRESSION_RANGE)
    shaped = ours + (weights @ model.our_shapes).reshape(-1, 3)
    place = align(shaped, target, even)
    moved = np.tensordot(weights[:count].astype(np.float32), model.identity, 1)
    moved = moved + np.tensordot(weights[count:].astype(np.float32), model.expression, 1)
    return model.points + moved, place, weights[:count]

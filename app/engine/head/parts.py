"""Gives each eye and each ear one source of colour: none is half the photo's and half mirrored or filled."""

from __future__ import annotations

from functools import cache

import numpy as np

from app.engine.head.fill import relief
from app.engine.head.head import Head
from app.engine.head.lips import lips_and_fronts
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import eased, smoothstep

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model.
EYE = (2.25, 1.9, 3.0)  # cm: half axes of the ellipsoid around an eye with its brow
WHOLE_EYE = 0.45  # share of an eye that is seen well, from which the eye keeps the photo's colours
# Share of an ear that is seen well, from which the ear keeps the photo's colours. Frontal photos show 0.13 to 0.38 of
# an ear, and filled ears look flat (p05, p09, p21 and p22 of the portraits, turned by 25 degrees).
WHOLE_EAR = 0.12


@cache
def eyes(model: HeadModel) -> tuple[FloatArray, FloatArray]:
    """Return two (V,) fields: 1 on the right and on the left eye with its brow, 0 elsewhere."""
    right, left = (model.points[loop].mean(axis=0) + [0, 0.5, 0] for loop in model.loops[1:])
    distances = (np.linalg.norm((model.points - middle) / EYE, axis=1) for middle in (right, left))
    near, far = (smoothstep(1.15, 0.85, distance) for distance in distances)
    return near, far


@cache
def plain(model: HeadModel) -> FloatArray:
    """Return (V,) 0 on eyes, brows and lips, whose two sides never lie alike to a millimetre, else 1."""
    out = 1 - np.maximum(*eyes(model))
    out[lips_and_fronts()[0]] = 0
    return np.asarray(out)


def per_eye(model: HeadModel, share: FloatArray, one: bool = True) -> FloatArray:
    """Return shares (V,) in [0, 1] with one value for each eye with its brow, so that no eye is half mirrored.

    one: whether that value is rounded to 0 or 1.
    """
    out = share.copy()
    for near in eyes(model):
        mean = float(share[near > 0.99].mean())
        # Two half-transparent eyes would look like a ghost's. Therefore one of the two is taken, with a short fade
        # where the pose decides between them.
        value = float(mean > WHOLE_EYE) if one else eased(0.4, 0.6, mean)
        out = near * value + (1 - near) * out
    return out


def ears_shown(head: Head, confident: FloatArray) -> FloatArray:
    """Return (V,) 1 on the side of a head whose ear the photo shows, 0 on one where it shows too little of its front.

    confident: (V,) 1 where the photo shows the vertex well.
    """
    model, ear = HeadModel.load(), relief()
    out = np.zeros(len(ear))
    if not head.ears:
        return out
    front = ear * (np.abs(model.normals(model.points)[:, 0]) > 0.4) * (model.points[:, 2] > -1.5)
    for side in (-1, 1):
        half = np.sign(model.points[:, 0]) == side
        mean = float((front * half) @ confident / max(float((front * half).sum()), 1e-6))
        out[half] = float(mean > WHOLE_EAR)
    return out

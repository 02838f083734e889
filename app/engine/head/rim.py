"""Brightens the rim of what a photo shows of a face, which a turn stretches, and keeps a nose's colours its own.

A photo sees the cheek before the ear, the jaw's side and the nose's flank at a grazing angle, in the least light of the
face. A turn makes such a rim several times wider, and the light that comes with the turn is not enough for it.
Therefore the rim's coarse brightness is continued from the skin beside it that faces the camera; its detail stays.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from app.engine.head.fill import below_jaw, face_skin
from app.engine.head.hair_colour import apart, towards_hair
from app.engine.head.lips import lips_and_fronts
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py), except where a comment names
# another origin. IOD is the distance between the eyes; cm are those of the head model. A pair of values is a range:
# at the first value something begins, at the second it is complete.
FACING = (0.3, 0.6)  # cosine of normal and view: brightness of the skin beside to the place's own
RANGE = (1.0, 1.8)  # least and greatest factor by which a rim becomes brighter than in the photo
OPEN = (
    0.5  # least share of an overcast sky's light that reaches skin; less of it reaches nostrils and a mouth
)
LIKE_HAIR = (0.3, 0.55)  # place of a colour on the way from skin's (0) to hair's (1): skin to hair
# Distance of a colour from the skin's, of `hair_colour.apart`: skin in shade to what is no skin, whatever the hair's
# colour: the arms of dark spectacles beside fair hair were replaced by skin (p27: 2.5; its shaded cheek: 1.3).
FOREIGN = (1.3, 1.9)
SMOOTH = 0.02  # weight of a known brightness against smoothness
# Cosine of normal and view: skin that is filled to skin that is drawn from the photo. What the photo shows at a more
# grazing angle was a grey streak before the ear on nearly all of 51 people turned aside.
TRUSTED = (0.25, 0.5)
NOSE = ((0.0, 1.0, 11.0), (2.2, 3.2, 2.8))  # cm: middle and half axes of the nose
JAW = (-2.8, -1.6)  # cm below the jaw's line: mouth and cheek to jaw
JAW_ENDS = (1.5, 0.5)  # cm from the face's landmarks: throat to jaw
MISSED = 0.04  # IOD by which a fitted nose's or jaw's outline may lie beside the photo's
# IOD from that outline within which colours are taken from further inside: the photo shows the far cheek or the
# background there, which became a dark line over frontalised noses, and a collar's dark edge over raised chins.
PULLED = 0.12
EDGE = 0.04  # IOD: width of the outline
CLIFF = 0.2  # IOD of depth between nose or jaw and what lies behind it, from which there is an outline
AROUND = 12  # steps over the mesh within which a cheek lies near hair
NEAR = (0.01, 0.06)  # share of hair, after these steps: a cheek to one on which there is hair
ASIDE = 3.0  # cm from the head's middle plane, beyond which a face has cheeks and temples
STEPS = 3  # steps that smooth a gain or an offset over the mesh


def rim_gain(
    model: HeadModel,
    facing: FloatArray,
    shown: FloatArray,
    colours: FloatArray,
    hair: FloatArray | None,
    ears: bool,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (V,) the factor, 1 or more, by which each place would be brighter than in the photo if it faced the
    camera, (V,) 0 where the photo shows skin at so grazing an angle that its colours are worth nothing, else 1, and
    (V,) 1 on and near a cheek on which the photo shows hair, else 0.

    facing: (V,) cosine of normal and view; shown: (V,) 1 where the photo shows the person; colours: (V, 3) low-pass
    in [0, 255]; hair: (V, 3) the hair's colour at the height of every vertex, or None; ears: whether ears are visible.
    """
    face = face_skin(ears) * (model.openness > OPEN)
    face[lips_and_fronts()[0]] = 0
    own = face * shown * smoothstep(*FACING, facing)
    if (own > 0.5).sum() < 50:
        return np.ones(len(own)), np.ones(len(own)), np.zeros(len(own))
    other = shown * (1 - _skin(colours, own, hair))
    skin = face * (1 - other)
    bright = np.log(np.maximum(colours @ LUMINANCE, 1e-3 * float(np.max(colours))))
    weight = SMOOTH * own * skin + 1e-7
    expected = splu((model.laplacian + diags(weight)).tocsc()).solve(weight * bright)
    lacking = np.clip(expected - bright, *np.log(RANGE))
    gain = lacking * skin * shown * (1 - smoothstep(*FACING, facing))
    for _ in range(STEPS):
        gain = model.averaging @ gain
    grazing = 1 - smoothstep(*TRUSTED, facing)
    near = face * other * grazing
    for _ in range(AROUND):
        near = model.averaging @ near
    aside = np.abs(model.points[:, 0]) > ASIDE
    return np.asarray(np.exp(gain)), 1 - skin * grazing, face * aside * smoothstep(*NEAR, near)


def _skin(colours: FloatArray, own: FloatArray, hair: FloatArray | None) -> FloatArray:
    """Return (V,) 1 where colours (V, 3) are the skin's, in light or shade, 0 where they are the hair's or of something
    worn.
    """
    if hair is None:
        return np.ones(len(colours))
    skin = np.median(colours[own > 0.5], axis=0)
    known = 1 - smoothstep(*LIKE_HAIR, towards_hair(colours, skin, hair))
    return np.asarray(known * (1 - smoothstep(*FOREIGN, apart(skin, colours))))


def inside_outlines(
    model: HeadModel,
    at: FloatArray,
    ids: NDArray[np.int32],
    depth: NDArray[np.float32],
    iod: float,
) -> FloatArray:
    """Return (V, 2) px from each vertex near the nose's or the jaw's outline into nose or jaw, 0 elsewhere.

    at: (V, 3) px of the vertices; ids, depth: (h, w) the triangles and depths of the head drawn at these px; iod: px
    between the eyes.
    """
    height = np.where(ids >= 0, depth, -1e6).astype(np.float32)
    reach = 2 * max(1, round(EDGE * iod)) + 1
    behind = cv2.dilate(height, np.ones((reach, reach), np.uint8)) - height > CLIFF * iod
    away = cv2.distanceTransform((~behind).astype(np.uint8), cv2.DIST_L2, 5)
    smooth = cv2.GaussianBlur(away, (0, 0), 1.0)
    x = np.clip(at[:, 0].astype(int), 0, ids.shape[1] - 1)
    y = np.clip(at[:, 1].astype(int), 0, ids.shape[0] - 1)
    slope = np.stack(
        [cv2.Sobel(smooth, cv2.CV_32F, 1, 0)[y, x], cv2.Sobel(smooth, cv2.CV_32F, 0, 1)[y, x]], 1
    )
    slope = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-3)
    nose = smoothstep(1.2, 0.9, np.linalg.norm((model.points - NOSE[0]) / NOSE[1], axis=1))
    jaw = smoothstep(*JAW, below_jaw()) * smoothstep(*JAW_ENDS, model.distance) * ~model.ear
    share = np.maximum(nose, jaw) * np.clip(1 - away[y, x] / (PULLED * iod), 0, 1)
    pulled = slope * share[:, None]
    for _ in range(STEPS):
        pulled = model.averaging @ pulled
    return np.asarray(MISSED * iod * pulled, float)

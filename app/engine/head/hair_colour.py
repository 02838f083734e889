"""Finds the colour of a head's hair at every height, from what a photo shows of the hair along the outline, and tells
colours of hair from those of skin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model.
SAME_HEIGHT = 1.5  # cm within which two places count as equally high
# Brightness of the crown over that of the skin: the crown's colour to the temples' alone. Without this, the highlight
# of a shaved crown made pale scales at the back; with lower values, red and black hair became a cap.
BALD = (0.7, 0.95)
TEMPLES = 8.0  # cm of height up to which hair grows beside a bald crown, too
REAR = 0.5  # share of the visible scalp, from the rear, that gives the back of the head its colour
HUE = 6.0  # weight of hue in a distance between colours: skin in shade keeps its hue, hair has another
LIGHTNESS = 0.5  # weight of the logarithm of lightness in such a distance
APART = 0.3  # least distance, so weighted, that is taken to lie between skin and hair


def sampled(picture: NDArray[np.float32], at: FloatArray) -> FloatArray:
    """Return the colours (N, 3) of a picture (h, w, 3) at places (N, 2) px."""
    x = np.clip(at[:, 0].astype(int), 0, picture.shape[1] - 1)
    y = np.clip(at[:, 1].astype(int), 0, picture.shape[0] - 1)
    return np.asarray(picture[y, x], float)


def hair_colour(
    model: HeadModel,
    at: FloatArray,
    facing: FloatArray,
    shown: FloatArray,
    confident: FloatArray,
    low: NDArray[np.float32],
    at_low: float,
    ears: bool,
) -> FloatArray | None:
    """Return the hair's colour (V, 3) at the height of every vertex; None where the photo shows too little hair.

    The colours come from a band inside the head's outline, where the hair lies furthest back. Where the band is skin
    at one height and hair above, the back of the head takes the hair's colour. A crown as bright as skin is bald or
    shines, so the temples' hair gives the colour then, except where a hat or long hair hides the ears, or where the
    temples are shaved to the skin. at: (V, 2) px; facing: (V,) cosine of normal and view; shown, confident: (V,) as in
    `atlas.Seen`; low: (h, w, 3) low-pass colours; at_low: their px per px of the photo; ears: whether ears are
    visible.
    """
    band = smoothstep(1.0, 2.0, model.distance) * ~model.ear * shown
    chosen = (band > 0.5) & (facing > 0.05) & (facing < 0.7) & (model.points[:, 1] > -2.0)
    above = chosen & (model.distance > 2.5) & (model.points[:, 1] > 2.0)
    cheeks = (model.distance < 1.0) & (confident > 0.5)
    if above.sum() < 20 or cheeks.sum() < 20:
        return None
    chosen &= model.points[:, 2] < np.quantile(model.points[chosen, 2], REAR)
    found = sampled(low, at[chosen] * at_low)
    near = np.exp(-(((model.points[:, 1, None] - model.points[chosen, 1]) / SAME_HEIGHT) ** 2)) + 1e-4
    here = near @ found / near.sum(axis=1, keepdims=True)
    beside = above & (model.points[:, 1] < TEMPLES)
    beside = beside if beside.sum() >= 20 else above
    hair, temples, skin = (
        np.median(sampled(low, at[mask] * at_low), axis=0) for mask in (above, beside, cheeks)
    )
    bald = smoothstep(*BALD, np.array((hair @ LUMINANCE) / max(float(skin @ LUMINANCE), 1e-3)))
    of_crown, of_temples = apart(skin, np.stack([hair, temples]))
    if of_temples > of_crown or temples @ LUMINANCE < hair @ LUMINANCE:
        hair = hair + ears * float(bald) * (temples - hair)
    length = max(float(np.linalg.norm(hair - skin)), 1e-6)
    most = max(float(hair @ LUMINANCE), float(skin @ LUMINANCE))
    here = here * np.minimum(1, most / np.maximum(here @ LUMINANCE, 1e-3))[:, None]
    share = smoothstep(0.6, 1.2, np.linalg.norm(here - skin, axis=1) / length)[:, None]
    return np.asarray(share * here + (1 - share) * hair)


def towards_hair(colours: FloatArray, skin: FloatArray, hair: FloatArray) -> FloatArray:
    """Return (V,) the place of colours (V, 3) on the way from the skin's (3,), 0, to the hair's (V, 3), 1.

    All colours lie in [0, 255]. Skin in shade stays near 0.
    """
    middle = _features(skin[None])
    here, across = _features(colours) - middle, _features(hair) - middle
    return np.asarray((here * across).sum(axis=1) / np.maximum(np.square(across).sum(axis=1), APART**2))


def apart(skin: FloatArray, hair: FloatArray) -> FloatArray:
    """Return (V,) the distance, in hue and lightness, of the skin's colour (3,) from the hair's (V, 3) in [0, 255]."""
    return np.asarray(np.linalg.norm(_features(hair) - _features(skin[None]), axis=1))


def _features(colours: FloatArray) -> FloatArray:
    """Return (N, 3) of colours (N, 3): two differences of logarithms for hue, and the logarithm of lightness."""
    red, green, blue = np.log(np.maximum(colours, 1.0)).T
    lightness = LIGHTNESS * (red + green + blue) / 3
    return np.stack([HUE * (red - green), HUE * (green - blue), lightness], axis=1)

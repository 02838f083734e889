"""Finds the colour of a head's hair at every height, from what a photo shows of the hair, and tells colours of
hair from those of skin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.head.hairline import inside_hairline
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model.
SAME_HEIGHT = 2.5  # cm within which two places count as equally high
# Weight of a place at any height, against 1 at the same: a few of another colour count for little.
ANY_HEIGHT = 0.02
TEMPLES = 8.0  # cm of height up to which hair grows beside a bald crown, too
REAR = 0.5  # share of the visible hair, from the rear, that gives the back of the head its colour
LOWEST = -2.0  # cm of height from which a place counts as scalp
GRAZING = 0.05  # cosine of normal and view from which a place counts as scalp
# The same cosine from which its colour counts: nearer the outline, loose hair has the background's colour in it.
FACING = 0.25
# cm inside the template's hairline from which hair is seen, unless a head is bald: nearer the line there may be skin
DEEP = 2.5
LIKE = 0.65  # place of a colour on the way from the skin's (0) to the hair's (1), from which it is hair's
ROUNDS = 3  # times that the hair's colour is taken anew from what looks like hair
LEAST = 20  # number of vertices from which a median colour is sure
# Distance, as weighted below, of the hair's colour from the skin's: skin, stubble or a black and white photo, whose
# shade was taken for hair (p19), to hair that is told from skin by its colour.
TOLD = (0.25, 0.45)
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

    The colours come from the rear half of what the photo shows as hair. What is hair and what is skin on the scalp is
    told by colour, beginning with the colour deep inside the template's hairline: temples and receding hairlines have
    skin there, which made grey hair brown. Where that colour is the skin's, the crown is bald, and the temples' hair
    gives the colour, except where a hat or long hair hides the ears. at: (V, 2) px; facing: (V,) cosine of normal and
    view; shown, confident: (V,) as in `atlas.Seen`; low: (h, w, 3) colours of the person without the background;
    at_low: their px per px of the photo; ears: whether ears are visible.
    """
    scalp = (model.distance > 1.5) & ~model.ear & (shown > 0.5)
    scalp &= (facing > GRAZING) & (model.points[:, 1] > LOWEST)
    above = scalp & (model.distance > 2.5) & (model.points[:, 1] > 2.0)
    cheeks = (model.distance < 1.0) & (confident > 0.5)
    if above.sum() < LEAST or cheeks.sum() < LEAST:
        return None
    colours = sampled(low, at * at_low)
    skin = np.median(colours[cheeks], axis=0)
    deep = above & (facing > FACING) & (inside_hairline(ears) > DEEP)
    hair = np.median(colours[deep if deep.sum() >= LEAST else above], axis=0)
    temples = above & (model.points[:, 1] < TEMPLES)
    if ears and temples.sum() >= LEAST and _told(skin, hair) < 0.5:
        beside = np.median(colours[temples], axis=0)
        hair = beside if _told(skin, beside) > 0.5 else hair
    like = _like_hair(colours, skin, hair, above)
    choices = (scalp & like & (facing > FACING), scalp & like, above)
    band = next(mask for mask in choices if mask.sum() >= LEAST)
    band = band & (model.points[:, 2] <= np.quantile(model.points[band, 2], REAR))
    between = (model.points[:, 1, None] - model.points[band, 1]) / SAME_HEIGHT
    near = np.exp(-np.square(between)) + ANY_HEIGHT
    return np.asarray(near @ colours[band] / near.sum(axis=1, keepdims=True))


def _told(skin: FloatArray, hair: FloatArray) -> float:
    """Return how surely a colour of hair (3,) is told from the skin's (3,), 0 to 1."""
    return float(smoothstep(*TOLD, apart(skin, hair[None]))[0])


def _like_hair(
    colours: FloatArray, skin: FloatArray, hair: FloatArray, scalp: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return (V,) whether a colour (V, 3) is the hair's rather than the skin's (3,), for which the hair's (3,) is taken
    anew from the scalp (V,); all are the hair's where the two are alike.
    """
    like = np.ones(len(colours), bool)
    for _ in range(ROUNDS):
        if _told(skin, hair) < 0.5:
            return np.ones(len(colours), bool)
        like = towards_hair(colours, skin, hair[None]) > LIKE
        if (scalp & like).sum() < LEAST:
            return like
        hair = np.median(colours[scalp & like], axis=0)
    return like


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

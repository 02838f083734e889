"""Finds where the background shows between the tufts of a person's hair, which a matte takes for the person.

A scalp kept these places, and a head that was bowed had patches of wall on it (p14 of the portraits).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.fill import template_hairline
from app.engine.head.hair_colour import LEAST, sampled
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE, largest

# These values were chosen on 32 portraits and 10 people in a studio: p14's wall lies within 15 levels of what is behind
# the head and is 155 levels brighter than the hair; a highlight on p03's forehead is 54 from it, and in the shade a
# scarf (p08), grey hair (p11) and fur (p07) come as near to what is behind. A pair of values is a range: at the first
# value something begins, at the second it is complete.
LIKE = (25.0, 15.0)  # levels of 255 between a place and what is behind the person: person to background
# Levels of 255 by which what is behind is brighter than most of the hair: too alike to tell to told.
BRIGHTER = (80.0, 130.0)
# IOD inside the person's outline: no background to background, where hair may stand in tufts.
REACH = (0.6, 0.4)
AROUND = (0.1, 0.4)  # share of a gap around a place: a tuft to the gap's soft edge
ROUNDS = 2  # smoothing steps over the mesh, which make that share


def gaps(
    at: FloatArray,
    confident: FloatArray,
    pixels: NDArray[Any],
    background: NDArray[Any],
    matte: NDArray[np.float32],
    factor: float,
    iod: float,
    ears: bool,
) -> FloatArray:
    """Return (V,) 1 where a place of the scalp shows what is behind the person, 0 elsewhere.

    at: (V, 2) px of the head's vertices; confident: (V,) 1 where the photo shows one well; pixels: (H, W, 3) of the
    photo; background: (H, W, 3) what is behind the person; matte: (h, w) in [0, 1], in a copy of `factor` px per px;
    iod: px of that copy between the eyes; ears: whether ears are visible.
    """
    model, scale = HeadModel.load(), 255 / largest(pixels.dtype)
    scalp = (template_hairline(ears) > 0.5) * confident
    sure = scalp > 0.5
    if sure.sum() < LEAST:
        return np.zeros(len(at))
    here, behind = sampled(pixels, at) * scale, sampled(background, at) * scale
    told = smoothstep(*BRIGHTER, (behind - np.median(here[sure], axis=0)) @ LUMINANCE)
    like = smoothstep(*LIKE, np.linalg.norm(here - behind, axis=1))
    inside = cv2.distanceTransform((matte > 0.5).astype(np.uint8), cv2.DIST_L2, 3)[..., None] / iod
    found = around = scalp * told * like * smoothstep(*REACH, sampled(inside, at * factor)[:, 0])
    for _ in range(ROUNDS):
        around = model.averaging @ around
    return np.asarray(np.maximum(found, scalp * smoothstep(*AROUND, around)))

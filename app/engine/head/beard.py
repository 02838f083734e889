"""Continues a beard on the side of the jaw that the photo does not show, up to the sideburn and the ear."""

from __future__ import annotations

from functools import cache

import numpy as np

from app.engine.head.hair_colour import apart
from app.engine.head.hairline import within
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import eased, smoothstep
from app.engine.imaging.colour import LUMINANCE

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py), except where a comment names
# another origin. cm are those of the head model.

# The outline, in cm (z, y), of where a beard grows in a view from the side: from the sideburn over the cheek to the
# chin, along the jaw's underside and up behind the jaw. It was drawn by hand on the template after people with beards.
BEARD = (
    (4.4, 2.0), (4.9, 0.0), (6.2, -1.6), (8.0, -2.6), (14.0, -2.0), (14.0, -9.8), (5.2, -9.8), (4.2, -8.0), (2.4, -5.4),
    (1.7, -3.6), (3.0, -0.6), (3.2, 2.0),
)  # fmt: skip
EDGE = 0.9  # cm over which a beard ends
# cm: the jaw's visible sides lie at least this far from the head's middle plane, and at most this far from the face's
# landmarks.
JAWS = (3.0, 1.0)
# cm of height of the jaw below the mouth's corners, and of the cheek beside the nose
JAW_HEIGHT, CHEEK_HEIGHT = (-7.6, -3.5), (-2.0, 1.5)
# Luminance of the jaw over that of the cheek above it, on the lighter side: above the first value there is no dark
# beard, below the second there surely is one. On 32 portraits these values tell the bearded from the others.
DARK = (0.72, 0.58)
LIGHT = (1.05, 1.12)  # the same ratio, mean of both sides: no light beard to a likely one
# Distance of the jaw's colour from the cheek's, of `hair_colour.apart`, on the side where it is less: skin in light to
# a light beard, which is greyer. On 32 portraits the two light beards have 0.9 and 1.2, lit jaws 0.6 at most, and hair
# before one cheek (p12) makes the other side tell.
GREYER = (0.6, 0.85)
LEAST = 12  # number of vertices from which a median colour is sure
BEARD_KEPT = 1.0  # weight of the visible beard against smoothness
BEARD_GUESSED = 0.12  # weight of the outline `BEARD` against smoothness


@cache
def beard_region() -> FloatArray:
    """Return (V,) 1 where a beard may grow, 0 elsewhere."""
    model = HeadModel.load()
    inside = within(model.points[:, [2, 1]], np.array(BEARD))
    return np.asarray(np.clip(0.5 + inside / EDGE, 0, 1) * ~model.ear)


def beard_seen(model: HeadModel, colours: FloatArray, sure: FloatArray) -> tuple[float, FloatArray]:
    """Return how surely a photo shows a beard, 0 to 1, and (V,) how much each vertex looks like beard, 0 to 1.

    colours: (V, 3) in [0, 255]; sure: (V,) 1 where the photo shows the vertex. Each side of the jaw is compared with
    the cheek above it, so that the shaded side of a face does not count as beard.
    """
    nothing = np.zeros(len(sure))
    x, y, _ = model.points.T
    near = (sure > 0.5) & (model.distance < JAWS[1])
    darker, beard, skin = [], [], []
    for side in (-1, 1):
        jaw = near & (side * x > JAWS[0]) & (y > JAW_HEIGHT[0]) & (y < JAW_HEIGHT[1])
        cheek = near & (side * x > 2.0) & (y > CHEEK_HEIGHT[0]) & (y < CHEEK_HEIGHT[1])
        if min(jaw.sum(), cheek.sum()) < LEAST:
            continue
        below, above = (np.median(colours[part], axis=0) for part in (jaw, cheek))
        darker.append(float((below @ LUMINANCE + 1) / (above @ LUMINANCE + 1)))
        beard.append(below)
        skin.append(above)
    if not darker:
        return 0.0, nothing
    share = 1 - float(smoothstep(DARK[1], DARK[0], np.array(max(darker))))
    if len(darker) == 2 and min(darker) > 1:
        greyer = min(float(apart(s, b[None])[0]) for s, b in zip(skin, beard, strict=True))
        share = eased(*LIGHT, float(np.mean(darker))) * eased(*GREYER, greyer)
    across = np.mean(beard, axis=0) - np.mean(skin, axis=0)
    like = (colours - np.mean(skin, axis=0)) @ across / max(float(across @ across), 1.0)
    return share, smoothstep(0.3, 0.7, like) * beard_region()

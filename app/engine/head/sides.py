"""Finds where the two sides of a head differ: hair falls over one temple or cheek, and the other one is bare.

There the ratio of the two colours is not the light's, and one side does not show how the other one looks. Hair that was
lit as skin became a grey patch beside spectacles (p06 of the portraits), grey temples (p02, p12) and pale stripes
before an ear (p01).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from app.engine.head.fill import template_hairline
from app.engine.head.hair_colour import TOLD, apart, towards_hair
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model. A
# pair of values is a range: at the first value something begins, at the second it is complete.
CHEEKS = 1.0  # cm from the face's landmarks: the face's own skin
LIKE_HAIR = (0.2, 0.7)  # place of a colour on the way from skin's (0) to hair's (1): skin to hair
UNLIKE = (0.3, 0.6)  # share of hair that one side has more than the other: alike to not
ASIDE = (2.0, 3.0)  # cm from the middle plane: a nose, whose sides differ by its shade, to temples and cheeks
# The same on a forehead, which begins over these cm of height; there parted hair falls from near the middle (p12).
ASIDE_ABOVE, FOREHEAD = (0.5, 1.2), (3.5, 5.0)
# Steps over the mesh, and share of what is unlike after these, within which a colour is still mixed with hair, because
# colours are low-pass: p12's forehead was lit like the shade of the hair before it. With 8 steps
# and (0.02, 0.1) two of six frontalised people were 0.4 levels further from their true views.
AROUND, NEAR = 3, (0.15, 0.5)
NECK = (-7.5, -5.5)  # cm of height: clothes, which are neither, to skin and hair
ALIKE = (
    0.1  # weight of like sides against smoothness: what both sides show is carried on for about a centimetre
)
BROUGHT = (0.15, 0.4)  # what is so carried on: everything to nothing is taken from the other side
LEAST = 50  # number of vertices of the cheeks from which their median colour is sure


@dataclass(frozen=True, eq=False)
class Sides:
    """What a photo shows of the two sides of a head.

    hair: (V,) 0 where a colour is the skin's to 1 where it is the hair's; unlike: (V,) 1 where one side is hair and the
    other one skin, and near such places; over: (V,) 1 where hair lies over the face, and the other side is skin;
    hairier: (V,) 1 where the photo shows the face's skin, or little further off, and the other side is hair.
    """

    hair: FloatArray
    unlike: FloatArray
    over: FloatArray
    hairier: FloatArray


def sides(
    model: HeadModel, colours: FloatArray, hair: FloatArray | None, shown: FloatArray, ears: bool
) -> Sides:
    """Return what a photo shows of the two sides of a head.

    colours: (V, 3) low-pass in [0, 255]; hair: (V, 3) the hair's colour at the height of every vertex, or None; shown:
    (V,) 1 where the photo shows a vertex; ears: whether ears are visible.
    """
    cheeks = (shown > 0.5) & (model.distance < CHEEKS)
    if hair is None or cheeks.sum() < LEAST:
        nothing = np.zeros(len(colours))
        return Sides(nothing, nothing, nothing, nothing)
    place = of_hair(colours, np.median(colours[cheeks], axis=0), hair)
    x, y = np.abs(model.points[:, 0]), model.points[:, 1]
    aside = np.maximum(smoothstep(*ASIDE, x), smoothstep(*ASIDE_ABOVE, x) * smoothstep(*FOREHEAD, y))
    more = (place[model.mirror] - place) * aside
    both = shown * shown[model.mirror] * smoothstep(*NECK, model.points[:, 1])
    # Only on the face: the dark cap under a scarf (p08) looks less like the scarf than skin does.
    face = model.face * (template_hairline(ears) < 0.5) * ~model.ear
    known = both * face * smoothstep(*UNLIKE, more)
    hairier = splu((model.laplacian + diags(both + ALIKE)).tocsc()).solve(known)
    unlike = near = smoothstep(*UNLIKE, np.abs(more)) * both
    for _ in range(AROUND):
        near = model.averaging @ near
    unlike = np.maximum(unlike, smoothstep(*NEAR, near))
    return Sides(place, unlike, known[model.mirror], smoothstep(*BROUGHT, hairier))


def of_hair(colours: FloatArray, skin: FloatArray, hair: FloatArray) -> FloatArray:
    """Return (V,) 0 where a colour (V, 3) is the skin's (3,) to 1 where it is the hair's (V, 3), and not alike."""
    return np.asarray(
        smoothstep(*LIKE_HAIR, towards_hair(colours, skin, hair)) * smoothstep(*TOLD, apart(skin, hair))
    )

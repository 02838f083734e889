"""Takes the inner sides of the lips, and the mouth between them, to be as visible as the lips' fronts."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.engine.head.model import FloatArray, HeadModel

# The head model has rings of vertices around the border of the mouth's opening, which lies 1 cm behind the lips. These
# are the first ring that faces the viewer, and the last one before the hollow under the lower lip.
FRONTS = (9, 14)
NEAREST = 24  # number of the nearest front vertices that count for one vertex; they lie within some 0.4 cm
# Rank, from the least visible on, of the one of these whose visibility is taken: some fronts curl away from every
# camera, and most curl away from the camera that sees a profile.
BEST = 14


def over_lips(seen: FloatArray, person: FloatArray) -> FloatArray:
    """Return (V,) in [0, 1] how much the photo shows of each vertex; all of the lips get the values of their fronts.

    seen: (V,) the values before. Normals and z-buffer of a head say that no photo shows the inner sides of the lips
    and the mouth between. Where lips part, or a turn bares what a millimetre of lip hid, a fill would then be drawn
    beside the photo's own pixels. person: (V,) 1 well inside the matte; beyond a profile's outline the photo shows
    what is behind the head.
    """
    inside, fronts = lips_and_fronts()
    out = seen.copy()
    out[inside] = np.partition(seen[fronts], BEST, axis=1)[:, BEST] * person[inside]
    return out


@cache
def lips_and_fronts() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (N,) vertices of the lips and the mouth, and (N, NEAREST) the front vertices nearest to each of them."""
    model = HeadModel.load()
    joined = model.laplacian != 0
    inside = np.zeros(len(model.points), bool)
    inside[model.loops[0]] = True
    behind = inside
    for ring in range(FRONTS[1]):
        inside = joined @ inside > 0
        behind = inside if ring < FRONTS[0] - 1 else behind
    fronts, every = np.flatnonzero(inside & ~behind), np.flatnonzero(inside)
    apart = np.linalg.norm(model.points[every, None, :2] - model.points[None, fronts, :2], axis=2)
    return every, fronts[np.argsort(apart, axis=1)[:, :NEAREST]]

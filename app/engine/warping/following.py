"""Lets what stands behind and beside a moving face follow it.

An opened or shifted jaw would uncover neck and hair that the photo does not show. As skin does, they stretch instead:
what lies behind the face's outline moves as the outline before it, and what lies beside it follows over half an eye
distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.head import Head, HeadModel, rasterised
from app.engine.head.atlas import Seen
from app.engine.head.skull import smoothstep
from app.engine.imaging.nearest import nearest_known
from app.engine.warping.curves import FloatArray
from app.engine.warping.hair import Sheet
from app.engine.warping.holding import OFF_FACE
from app.engine.warping.plate import Places
from app.engine.warping.unfolding import lids

# These ranges keep what a handle moves outside its region below a twentieth on every portrait (tools/handle_pulls.py);
# without them a fifth of what a raised brow moved lay elsewhere. IOD beside the head: hair, a collar or a scarf follows
# an expression fully to not at all.
BESIDE = (0.0, 0.35)
# cm from the face's landmarks: an expression's whole motion to none
REACH_ABOVE, REACH_BELOW = (0.2, 1.5), (0.5, 3.5)
UPPER = (-2.0, 2.0)  # cm of height: below, throat and jaw's underside go further with the jaw


@dataclass(frozen=True, eq=False)
class Following:
    """Which vertices of one photo's head others follow.

    before: (V,) the vertex that the photo shows where this one lies; hidden: (V,) how much this one follows it;
    near: (N,) the vertex that the photo shows nearest to each vertex of the hair's sheet; beside: (N,) how much that
    one follows it.
    """

    before: NDArray[np.int64]
    hidden: FloatArray
    near: NDArray[np.int64]
    beside: FloatArray

    def of_head(self, offsets: FloatArray, along: FloatArray) -> FloatArray | None:
        """Return (V, 3) model units by which the head's vertices move, None where nothing moves.

        offsets: (468, 3) of the face; along: (468, 3) the part of them with which the head beyond the face goes along.
        The rest, an artist's expression, ends near the face.
        """
        if not offsets.any():
            return None
        moved = np.zeros((len(HeadModel.load().points), 3))
        if along.any():
            moved += _of_binding(along)
        if along is not offsets:
            moved += _reached() * _of_binding(offsets - along)
        return np.asarray(_followed(moved, self.before, self.hidden))

    def of_hair(self, moved: FloatArray) -> FloatArray:
        """Return (N, 3) model units by which the hair's vertices follow the head's (V, 3)."""
        return np.asarray(self.beside[:, None] * moved[self.near])


def _of_binding(offsets: FloatArray) -> FloatArray:
    binding = HeadModel.load().binding
    return np.asarray(_bound(binding.data, binding.indices, binding.indptr, offsets))


@cache
def _reached() -> FloatArray:
    """Return (V, 1) how much of an expression reaches a vertex."""
    model = HeadModel.load()
    upper = smoothstep(*UPPER, model.points[:, 1])
    above, below = (smoothstep(*reach, model.distance) for reach in (REACH_ABOVE, REACH_BELOW))
    return np.asarray(1 - upper * above - (1 - upper) * below)[:, None]


@njit(cache=True, nogil=True)
def _bound(weights, columns, starts, offsets):  # type: ignore[no-untyped-def]
    """Return the product (V, 3) of a sparse matrix and offsets (N, 3), in a third of SciPy's time.

    weights, columns: the matrix' values and their columns, row by row; starts: (V + 1,) where each row begins.
    """
    out = np.empty((len(starts) - 1, 3))
    for v in range(len(out)):
        x = y = z = 0.0
        for k in range(starts[v], starts[v + 1]):
            w, n = weights[k], columns[k]
            x, y, z = x + w * offsets[n, 0], y + w * offsets[n, 1], z + w * offsets[n, 2]
        out[v, 0], out[v, 1], out[v, 2] = x, y, z
    return out


@njit(cache=True, nogil=True)
def _followed(moved, before, hidden):  # type: ignore[no-untyped-def]
    """Return moved (V, 3), each row turned into that of the vertex `before` (V,) it as far as it is hidden (V,)."""
    out = np.empty_like(moved)
    for v in range(len(moved)):
        for k in range(3):
            out[v, k] = moved[v, k] + hidden[v] * (moved[before[v], k] - moved[v, k])
    return out


def following(head: Head, own: Seen, where: Places, hair: Sheet | None) -> Following:
    model = HeadModel.load()
    size = (where.matte.shape[1], where.matte.shape[0])
    ids, _ = rasterised(head.posed(head.camera) * where.factor, model.triangles, (0, 0, *size))
    shown, apart = nearest_known(ids >= 0)
    nearest = model.triangles[ids.take(shown), 0]

    def found(at: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
        x, y = (np.clip((at[:, k] * where.factor).astype(int), 0, size[k] - 1) for k in (0, 1))
        return nearest[y, x], apart[y, x] / where.iod

    before, _ = found(own.at)
    hidden = (1 - own.shown) * smoothstep(*OFF_FACE, model.distance)
    near, distance = found(np.zeros((0, 2)) if hair is None else hair.points[:, :2])
    # Hair and what else lies before or beside an eye does not close with it.
    beside = (1 - smoothstep(*BESIDE, distance)) * ~lids()[near]
    return Following(before, hidden, near, beside)

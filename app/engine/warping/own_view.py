"""The head in the photo's own view: where each of its triangles stands, and what the photo has beyond them.

Head, hair and plate, drawn where the photo has them, are nearly the photo, but not quite: where hair is half
transparent two of them lie over each other, an outline is softened, a rim is lit as the skin beside it. What the photo
has beyond that is kept once a photo and goes with the layer that shows it. So an unmoved head is the photo bit for bit,
the smallest edit is the smallest change, and one renderer draws all angles. Nothing that has not moved is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.head import HeadModel, rasterised
from app.engine.head.skull import eased
from app.engine.warping.curves import FloatArray
from app.engine.warping.hair import Sheet
from app.engine.warping.layers import STILL, Box, around, box_of
from app.engine.warping.own_view_kernels import OwnPixels

# IOD that the head moves over which what stands behind it gives way to the plate, which knows no edge of a head
GIVES_WAY = (0.01, 0.05)
TOUCHES = 2.0  # px of depth within which a hidden surface lies on the one that the photo shows
NONE = np.float32(0)


@dataclass(frozen=True, eq=False)
class OwnView:
    """One photo's head and hair as they stand in the photo.

    points: (V, 3) px of the head; hair: (N, 3) px of the sheet's vertices; ids, hair_ids: (h, w) triangles nearest at
    each pixel, -1 where none is; depth: (h, w) px of the head's; beyond: (h, w, 3) what the photo has beyond the drawn
    layers; corner: (2,) x and y of the first pixel.
    """

    points: FloatArray
    hair: FloatArray
    hair_triangles: NDArray[np.int32]
    ids: NDArray[np.int32]
    depth: NDArray[np.float32]
    hair_ids: NDArray[np.int32]
    beyond: NDArray[Any]
    corner: NDArray[np.int32]

    @cached_property
    def more(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(T,) and (S,), which triangles of head and hair the photo has anything beyond."""
        some = cv2.dilate(self.beyond.any(axis=2).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        triangles = HeadModel.load().triangles
        marked = _marked(self.ids[some], len(triangles))
        # Where two surfaces lie on each other, as an ear on the head, the least motion brings the hidden one forward.
        hidden = self._touches(some)[triangles].any(axis=1)
        return marked | hidden, _marked(self.hair_ids[some], len(self.hair_triangles))

    def _touches(self, some: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (V,) which vertices lie on the surface that is seen at one of some pixels (h, w)."""
        x, y = (np.floor(self.points[:, k] - self.corner[k]).astype(int) for k in (0, 1))
        within = (x >= 0) & (y >= 0) & (x < some.shape[1]) & (y < some.shape[0])
        x, y = np.where(within, x, 0), np.where(within, y, 0)
        near = np.abs(self.points[:, 2] - self.depth[y, x]) < TOUCHES
        return np.asarray(within & some[y, x] & near)

    @cached_property
    def _first(self) -> FloatArray:
        return np.ascontiguousarray(self.points - [0.5, 0.5, 0.0])

    @property
    def unknown(self) -> OwnPixels:
        """Return the pixels by which everything is drawn, and nothing is added."""
        none = np.zeros((0, 0), np.int32)
        every, every_hair = (
            np.ones(len(own), np.bool_) for own in (HeadModel.load().triangles, self.hair_triangles)
        )
        return OwnPixels(
            ids=none,
            hair_ids=none,
            beyond=self.beyond,
            corner=self.corner,
            went=every,
            hair_went=every_hair,
            more=~every,
            hair_more=~every_hair,
            first=self._first,
            lasts=NONE,
            behind=NONE,
            stands=np.bool_(True),
        )

    def with_beyond(self, photo: NDArray[Any], drawn: NDArray[Any]) -> OwnView:
        """Return the view with what the photo (h, w, 3) has beyond what is drawn of it."""
        kind = self.beyond.dtype
        return replace(self, beyond=photo.astype(kind) - drawn.astype(kind))

    def moved(self, points: FloatArray, hair: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return (V,) and (N,), which vertices of head (V, 3) and hair (N, 3) do not lie as in the photo."""
        return _apart(points, self.points), _apart(hair, self.hair)

    def pixels(
        self, points: FloatArray, hair: FloatArray, lasts: float, iod: float, stands: bool
    ) -> OwnPixels:
        """Return what `head_band` takes of this view for a frame whose vertices lie at these places; lasts: how much of
        what the photo has beyond the drawn layers is added; iod: px between the eyes; stands: whether the body does.
        """
        moved, hair_moved = self.moved(points, hair)
        more, hair_more = self.more
        far = np.abs(points - self.points).max() / iod if lasts > 0 else 0.0
        behind = lasts * (1 - eased(*GIVES_WAY, far))
        return OwnPixels(
            ids=self.ids,
            hair_ids=self.hair_ids,
            beyond=self.beyond,
            corner=self.corner,
            went=_any_of(moved, HeadModel.load().triangles),
            hair_went=_any_of(hair_moved, self.hair_triangles),
            more=more,
            hair_more=hair_more,
            first=self._first,
            lasts=np.float32(lasts),
            behind=np.float32(behind),
            stands=np.bool_(stands),
        )

    def box(self, points: FloatArray, hair: FloatArray, there: FloatArray, shape: tuple[int, ...]) -> Box:
        """Return the box around all that moves; there: (V,) how much of a vertex of the head is drawn."""
        moved, hair_moved = self.moved(points, hair)
        joined = HeadModel.load().averaging
        moved = _near_any(moved, joined.indptr, joined.indices) & (there > 0)
        went = _any_of(hair_moved, self.hair_triangles)
        hair_moved = _marked(self.hair_triangles[went], len(hair))
        boxes = [box_of(_extent(p, moved), shape) for p in (points, self.points)]
        return around(*boxes, *(box_of(_extent(p, hair_moved), shape) for p in (hair, self.hair)))


def placed(
    points: FloatArray, hair: FloatArray, sheet: Sheet | None, box: Box, kind: type[np.signedinteger[Any]]
) -> OwnView:
    """Return the view with nothing beyond it yet; box: around all that is drawn; kind: of differences of pixels."""
    x0, y0, x1, y1 = box
    ids, depth = rasterised(points, HeadModel.load().triangles, box)
    triangles = np.zeros((0, 3), np.int32) if sheet is None else sheet.triangles
    hair_ids = np.full_like(ids, -1) if sheet is None else rasterised(hair, triangles, box)[0]
    beyond = np.zeros((y1 - y0, x1 - x0, 3), kind)
    return OwnView(points, hair, triangles, ids, depth, hair_ids, beyond, np.array([x0, y0], np.int32))


@njit(cache=True, nogil=True)
def _apart(points, other):  # type: ignore[no-untyped-def]
    """Return (N,) where two rows of points (N, 3) px lie further apart than STILL along any axis."""
    out = np.zeros(len(points), np.bool_)
    for v in range(len(points)):
        for k in range(3):
            out[v] |= abs(points[v, k] - other[v, k]) > STILL
    return out


@njit(cache=True, nogil=True)
def _any_of(marked, triangles):  # type: ignore[no-untyped-def]
    """Return (T,) which triangles (T, 3) have a marked corner; marked: (N,)."""
    out = np.zeros(len(triangles), np.bool_)
    for t in range(len(triangles)):
        out[t] = marked[triangles[t, 0]] or marked[triangles[t, 1]] or marked[triangles[t, 2]]
    return out


@njit(cache=True, nogil=True)
def _near_any(marked, starts, joined):  # type: ignore[no-untyped-def]
    """Return (V,) which vertices are joined to a marked one, marked (V,), or are marked.

    starts: (V + 1,) where each vertex' joined ones begin in `joined`.
    """
    out = np.zeros(len(marked), np.bool_)
    for v in range(len(marked)):
        for k in range(starts[v], starts[v + 1]):
            if marked[joined[k]]:
                out[v] = True
                break
    return out


@njit(cache=True, nogil=True)
def _extent(points, marked):  # type: ignore[no-untyped-def]
    """Return the two corners (2, 2) px around the marked ones of points (N, 3); (0, 2) where none is marked."""
    out = np.empty((2, 2))
    out[0], out[1] = np.inf, -np.inf
    for v in range(len(points)):
        if marked[v]:
            for k in range(2):
                out[0, k], out[1, k] = min(out[0, k], points[v, k]), max(out[1, k], points[v, k])
    return out if out[0, 0] <= out[1, 0] else out[:0]


def _marked(numbers: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Return (count,) True at these numbers; negative ones are left out."""
    out = np.zeros(count, np.bool_)
    out[numbers[numbers >= 0]] = True
    return out

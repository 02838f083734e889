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

import numpy as np
from numpy.typing import NDArray

from app.engine.head import HeadModel, rasterised
from app.engine.head.skull import smoothstep
from app.engine.warping.curves import FloatArray
from app.engine.warping.hair import Sheet
from app.engine.warping.layers import STILL, Box, around, box_of

# IOD that the head moves over which what stands behind it gives way to the plate, which knows no edge of a head
GIVES_WAY = (0.01, 0.05)
NONE = np.float32(0)


@dataclass(frozen=True, eq=False)
class OwnView:
    """One photo's head and hair as they stand in the photo.

    points: (V, 3) px of the head; hair: (N, 3) px of the sheet's vertices; ids, hair_ids: (h, w) triangles nearest at
    each pixel, -1 where none is; beyond: (h, w, 3) what the photo has beyond the drawn layers; corner: (2,) x and y of
    the first pixel.
    """

    points: FloatArray
    hair: FloatArray
    hair_triangles: NDArray[np.int32]
    ids: NDArray[np.int32]
    hair_ids: NDArray[np.int32]
    beyond: NDArray[Any]
    corner: NDArray[np.int32]

    @cached_property
    def more(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(T,) and (S,), which triangles of head and hair the photo has anything beyond."""
        some = self.beyond.any(axis=2)
        return (
            _marked(self.ids[some], len(HeadModel.load().triangles)),
            _marked(self.hair_ids[some], len(self.hair_triangles)),
        )

    @cached_property
    def _first(self) -> FloatArray:
        return np.ascontiguousarray(self.points - [0.5, 0.5, 0.0])

    @property
    def unknown(self) -> tuple[Any, ...]:
        """Return `values` by which everything is drawn, and nothing is added."""
        none = np.zeros((0, 0), np.int32)
        every, every_hair = (
            np.ones(len(own), np.bool_) for own in (HeadModel.load().triangles, self.hair_triangles)
        )
        return (
            none,
            none,
            self.beyond,
            self.corner,
            every,
            every_hair,
            ~every,
            ~every_hair,
            self._first,
            NONE,
            NONE,
        )

    def with_beyond(self, photo: NDArray[Any], drawn: NDArray[Any]) -> OwnView:
        """Return the view with what the photo (h, w, 3) has beyond what is drawn of it."""
        kind = self.beyond.dtype
        return replace(self, beyond=photo.astype(kind) - drawn.astype(kind))

    def moved(self, points: FloatArray, hair: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return (V,) and (N,), which vertices of head (V, 3) and hair (N, 3) do not lie as in the photo."""
        return _apart(points, self.points), _apart(hair, self.hair)

    def values(self, points: FloatArray, hair: FloatArray, lasts: float, iod: float) -> tuple[Any, ...]:
        """Return what `head_band` takes of this view for a frame whose vertices lie at these places; lasts: how much of
        what the photo has beyond the drawn layers is added; iod: px between the eyes.
        """
        moved, hair_moved = self.moved(points, hair)
        went: NDArray[Any] = np.asarray(moved[HeadModel.load().triangles].any(axis=1))
        hair_went: NDArray[Any] = np.asarray(hair_moved[self.hair_triangles].any(axis=1))
        far = np.abs(points - self.points).max() / iod
        behind = lasts * float(1 - smoothstep(*GIVES_WAY, np.array(far)))
        return (
            self.ids,
            self.hair_ids,
            self.beyond,
            self.corner,
            went,
            hair_went,
            *self.more,
            self._first,
            np.float32(lasts),
            np.float32(behind),
        )

    def box(self, points: FloatArray, hair: FloatArray, there: FloatArray, shape: tuple[int, ...]) -> Box:
        """Return the box around all that moves; there: (V,) how much of a vertex of the head is drawn."""
        moved, hair_moved = self.moved(points, hair)
        moved = (HeadModel.load().averaging @ moved.astype(float) > 0) & (there > 0)
        hair_moved = _marked(self.hair_triangles[hair_moved[self.hair_triangles].any(axis=1)], len(hair))
        boxes = [box_of(p[moved], shape) for p in (points, self.points)]
        return around(*boxes, *(box_of(p[hair_moved], shape) for p in (hair, self.hair)))


def placed(
    points: FloatArray, hair: FloatArray, sheet: Sheet | None, box: Box, kind: type[np.signedinteger[Any]]
) -> OwnView:
    """Return the view with nothing beyond it yet; box: around all that is drawn; kind: of differences of pixels."""
    x0, y0, x1, y1 = box
    ids, _ = rasterised(points, HeadModel.load().triangles, box)
    triangles = np.zeros((0, 3), np.int32) if sheet is None else sheet.triangles
    hair_ids = np.full_like(ids, -1) if sheet is None else rasterised(hair, triangles, box)[0]
    beyond = np.zeros((y1 - y0, x1 - x0, 3), kind)
    return OwnView(points, hair, triangles, ids, hair_ids, beyond, np.array([x0, y0], np.int32))


def _apart(points: FloatArray, other: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((np.abs(points - other) > STILL).any(axis=1))


def _marked(numbers: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Return (count,) True at these numbers; negative ones are left out."""
    out = np.zeros(count, np.bool_)
    out[numbers[numbers >= 0]] = True
    return out

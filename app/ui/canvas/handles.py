"""Knows where the handles of a face lie on the canvas, and what the canvas knows of a face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt

from app.engine.face.handles import HANDLES, Handle, head_handle
from app.engine.face.parameters import N_VERTICES

# Chosen by hand at three zooms (tools/handle_pulls.py).
GRAB_PX = 14.0  # logical px about a handle within which it is grabbed
APART_PX = 9.0  # logical px between two handles that both have room
REACH_OF_FACE = 1.12  # sides of the face's box within which the pointer shows its handles
IRISES = (468, 473)  # landmarks in the irises' middles: the image's left, the image's right
LIDS = ((159, 145), (386, 374))  # landmarks in the middles of an upper and a lower lid

Cursor = Qt.CursorShape


def cursor_of(handle: Handle) -> Cursor:
    """Return the pointer's shape over a handle, which shows the ways in which the handle moves."""
    if handle.turned:
        return Cursor.OpenHandCursor
    if handle.landmark in IRISES:
        return Cursor.CrossCursor
    return Cursor.SizeVerCursor if len(handle.controls) == 1 else Cursor.SizeAllCursor


@dataclass(frozen=True, eq=False)
class CanvasFace:
    """A face in the photo's pixels. points: (478, 2) px, where its landmarks are drawn now; own: (478, 2) px, where
    the photo has them; box: (x, y, w, h) px; depth: (468,) px towards the viewer, which decides what covers what in
    the NMFC layer.
    """

    box: tuple[float, float, float, float]
    own: NDArray[np.float64]
    points: NDArray[np.float64]
    depth: NDArray[np.float64] | None = None

    @property
    def rect(self) -> QRectF:
        return QRectF(*self.box)

    def point(self, landmark: int) -> QPointF:
        """Return where a landmark is drawn, px of the photo."""
        return QPointF(*(float(v) for v in self.points[landmark]))

    @property
    def centre(self) -> QPointF:
        """Return the middle of the face's landmarks, px of the photo."""
        return QPointF(*(float(v) for v in self.points[:N_VERTICES].mean(axis=0)))

    def handles(self, zoom: float) -> list[Handle]:
        """Return the handles that have room of their own at a zoom (logical px per photo px)."""
        if zoom not in self._handles:
            self._handles[zoom] = self._apart(zoom)
        return self._handles[zoom]

    @cached_property
    def _handles(self) -> dict[float, list[Handle]]:
        return {}

    def _apart(self, zoom: float) -> list[Handle]:
        """Return the handles that do not overlap; one that lies on another is left out, and its mirror with
        it. A shut lid goes before the iris that it hides, so that it can be taken up again.
        """
        shown: list[Handle] = []
        pairs = _pairs()
        if self._is_shut:
            pairs.sort(key=lambda pair: pair[0].landmark in IRISES)
        for pair in pairs:
            ways = [
                self.points[one.landmark] - self.points[other.landmark]
                for one in pair
                for other in (*shown, *pair)
                if other is not one
            ]
            if all(float(np.hypot(*way)) * zoom >= APART_PX for way in ways):
                shown.extend(pair)
        return shown

    @property
    def _is_shut(self) -> bool:
        """Return whether an eye is drawn less than half as open as the photo has it."""
        (now, before) = (
            [float(np.hypot(*(points[upper] - points[lower]))) for upper, lower in LIDS]
            for points in (self.points, self.own)
        )
        return any(2 * shown < own for shown, own in zip(now, before))

    def hides_handles(self, zoom: float) -> bool:
        """Return whether some handles have no room at a zoom."""
        return len(self.handles(zoom)) < len(HANDLES)

    def head_handle(self, point: QPointF) -> Handle:
        """Return a handle of the whole head, taken hold of at the landmark nearest to a point of the photo."""
        ways = self.points[:N_VERTICES] - (point.x(), point.y())
        return head_handle(int(np.argmin(np.square(ways).sum(axis=1))))

    @cached_property
    def _oval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return centre and half axes of the ellipse that counts as the face, px."""
        low, high = self.points[:N_VERTICES].min(axis=0), self.points[:N_VERTICES].max(axis=0)
        return (low + high) / 2, (high - low) / 2 * REACH_OF_FACE

    def near(self, point: QPointF) -> bool:
        """Return whether a point of the photo lies on the face or close around it."""
        middle, half = self._oval
        return bool((((np.array([point.x(), point.y()]) - middle) / half) ** 2).sum() <= 1)


def _pairs() -> list[tuple[Handle, ...]]:
    """Return the handles in order, each with its mirror where it has one."""
    pairs: dict[str, tuple[Handle, ...]] = {}
    for handle in HANDLES:
        name = handle.name.removesuffix("_left").removesuffix("_right")
        pairs[name] = (*pairs.get(name, ()), handle)
    return list(pairs.values())

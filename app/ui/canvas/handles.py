"""What can be grabbed on a face, and what the canvas knows of a face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt

GRAB_PX = 14.0
APART_PX = 9.0  # on the screen
REACH_OF_FACE = 1.12  # of the box: from there on handles show
TURN_RADIUS = 1.3  # pointer's way per radian of head turn, in distances between the eyes
EYE_RADIUS = 0.19  # eyeball's, in distances between the eyes
IRISES = (468, 473)

Cursor = Qt.CursorShape


def _noop(title: str) -> str:
    """Marks a title for translation in the context "Handle"."""
    return title


@dataclass(frozen=True)
class Handle:
    """landmark: of the 478; title says what dragging it does."""

    landmark: int
    title: str
    cursor: Cursor

    @property
    def is_iris(self) -> bool:
        return self.landmark in IRISES


# Where two lie too close to each other on the screen, the later one gives way.
HANDLES = (
    Handle(61, _noop("Mouth corner"), Cursor.SizeAllCursor),
    Handle(291, _noop("Mouth corner"), Cursor.SizeAllCursor),
    Handle(0, _noop("Upper lip"), Cursor.SizeVerCursor),
    Handle(17, _noop("Lower lip"), Cursor.SizeVerCursor),
    Handle(468, _noop("Gaze"), Cursor.CrossCursor),
    Handle(473, _noop("Gaze"), Cursor.CrossCursor),
    Handle(105, _noop("Brow"), Cursor.SizeVerCursor),
    Handle(334, _noop("Brow"), Cursor.SizeVerCursor),
    Handle(107, _noop("Inner brow"), Cursor.SizeAllCursor),
    Handle(336, _noop("Inner brow"), Cursor.SizeAllCursor),
    Handle(152, _noop("Jaw"), Cursor.SizeAllCursor),
    Handle(1, _noop("Nose tip"), Cursor.SizeAllCursor),
    Handle(159, _noop("Upper lid"), Cursor.SizeVerCursor),
    Handle(386, _noop("Upper lid"), Cursor.SizeVerCursor),
    Handle(145, _noop("Lower lid"), Cursor.SizeVerCursor),
    Handle(374, _noop("Lower lid"), Cursor.SizeVerCursor),
)


@dataclass(frozen=True, eq=False)
class CanvasFace:
    """A face in the photo's pixels. points: (478, 2), where its landmarks are asked to be now; own: where the
    photo has them; box: (x, y, w, h); scale: pixels between the eyes; roll: degrees;
    depth: (468,) towards the viewer, what hides what in the NMFC layer."""

    box: tuple[float, float, float, float]
    own: NDArray[np.float64]
    points: NDArray[np.float64]
    scale: float
    roll: float = 0.0
    depth: NDArray[np.float64] | None = None

    @property
    def rect(self) -> QRectF:
        return QRectF(*self.box)

    def point(self, landmark: int) -> QPointF:
        return QPointF(*(float(v) for v in self.points[landmark]))

    @property
    def centre(self) -> QPointF:
        return QPointF(*(float(v) for v in self.points[:468].mean(axis=0)))

    def handles(self, zoom: float) -> list[Handle]:
        """Those with room of their own at a zoom (logical px per photo px)."""
        if zoom not in self._handles:
            self._handles[zoom] = self._apart(zoom)
        return self._handles[zoom]

    @cached_property
    def _handles(self) -> dict[float, list[Handle]]:
        return {}

    def _apart(self, zoom: float) -> list[Handle]:
        shown: list[Handle] = []
        for handle in HANDLES:
            ways = [self.points[handle.landmark] - self.points[other.landmark] for other in shown]
            if all(float(np.hypot(*way)) * zoom >= APART_PX for way in ways):
                shown.append(handle)
        return shown

    @cached_property
    def _oval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle and half axes of what counts as the face, px."""
        low, high = self.points[:468].min(axis=0), self.points[:468].max(axis=0)
        return (low + high) / 2, (high - low) / 2 * REACH_OF_FACE

    def near(self, point: QPointF) -> bool:
        """Whether a point of the photo lies on the face or close around it."""
        middle, half = self._oval
        return bool((((np.array([point.x(), point.y()]) - middle) / half) ** 2).sum() <= 1)


@dataclass(frozen=True)
class Turn:
    """How far a drag has turned the head, degrees."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def moved(self, face: CanvasFace, before: QPointF, now: QPointF, rolling: bool) -> Turn:
        """The turn after the pointer went from `before` to `now` (photo's px)."""
        if rolling:
            a, b = before - face.centre, now - face.centre
            by = math.degrees(math.atan2(b.y(), b.x()) - math.atan2(a.y(), a.x()))
            return Turn(self.yaw, self.pitch, self.roll + (by + 180) % 360 - 180)
        way = (now - before) / (face.scale * TURN_RADIUS)
        return Turn(self.yaw + math.degrees(way.x()), self.pitch - math.degrees(way.y()), self.roll)


def gaze_turn(face: CanvasFace, start: QPointF, now: QPointF) -> tuple[float, float]:
    """Degrees (across, up) in the head's frame by which an iris dragged from `start` to `now` turns."""
    way = (now - start) / (face.scale * EYE_RADIUS)
    a = math.radians(face.roll)
    across, down = (
        way.x() * math.cos(a) + way.y() * math.sin(a),
        -way.x() * math.sin(a) + way.y() * math.cos(a),
    )
    angles = [math.degrees(math.asin(max(-0.95, min(0.95, w)))) for w in (across, -down)]
    return angles[0], angles[1]

"""Draws what can lie over the picture: boxes, handles, mesh, NMFC, flow. Marks are white with a dark edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from app.engine.face.handles import Handle
from app.ui import theme
from app.ui.canvas.handles import CanvasFace
from app.ui.canvas.viewport import Viewport

WHITE, DARK = QColor(255, 255, 255, 235), QColor(0, 0, 0, 160)  # levels and opacity, 0 to 255
CHECK_PX = 8  # logical px of a square of the board behind transparent parts
_RING_PX = 18  # logical px across, of the ring that shows work


def checkerboard() -> QBrush:
    """Return the pattern of neutral squares that shows under transparent parts."""
    tile = QPixmap(2 * CHECK_PX, 2 * CHECK_PX)
    tile.fill(QColor(128, 128, 128))
    painter = QPainter(tile)
    for x, y in ((0, 0), (CHECK_PX, CHECK_PX)):
        painter.fillRect(x, y, CHECK_PX, CHECK_PX, QColor(160, 160, 160))
    painter.end()
    return QBrush(tile)


def draw_box(painter: QPainter, rect: QRectF, number: int, active: bool) -> None:
    """Draw a numbered box: with a whole line for the active face, dashed for the others."""
    style = Qt.PenStyle.SolidLine if active else Qt.PenStyle.DashLine
    for colour, width in ((DARK, 3.0), (WHITE, 1.2)):
        painter.setPen(QPen(colour, width, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect, 3, 3)
    badge = QRectF(rect.left(), max(2.0, rect.top() - 20), 20, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(WHITE if active else DARK)
    painter.drawRoundedRect(badge, 3, 3)
    painter.setPen(QColor(30, 30, 30) if active else WHITE)
    painter.setFont(theme.body_font(theme.CAPTION_PX))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(number))


def draw_handles(
    painter: QPainter, view: Viewport, face: CanvasFace, grabbed: Handle | None, ratio: float
) -> None:
    """Draw every handle as a small ring; the one under the pointer is filled."""
    half = QPointF(_RING_PX / 2, _RING_PX / 2)
    for handle in face.handles(view.zoom):
        at = view.to_view(face.point(handle.landmark))
        painter.drawPixmap(at - half, _ring(handle is grabbed, ratio))


@lru_cache(maxsize=8)
def _ring(filled: bool, ratio: float) -> QPixmap:
    picture = QPixmap(round(_RING_PX * ratio), round(_RING_PX * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(ratio)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    centre, radius = QPointF(_RING_PX / 2, _RING_PX / 2), 5.5 if filled else 3.5
    painter.setPen(QPen(DARK, 3.5))
    painter.drawEllipse(centre, radius, radius)
    painter.setPen(QPen(WHITE, 1.5))
    painter.setBrush(WHITE if filled else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, radius, radius)
    painter.end()
    return picture


def draw_label(painter: QPainter, at: QPointF, text: str, canvas: QWidget) -> None:
    """Draw a sentence beside the pointer, within the canvas and out of the way of what lies over it."""
    painter.setFont(theme.body_font(theme.CAPTION_PX))
    covers = [one for one in canvas.children() if isinstance(one, QWidget) and one.isVisible()]
    size = QSizeF(painter.fontMetrics().size(0, text))
    rect = label_place(size, at, QRectF(canvas.rect()), [QRectF(one.geometry()) for one in covers])
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 190))
    painter.drawRoundedRect(rect, 3, 3)
    painter.setPen(WHITE)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def label_place(words: QSizeF, at: QPointF, bounds: QRectF, covers: Sequence[QRectF]) -> QRectF:
    """Return where a label stands whose words have this size in px: within bounds, beside what covers the canvas."""
    rect = QRectF(at.x() + 16, at.y() + 14, words.width() + 12, words.height() + 6)
    rect.moveRight(min(rect.right(), bounds.right() - 4))
    rect.moveBottom(min(rect.bottom(), bounds.bottom() - 4))
    for cover in covers:
        if rect.intersects(cover):
            left, up = rect.right() - cover.left(), rect.bottom() - cover.top()
            if left < up:
                rect.moveRight(cover.left() - 4)
            else:
                rect.moveBottom(cover.top() - 4)
    return rect


def edges_of(triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return (E, 2): every edge of the triangles once."""
    pairs = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    edges: NDArray[np.int32] = np.unique(pairs, axis=0)
    return edges


def draw_mesh(
    painter: QPainter, view: Viewport, points: NDArray[np.float64], edges: NDArray[np.int32]
) -> None:
    """Draw the face's mesh as thin lines."""
    at = _in_view(view, points)
    lines = [QLineF(*at[a], *at[b]) for a, b in edges.tolist()]
    for colour, width in ((QColor(0, 0, 0, 60), 1.6), (QColor(255, 255, 255, 130), 0.7)):
        painter.setPen(QPen(colour, width))
        painter.drawLines(lines)


def draw_nmfc(
    painter: QPainter,
    view: Viewport,
    points: NDArray[np.float64],
    depth: NDArray[np.float64],
    triangles: NDArray[np.int32],
    colours: NDArray[np.float64],
    opacity: float = 0.75,
) -> None:
    """Draw the NMFC as the network would see it: each triangle in its own colour, the farthest first.

    points: (468, 2) photo's px; depth: (468,) towards the viewer; colours: (T, 3) in [0, 1].
    """
    at = _in_view(view, points)
    corners = points[triangles]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    front = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] != 0
    order = np.argsort(depth[triangles].mean(axis=1))
    painter.save()
    painter.setOpacity(opacity)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for index in order[front[order]].tolist():
        colour = QColor.fromRgbF(*(float(c) for c in colours[index]))
        painter.setPen(QPen(colour, 1))
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(*at[v]) for v in triangles[index].tolist()]))
    painter.restore()


def draw_flow(
    painter: QPainter, view: Viewport, picture: QPixmap, box: QRectF, arrows: NDArray[np.float64]
) -> None:
    """Draw the render's dense flow: its picture over `box` (photo's px), and arrows (K, 4), each ending in a
    dot.
    """
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawPixmap(
        QRectF(view.to_view(box.topLeft()), box.size() * view.zoom), picture, QRectF(picture.rect())
    )
    start, end = _in_view(view, arrows[:, :2]), _in_view(view, arrows[:, 2:])
    lines = [QLineF(*a, *b) for a, b in zip(start, end)]
    for colour, width in ((DARK, 2.6), (WHITE, 1.2)):
        painter.setPen(QPen(colour, width))
        painter.drawLines(lines)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(WHITE)
    for x, y in end:
        painter.drawEllipse(QPointF(x, y), 1.8, 1.8)


def draw_divider(painter: QPainter, x: float, rect: QRectF) -> None:
    """Draw the line between before and after, with a grip."""
    for colour, width in ((DARK, 3.0), (WHITE, 1.2)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
    middle = rect.center().y()
    painter.setPen(QPen(DARK, 1))
    painter.setBrush(WHITE)
    painter.drawEllipse(QPointF(x, middle), 9, 9)
    painter.setPen(QPen(QColor(40, 40, 40), 1.5))
    for way in (-1, 1):
        tip = QPointF(x + way * 5.5, middle)
        painter.drawLine(tip, tip + QPointF(-way * 2.5, -2.5))
        painter.drawLine(tip, tip + QPointF(-way * 2.5, 2.5))


def _in_view(view: Viewport, points: NDArray[np.float64]) -> Sequence[tuple[float, float]]:
    at = points * view.zoom + np.array([view.offset.x(), view.offset.y()])
    return [(float(x), float(y)) for x, y in at]

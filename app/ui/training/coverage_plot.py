"""Plots which poses and expressions footage shows, and which it lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from app.session.values import localised
from app.ui import theme

ROW_PX, GAP_PX, NAME_PX, UNIT_PX = 17, 3, 92, 82  # logical px


class CoveragePlot(QWidget):
    """Draws a row for each pose angle and expression component.

    A cell is the brighter the more frames fall into it, and empty cells are crossed out. Rows are {"name",
    "edges", "counts", "gaps"}, as `mien train head2head --check` prints them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Coverage of poses and expressions"))
        self._rows: Sequence[Mapping[str, Any]] = ()

    def show_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = rows
        self.setAccessibleDescription(self.words())
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def words(self) -> str:
        """Return the gaps in words, with adjoining gaps as one."""
        found = []
        for row in self._rows:
            for low, high in merged(row["gaps"]):
                found.append(f"{self.title(row['name'])}: {span(row['name'], low, high)}")
        return (
            self.tr("Never shown: {}").format("; ".join(found)) if found else self.tr("Everything is shown.")
        )

    def title(self, name: str) -> str:
        """Return the name of a row in the window's language."""
        titles = {"yaw": self.tr("yaw"), "pitch": self.tr("pitch"), "roll": self.tr("roll")}
        return titles.get(name) or self.tr("expression {}").format(name.removeprefix("exp"))

    def sizeHint(self) -> QSize:
        return QSize(360, max(1, len(self._rows)) * (ROW_PX + GAP_PX))

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        painter = QPainter(self)
        painter.setFont(theme.body_font(theme.CAPTION_PX))
        for index, row in enumerate(self._rows):
            top = index * (ROW_PX + GAP_PX)
            painter.setPen(QColor(t.quiet))
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, top, NAME_PX, ROW_PX), middle, self.title(row["name"]))
            edges = row["edges"]
            ends = span(row["name"], edges[0], edges[-1])
            place = QRectF(self.width() - UNIT_PX, top, UNIT_PX, ROW_PX)
            painter.drawText(place, middle | Qt.AlignmentFlag.AlignRight, ends)
            for k, count in enumerate(row["counts"]):
                self._cell(painter, self._place(index, k), count, max(row["counts"]))

    def _cell(self, painter: QPainter, place: QRectF, count: int, most: int) -> None:
        t = theme.current()
        if count == 0:
            painter.setPen(QPen(QColor(t.error), 1))
            painter.drawRect(place)
            painter.drawLine(place.topLeft(), place.bottomRight())
            painter.drawLine(place.bottomLeft(), place.topRight())
            return
        colour = QColor(t.accent)
        colour.setAlphaF(0.25 + 0.75 * math.log1p(count) / math.log1p(max(most, 1)))
        painter.fillRect(place, colour)

    def _place(self, row: int, cell: int) -> QRectF:
        count = len(self._rows[row]["counts"])
        width = (self.width() - NAME_PX - UNIT_PX) / count
        return QRectF(NAME_PX + cell * width, row * (ROW_PX + GAP_PX) + 1, width - 2, ROW_PX - 2)

    def event(self, event: Any) -> bool:
        """Show a tip with the range and the number of frames of the cell under the pointer."""
        if isinstance(event, QHelpEvent):
            for index, row in enumerate(self._rows):
                for k, count in enumerate(row["counts"]):
                    if self._place(index, k).contains(event.pos()):
                        low, high = row["edges"][k : k + 2]
                        place = f"{self.title(row['name'])} {span(row['name'], low, high)}"
                        tip = self.tr("{}: {} frames").format(place, count)
                        QToolTip.showText(event.globalPos(), tip, self)
                        return True
        return super().event(event)


def span(name: str, low: float, high: float) -> str:
    """Return an interval of a pose angle or a component as the window's language writes it, with its unit."""
    unit = " σ" if name.startswith("exp") else "°"
    return localised(f"{low:g} … {high:g}{unit}").replace("-", "−")


def merged(gaps: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Return the intervals with adjoining ones joined."""
    joined: list[tuple[float, float]] = []
    for low, high in gaps:
        if joined and joined[-1][1] == low:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return joined

"""Defines a group of rows under a heading that folds; a dot marks changes inside."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.ui import icons, theme

HEADER_PX = 28  # logical px


class _Heading(QAbstractButton):
    """Draws a chevron, the title and, where something inside is changed, a dot."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.changed = False
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 52, HEADER_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chevron = "chevron-down" if self.isChecked() else "chevron-right"
        middle = self.height() // 2
        painter.drawPixmap(2, middle - 8, icons.pixmap(chevron, t.quiet, 16, self.devicePixelRatioF()))
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(t.text))
        rect = QRectF(22, 0, self.width() - 22, self.height())
        drawn = painter.boundingRect(rect, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.changed:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.accent))
            painter.drawEllipse(QRectF(drawn.right() + 7, middle - 3, 6, 6))
        if self.hasFocus():
            painter.setPen(QColor(t.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1), 4, 4)
        painter.end()


class FoldingGroup(QWidget):
    """A heading with rows under it.

    `body` is the layout to fill; `reset_wanted` is emitted when its reset button is clicked.
    """

    reset_wanted = Signal()

    def __init__(self, title: str, folded: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = _Heading(title, self)
        self.heading.setAccessibleName(title)
        self.reset_mark = QToolButton(self)
        icons.put(self.reset_mark, "reset", "quiet")
        self.reset_mark.setFixedSize(20, 20)
        self.reset_mark.setStyleSheet("padding: 0;")
        self.reset_mark.setToolTip(self.tr("Reset all of {}").format(title))
        self.reset_mark.setAccessibleName(self.reset_mark.toolTip())
        self.reset_mark.clicked.connect(self.reset_wanted)
        self.bar = QHBoxLayout()
        self.bar.setContentsMargins(0, 0, 2, 0)
        self.bar.setSpacing(4)
        self.bar.addWidget(self.heading, 1)
        self.bar.addWidget(self.reset_mark)
        self.content = QWidget(self)
        self.body = QVBoxLayout(self.content)
        self.body.setContentsMargins(0, 0, 0, 8)
        self.body.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(0)
        column.addLayout(self.bar)
        column.addWidget(self.content)
        self.heading.toggled.connect(self._on_toggled)
        self.heading.setChecked(not folded)
        self.show_changed(False)

    @property
    def folded(self) -> bool:
        return not self.heading.isChecked()

    def show_changed(self, changed: bool) -> None:
        """Show whether something inside differs from the photo."""
        self.heading.changed = changed
        self.reset_mark.setVisible(changed)
        self.heading.setAccessibleDescription(self.tr("changed") if changed else "")
        self.heading.update()

    def _on_toggled(self, open_: bool) -> None:
        self.content.setVisible(open_)

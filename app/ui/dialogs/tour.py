"""Shows the tour of the first run: five cards, each beside the thing that it explains."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui import theme

GAP = 14  # logical px between the card and the hole


class Tour(QWidget):
    """Covers a window and leaves a hole around the widget that is explained.

    stops: for each card its widget (or None), its heading and its words.
    """

    ended = Signal()

    def __init__(self, stops: list[tuple[QWidget | None, str, str]], window: QWidget) -> None:
        super().__init__(window)
        self._stops, self._window = stops, window
        self._index = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.card = QFrame(self)
        self.card.setObjectName("card")
        self.card.setFixedWidth(300)
        self.heading, self.words, self.count = QLabel(self.card), QLabel(self.card), QLabel(self.card)
        self.words.setWordWrap(True)
        theme.caption(self.count)
        self.next = QPushButton(self.card)
        theme.make_primary(self.next)
        self.next.clicked.connect(self._on_next)
        self.skip = QPushButton(self.tr("Skip"), self.card)
        self.skip.clicked.connect(self.end)
        row = QHBoxLayout()
        row.addWidget(self.count)
        row.addStretch(1)
        row.addWidget(self.skip)
        row.addWidget(self.next)
        column = QVBoxLayout(self.card)
        column.setContentsMargins(16, 14, 16, 12)
        column.addWidget(self.heading)
        column.addWidget(self.words)
        column.addLayout(row)
        self.setGeometry(window.rect())
        window.installEventFilter(self)
        self._show_stop()
        self.show()
        self.raise_()
        self.next.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the window when its size changes; the highlight moves once the window is laid out anew."""
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._window.rect())
            QTimer.singleShot(0, self, self._follow)
        return False

    @Slot()
    def _follow(self) -> None:
        self.raise_()  # a panel that was brought forward would cover the tour
        self._place()
        self.update()

    def _hole(self) -> QRect:
        target = self._stops[self._index][0]
        if target is None or not target.isVisible():
            return QRect()
        return QRect(target.mapTo(self._window, QPoint()), target.size()).adjusted(-3, -3, 3, 3)

    def _show_stop(self) -> None:
        target, heading, words = self._stops[self._index]
        if isinstance(target, QDockWidget):
            target.show()
            target.raise_()  # it may lie behind another tab, or be closed
            QTimer.singleShot(0, self, self._follow)
        self.heading.setText(f"<b>{heading}</b>")
        self.words.setText(words)
        self.count.setText(f"{self._index + 1} / {len(self._stops)}")
        last = self._index == len(self._stops) - 1
        self.next.setText(self.tr("Start") if last else self.tr("Next"))
        t = theme.current()
        self.card.setStyleSheet(
            f"#card {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: 6px; }}"
        )
        self.setAccessibleName(heading)
        self.setAccessibleDescription(words)
        self._follow()

    def _place(self) -> None:
        """Put the card beside the hole where there is room, else in the middle."""
        layout, width = self.card.layout(), self.card.width()
        assert layout is not None
        layout.activate()  # the card takes the height of its new words
        self.card.resize(width, layout.totalHeightForWidth(width))
        hole, card, room = self._hole(), self.card.size(), self.rect()
        if hole.isNull():
            self.card.move(room.center() - QPoint(card.width() // 2, card.height() // 2))
            return
        x = hole.right() + GAP
        if x + card.width() > room.right():
            x = hole.left() - GAP - card.width()
        if x < 0:
            x = max(GAP, hole.center().x() - card.width() // 2)
        below = hole.height() < card.height() and hole.bottom() < room.height() // 2
        y = hole.bottom() + GAP if below else min(hole.top(), room.bottom() - card.height() - GAP)
        self.card.move(x, max(GAP, min(y, room.bottom() - card.height() - GAP)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        path.addRect(self.rect())
        hole = self._hole()
        if not hole.isNull():
            inner = QPainterPath()
            inner.addRoundedRect(hole, 5, 5)
            path -= inner
            painter.setPen(QPen(QColor(theme.current().accent), 2))
            painter.drawPath(inner)
        painter.fillPath(path, QColor(0, 0, 0, 120))
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.end()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            (self.skip if self.skip.hasFocus() else self.next).click()

    @Slot()
    def _on_next(self) -> None:
        self._index += 1
        if self._index == len(self._stops):
            self.end()
        else:
            self._show_stop()

    @Slot()
    def end(self) -> None:
        self.hide()
        self.ended.emit()
        self.deleteLater()

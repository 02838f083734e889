"""Shows, while nothing is open, a drop zone, the sample, and the photos that were open last."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.ui import icons, theme, thumbnails

CARDS, CARD_PX = 6, 88  # most recent photos shown, and the logical px of their pictures' sides


class DropZone(QFrame):
    """A dashed frame with the one primary action of the empty window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lit = False

    def light(self, lit: bool) -> None:
        """Highlight the frame while a file is held over the window, or end that."""
        self._lit = lit
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        t, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(t.accent if self._lit else t.quiet), 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 8, 8)
        painter.end()


class Welcome(QWidget):
    """Lets the user drop a photo, open one, or open a recent one again."""

    open_wanted = Signal()
    sample_wanted = Signal()
    recent_wanted = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Welcome"))
        self.zone = DropZone(self)
        self.zone.setFixedWidth(440)
        self._picture = QLabel(self.zone)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = QLabel(self.tr("Drop a portrait here"), self.zone)
        font = heading.font()
        font.setPixelSize(20)
        heading.setFont(font)
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.open = QPushButton(self.tr("Open a photo…"), self.zone)
        theme.make_primary(self.open)
        self.open.clicked.connect(self.open_wanted)
        self.sample = QPushButton(self.tr("Try the sample portrait"), self.zone)
        self.sample.clicked.connect(self.sample_wanted)
        self.tip = QLabel(self.zone)
        self.tip.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.tip.setWordWrap(True)
        theme.caption(self.tip)
        inside = QVBoxLayout(self.zone)
        inside.setContentsMargins(48, 32, 48, 28)
        inside.setSpacing(10)
        for widget in (self._picture, heading, self.open, self.sample, self.tip):
            inside.addWidget(widget)
        self._recents = QHBoxLayout()
        self._recents.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._recents.setSpacing(4)
        self._heading = QLabel(self.tr("Recent"), self)
        theme.caption(self._heading)
        column = QVBoxLayout(self)
        column.addStretch(2)
        column.addWidget(self.zone, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(16)
        column.addWidget(self._heading, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(self._recents)
        column.addStretch(3)
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours."""
        quiet = theme.current().quiet
        self._picture.setPixmap(icons.pixmap("photo", quiet, 48, self.devicePixelRatioF()))

    def show_keys(self, open_: str, paste: str, commands: str) -> None:
        """Show the keys as the system writes them."""
        self.tip.setText(self.tr("{} opens, {} pastes, {} finds any command").format(open_, paste, commands))

    def show_recent(self, paths: list[Path]) -> None:
        """List the last files; files that are gone are greyed."""
        while item := self._recents.takeAt(0):
            if widget := item.widget():
                widget.hide()  # it disappears at once and is deleted later
                widget.deleteLater()
        for path in paths[:CARDS]:
            self._recents.addWidget(self._card(path))
        self._heading.setVisible(bool(paths))

    def _card(self, path: Path) -> QToolButton:
        """Return a thumbnail over the file's name."""
        card = QToolButton(self)
        card.setFixedSize(CARD_PX + 24, CARD_PX + 40)
        card.setIconSize(QSize(CARD_PX, CARD_PX))
        card.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        card.setFont(theme.body_font(theme.CAPTION_PX))
        name = card.fontMetrics().elidedText(path.name, Qt.TextElideMode.ElideMiddle, CARD_PX + 12)
        card.setText(name.replace("&", "&&"))
        card.setToolTip(str(path))
        card.setAccessibleName(path.name)
        card.setEnabled(path.exists())
        card.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        picture = thumbnails.thumbnail_of(path)
        if picture is not None:
            card.setIcon(QIcon(picture))
        else:
            icons.put(card, "photo" if path.suffix != ".mien" else "save", "quiet")
        card.setProperty("path", str(path))
        card.clicked.connect(self._on_recent)
        return card

    @Slot()
    def _on_recent(self) -> None:
        self.recent_wanted.emit(Path(self.sender().property("path")))

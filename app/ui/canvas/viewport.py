"""Knows where the photo lies on the canvas, by zoom and offset; it draws nothing."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF

# Logical px per photo px: from a huge photo on a small screen to single pixels.
LEAST, MOST = 0.02, 32.0
MARGIN = 12.0  # logical px around a photo that is fitted


class Viewport:
    """Maps the photo's pixels to the canvas's logical pixels: view = photo * zoom + offset."""

    def __init__(self) -> None:
        self.zoom = 1.0
        self.offset = QPointF()
        self.photo = QSizeF(1, 1)
        self.size = QSizeF(1, 1)
        self.fitted = True  # whether the photo stays fitted when the canvas is resized

    def to_photo(self, point: QPointF) -> QPointF:
        """Return the photo's pixel under a point of the canvas."""
        return (point - self.offset) / self.zoom

    def to_view(self, point: QPointF) -> QPointF:
        """Return the point of the canvas over a pixel of the photo."""
        return point * self.zoom + self.offset

    @property
    def rect(self) -> QRectF:
        """Return where the photo lies, logical px."""
        return QRectF(self.offset, self.photo * self.zoom)

    def resize(self, size: QSizeF) -> None:
        """Take the canvas's new size; a fitted photo stays fitted, else the middle stays in the middle."""
        shift = QPointF(size.width() - self.size.width(), size.height() - self.size.height()) / 2
        self.size = size
        if self.fitted:
            self.fit()
        else:
            self.offset = self.offset + shift

    def fit(self) -> None:
        """Show the whole photo, as large as it fits."""
        room = self.size.width() - 2 * MARGIN, self.size.height() - 2 * MARGIN
        share = min(room[0] / self.photo.width(), room[1] / self.photo.height())
        self.zoom = min(MOST, max(LEAST, share))
        self.offset = self._centred()
        self.fitted = True

    def show_rect(self, rect: QRectF, share: float) -> None:
        """Zoom so that a rectangle of the photo (px) fills this share of the canvas, in its middle."""
        zoom = share * min(self.size.width() / rect.width(), self.size.height() / rect.height())
        self.zoom = min(MOST, max(LEAST, zoom))
        middle = QPointF(self.size.width() / 2, self.size.height() / 2)
        self.offset = middle - rect.center() * self.zoom
        self.fitted = False
        self._hold()

    def zoom_to(self, zoom: float, about: QPointF | None = None) -> None:
        """Zoom so that the photo's point under `about` (by default the canvas's middle) stays there."""
        about = about if about is not None else QPointF(self.size.width() / 2, self.size.height() / 2)
        fixed = self.to_photo(about)
        self.zoom = min(MOST, max(LEAST, zoom))
        self.offset = about - fixed * self.zoom
        self.fitted = False
        self._hold()

    def pan(self, by: QPointF) -> None:
        self.offset = self.offset + by
        self.fitted = False
        self._hold()

    def snap(self, ratio: float) -> None:
        """Round the offset to whole device pixels, so that 100 % is sharp."""
        self.offset = QPointF(round(self.offset.x() * ratio) / ratio, round(self.offset.y() * ratio) / ratio)

    def _centred(self) -> QPointF:
        spare = self.size - self.photo * self.zoom
        return QPointF(spare.width() / 2, spare.height() / 2)

    def _hold(self) -> None:
        """Move the photo so that some of it stays in view."""
        keep = 48.0
        shown = self.photo * self.zoom
        x = min(self.size.width() - keep, max(keep - shown.width(), self.offset.x()))
        y = min(self.size.height() - keep, max(keep - shown.height(), self.offset.y()))
        self.offset = QPointF(x, y)

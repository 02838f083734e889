"""Places and sizes a window so that it is whole on its screen, frame included."""

from __future__ import annotations

from PySide6.QtCore import QMargins, QRect, QTimer
from PySide6.QtWidgets import QWidget

# How often the frame is looked for, and the milliseconds in between: a window manager makes its frame up to a
# second after a window is shown.
TRIES, TRY_MS = 20, 50


def frame_of(window: QWidget) -> QMargins:
    """Return the margins of the frame that the window system draws around a shown window."""
    inner, outer = window.geometry(), window.frameGeometry()
    return QMargins(
        inner.left() - outer.left(),
        inner.top() - outer.top(),
        outer.right() - inner.right(),
        outer.bottom() - inner.bottom(),
    )


def within(inner: QRect, frame: QMargins, available: QRect) -> QRect:
    """Return the geometry nearest to `inner` whose frame lies in the available part of a screen.

    Where not all of it fits, its top and left do.
    """
    room = available.marginsRemoved(frame)
    size = inner.size().boundedTo(room.size())
    x = max(room.left(), min(inner.left(), room.right() - size.width() + 1))
    y = max(room.top(), min(inner.top(), room.bottom() - size.height() + 1))
    return QRect(x, y, size.width(), size.height())


def fit(window: QWidget) -> None:
    """Bring a shown window onto its screen; a window that the system sized to fill the screen is left so."""
    if window.isMaximized() or window.isFullScreen():
        return
    wanted = within(window.geometry(), frame_of(window), window.screen().availableGeometry())
    if wanted != window.geometry():
        window.setGeometry(wanted)


def fit_when_framed(window: QWidget, tries: int = TRIES) -> None:
    """Call `fit` at once, and again as soon as the frame that the window system draws is known."""
    framed = not frame_of(window).isNull()  # asked before, because it may become known meanwhile
    fit(window)
    if tries and not framed:
        QTimer.singleShot(TRY_MS, window, lambda: fit_when_framed(window, tries - 1))

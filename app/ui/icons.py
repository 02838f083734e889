"""Draws line icons of one stroke width in the palette's text colour, and redraws them when the theme changes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QAction, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.engine.files import ASSETS
from app.ui import theme

FOLDER = ASSETS / "icons"
STROKE_PX = 1.5  # logical px; the width of every line
_GRID = 24  # units along either side of an icon's drawing
_SIZES = (16, 24)  # logical px that Qt may ask for
_RATIOS = (1.0, 2.0)  # device pixels per logical one

_worn: WeakKeyDictionary[Any, tuple[str, str]] = WeakKeyDictionary()


def icon(name: str, role: str = "text", in_menu: bool = False) -> QIcon:
    """Return the icon `assets/icons/<name>.svg` in a colour role of the theme, at 16 and 24 px, 1x and 2x.

    in_menu: whether menus show it, whose chosen line is filled with the accent.
    """
    made, colours = QIcon(), theme.current()
    drawn = {
        QIcon.Mode.Normal: getattr(colours, role),
        QIcon.Mode.Disabled: colours.line,
        QIcon.Mode.Selected: colours.on_accent,  # in a list's chosen row
    }
    if in_menu:  # buttons ask for this mode too, where the pointer or the keyboard is
        drawn[QIcon.Mode.Active] = colours.on_accent
    for mode, colour in drawn.items():
        for size in _SIZES:
            for ratio in _RATIOS:
                made.addPixmap(pixmap(name, colour, size, ratio), mode)
    return made


@lru_cache(maxsize=1024)
def pixmap(name: str, colour: str, size: int = 16, ratio: float = 1.0) -> QPixmap:
    """Return one icon as a picture of `size` logical pixels; the stroke is always `STROKE_PX` wide."""
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    svg = svg.replace("currentColor", colour)
    svg = svg.replace('stroke-width="1.5"', f'stroke-width="{STROKE_PX * _GRID / size}"')
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(picture.rect()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def put(target: Any, name: str, role: str = "text") -> None:
    """Set the icon of a button or action and keep it in the theme's colour."""
    _worn[target] = (name, role)
    target.setIcon(icon(name, role, isinstance(target, QAction)))


def refresh() -> None:
    """Redraw every icon that `put` placed."""
    for target, (name, role) in list(_worn.items()):
        try:
            put(target, name, role)
        except RuntimeError:  # its C++ half is gone already
            _worn.pop(target, None)


def app_icon() -> QIcon:
    """Return the application's own icon."""
    made = QIcon(str(FOLDER / "mien.png"))
    made.addFile(str(FOLDER / "mien.svg"))
    return made


theme.redraw_with(refresh)

"""Defines the window's colours and its small style sheet: dark, light, or following the system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.engine.files import ASSETS

NAMES = ("dark", "light", "system")
BODY_PX, CAPTION_PX = 13, 11  # logical px of text


@dataclass(frozen=True)
class Theme:
    """Colours by role.

    `text` and `quiet` have a contrast of 4.5:1 on canvas, panel and raised; the other colours are for marks,
    never for words.
    """

    name: str
    canvas: str
    panel: str
    raised: str
    line: str
    text: str
    quiet: str
    accent: str  # fills, ticks, focus rings: at least 3:1 on panels
    on_accent: str  # text on an accent fill
    error: str
    recording: str


DARK = Theme(
    "dark",
    canvas="#1e1e1e",
    panel="#262626",
    raised="#303030",
    line="#3a3a3a",
    text="#d8d8d8",
    quiet="#9a9a9a",
    accent="#e0a458",
    on_accent="#1e1e1e",
    error="#d9695f",
    recording="#e5484d",
)
LIGHT = Theme(
    "light",
    canvas="#d9d9d9",
    panel="#f2f2f2",
    raised="#ffffff",
    line="#c2c2c2",
    text="#1f1f1f",
    quiet="#575757",
    accent="#96601a",
    on_accent="#ffffff",
    error="#a3271d",
    recording="#c9252b",
)
SURROUNDS = {"black": "#000000", "mid": "#777777", "white": "#ffffff"}

_current = DARK
_redrawn: list[Callable[[], None]] = []


def current() -> Theme:
    """Return the theme in use."""
    return _current


def resolve(name: str) -> Theme:
    """Return the theme of one of `NAMES`; "system" asks the desktop."""
    if name == "system":
        return LIGHT if system_scheme() == Qt.ColorScheme.Light else DARK
    return LIGHT if name == "light" else DARK


def system_scheme() -> Qt.ColorScheme:
    """Return the desktop's present scheme: light, dark or unknown."""
    return QGuiApplication.styleHints().colorScheme()


def apply(app: QApplication, name: str) -> Theme:
    """Give the whole application the theme's colours; it may be called again at any time."""
    global _current
    _current = resolve(name)
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    app.setFont(body_font())
    app.setPalette(_palette(_current))
    app.setStyleSheet(_style_sheet(_current))
    for redraw in _redrawn:
        redraw()
    return _current


def redraw_with(redraw: Callable[[], None]) -> None:
    """Have a function called whenever another theme is applied, for what Qt does not restyle by itself."""
    _redrawn.append(redraw)


@lru_cache(maxsize=8)
def body_font(px: int = BODY_PX) -> QFont:
    """Return the system's typeface at a size in logical pixels, with digits of equal width."""
    font = QFont(QFontInfo(QFont()).family())
    font.setPixelSize(px)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def caption(widget: QWidget) -> None:
    """Give a widget the caption's size and the quiet colour of whichever theme is in use."""
    widget.setFont(body_font(CAPTION_PX))
    widget.setForegroundRole(QPalette.ColorRole.PlaceholderText)


def make_primary(button: QWidget) -> None:
    """Fill a button with the accent; a state or dialog has one such button."""
    button.setProperty("primary", True)
    # A button box has styled its button already.
    button.style().unpolish(button)
    button.style().polish(button)


def contrast(first: str, second: str) -> float:
    """Return the WCAG 2.2 contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = QColor(colour).getRgbF()[:3]  # type: ignore[index]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def _palette(theme: Theme) -> QPalette:
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for target, colour in {
        role.Window: theme.panel,
        role.WindowText: theme.text,
        role.Base: theme.canvas if theme is DARK else theme.raised,
        role.AlternateBase: theme.panel,
        role.Text: theme.text,
        role.PlaceholderText: theme.quiet,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.Light: theme.raised,
        role.Midlight: theme.raised,
        role.Mid: theme.line,
        role.Dark: theme.line,
        role.Shadow: theme.canvas,
    }.items():
        palette.setColor(target, QColor(colour))
    faded = QColor(theme.quiet)
    faded.setAlphaF(0.6)
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, target, faded)
    for target in (role.Highlight, role.Accent):  # the filled part of a slider that cannot be moved
        palette.setColor(group.Disabled, target, QColor(theme.line))
    return palette


def faded(theme: Theme) -> str:
    """Return the colour of words that cannot be acted on, half way between `quiet` and the panel."""
    quiet, panel = QColor(theme.quiet), QColor(theme.panel)
    pairs = zip(quiet.getRgb()[:3], panel.getRgb()[:3])  # type: ignore[index]
    return QColor(*((a + b) // 2 for a, b in pairs)).name()


def _indicators(t: Theme) -> str:
    """Return the part of the style sheet that draws the boxes and rings of check boxes and radio buttons."""
    return f"""
    QCheckBox::indicator:unchecked, QRadioButton::indicator:unchecked {{
        border: 1px solid {t.quiet}; background: {t.canvas if t is DARK else t.raised}; width: 13px; height: 13px; }}
    QCheckBox::indicator:unchecked {{ border-radius: 3px; }}
    QRadioButton::indicator:unchecked {{ border-radius: 7px; }}
    QCheckBox::indicator:unchecked:disabled, QRadioButton::indicator:unchecked:disabled {{
        border-color: {t.line}; }}
    QCheckBox::indicator:checked {{
        border: 1px solid {t.accent}; border-radius: 3px; background: {t.accent}; width: 13px; height: 13px;
        image: url("{(ASSETS / "icons" / f"checked-{t.name}.svg").as_posix()}"); }}
    QRadioButton::indicator:checked {{
        border: 4px solid {t.accent}; border-radius: 7px; background: {t.on_accent}; width: 7px; height: 7px; }}
    QCheckBox::indicator:checked:disabled {{ border-color: {t.quiet}; background: {t.quiet}; }}
    QRadioButton::indicator:checked:disabled {{ border-color: {t.quiet}; }}
    """


def _style_sheet(theme: Theme) -> str:
    """Return a style sheet for what the palette cannot set: flat panels, thin scroll bars, focus rings, the
    primary button, and no icons of Qt's own in dialogs: these are black on dark.
    """
    t = theme
    return f"""
    NumberField {{ color: {t.quiet}; }}
    NumberField[changed="true"] {{ color: {t.text}; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; padding: 4px; }}
    QMainWindow::separator {{ background: {t.line}; width: 1px; height: 1px; }}
    QDockWidget::title {{ background: {t.panel}; padding: 6px 8px; }}
    QPushButton, QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 4px 8px; }}
    QToolButton {{ background: transparent; padding: 4px; }}
    QPushButton {{ background: {t.raised}; border-color: {t.line}; min-height: 18px; }}
    QPushButton:hover, QToolButton:hover {{ background: {t.line}; }}
    QPushButton:pressed, QToolButton:pressed, QToolButton:checked {{ background: {t.canvas}; }}
    QToolButton:checked {{ border-color: {t.line}; }}
    QPushButton[primary="true"] {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; }}
    QPushButton[primary="true"]:disabled {{ background: {t.panel}; color: {faded(t)}; border-color: {t.line}; }}
    QPushButton:disabled {{ background: {t.panel}; color: {faded(t)}; border-color: {t.line}; }}
    {_indicators(t)}
    QPushButton:focus, QToolButton:focus, QCheckBox:focus, QRadioButton:focus {{
        border: 1px solid {t.accent}; border-radius: 4px; }}
    QPushButton[primary="true"]:focus {{ border: 2px solid {t.text}; }}
    QToolButton[popupMode="1"] {{ padding-right: 14px; }}
    QToolButton::menu-button {{ border: none; width: 12px; }}
    QPushButton::menu-indicator, QToolButton::menu-indicator {{ image: none; }}
    QListView, QTreeView, QScrollArea {{ border: none; outline: none; }}
    QListView:focus, QTreeView:focus {{ border: 1px solid {t.accent}; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 3px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 24px; }}
    QScrollBar::handle:hover {{ background: {t.quiet}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QMenuBar {{ background: {t.panel}; border: none; }}
    QToolBar {{ background: {t.panel}; border: none; padding: 2px 4px; spacing: 2px; }}
    QToolBar {{ border-bottom: 1px solid {t.line}; }}
    QStatusBar {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
    QStatusBar::item {{ border: none; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    """

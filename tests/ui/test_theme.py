"""Colours can be read, and icons can be drawn."""

import pytest
from PySide6.QtWidgets import QToolButton

from app.ui import icons, theme

BOTH = pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=lambda t: t.name)


@BOTH
@pytest.mark.parametrize("ground", ["canvas", "panel", "raised"])
@pytest.mark.parametrize("role", ["text", "quiet"])
def test_text_reads_on_every_ground(colours: theme.Theme, ground: str, role: str) -> None:
    assert theme.contrast(getattr(colours, role), getattr(colours, ground)) >= 4.5


@BOTH
def test_marks_and_buttons_stand_out(colours: theme.Theme) -> None:
    assert theme.contrast(colours.on_accent, colours.accent) >= 4.5
    assert theme.contrast(colours.accent, colours.panel) >= 4.5  # links
    for mark in (colours.error, colours.recording):
        assert theme.contrast(mark, colours.panel) >= 3.0


def test_contrast_knows_its_ends() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast("#404040", "#404040") == pytest.approx(1.0)


@pytest.mark.parametrize("path", sorted(icons.FOLDER.glob("*.svg")), ids=lambda p: p.stem)
def test_every_icon_draws_something(qapp: object, path: object) -> None:
    name = path.stem  # type: ignore[attr-defined]
    image = icons.pixmap(name, "#ffffff", 16, 1.0).toImage()
    drawn = sum(image.pixelColor(x, y).alpha() > 60 for x in range(16) for y in range(16))
    assert 3 < drawn < 256


def test_a_new_theme_recolours_palette_and_icons(qapp: object) -> None:
    button = QToolButton()
    theme.apply(qapp, "dark")  # type: ignore[arg-type]
    icons.put(button, "minus")
    dark = button.icon().pixmap(16, 16).toImage().pixelColor(8, 8).lightness()
    theme.apply(qapp, "light")  # type: ignore[arg-type]
    light = button.icon().pixmap(16, 16).toImage().pixelColor(8, 8).lightness()
    assert button.palette().windowText().color().name() == theme.LIGHT.text
    theme.apply(qapp, "dark")  # type: ignore[arg-type]
    assert dark > 150 > light

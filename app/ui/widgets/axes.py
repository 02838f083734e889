"""Writes the numbers at the axes of plots."""

from __future__ import annotations

from typing import Any

from app.session.values import localised


def localise(axis: Any) -> None:
    """Let a pyqtgraph axis write its numbers as the window's language does, with a true minus."""
    plain = axis.tickStrings

    def strings(values: Any, scale: float, spacing: float) -> list[str]:
        return [localised(text).replace("-", "−") for text in plain(values, scale, spacing)]

    axis.tickStrings = strings

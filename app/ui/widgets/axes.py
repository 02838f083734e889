"""Writes the numbers at the axes of plots."""

from __future__ import annotations

from typing import Any

from app.session.values import localised


def localise(axis: Any) -> None:
    """Let a pyqtgraph axis write its numbers as the window's language does, with a true minus."""
    plain = axis.tickStrings

    def strings(values: Any, scale: float, spacing: float) -> list[str]:
        # A logarithmic axis' values are exponents, and pyqtgraph would write 10 as 10¹ beside a plain 1.
        texts = [f"{10.0**value:g}" for value in values] if axis.logMode else plain(values, scale, spacing)
        return [localised(text).replace("-", "−") for text in texts]

    axis.tickStrings = strings


def count(axis: Any) -> None:
    """Let a pyqtgraph axis of whole numbers, such as steps, mark no fractions."""
    plain = axis.tickSpacing

    def spacing(*span: float) -> list[tuple[float, float]]:
        return [(by, start) for by, start in plain(*span) if float(by).is_integer()] or [(1.0, 0.0)]

    axis.tickSpacing = spacing

"""Writes in words how long each stage of a picture took."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from app.session.values import filled

_WORDS = {
    "track": QT_TRANSLATE_NOOP("Stages", "track"),
    "fit": QT_TRANSLATE_NOOP("Stages", "fit"),
    "smooth": QT_TRANSLATE_NOOP("Stages", "smooth"),
    "retarget": QT_TRANSLATE_NOOP("Stages", "transfer"),
    "generate": QT_TRANSLATE_NOOP("Stages", "draw"),
    "paste": QT_TRANSLATE_NOOP("Stages", "put in"),
    "view": QT_TRANSLATE_NOOP("Stages", "make small"),
    "encode": QT_TRANSLATE_NOOP("Stages", "prepare"),
    "resolve": QT_TRANSLATE_NOOP("Stages", "solve"),
    "composite": QT_TRANSLATE_NOOP("Stages", "put in"),
    "total": QT_TRANSLATE_NOOP("Stages", "in all"),
}


def line(ms: Mapping[str, float]) -> str:
    """Return the main stages in one line: "track 12 · fit 3 · in all 21 ms"."""
    return " · ".join(f"{_title(name)} {value:.0f}" for name, value in ms.items() if "." not in name) + " ms"


def lines(ms: Mapping[str, float]) -> list[str]:
    """Return every stage and its parts, one line each: "draw · warp: 3.1 ms"."""
    return [filled("{}: {:.1f} ms", _title(name), value) for name, value in ms.items()]


def _title(name: str) -> str:
    """Return a stage's name in words; a part of a stage keeps the generator's own name for it."""
    stage, _, part = name.partition(".")
    words = QCoreApplication.translate("Stages", str(_WORDS[stage])) if stage in _WORDS else stage
    return f"{words} · {part}" if part else words

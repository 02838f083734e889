"""Holds parts that the training window's pages share: a path with its button, a run's name, its time."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

LONGEST = 7 * 24 * 60.0  # minutes; the longest budget, one week


class PathField(QWidget):
    """A line for paths, separated by semicolons, and a button that asks for them."""

    changed = Signal()

    def __init__(self, name: str, ask: Callable[[], list[str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ask = ask
        self.line = QLineEdit(self)
        self.line.setAccessibleName(name)
        self.button = QPushButton(self.tr("Choose…"), self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self.button.clicked.connect(self._on_button)
        self.line.textChanged.connect(self.changed)

    def paths(self) -> tuple[Path, ...]:
        """Return the given paths as absolute ones."""
        parts = [part.strip() for part in self.line.text().split(";")]
        return tuple(Path(part).expanduser().absolute() for part in parts if part)

    def are_there(self) -> bool:
        """Return whether at least one path is given and all of them exist."""
        return bool(self.paths()) and all(path.exists() for path in self.paths())

    def _on_button(self) -> None:
        if chosen := self._ask():
            self.line.setText("; ".join(chosen))


def minutes_box(name: str, minutes: float, parent: QWidget) -> QDoubleSpinBox:
    """Return a field for a budget in minutes."""
    box = QDoubleSpinBox(parent)
    box.setAccessibleName(name)
    box.setRange(0.1, LONGEST)
    box.setDecimals(1)
    box.setValue(minutes)
    box.setSuffix(" min")
    return box


def is_name(text: str) -> bool:
    """Return whether a run and its model can have this name, which becomes a folder's name."""
    return re.fullmatch(r"\w[\w.-]*", text) is not None

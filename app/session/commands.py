"""The one undo command: some fields of the document before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtGui import QUndoCommand

from app.engine.contract import Portrait

Put = Callable[[Mapping[str, Any], Portrait | None], None]
Name = Callable[[Mapping[str, Any], Mapping[str, Any]], str]


class Change(QUndoCommand):
    """Replaces fields of the document; steps of one gesture merge into one.

    put: applies fields (and a portrait, where the faces change); name: the step's text from the fields before
    and after, asked again when steps merge; gesture: a positive number, None never merges.
    """

    def __init__(
        self,
        put: Put,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        name: Name,
        gesture: int | None = None,
        portraits: tuple[Portrait | None, Portrait | None] = (None, None),
    ) -> None:
        super().__init__(name(before, after))
        self.before, self.after, self.gesture = before, after, gesture
        self._put, self._name, self._portraits = put, name, portraits

    def id(self) -> int:
        return -1 if self.gesture is None else self.gesture

    def redo(self) -> None:
        self._put(self.after, self._portraits[1])

    def undo(self) -> None:
        self._put(self.before, self._portraits[0])

    def substitute(self, field: str, value: Any, instead: Any) -> None:
        """Say another value of a field wherever the step says this one; a step without a change left is dropped when
        the stack comes by."""
        if self.before.get(field) == value:
            self.before = {**self.before, field: instead}
        if self.after.get(field) == value:
            self.after = {**self.after, field: instead}
        self.setObsolete(self.before == self.after)

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Change) or other.gesture != self.gesture:
            return False
        self.after = {**self.after, **other.after}
        self.setText(self._name(self.before, self.after))
        self.setObsolete(self.after == self.before)
        return True

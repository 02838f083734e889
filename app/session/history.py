"""Holds the open document, with every step that led to it. It knows no engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.engine.contract import Portrait
from app.engine.face.parameters import FittedFace
from app.session.document import Document, Snapshot
from app.session.faces import renumbered_snapshots, renumbering

UNDO_LIMIT = 200  # steps that can be undone; documents are small and share what did not change

Put = Callable[[Mapping[str, Any], Portrait | None], None]
# Makes a step's text of the fields before and after.
Namer = Callable[[Mapping[str, Any], Mapping[str, Any]], str]
Name = str | Namer


class Change(QUndoCommand):
    """Replaces fields of the document, as the only undo command; steps of one gesture merge into one.

    put: applies fields (and a portrait, where the faces change); name: makes the step's text of the fields
    before and after, also after steps merged; gesture: a positive number, None for a step that never merges.
    """

    def __init__(
        self,
        put: Put,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        name: Namer,
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
        """Replace a value of a field by another wherever this step has it.

        A step that then changes nothing is marked, and the stack drops it on reaching it.
        """
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


class History(QObject):
    """Holds the document with its undo steps and gestures, and knows what of it is saved.

    A gesture is a number from `begin_gesture`: all changes made with it are one step. The document is clean
    while it equals the one that was written last (or opened), whichever steps led to it.
    """

    replaced = Signal(object)  # the Portrait that is open now, or None
    document_changed = Signal(object)  # Document
    active_changed = Signal(int)  # index of the face that the panels act on
    faces_changed = Signal(object)  # Portrait, after a face was added, or after adding one was undone
    dirty_changed = Signal(bool)  # the document differs from what was saved
    gesture_ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document()
        self.portrait: Portrait | None = None
        self.opened: object = None  # a new object for every document that is opened
        self._saved: Document | None = self.document
        self._emitted_dirty = False
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(UNDO_LIMIT)
        self._gestures = 0
        self._gesture: int | None = None

    # -- what is open

    def replace(self, document: Document, portrait: Portrait | None, saved: Document | None) -> None:
        """Open a document in place of the present one; saved: what its file holds, None where it has no file."""
        self._gesture = None
        self.document, self.portrait, self._saved = document, portrait, saved
        self.opened = object()
        self.stack.clear()
        self.replaced.emit(portrait)
        self._emit_document()

    @property
    def face(self) -> FittedFace | None:
        """Return the active face as it is in the photo."""
        faces = self.portrait.faces if self.portrait else ()
        return faces[self.document.active] if self.document.active < len(faces) else None

    @property
    def is_dirty(self) -> bool:
        """Return whether the document differs from what was saved."""
        return self._saved is None or not self.document.is_same_work(self._saved)

    def mark_saved(self, document: Document) -> None:
        """Note that this document is in a file now; the present document may already be another one."""
        self._saved = document
        self._emit_dirty()

    # -- steps

    def push(
        self,
        fields: Mapping[str, Any],
        name: Name,
        gesture: int | None = None,
        portraits: tuple[Portrait | None, Portrait | None] = (None, None),
    ) -> None:
        """Change fields of the document as one step, or as part of a gesture's step.

        name: the step's text, or a function that makes it of the fields before and after; portraits: the
        portraits before and after, where the faces change.
        """
        before = {field: getattr(self.document, field) for field in fields}
        if before != fields:
            text = name if callable(name) else lambda *_: name
            self.stack.push(Change(self._put, before, fields, text, gesture, portraits))

    def select_face(self, index: int) -> None:
        """Make a face the one that the panels act on; this is no undo step."""
        if self.portrait and 0 <= index < len(self.portrait.faces) and index != self.document.active:
            self._put({"active": index}, None)

    def keep_snapshots(self, snapshots: tuple[Snapshot, ...]) -> None:
        """Replace the snapshots; this is no undo step, so that there is something to come back to."""
        self._put({"snapshots": snapshots}, None)

    def forget_generator(self, name: str, instead: str) -> None:
        """Replace a generator that cannot run by another, wherever the document or a step names it."""
        for index in range(self.stack.count()):
            command = self.stack.command(index)
            if isinstance(command, Change):
                command.substitute("generator", name, instead)
        if self.document.generator == name:
            self._put({"generator": instead}, None)
        while (at := self.stack.index()) and self.stack.command(at - 1).isObsolete():
            self.stack.undo()  # this only drops the step
        while self.stack.canRedo() and self.stack.command(self.stack.index()).isObsolete():
            self.stack.redo()

    def _put(self, fields: Mapping[str, Any], portrait: Portrait | None) -> None:
        active = self.document.active
        if portrait is not None and self.portrait is not None:
            where = renumbering(self.portrait, portrait)
            fields = {**fields, "snapshots": renumbered_snapshots(self.document.snapshots, where)}
        self.document = replace(self.document, **fields)
        if portrait is not None:
            self.portrait = portrait
            self.faces_changed.emit(portrait)
        self._emit_document()
        if self.document.active != active:
            self.active_changed.emit(self.document.active)

    # -- gestures

    def begin_gesture(self) -> int:
        """Begin a drag and return its number, which every change of it names until `end_gesture`."""
        self._gestures += 1
        self._gesture = self._gestures
        return self._gesture

    def end_gesture(self) -> None:
        """End the drag that goes on; its result is rendered at full size."""
        self._gesture = None
        self._emit_document()
        self.gesture_ended.emit()

    def cancel_gesture(self, gesture: int) -> None:
        """Take back all that the drag changed, leaving nothing to redo."""
        command = self.stack.command(self.stack.index() - 1) if self.stack.index() else None
        if isinstance(command, Change) and command.gesture == gesture:
            command.undo()
            command.setObsolete(True)  # the stack drops what is obsolete without undoing it
            self.stack.undo()
        self.end_gesture()

    @property
    def in_gesture(self) -> bool:
        return self._gesture is not None

    # -- signals

    def _emit_document(self) -> None:
        self.document_changed.emit(self.document)
        self._emit_dirty()

    def _emit_dirty(self) -> None:
        if self.is_dirty != self._emitted_dirty:
            self._emitted_dirty = self.is_dirty
            self.dirty_changed.emit(self._emitted_dirty)

"""Makes every change that an artist can make to the open photo's faces. It knows no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session import naming, values, verbs
from app.session.document import Document, Snapshot
from app.session.history import History

Namer = Callable[[FaceEdit, FaceEdit], str]  # makes a step's name of the edits before and after it


class Editing(QObject):
    """Makes steps of the history.

    Each change is one step, or part of a gesture's step: `gesture` is a number from `History.begin_gesture`;
    None makes a step of its own.
    """

    linked_changed = Signal()  # emitted when some pair's sides have been linked or unlinked

    def __init__(self, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self.unlinked: frozenset[str] = frozenset()  # the `PAIRS` whose sides move alone

    @property
    def _document(self) -> Document:
        return self._history.document

    @property
    def _face(self) -> FittedFace | None:
        return self._history.face

    def set_value(self, name: str, value: float | None, gesture: int | None = None) -> None:
        """Ask for a control's value (None takes the request back), and for the same of its mirror while the
        two are linked.
        """
        changes = {name: value}
        mirror = BY_NAME[name].mirror
        if mirror and self.is_linked(name):
            changes[mirror] = value
        self.set_values(changes, gesture=gesture)

    def is_linked(self, name: str) -> bool:
        """Return whether a control's two sides move together."""
        return values.pair_of(name) not in self.unlinked

    def link(self, pairs: Iterable[str], linked: bool) -> None:
        """Let the sides of these of `PAIRS` move together, or alone; this is no undo step."""
        pairs = frozenset(pairs)
        self.unlinked = self.unlinked - pairs if linked else self.unlinked | pairs
        self.linked_changed.emit()

    def set_values(
        self, changes: Mapping[str, float | None], text: str | None = None, gesture: int | None = None
    ) -> None:
        """Ask for several controls' values in one step."""
        self.apply(self._document.edit.with_values(changes), text, gesture)

    def set_latent(self, name: str, value: float, gesture: int | None = None) -> None:
        """Ask for a value of a generator's own latent direction; 0 takes the request back."""
        latents = {**dict(self._document.edit.latents), name: value}
        self.apply(
            replace(self._document.edit, latents=tuple((n, v) for n, v in latents.items() if v)),
            None,
            gesture,
        )

    def apply(self, edit: FaceEdit, text: str | Namer | None = None, gesture: int | None = None) -> None:
        """Replace the active face's edit.

        text: names the step; without it, the step is named by what changed.
        """
        if self._face is None or edit == self._document.edit:
            return
        active, face = self._document.active, self._face
        edits = self._document.with_edit(edit).edits

        def name(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
            before, now = (fields["edits"].get(active, FaceEdit()) for fields in (old, new))
            words = text(before, now) if callable(text) else text
            return self._of_face(words or naming.describe(before, now, face), active)

        self._history.push({"edits": edits, "active": active}, name, gesture)

    def _of_face(self, text: str, index: int) -> str:
        """Return a step's name, followed by the number of its face where the photo has several."""
        portrait = self._history.portrait
        several = portrait is not None and len(portrait.faces) > 1
        return self.tr("{}, face {}").format(text, index + 1) if several else text

    def reset(self, names: tuple[str, ...] | None = None) -> None:
        """Take back what is asked of these controls of the active face, or of all its controls without names."""
        if names is None:
            self.apply(FaceEdit(), self.tr("Reset face"))
        else:
            self.set_values(dict.fromkeys(names), self._reset_text(names))

    def _reset_text(self, names: tuple[str, ...]) -> str:
        titles = [naming.title(BY_NAME[name]) for name in names]
        return self.tr("Reset {}").format(", ".join(titles[:3]) + (" …" if len(titles) > 3 else ""))

    def reset_face(self) -> None:
        """Take back everything that is asked of the active face."""
        self.reset()

    def next_face(self) -> None:
        self._step_face(1)

    def previous_face(self) -> None:
        self._step_face(-1)

    def _step_face(self, by: int) -> None:
        portrait = self._history.portrait
        if portrait and portrait.faces:
            self._history.select_face((self._document.active + by) % len(portrait.faces))

    def reset_all(self) -> None:
        """Take back everything that is asked of every face."""
        self._history.push({"edits": {}}, self.tr("Reset all faces"))

    def frontalise(self, strength: float = 1.0, gesture: int | None = None) -> None:
        """Turn the active face to the camera: 0 keeps its pose, 1 faces straight ahead."""
        if self._face:
            text = self.tr("Frontalise {}").format(values.percent(strength))
            self.set_values(verbs.frontalise(self._face, strength), text, gesture)

    def neutralise(self, strength: float = 1.0, gesture: int | None = None) -> None:
        """Relax the active face's expression: 0 keeps it, 1 is the neutral face."""
        if self._face:
            text = self.tr("Neutralise {}").format(values.percent(strength))
            changes: dict[str, float | None] = dict.fromkeys(verbs.expression_controls())
            self.set_values(changes | verbs.neutralise(self._face, strength), text, gesture)

    # -- snapshots

    def take_snapshot(self, name: str) -> None:
        """Keep the present state of every face under a name; this is no undo step."""
        self._history.keep_snapshots((*self._document.snapshots, Snapshot(name, self._document.edits)))

    def delete_snapshot(self, index: int) -> None:
        """Remove a snapshot for good."""
        self._history.keep_snapshots(tuple(s for i, s in enumerate(self._document.snapshots) if i != index))

    def restore_snapshot(self, index: int) -> None:
        """Go back to a snapshot's state of every face, as one step."""
        portrait, snapshot = self._history.portrait, self._document.snapshots[index]
        count = len(portrait.faces) if portrait else 0  # without faces whose adding was undone
        edits = {face: edit for face, edit in snapshot.edits.items() if face < count}
        self._history.push({"edits": edits}, self.tr("Restore {}").format(snapshot.name))

"""Every change an artist can make to what is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.session import naming, values, verbs
from app.session.document import Snapshot
from app.session.storage import Storage
from app.session.worker import Task


class Session(Storage):
    """What panels, canvas and menus call. Everything returns at once and is one undo step, or part of a gesture's.

    `gesture` is a number from `begin_gesture`; None makes a step of its own.
    """

    def set_value(self, name: str, value: float | None, gesture: int | None = None) -> None:
        """Ask for a control's value (None: leave it alone); its mirror too while the two are linked."""
        changes = {name: value}
        mirror = BY_NAME[name].mirror
        if mirror and self.is_linked(name):
            changes[mirror] = value
        self.set_values(changes, gesture=gesture)

    def is_linked(self, name: str) -> bool:
        """Whether a control's two sides move together."""
        return values.pair_of(name) not in self.unlinked

    def link(self, pairs: Iterable[str], linked: bool) -> None:
        """Let the sides of these of `PAIRS` move together, or alone; no undo step."""
        pairs = frozenset(pairs)
        self.unlinked = self.unlinked - pairs if linked else self.unlinked | pairs
        self.linked_changed.emit()

    @staticmethod
    def held(name: str, value: float) -> float:
        """A value within what can be asked of its control."""
        return min(BY_NAME[name].upper, max(BY_NAME[name].lower, value))

    def set_values(
        self, changes: Mapping[str, float | None], text: str | None = None, gesture: int | None = None
    ) -> None:
        """Ask for several controls' values in one step."""
        self.apply(self.edit.with_values(changes), text, gesture)

    def set_latent(self, name: str, value: float, gesture: int | None = None) -> None:
        """Ask for a generator's own direction; 0 leaves it alone."""
        latents = {**dict(self.edit.latents), name: value}
        self.apply(replace(self.edit, latents=tuple((n, v) for n, v in latents.items() if v)), None, gesture)

    def set_strength(self, strength: float, gesture: int | None = None) -> None:
        """Fade the active face's edit between the photo (0) and what is asked (1)."""
        self.apply(replace(self.edit, strength=strength), None, gesture)

    def apply(self, edit: FaceEdit, text: str | None = None, gesture: int | None = None) -> None:
        """Replace the active face's edit; `text` names the step, else it is named by what changed."""
        if self.face is None or edit == self.edit:
            return
        active, face = self.document.active, self.face
        after = self.document.with_edit(edit)

        def name(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
            before, now = (fields["edits"].get(active, FaceEdit()) for fields in (old, new))
            return text or naming.describe(before, now, face)

        self._push({"edits": after.edits, "active": active}, name, gesture)

    def reset(self, names: tuple[str, ...] | None = None) -> None:
        """Leave these controls of the active face alone again; all of them without names."""
        if names is None:
            self.apply(FaceEdit(), self.tr("Reset face"))
        else:
            self.set_values(dict.fromkeys(names), self._reset_text(names))

    def _reset_text(self, names: tuple[str, ...]) -> str:
        titles = [BY_NAME[name].title for name in names]
        return self.tr("Reset {}").format(", ".join(titles[:3]) + (" …" if len(titles) > 3 else ""))

    def reset_face(self) -> None:
        """Leave the active face as it is in the photo."""
        self.reset()

    def next_face(self) -> None:
        self._step_face(1)

    def previous_face(self) -> None:
        self._step_face(-1)

    def _step_face(self, by: int) -> None:
        if self.portrait and self.portrait.faces:
            self.select_face((self.document.active + by) % len(self.portrait.faces))

    def reset_all(self) -> None:
        """Leave every face alone again."""
        self._push({"edits": {}}, lambda *_: self.tr("Reset all faces"))

    def frontalise(self, strength: float = 1.0, gesture: int | None = None) -> None:
        """Turn the active face to the camera: 0 keeps its pose, 1 faces straight ahead."""
        if self.face:
            text = self.tr("Frontalise {:.0%}").format(strength)
            self.set_values(verbs.frontalise(self.face, strength), text, gesture)

    def neutralise(self, strength: float = 1.0, gesture: int | None = None) -> None:
        """Relax the active face's expression: 0 keeps it, 1 is the neutral face."""
        if self.face:
            text = self.tr("Neutralise {:.0%}").format(strength)
            self.set_values(verbs.neutralise(self.face, strength), text, gesture)

    def drag(self, landmark: int, to: tuple[float, float], gesture: int | None = None) -> None:
        """Move one landmark of the active face to a point of the photo (px): the most probable expression with it."""
        if self.face:
            edit = verbs.drag(self.face, self.edit, landmark, to)
            self.apply(edit, self.tr("Drag face"), gesture)

    def select_face(self, index: int) -> None:
        """Make a face the one the panels act on; no undo step."""
        if self.portrait and 0 <= index < len(self.portrait.faces) and index != self.document.active:
            self.document = replace(self.document, active=index)
            self._show_document()
            self.active_changed.emit(index)

    def set_generator(self, name: str) -> None:
        """Render with another backend; comes back to the present one with `failed` when it cannot run."""
        if name != self.document.generator:
            title = next((info.title for info in self.generators if info.name == name), name)
            self._push({"generator": name}, lambda *_: self.tr("Generator: {}").format(title))

    def export(self, path: Path, options: Mapping[str, Any] | None = None) -> None:
        """Render at full size and write; never over the photo that is open."""
        if self.portrait is None:
            return
        if self.document.photo and path.resolve() == self.document.photo.resolve():
            what = self.tr("The export would replace the photo itself.")
            self.failed.emit(EngineError(what, self.tr("Choose another name."), "export"))
            return
        portrait, edits = self.portrait, self.document.edits
        self.begin_job(Task("export", lambda engine: engine.export(portrait, edits, path, options), path))

    # -- snapshots

    def take_snapshot(self, name: str) -> None:
        """Keep the present state of every face under a name."""
        snapshots = (*self.document.snapshots, Snapshot(name, self.document.edits))
        self._push({"snapshots": snapshots}, lambda *_: self.tr("Snapshot {}").format(name))

    def delete_snapshot(self, index: int) -> None:
        kept = tuple(s for i, s in enumerate(self.document.snapshots) if i != index)
        self._push({"snapshots": kept}, lambda *_: self.tr("Delete snapshot"))

    def restore_snapshot(self, index: int) -> None:
        """Back to a snapshot's state of every face, as one step."""
        snapshot = self.document.snapshots[index]
        self._push({"edits": snapshot.edits}, lambda *_: self.tr("Restore {}").format(snapshot.name))

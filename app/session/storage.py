"""Projects: opened, saved, taken up again after a crash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.engine.contract import EngineLike, Portrait, Tell
from app.engine.errors import EngineError
from app.engine.files import data_folder
from app.session.autosave import Recovered
from app.session.core import Core, Opened
from app.session.document import Document
from app.session.project import Project, file_key, load_project, save_project, unpack_photo
from app.session.worker import Answer, Task


class Storage(Core):
    """A session that can be kept in a file. Reading, hashing and writing happen on the engine's thread."""

    def open_project(self, path: Path) -> None:
        """Open a project; `portrait_opened`, `photo_missing` or `failed` follows."""
        self._ask_open(
            path.name, lambda engine, tell: _open(engine, tell, replace(load_project(path), origin=path))
        )

    def relink(self, project: Project, photo: Path) -> None:
        """Open a project with the place its photo moved to, or with another photo in its stead."""

        def call(engine: EngineLike, tell: Tell) -> Opened:
            return _with_photo(engine, tell, project, photo, unsaved=True)

        self._ask_open(photo.name, call)

    def restore(self, recovered: Recovered) -> None:
        """Take up what a crash left behind; it counts as unsaved."""
        self._ask_open(
            recovered.project.places[-1].name,
            lambda engine, tell: _open(engine, tell, recovered.project, unsaved=True),
        )

    def revert(self) -> None:
        """Back to what the project file holds, or to the photo as it was opened."""
        if self.project is not None:
            self.open_project(self.project)
        elif self.document.photo is not None:
            self.open(self.document.photo)

    def save_project(self, path: Path, embed: bool = False) -> None:
        """Write a project; `saved` or `failed` follows. It stays as embedded as it was asked to be last."""
        document, index = self.document, self.undo_stack.index()
        self._embed = embed
        call = lambda _: save_project(path, document, embed)  # noqa: E731
        self.thread_.run(Task("save", call, (path, index)))

    def save(self) -> None:
        """Write the project where it is."""
        if self.project is not None:
            self.save_project(self.project, getattr(self, "_embed", False))

    def _take(self, answer: Answer) -> None:
        if answer.task.kind != "save":
            super()._take(answer)
        elif answer.error is not None:
            self._report(answer.error)
        else:
            path, index = answer.task.key
            self.project = path
            if index == self.undo_stack.index():
                self.undo_stack.setClean()
            self.project_changed.emit(path)
            self.saved.emit(path)


def _open(engine: EngineLike, tell: Tell, project: Project, unsaved: bool = False) -> Opened | Project:
    photo = project.find_photo()
    if photo is None and project.embedded is not None:
        photo = unpack_photo(project, data_folder() / "photos")
    return project if photo is None else _with_photo(engine, tell, project, photo, unsaved)


def _with_photo(engine: EngineLike, tell: Tell, project: Project, photo: Path, unsaved: bool) -> Opened:
    portrait = engine.open(photo, tell)
    for box in project.document.boxes:
        portrait = engine.add_face(portrait, box)
    document = replace(project.document, photo=photo, key=file_key(photo))
    return Opened(_fitting(document, portrait), portrait, project.origin, unsaved)


def _fitting(document: Document, portrait: Portrait) -> Document:
    """The document without what is asked of faces that this photo does not have."""
    count = len(portrait.faces)
    if document.edits and not count:
        raise EngineError(
            "The project's faces are not in this photo.", "Choose the photo it was made with.", "open"
        )
    edits = {face: edit for face, edit in document.edits.items() if face < count}
    return replace(document, edits=edits, active=min(document.active, max(0, count - 1)))

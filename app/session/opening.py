"""Opens photos and projects on the engine's thread, in stages; between two stages an opening can be
cancelled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.engine.contract import Portrait, Step
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.engine.files import data_folder
from app.session.document import Document
from app.session.project import Project, unpack_photo


class Cancelled(Exception):
    """Raised where an opening was cancelled, so that nobody waits for it any more."""


class Opening:
    """A request to open something.

    over: the document that was open when the user asked; it may be replaced without another question.
    `on_progress` is called on the engine's thread, and `cancelled` is set on the GUI's thread.
    """

    def __init__(self, report: Callable[[Step], None], over: Document) -> None:
        self._report, self.over = report, over
        self.cancelled = False

    def on_progress(self, step: Step) -> None:
        """Report a stage, or raise `Cancelled` where the opening was cancelled meanwhile."""
        if self.cancelled:
            raise Cancelled
        self._report(step)


@dataclass(frozen=True, eq=False)
class Opened:
    """A document with its portrait, ready to take the place of what is open.

    saved: what the document's file holds, None where it has no file; project: the file in which the document
    is saved; embed: whether the photo is inside that file.
    """

    document: Document
    portrait: Portrait
    saved: Document | None
    project: Path | None = None
    embed: bool = False


def open_photo(engine: EngineLike, opening: Opening, path: Path) -> Opened:
    """Return a photo as a document without any change."""
    portrait = engine.open(path, opening.on_progress)
    document = Document(photo=path, key=portrait.photo.key)
    return Opened(document, portrait, saved=document)


def open_project(
    engine: EngineLike, opening: Opening, project: Project, recovered: bool = False
) -> Opened | Project:
    """Return a project with its photo, found at its place or taken out of the file; the project alone where
    the photo is missing.

    recovered: whether a crash left it behind, so that none of the user's files holds it.
    """
    photo = project.find_photo()
    if photo is None and project.embedded is not None:
        photo = unpack_photo(project, data_folder() / "photos")
    if photo is None:
        return project
    return open_with_photo(engine, opening, project, photo, None if recovered else project.document)


def open_with_photo(
    engine: EngineLike, opening: Opening, project: Project, photo: Path, saved: Document | None = None
) -> Opened:
    """Return a project with the photo that lies at the given path; saved: the document as its file holds it."""
    portrait = engine.open(photo, opening.on_progress)
    for box in project.document.boxes:
        portrait = engine.add_face(portrait, box)
    key = portrait.photo.key
    if saved is not None:
        saved = saved.of_photo(photo, key)  # a photo that moved together with its project changes nothing
    document = _without_missing_faces(project.document.of_photo(photo, key), portrait)
    return Opened(document, portrait, saved, project.origin, project.embedded is not None)


def _without_missing_faces(document: Document, portrait: Portrait) -> Document:
    """Return the document without what is asked, now or in a snapshot, of faces that this photo does not have."""
    count = len(portrait.faces)
    if document.edits and not count:
        raise EngineError(
            "The project's faces are not in this photo.", "Choose the photo it was made with.", "open"
        )
    return document.with_faces(count)

"""Opens and saves photos and projects, and opens unsaved work again after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.engine.engine_like import EngineLike
from app.session.autosave import Recovered
from app.session.document import Document
from app.session.history import History
from app.session.jobs import Jobs
from app.session.opening import Opened, Opening, open_photo, open_project, open_with_photo
from app.session.project import Project, load_project, save_project
from app.session.worker import Answer, Task


class ProjectFiles(QObject):
    """Fills the history from files and writes it to them; reading, hashing and writing happen on the engine's
    thread.

    Edits that were made while something else was being opened are never replaced without a question:
    `replacing_unsaved` brings what was opened, and `take_opened` puts it in place. What was opened waits for the
    end of a drag, of a dialog about the open document (`held`) and of a save.
    """

    opening = Signal(bool)  # whether something is being opened; `cancel_open` stops that
    opening_stepped = Signal(object)  # a Step of the opening, from the engine's thread: connect it queued
    busy = Signal(str)  # the name of what is being opened ("" when that is done)
    # Opened; the open document has unsaved changes, and the user must be asked.
    replacing_unsaved = Signal(object)
    project_changed = Signal(object)  # the Path of the project file, or None
    photo_missing = Signal(object)  # the Project whose photo moved: ask for its place, then `relink`
    saving = Signal(str)  # the name of the project that is to be written ("" once that is done, or failed)
    saved = Signal(object)  # the Path of the project that was written

    def __init__(self, jobs: Jobs, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._history = jobs, history
        self.project: Path | None = None  # the file in which the document is saved
        self._embed = False  # whether the photo is inside that file
        self._opening: Opening | None = None
        # What was opened during a gesture, a dialog or a save, until that ends.
        self._waiting: tuple[Opened, Opening] | None = None
        self._holds = 0  # dialogs about the open document, and saves of it, that have not ended
        self._written: dict[Path, Document] = {}  # projects saved since the last opened one was read
        # The project, and the document that it may replace.
        self._missing: tuple[Project, Document] | None = None
        history.gesture_ended.connect(self._place_waiting)

    # -- opening

    @property
    def is_opening(self) -> bool:
        """Return whether a photo or a project is being opened."""
        return self._opening is not None

    def open(self, path: Path) -> None:
        """Open a photo in place of what is open; `History.replaced` or `failed` follows."""
        self._ask(path.name, lambda engine, opening: open_photo(engine, opening, path))

    def open_project(self, path: Path) -> None:
        """Open a project; `History.replaced`, `photo_missing` or `failed` follows."""

        def call(engine: EngineLike, opening: Opening) -> Opened | Project:
            return open_project(engine, opening, replace(load_project(path), origin=path))

        self._ask(path.name, call)

    def relink(self, project: Project, photo: Path) -> None:
        """Open a project with its photo at another place, or with another photo."""
        over = self._missing[1] if self._missing and self._missing[0] is project else None
        self._ask(photo.name, lambda engine, opening: open_with_photo(engine, opening, project, photo), over)

    def restore(self, recovered: Recovered) -> None:
        """Open again what a crash left behind; it counts as unsaved."""
        project = recovered.project

        def call(engine: EngineLike, opening: Opening) -> Opened | Project:
            return open_project(engine, opening, project, recovered=True)

        self._ask(project.places[-1].name, call)

    def revert(self) -> None:
        """Go back to what the project file holds, or to the photo as it was opened."""
        if self.project is not None:
            self.open_project(self.project)
        elif self._history.document.photo is not None:
            self.open(self._history.document.photo)

    def cancel_open(self) -> None:
        """Stop opening, and leave what is open as it is."""
        if self._opening is not None:
            self._opening.cancelled = True
        self._opening = self._waiting = None
        self.opening.emit(False)
        self.busy.emit("")

    def close(self) -> None:
        """Close the document, so that nothing is open."""
        self.cancel_open()
        document = Document(generator=self._history.document.generator)
        self.project, self._embed = None, False
        self._history.replace(document, None, document)
        self.project_changed.emit(None)

    def _ask(
        self,
        name: str,
        call: Callable[[EngineLike, Opening], Opened | Project],
        over: Document | None = None,
    ) -> None:
        if self._opening is not None:
            self._opening.cancelled = True
        opening = self._opening = Opening(self.opening_stepped.emit, over or self._history.document)
        self._waiting = None
        self.opening.emit(True)
        self.busy.emit(self.tr("Opening {}").format(name))
        self._jobs.run(Task(lambda engine: call(engine, opening), partial(self._on_answer, opening)))

    def _on_answer(self, opening: Opening, answer: Answer) -> None:
        if opening is not self._opening:  # another opening was asked for, or this one was cancelled
            return
        self._opening = None
        self._written.clear()
        self.opening.emit(False)
        self.busy.emit("")
        if answer.error is not None:
            self._jobs.failed.emit(answer.error)
        elif isinstance(answer.value, Project):
            self._missing = answer.value, opening.over
            self.photo_missing.emit(answer.value)
        else:
            self._place_or_ask(answer.value, opening)

    def _place_or_ask(self, opened: Opened, opening: Opening) -> None:
        history = self._history
        if history.in_gesture or self._holds:
            self._waiting = opened, opening
        elif history.is_dirty and not history.document.is_same_work(opening.over):
            self.replacing_unsaved.emit(opened)
        else:
            self.take_opened(opened)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the open document in place while a dialog asks about it and its answer is carried out; what was
        opened meanwhile takes its place afterwards.
        """
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._place_waiting()

    @Slot()
    def _place_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._place_or_ask(*waiting)

    def take_opened(self, opened: Opened) -> None:
        """Put what was opened in place of what is there; a photo without a project keeps the generator in use."""
        document, saved = opened.document, opened.saved
        if saved is document:
            document = saved = replace(document, generator=self._history.document.generator)
        self.project, self._embed = opened.project, opened.embed
        if self.project in self._written:  # the previous document was saved there while its user was asked
            saved = self._written[self.project]
        self._history.replace(document, opened.portrait, saved)
        self.project_changed.emit(self.project)

    # -- saving

    def save_project(self, path: Path, embed: bool = False, then: Callable[[], object] | None = None) -> None:
        """Write a project; `saved` or `failed` follows.

        embed: True puts the photo inside the file, now and at every later save; then: is called once the file
        is written, if nothing was changed meanwhile.
        """
        history = self._history
        document, opened = history.document, history.opened

        def take(answer: Answer) -> None:
            if answer.error is not None:
                self._jobs.failed.emit(answer.error)
                return
            self._written[path] = document
            if opened is history.opened:
                self.project, self._embed = path, embed
                history.mark_saved(document)
                self.project_changed.emit(path)
                self.saved.emit(path)
                if then is not None and not history.is_dirty:
                    then()
            elif path == self.project:  # another document of the file that was just written is open by now
                history.mark_saved(document)

        def done(answer: Answer) -> None:
            self.saving.emit("")
            with self.held():
                self._holds -= 1
                take(answer)

        self.saving.emit(path.name)
        self._holds += 1
        faces = len(history.portrait.faces) if history.portrait else 0
        written = document.with_faces(faces)  # without faces whose adding was undone
        self._jobs.run(Task(lambda _: save_project(path, written, embed), done))

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Write the project to its own file, with the photo inside if the file had it inside before."""
        if self.project is not None:
            self.save_project(self.project, self._embed, then)

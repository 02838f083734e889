"""Keeps the document after its last step in a recovery folder, so that it survives a crash."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile, QObject, Slot

from app.engine.errors import EngineError
from app.session.document import Document
from app.session.history import History
from app.session.project import SUFFIX, Project, load_project, save_project


@dataclass(frozen=True)
class Recovered:
    """A document left behind by a session that did not end well, with the path of its recovery file."""

    path: Path
    project: Project
    saved_at: float  # seconds since the epoch


class Autosave(QObject):
    """Writes the document to the recovery folder after every step, and removes it when all is well.

    The file is a few kilobytes of JSON, and writing it takes well under a millisecond. A lock file beside it
    says whether the Mien that wrote it still runs: a locked recovery file belongs to another running Mien.
    """

    def __init__(self, history: History, folder: Path) -> None:
        super().__init__(history)
        with suppress(OSError):  # as in `_write`
            folder.mkdir(parents=True, exist_ok=True)
        self._history, self._folder = history, folder
        self._file = folder / f"{uuid.uuid4().hex}{SUFFIX}"
        self._lock = _lock(self._file)
        self._lock.tryLock(0)
        self.origin: Path | None = None  # the project file of what is open
        self._written: tuple[Document, Path | None] | None = None  # what the file holds: document, origin
        self._taken: Recovered | None = None
        for signal in self._signals():
            signal.connect(self.save)

    def _signals(self) -> tuple[Any, ...]:
        history = self._history
        return history.document_changed, history.dirty_changed, history.gesture_ended

    @Slot()
    def save(self) -> None:
        """Write the open document if it is unsaved; during a gesture, wait for its end."""
        history = self._history
        if history.in_gesture:
            return
        if history.is_dirty and history.document.photo is not None:
            self._write(history.document)
        else:
            self._file.unlink(missing_ok=True)
            self._written = None

    def _write(self, document: Document) -> None:
        if self._written == (document, self.origin):
            return
        try:
            save_project(self._file, document, origin=self.origin)
        except EngineError:
            return  # a full disk must not stop the editing; saving the project itself reports it
        self._written = document, self.origin
        if self._taken is not None and self._taken.project.document.edits == document.edits:
            self.discard(self._taken)  # the recovered work belongs to this session now
            self._taken = None

    def close(self, keep: bool = False) -> None:
        """Remove the recovery file, because all is saved or given up; with `keep`, unsaved work is offered at the
        next start.
        """
        for signal in self._signals():
            signal.disconnect(self.save)
        if not keep:
            self._file.unlink(missing_ok=True)
        self._lock.unlock()

    def left_behind(self) -> list[Recovered]:
        """Return documents of sessions that ended without `close`, newest first."""
        found = [r for path in self._folder.glob(f"*{SUFFIX}") if (r := self._recovered(path))]
        return sorted(found, key=lambda r: -r.saved_at)

    def _recovered(self, path: Path) -> Recovered | None:
        if path == self._file:
            return None
        lock = _lock(path)
        if not lock.tryLock(0):
            return None  # because its session still runs
        lock.unlock()
        try:
            return Recovered(path, load_project(path), path.stat().st_mtime)
        except (EngineError, OSError):
            return None

    def another_runs(self) -> bool:
        """Return whether another Mien is running, whose unfinished files are no crash's."""
        own = self._file.with_suffix(".lock")
        for path in self._folder.glob("*.lock"):
            lock = _lock(path)
            if path != own and not lock.tryLock(0):
                return True
            lock.unlock()
        return False

    def mark_reopened(self, recovered: Recovered) -> None:
        """Note that this document is open again: once this session has saved it, the old file is not needed."""
        self._taken = recovered

    @staticmethod
    def discard(recovered: Recovered) -> None:
        """Delete the recovery file of a document that nobody wants back."""
        recovered.path.unlink(missing_ok=True)


def _lock(path: Path) -> QLockFile:
    lock = QLockFile(str(path.with_suffix(".lock")))
    lock.setStaleLockTime(0)  # the lock is stale only once its process is gone
    return lock

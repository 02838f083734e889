"""A slow generator's work on the active face before it can be edited, as a job."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.session.session import Session
from app.session.worker import Answer, Task

KIND = "prepare"


class Preparation(QObject):
    """Begins by itself when such a generator, a photo or a face is chosen and no other job runs; when the user cancels
    it, only `begin` begins it again. Until it is done the session renders nothing for an edit of that face."""

    changed = Signal()  # `is_needed` or `is_running`

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._begun: Any = None
        self._refused: Any = None
        session.document_changed.connect(self._leave_another)
        for signal in (
            session.generator_changed,
            session.portrait_opened,
            session.faces_changed,
            session.active_changed,
            session.closed,
        ):
            signal.connect(self._on_other)
        session.job_ended.connect(self._on_job_ended)

    @property
    def is_needed(self) -> bool:
        """The active face is not ready for its generator."""
        session = self._session
        return session.face is not None and not session.scheduler.is_prepared(session.document.active)

    @property
    def is_running(self) -> bool:
        return self._session.job == KIND

    @Slot()
    def begin(self) -> None:
        portrait, active = self._session.portrait, self._session.document.active
        if portrait is not None and self.is_needed:
            self._refused, self._begun = None, self._what()
            task = Task(KIND, lambda engine: engine.preparing(portrait, active), self._what())
            self._session.begin_job(task)
            self.changed.emit()

    @Slot()
    def cancel(self) -> None:
        if self.is_running:
            self._refused = self._what()
            self._session.cancel_job()

    def _what(self) -> tuple[Any, ...]:
        """The face and the generator it is prepared for."""
        document = self._session.document
        return self._session.portrait, document.active, document.generator

    @Slot()
    def _on_other(self) -> None:
        """Another face or generator: leave what is running, begin what is needed."""
        self._leave_another()
        self._begin_unasked()
        self.changed.emit()

    @Slot()
    def _leave_another(self) -> None:
        if self.is_running and self._begun != self._what():
            self._begun = None  # not refused: whoever comes back before it has ended finds it begun again
            self._session.cancel_job()

    def _begin_unasked(self) -> None:
        if not self._session.job and self.is_needed and self._refused != self._what():
            self.begin()

    @Slot(object)
    def _on_job_ended(self, answer: Answer) -> None:
        if answer.task.kind == KIND:
            portrait, face, generator = asked = answer.task.key
            if answer.closed or answer.error is not None:
                if asked == self._begun:
                    self._refused = asked
            elif (portrait, generator) == (self._session.portrait, self._session.document.generator):
                # Maybe not the active face: another was chosen while the answer was on its way.
                self._session.scheduler.prepared(face)
        self._begin_unasked()
        self.changed.emit()

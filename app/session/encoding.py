"""Encodes the active face as a job, for slow generators that must do so before the face can be edited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from app.engine.contract import Portrait, Step
from app.engine.engine_like import EngineLike
from app.session.session import Session
from app.session.worker import Answer, Job


@dataclass(frozen=True)
class _Face:
    """A face and the generator that encodes it."""

    portrait: Portrait
    index: int
    generator: str


class Encoding(QObject):
    """Runs the encoding. It begins by itself when such a generator, a photo or a face is chosen and no other job
    runs; once the user has cancelled it, only `begin` begins it again. Until it is done the session renders nothing
    for an edit of that face.
    """

    changed = Signal()  # `is_needed` or `is_running`
    stepped = Signal(object)  # Step

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self._begun: _Face | None = None
        self._refused: _Face | None = None
        session.document_changed.connect(self._leave_another)
        for signal in (
            session.generator_changed,
            session.portrait_opened,
            session.faces_changed,
            session.active_changed,
            session.closed,
        ):
            signal.connect(self._on_other)
        session.job_ended.connect(self._begin_unasked)

    @property
    def is_needed(self) -> bool:
        """Whether the active face still has to be encoded by its generator."""
        session = self._session
        return session.face is not None and not session.scheduler.is_encoded(session.document.active)

    @property
    def is_running(self) -> bool:
        return self._job is not None and self._job is self._session.job

    @Slot()
    def begin(self) -> None:
        face = self._face()
        if face is None or not self.is_needed:
            return

        def call(engine: EngineLike) -> Iterator[Step]:
            return engine.encoding_steps(face.portrait, face.index)

        words = self.tr("Finding the face in the generator")
        job = Job(
            words,
            call,
            self.stepped.emit,
            partial(self._on_end, face),
            face.generator,
            gives_way=lambda: True,
        )
        self._refused, self._begun, self._job = None, face, job
        if self._session.begin_job(job):
            self.changed.emit()

    @Slot()
    def cancel(self) -> None:
        if self.is_running:
            self._refused = self._begun
            self._session.cancel_job()

    def _face(self) -> _Face | None:
        """Return the face that is active, and the generator in use."""
        session = self._session
        if session.portrait is None:
            return None
        return _Face(session.portrait, session.document.active, session.document.generator)

    @Slot()
    def _on_other(self) -> None:
        """Leave what is running and begin what another face or generator needs."""
        self._leave_another()
        self._begin_unasked()
        self.changed.emit()

    @Slot()
    def _leave_another(self) -> None:
        if self.is_running and self._begun is not None and self._begun != self._face():
            self._begun = None  # not refused: whoever comes back before it has ended finds it begun again
            self._session.cancel_job()

    @Slot()
    def _begin_unasked(self) -> None:
        if self._session.job is None and self.is_needed and self._refused != self._face():
            self.begin()

    def _on_end(self, face: _Face, answer: Answer) -> None:
        if answer.error is not None:
            self._refused = face
        elif not answer.closed and self._face() == replace(face, index=self._session.document.active):
            # The answer may not be about the active face, because another was chosen while it was on its way.
            self._session.scheduler.mark_encoded(face.index)
        self._begin_unasked()
        self.changed.emit()

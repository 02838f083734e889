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
    """Runs the encoding.

    It begins by itself when such a generator, a photo or a face is chosen and no other job runs. Once the
    user has cancelled it, only `begin` begins it again. Until the face is encoded, the session renders no
    edit of it.
    """

    changed = Signal()  # `is_needed` or `is_running` has changed
    stepped = Signal(object)  # Step

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self._begun: _Face | None = None
        self._refused: _Face | None = None
        session.document_changed.connect(self._cancel_superseded)
        for signal in (
            session.generator_changed,
            session.portrait_opened,
            session.faces_changed,
            session.active_changed,
            session.closed,
        ):
            signal.connect(self._on_choice)
        session.job_ended.connect(self._begin_if_needed)

    @property
    def is_needed(self) -> bool:
        """Return whether the active face still has to be encoded by its generator."""
        session = self._session
        return session.face is not None and not session.scheduler.is_encoded(session.document.active)

    @property
    def is_running(self) -> bool:
        return self._job is not None and self._job is self._session.job

    @Slot()
    def begin(self) -> None:
        """Begin to encode the active face, as a job, where its generator needs that."""
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
        """Cancel the encoding; it does not begin again by itself."""
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
    def _on_choice(self) -> None:
        """Cancel an encoding that is no longer needed, and begin the one that the new face or generator
        needs.
        """
        self._cancel_superseded()
        self._begin_if_needed()
        self.changed.emit()

    @Slot()
    def _cancel_superseded(self) -> None:
        """Cancel the running encoding where another face or generator is active by now."""
        if self.is_running and self._begun is not None and self._begun != self._face():
            # It is not refused: a user who returns to the face finds the encoding begun again.
            self._begun = None
            self._session.cancel_job()

    @Slot()
    def _begin_if_needed(self) -> None:
        """Begin the encoding where it is needed, no job runs, and the user has not cancelled it."""
        if self._session.job is None and self.is_needed and self._refused != self._face():
            self.begin()

    def _on_end(self, face: _Face, answer: Answer) -> None:
        if answer.error is not None:
            self._refused = face
        elif not answer.closed and self._face() == replace(face, index=self._session.document.active):
            # Another face may have become active meanwhile: the answer is of the face that was encoded.
            self._session.scheduler.mark_encoded(face.index)
        self._begin_if_needed()
        self.changed.emit()

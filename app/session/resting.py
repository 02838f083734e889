"""Looks through a clip for its driver's face at rest before a film is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine.contract import Step
from app.engine.driving.steps import RestStep
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.session.jobs import Jobs
from app.session.worker import Answer, Job


class RestFinder(QObject):
    """Runs one search at a time: a new one replaces the one before, and any other work ends it."""

    begun = Signal()
    found = Signal(object)  # RestStep
    failed = Signal(object)  # EngineError: of this clip or moment
    abandoned = Signal()  # the search ended without a result, because other work came first

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None

    def seek(self, clip: Path, at: float | None = None) -> None:
        """Look through `clip`, or take its frame at `at` seconds.

        Where a job runs that does not give way, nothing is sought and `abandoned` is emitted.
        """
        running = self._jobs.current
        if running is not None and not running.gives_way():
            self.abandoned.emit()
            return
        rests: list[RestStep] = []
        errors: list[EngineError] = []

        def call(engine: EngineLike) -> Iterator[Step]:
            try:
                yield from engine.rest(clip, at)
            except EngineError as error:  # it is shown beside the clip and not over the window
                errors.append(error)

        def on_step(step: Step) -> None:
            if isinstance(step, RestStep):
                rests.append(step)

        def on_end(answer: Answer) -> None:
            if self._job is not job:
                return
            self._job = None
            if errors:
                self.failed.emit(errors[0])
            elif rests:
                self.found.emit(rests[0])
            else:
                self.abandoned.emit()

        words = self.tr("Looking for the face at rest")
        job = Job(words, call, on_step, on_end, None, lambda: True, in_status_bar=False)
        self._job = job
        self.begun.emit()
        self._jobs.begin(job)

    def stop(self) -> None:
        """Cancel the search, because nobody waits for it any more."""
        job, self._job = self._job, None
        if job is not None:
            self._jobs.cancel(job)

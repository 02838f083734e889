"""What takes a while, in the status bar: what, how far, how long still, and Cancel."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Slot

from app.engine.results import Step
from app.session.session import Session
from app.ui.dialogs.batch import duration
from app.ui.status import StatusBar


class Activity(QObject):
    """Shows opening and jobs; a batch has a dialog and the live view a bar of their own."""

    def __init__(self, session: Session, status: StatusBar) -> None:
        super().__init__(status)
        self._session, self._status = session, status
        self._opening = False
        self._began = 0.0
        session.opening.connect(self._on_opening)
        session.busy.connect(self._on_busy)
        session.progressed.connect(self._on_step)
        session.job_ended.connect(self._on_job_ended)
        status.cancelled.connect(self._on_cancel)

    @Slot(bool)
    def _on_opening(self, opening: bool) -> None:
        self._opening = opening

    @Slot(str)
    def _on_busy(self, words: str) -> None:
        self._status.show_activity(words, cancellable=self._opening)

    @Slot(object)
    def _on_step(self, step: Step) -> None:
        words = {"export": self.tr("Exporting"), "film": self.tr("Rendering the film")}.get(self._session.job)
        if words is None:
            return
        self._began = self._began or time.monotonic()
        if step.total and step.done:
            left = (time.monotonic() - self._began) / step.done * (step.total - step.done)
            words = self.tr("{}, {} left").format(words, duration(left)) if left > 1 else words
        self._status.show_activity(words, step.done, step.total, True)

    @Slot(object)
    def _on_job_ended(self) -> None:
        self._began = 0.0
        self._status.show_activity("")

    @Slot()
    def _on_cancel(self) -> None:
        if self._session.job:
            self._session.cancel_job()
        else:
            self._session.cancel_open()

"""Shows long work in the status bar: what it is, how far it has come, how long it still takes, and Cancel."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Slot

from app.engine.contract import Step
from app.session import naming
from app.session.session import Session
from app.session.worker import QUEUED, Job
from app.ui.remaining import Remaining, duration
from app.ui.status import StatusBar

SHOWN_MS = 200  # ms: a drawing or a save that ends sooner shows no bar; chosen by eye
# ms: other work of the engine that ends sooner shows no bar. A face is prepared within a second once the
# kernels are compiled, which happens once after Mien is installed.
PATIENCE_MS = 1000


class Activity(QObject):
    """Shows opening and jobs. A batch shows its progress in a dialog and the live view in a bar, so neither
    is shown here.
    """

    def __init__(self, session: Session, status: StatusBar) -> None:
        super().__init__(status)
        self._session, self._status = session, status
        self._opening = False
        self._words = ""  # the message about what is being opened
        self._remaining = Remaining()
        session.opening.connect(self._on_opening)
        session.opening_stepped.connect(self._on_opening_step, QUEUED)
        session.busy.connect(self._on_busy)
        session.saving.connect(self._on_saving)
        session.jobs.started.connect(self._on_job)
        session.jobs.stepped.connect(self._on_step)
        session.jobs.ended.connect(self._on_job_ended)
        session.scheduler.drawing.connect(self._on_drawing)
        session.scheduler.asked.connect(self._on_asked)
        self._tick = QTimer(self)
        self._tick.setInterval(100)
        self._tick.timeout.connect(self._on_tick)
        self._expected, self._begun = 0.0, QElapsedTimer()
        self._saving = ""  # the message about what is being saved
        self._save_wait = self._timer(SHOWN_MS, self._show_saving)
        self._asked = ""  # the name of what the scheduler waits for
        self._wait = self._timer(PATIENCE_MS, self._show_asked)
        self._shows_wait = False
        status.cancelled.connect(self._on_cancel)

    def _timer(self, ms: int, shown: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(ms)
        timer.timeout.connect(shown)
        return timer

    @Slot(bool)
    def _on_opening(self, opening: bool) -> None:
        self._opening = opening

    @Slot(str)
    def _on_busy(self, words: str) -> None:
        self._words = words
        self._status.show_activity(words, cancellable=self._opening)

    @property
    def _is_taken(self) -> bool:
        """Return whether an opening or a job has the status bar."""
        job = self._session.job
        return self._opening or (job is not None and job.in_status_bar)

    @Slot(str)
    def _on_saving(self, name: str) -> None:
        """Say that a save waits for the engine, whose first picture may take half a minute."""
        was_shown = bool(self._saving) and not self._save_wait.isActive()
        self._saving = self.tr("Saving {}").format(name) if name else ""
        if name:
            self._save_wait.start()
            return
        self._save_wait.stop()
        if was_shown and not self._is_taken:
            self._status.show_activity("")

    @Slot()
    def _show_saving(self) -> None:
        if not self._is_taken:
            self._status.show_activity(self._saving)

    @Slot(str)
    def _on_asked(self, name: str) -> None:
        self._asked = name
        if name:
            self._wait.start()
            return
        self._wait.stop()
        if self._shows_wait and not self._is_taken and not self._saving:
            self._status.show_activity("")
        self._shows_wait = False

    @Slot()
    def _show_asked(self) -> None:
        """Say what the engine does, where nothing else is said, so that an edit does not wait silently."""
        preparing, drawing = self.tr("Preparing the face"), self.tr("Drawing")
        words = {"encoding": preparing, "full encoding": preparing, "render": drawing}.get(self._asked)
        if words and not self._is_taken and not self._saving and not self._tick.isActive():
            self._shows_wait = True
            self._status.show_activity(words)

    @Slot(object)
    def _on_opening_step(self, step: Step) -> None:
        """Show the stage; nobody can foresee how long three such different ones take."""
        if not self._opening:
            return
        stages = {
            "reading": self.tr("reading"),
            "searching": self.tr("looking for faces"),
            "fitting": self.tr("fitting the face model"),
        }
        words = f"{self._words}: {stages[step.message]}"
        self._status.show_activity(words, step.done, step.total, cancellable=True)

    @Slot(object)
    def _on_job(self, job: Job) -> None:
        """Show at once that a job runs and can be cancelled, because its first step may take many seconds."""
        self._remaining.start()
        if job.in_status_bar:
            self._status.show_activity(job.words, cancellable=True)

    @Slot(object, object)
    def _on_step(self, job: Job, step: Step) -> None:
        if job.in_status_bar:
            self._show(job.words, step)

    def _show(self, words: str, step: Step) -> None:
        left = self._remaining.seconds(step.done, step.total)
        words = self.tr("{}, {} left").format(words, duration(left)) if left > 1 else words
        self._status.show_activity(words, step.done, step.total, True)

    @Slot(object, object)
    def _on_job_ended(self) -> None:
        self._status.show_activity("")

    @Slot(float)
    def _on_drawing(self, expected: float) -> None:
        """Show that a slow generator draws the picture that is now seen as a draft; the message of a job is
        not replaced.
        """
        if expected < 0:
            self._tick.stop()
            if self._session.job is None:
                self._status.show_activity("")
            return
        self._expected = expected
        self._begun.start()
        self._tick.start()

    @Slot()
    def _on_tick(self) -> None:
        """Show how much of the drawing is done, estimated from the time it took before; quick work shows
        nothing.
        """
        if (
            self._session.job is not None
            or self._session.generator is None
            or (self._saving and not self._save_wait.isActive())
            or self._begun.elapsed() < SHOWN_MS
        ):
            return
        words = self.tr("{} draws").format(naming.generator(self._session.generator.title))
        done = min(self._begun.elapsed(), 0.97 * self._expected)
        self._status.show_activity(words, round(done), round(self._expected), True)

    @Slot()
    def _on_cancel(self) -> None:
        if self._session.job is not None:
            self._session.cancel_job()
        elif self._tick.isActive():
            self._session.scheduler.cancel_drawing()
        else:
            self._session.cancel_open()

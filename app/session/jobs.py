"""Gives work to the engine's thread, and decides which job may run.

Tasks are done one after the other, in the order in which they were asked for. Of jobs (an export, a film, a
batch, the live view, the encoding of a face) only one runs at a time, by this policy:

- A job that its user waits for ends by itself or is cancelled by the user. Another job is refused meanwhile,
with a message that names the running one.

- A job that gives way (an encoding, which begins again by itself; the live view while it records nothing) is
cancelled when another job begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import isValid

from app.engine.contract import Step
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.session.worker import QUEUED, Answer, Crash, EngineFactory, EngineThread, Job, Task


class Jobs(QObject):
    """The engine's thread as the session sees it; every call returns at once."""

    ready = Signal(object)  # Answer with the engine's generators and device
    started = Signal(object)  # Job
    stepped = Signal(object, object)  # Job, Step
    ended = Signal(object, object)  # Job, Answer
    failed = Signal(object)  # EngineError or Crash: of a job, or of a task whose asker does not take errors

    def __init__(self, factory: EngineFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current: Job | None = None
        self._cancelled: Job | None = None  # the job that was cancelled and has not ended yet
        self._stopped = False
        self._thread = EngineThread(factory, self)
        self.worker = self._thread.worker
        self.worker.ready.connect(self.ready, QUEUED)
        self.worker.answered.connect(self._on_answered, QUEUED)
        self.worker.stepped.connect(self._on_stepped, QUEUED)
        self.worker.ended.connect(self._on_ended, QUEUED)

    def start(self) -> None:
        """Build the engine on its thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; nothing can be asked for afterwards, and no answer arrives."""
        self._stopped = True
        if self.current is not None and self.current.stop is not None:
            self.current.stop.set()
        self._thread.stop()

    def run(self, task: Task) -> None:
        """Queue a task behind those that were asked for before; its `done` is called with the answer."""
        self._thread.run(task)

    def ask(
        self,
        call: Callable[[EngineLike], Any],
        on_value: Callable[[Any], None],
        on_error: Callable[[EngineError | Crash], None] | None = None,
    ) -> None:
        """Have the engine's thread call a function once.

        on_value and on_error are called on the GUI's thread, unless the object that they belong to is gone by
        then; without on_error the error goes to `failed`.
        """

        def done(answer: Answer) -> None:
            if answer.error is None:
                _call_back(on_value, answer.value)
            else:
                _call_back(on_error or self.failed.emit, answer.error)

        self.run(Task(call, done))

    def begin(self, job: Job) -> bool:
        """Start a job. Return False, and emit `failed`, where a job is running that does not give way."""
        if self.current and self.current is not self._cancelled and not self.current.gives_way():
            what = self.tr("“{}” is not finished yet.").format(self.current.words)
            self.failed.emit(EngineError(what, self.tr("Wait until it has ended, or cancel it.")))
            return False
        self.current = job
        self._thread.begin(job)
        self.started.emit(job)
        return True

    def cancel(self, job: Job | None = None) -> None:
        """Cancel a job (the running one by default); its `on_end` is called once it has cleaned up."""
        job = job or self.current
        if job is not None:
            self._cancelled = job
            if job.stop is not None:
                job.stop.set()
            self._thread.cancel(job)

    @Slot(object, object)
    def _on_answered(self, task: Task, answer: Answer) -> None:
        if not self._stopped:  # a dialog that opens after the window would keep the program
            _call_back(task.done, answer)

    @Slot(object, object)
    def _on_stepped(self, job: Job, step: Step) -> None:
        if job is self.current:  # otherwise the job has given way
            _call_back(job.on_step, step)
            self.stepped.emit(job, step)
        self.worker.seen += 1

    @Slot(object, object)
    def _on_ended(self, job: Job, answer: Answer) -> None:
        if job is self.current:
            self.current = None
        _call_back(job.on_end, answer)
        self.ended.emit(job, answer)
        if answer.error is not None:
            self.failed.emit(answer.error)


def _call_back(hearer: Callable[[Any], None], value: Any) -> None:
    """Call a function with a value, unless the object that the function belongs to was closed meanwhile."""
    owner = getattr(getattr(hearer, "func", hearer), "__self__", None)  # of a method, or of a partial one
    if not isinstance(owner, QObject) or isValid(owner):
        hearer(value)

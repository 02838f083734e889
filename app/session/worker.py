"""The thread that owns the engine."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from app.engine.contract import EngineLike, Step
from app.engine.errors import EngineError

EngineFactory = Callable[[], EngineLike]
STEPS_AHEAD = 2
NICENESS = 5  # of the engine's thread and those it starts, on Linux: the GUI goes first
# Said outright: where a slot is found through Python, an automatic connection may call it on the emitter's thread.
QUEUED = Qt.ConnectionType.QueuedConnection


@dataclass(frozen=True, eq=False)
class Task:
    """Work for the engine's thread. call: makes the answer, or a job's iterator of `Step`; key: the asker's own."""

    kind: str
    call: Callable[[EngineLike], Any]
    key: Any = None


@dataclass(frozen=True)
class Crash:
    """An error nobody foresaw."""

    traceback: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a task: its value, or why there is none. closed: a job was cancelled."""

    task: Task
    value: Any = None
    error: EngineError | Crash | None = None
    closed: bool = False


class Worker(QObject):
    """Runs tasks one after the other, and one job step by step between them. Lives on the engine's thread."""

    ready = Signal(object)  # Answer with the engine's generators and device
    answered = Signal(object)  # Answer of a task
    stepped = Signal(object)  # Step of the job
    ended = Signal(object)  # Answer of the job
    _again = Signal()

    def __init__(self, factory: EngineFactory) -> None:
        super().__init__()
        self._factory = factory
        self._engine: EngineLike | None = None
        self._job: Iterator[Step] | None = None
        self._job_task: Task | None = None
        self._kinds: set[str] = set()  # of tasks done so far
        self._sent = 0
        self.seen = 0  # steps the GUI has taken; set from there
        # Queued, so that tasks that arrived meanwhile run between two steps.
        self._again.connect(self._advance, QUEUED)

    @Slot()
    def start(self) -> None:
        """Build the engine here: its imports and its OpenGL context belong to this thread."""

        if sys.platform.startswith("linux"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)

        def build(_: EngineLike) -> Any:
            self._engine = self._factory()
            return self._engine.generators(), self._engine.device

        self.ready.emit(self._attempt(Task("start", build)))

    @Slot(object)
    def run(self, task: Task) -> None:
        self.answered.emit(self._attempt(task))

    @Slot(object)
    def begin(self, task: Task) -> None:
        """Start a job; the one before it is cancelled."""
        self.cancel()
        answer = self._attempt(task)
        if answer.error:
            self.ended.emit(answer)
            return
        self._job, self._job_task = iter(answer.value), task
        self._again.emit()

    @Slot()
    def cancel(self) -> None:
        """Close the running job's iterator, which lets it clean up after itself."""
        task, job = self._job_task, self._job
        self._job = self._job_task = None
        if task is not None and job is not None:
            answer = self._attempt(
                Task(task.kind, lambda _: job.close() if hasattr(job, "close") else None, task.key)
            )
            self.ended.emit(Answer(task, None, answer.error, closed=True))

    @Slot()
    def finish(self) -> None:
        """Cancel the job, let the engine go on the thread that made it, and end the thread."""
        self.cancel()
        close = getattr(self._engine, "close", None)
        if close is not None:
            self._attempt(Task("close", lambda _: close()))
        self._engine = None
        QThread.currentThread().quit()

    @Slot()
    def _advance(self) -> None:
        task, job = self._job_task, self._job
        if task is None or job is None:
            return
        answer = self._attempt(Task(task.kind, lambda _: next(job, None), task.key))
        if answer.value is None:
            self._job = self._job_task = None
            self.ended.emit(Answer(task, None, answer.error))
            return
        # A picture that the GUI has no time for is skipped: its queue must not grow. Words are never skipped.
        step = answer.value
        if step.picture is None or step.error or self._sent - self.seen < STEPS_AHEAD:
            self._sent += 1
            self.stepped.emit(step)
        self._again.emit()

    def _attempt(self, task: Task) -> Answer:
        try:
            answer = Answer(task, task.call(self._engine))  # type: ignore[arg-type]
            if task.kind not in self._kinds:
                # It loaded its libraries, which stay: a collection that looks at all of them again would hold
                # Python's lock, and with it the GUI, for a tenth of a second.
                self._kinds.add(task.kind)
                gc.freeze()
            return answer
        except EngineError as error:
            return Answer(task, error=error)
        except MemoryError:
            return Answer(
                task,
                error=EngineError("There is not enough memory for this.", "Use a smaller photo.", "open"),
            )
        except Exception:
            return Answer(task, error=Crash(traceback.format_exc()))


class EngineThread(QObject):
    """The worker with its thread, seen from the GUI's side."""

    _start = Signal()
    _run = Signal(object)
    _begin = Signal(object)
    _cancel = Signal()
    _finish = Signal()
    stepped = Signal(object)  # the worker's, on the GUI's thread

    def __init__(self, factory: EngineFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worker = Worker(factory)
        self._thread = QThread(self)
        self._thread.setObjectName("engine")
        self.worker.moveToThread(self._thread)
        self._start.connect(self.worker.start, QUEUED)
        self._run.connect(self.worker.run, QUEUED)
        self._begin.connect(self.worker.begin, QUEUED)
        self._cancel.connect(self.worker.cancel, QUEUED)
        self._finish.connect(self.worker.finish, QUEUED)
        self.worker.stepped.connect(self._on_stepped, QUEUED)

    @Slot(object)
    def _on_stepped(self, step: Step) -> None:
        self.stepped.emit(step)
        self.worker.seen += 1

    def start(self) -> None:
        self._thread.start(QThread.Priority.LowPriority)  # which Linux leaves to `NICENESS`
        self._start.emit()

    def run(self, task: Task) -> None:
        self._run.emit(task)

    def begin(self, task: Task) -> None:
        self._begin.emit(task)

    def cancel(self) -> None:
        self._cancel.emit()

    def stop(self) -> None:
        """Cancel the job, finish the task in hand and wait for the thread to end."""
        if self._thread.isRunning():
            self._finish.emit()
            self._thread.wait()

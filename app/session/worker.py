"""Defines the thread that owns the engine, and the work that it is given."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from app.engine.contract import Step
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError, without_torch
from app.engine.interruption import Interrupted, interruptible

EngineFactory = Callable[[], EngineLike]
# Number of a job's pictures that may be under way to the GUI, one being shown and one waiting; more are skipped.
STEPS_AHEAD = 2
# Niceness of the engine's thread and those it starts, on Linux, so that the GUI goes first; chosen by the
# stalls that tools/gui_stalls.py counts.
NICENESS = 5
# Named explicitly: an automatic connection to a Python slot may call the slot on the emitter's thread.
QUEUED = Qt.ConnectionType.QueuedConnection


@dataclass(frozen=True)
class Crash:
    """An error of the program itself, which no `EngineError` describes."""

    traceback: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a task or job: its value, or the error.

    closed: whether a job was cancelled.
    """

    value: Any = None
    error: EngineError | Crash | None = None
    closed: bool = False


@dataclass(frozen=True, eq=False)
class Task:
    """Work that is done in one piece.

    call: makes the answer's value on the engine's thread; done: receives the `Answer` on the GUI's thread;
    generator: the one that must be selected for the task, None where it makes no difference.
    """

    call: Callable[[EngineLike], Any]
    done: Callable[[Answer], None]
    generator: str | None = None


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Job:
    """Work that goes on for a while, step by step; tasks are done between two steps.

    words: the job's name in the window and in errors; call: makes the iterator of `Step` on the engine's
    thread; on_step, on_end: are called on the GUI's thread; generator: as in `Task`, for every step;
    gives_way: returns whether another job may end this one now; in_status_bar: whether its steps are shown
    there, and not in a place of their own; stop: where a step takes seconds, ends the step between two layers
    of a network.
    """

    words: str
    call: Callable[[EngineLike], Iterator[Step]]
    on_step: Callable[[Step], None]
    on_end: Callable[[Answer], None]
    generator: str | None = None
    gives_way: Callable[[], bool] = _never
    in_status_bar: bool = True
    stop: threading.Event | None = None


class Worker(QObject):
    """Runs tasks one after the other, and one job step by step between them; it lives on the engine's thread."""

    ready = Signal(object)  # Answer with the engine's generators and device
    answered = Signal(object, object)  # Task, Answer
    stepped = Signal(object, object)  # Job, Step
    ended = Signal(object, object)  # Job, Answer
    _again = Signal()

    def __init__(self, factory: EngineFactory) -> None:
        super().__init__()
        self._factory = factory
        self._engine: EngineLike | None = None
        self._generator: str | None = None  # the generator selected last
        self._job: Job | None = None
        self._steps: Iterator[Step] | None = None
        self._called: set[str] = set()  # names of the calls that were made before
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

        self.ready.emit(self._attempt(build))

    @Slot(object)
    def run(self, task: Task) -> None:
        self.answered.emit(task, self._attempt(task.call, task.generator))

    @Slot(object)
    def begin(self, job: Job) -> None:
        """Start a job and cancel the job that gave way to it."""
        self.cancel(self._job)
        answer = self._attempt(job.call, job.generator)
        if answer.error:
            self.ended.emit(job, answer)
            return
        self._job, self._steps = job, iter(answer.value)
        self._again.emit()

    @Slot(object)
    def cancel(self, job: Job | None) -> None:
        """Close this job's iterator, which lets the job clean up; nothing happens where it has ended already."""
        steps = self._steps
        if job is None or job is not self._job:
            return
        self._job = self._steps = None

        def close(_: EngineLike) -> None:
            if isinstance(steps, Generator):
                steps.close()

        answer = self._attempt(close)
        self.ended.emit(job, Answer(None, answer.error, closed=True))

    @Slot()
    def finish(self) -> None:
        """Cancel the job, close the engine on the thread that made it, and end the thread."""
        self.cancel(self._job)
        close = getattr(self._engine, "close", None)
        if close is not None:
            self._attempt(lambda _: close())
        self._engine = None
        QThread.currentThread().quit()

    @Slot()
    def _advance(self) -> None:
        job, steps = self._job, self._steps
        if job is None or steps is None:
            return

        def advance(_: EngineLike) -> Step | None:
            with interruptible(job.stop):
                return next(steps, None)

        answer = self._attempt(advance, job.generator, f"{_name(job.call)}, steps")
        if answer.value is None:
            self._job = self._steps = None
            self.ended.emit(job, answer)
            return
        # A picture for which the GUI has no time is skipped, so that its queue does not grow; messages never are.
        step = answer.value
        if step.picture is None or step.error or self._sent - self.seen < STEPS_AHEAD:
            self._sent += 1
            self.stepped.emit(job, step)
        self._again.emit()

    def _attempt(
        self, call: Callable[[EngineLike], Any], generator: str | None = None, name: str = ""
    ) -> Answer:
        try:
            if generator is not None and generator != self._generator:
                self._engine.select(generator)  # type: ignore[union-attr]
                self._generator = generator
            answer = Answer(call(self._engine))  # type: ignore[arg-type]
            if (name := name or _name(call)) not in self._called:
                # The call loaded libraries, which stay. A garbage collection that examined all of them again would hold
                # Python's lock, and with it the GUI, for a tenth of a second.
                self._called.add(name)
                gc.freeze()
            return answer
        except EngineError as error:
            return Answer(error=error)
        except Interrupted:
            return Answer(closed=True)
        except MemoryError:
            return Answer(
                error=EngineError("There is not enough memory for this.", "Use a smaller photo.", "open")
            )
        except ModuleNotFoundError as error:
            return Answer(error=without_torch(error) or Crash(traceback.format_exc()))
        except Exception:
            return Answer(error=Crash(traceback.format_exc()))


def _name(call: Callable[..., Any]) -> str:
    return str(getattr(call, "__qualname__", ""))


class EngineThread(QObject):
    """Holds the worker and its thread; the GUI's thread calls it."""

    _start = Signal()
    _run = Signal(object)
    _begin = Signal(object)
    _cancel = Signal(object)
    _finish = Signal()

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

    def start(self) -> None:
        self._thread.start(QThread.Priority.LowPriority)  # no effect on Linux, which has `NICENESS` instead
        self._start.emit()

    def run(self, task: Task) -> None:
        self._run.emit(task)

    def begin(self, job: Job) -> None:
        self._begin.emit(job)

    def cancel(self, job: Job) -> None:
        self._cancel.emit(job)

    def stop(self) -> None:
        """Cancel the job, finish the present task and wait for the thread to end."""
        if self._thread.isRunning():
            self._finish.emit()
            self._thread.wait()

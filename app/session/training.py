"""Runs a training in a process of its own, which the window starts, watches, pauses and stops.

The process is `mien train … --lines` (see `app.commands.lines`), so that a run neither slows the window down
nor takes it along when it fails. Pausing ends the process after it has written its checkpoint; resuming
starts it again, and training goes on exactly there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal, Slot

from app.engine.errors import EngineError
from app.engine.files import ROOT, data_folder
from app.session.files import make_folder

LEAVE_MS = 20_000  # to write the checkpoint when the window closes; a large one takes some seconds
REMEMBERED = 4000  # bytes of standard error for the reason of a failure; a traceback's end


class State(StrEnum):
    """Where a run is; PAUSING and STOPPING last until the process has written its checkpoint."""

    IDLE = auto()
    RUNNING = auto()
    PAUSING = auto()
    PAUSED = auto()
    STOPPING = auto()
    STOPPED = auto()
    DONE = auto()
    FAILED = auto()


ACTIVE = (State.RUNNING, State.PAUSING, State.STOPPING)  # states in which a process is at work


@dataclass(frozen=True)
class Order:
    """Work for a child process.

    words: what follows `mien`; name: the name of the run and of its model; minutes: the budget of a training, None
    for a film and a check of footage, which can only be stopped, not paused.
    """

    words: tuple[str, ...]
    name: str
    minutes: float | None = None


@dataclass(frozen=True)
class RunStep:
    """One line that a run prints.

    done, total: seconds of the budget, or frames of a preparation (total 0: unknown); step: the number of the
    training's step, None for other work; losses: the step's losses by name; before, after: the scores of the
    held-out frames by name, where the line has them.
    """

    done: int = 0
    total: int = 0
    message: str = ""
    picture: Path | None = None
    step: int | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    before: Mapping[str, float] | None = None
    after: Mapping[str, float] | None = None


def program() -> list[str]:
    """Return the command that starts `mien`: the packaged application itself, or this Python."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "app"]


class Training(QObject):
    """Runs one training at a time."""

    stepped = Signal(object)  # RunStep
    state_changed = Signal(str)  # State
    finished = Signal(object)  # the result line's values: {"message": ..., "engine": ...}
    failed = Signal(object)  # EngineError

    def __init__(self, parent: QObject | None = None, command: Sequence[str] = ()) -> None:
        super().__init__(parent)
        self._command = list(command) or program()
        self.state = State.IDLE
        self.order: Order | None = None
        self._seconds = 0.0  # seconds trained before the last pause
        self._now = 0.0
        self._process: QProcess | None = None
        self._rest, self._errors = b"", b""
        self._error: EngineError | None = None
        self._result: dict[str, Any] | None = None

    @property
    def active(self) -> bool:
        """Return whether a process is at work."""
        return self.state in ACTIVE

    def start(self, order: Order, picture: Path | None = None) -> None:
        """Begin a run, or go on with the one of that name."""
        assert not self.active
        self.order, self._picture = order, picture
        self._seconds = self._now = 0.0
        self._launch()

    def pause(self) -> None:
        """End the process after its present step; `resume` goes on exactly there."""
        self._ask_to_stop(State.PAUSING)

    def resume(self) -> None:
        """Go on for what is left of the budget."""
        assert self.order is not None and not self.active
        self._launch()

    def stop(self) -> None:
        """End the process for good; the checkpoint stays, so a run of the same name goes on with it."""
        if self.state == State.PAUSED:
            self._set_state(State.STOPPED)
        else:
            self._ask_to_stop(State.STOPPING)

    def shut_down(self) -> None:
        """Stop the run because the program ends; the process writes its checkpoint before it leaves."""
        if self._process is not None and self.active:
            self.stop()
            if not self._process.waitForFinished(LEAVE_MS):
                self._process.kill()
                self._process.waitForFinished()

    def _launch(self) -> None:
        assert self.order is not None
        words, options = list(self.order.words), ["--lines"]
        if self.order.minutes is not None:
            left = max(0.0, self.order.minutes - self._seconds / 60)
            options += ["--minutes", f"{left:.3f}", "--output", self.order.name]
        if self._picture is not None:
            options += ["--picture", str(self._picture)]
        self._rest, self._errors, self._error, self._result = b"", b"", None, None
        process = QProcess(self)
        process.setWorkingDirectory(str(ROOT))
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUTF8", "1")
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._on_output)
        process.readyReadStandardError.connect(self._on_errors)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_trouble)
        self._process = process
        self._set_state(State.RUNNING)
        process.start(self._command[0], [*self._command[1:], *words, *options])

    def _ask_to_stop(self, state: State) -> None:
        if self._process is not None and self.state in (State.RUNNING, State.PAUSING):
            self._set_state(state)
            self._process.write(b"stop\n")
            self._process.closeWriteChannel()

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)

    @Slot()
    def _on_output(self) -> None:
        if self._process is None:
            return
        self._rest += bytes(self._process.readAllStandardOutput().data())
        *lines, self._rest = self._rest.split(b"\n")  # a piece of output may end inside a character
        for line in lines:
            if line.startswith(b"{"):
                self._handle_line(json.loads(line))

    def _handle_line(self, line: dict[str, Any]) -> None:
        if "error" in line:
            self._error = EngineError(line["error"]["message"], line["error"]["remedy"])
        elif "result" in line:
            self._result = line["result"]
        elif "done" in line:
            picture = Path(line["picture"]) if line["picture"] else None
            figures = {name: line[name] for name in ("step", "losses", "before", "after") if name in line}
            step = RunStep(line["done"], line["total"], line["message"], picture, **figures)
            if step.step is not None:
                self._now = float(step.done)
            self.stepped.emit(step)

    @Slot()
    def _on_errors(self) -> None:
        if self._process is not None:
            self._errors = (self._errors + bytes(self._process.readAllStandardError().data()))[-REMEMBERED:]

    @Slot(QProcess.ProcessError)
    def _on_trouble(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._error = EngineError("The training could not be started.", "Install Mien again.")
            self._on_finished(1)

    @Slot(int)
    def _on_finished(self, status: int) -> None:
        if self._process is None:
            return
        self._on_output()
        self._on_errors()
        process, self._process = self._process, None
        process.deleteLater()
        self._seconds += self._now
        self._now = 0.0
        if self._result is not None:
            self._set_state(State.DONE)
            self.finished.emit(self._result)
        elif status == 0 and self.state in (State.PAUSING, State.STOPPING):
            self._set_state(State.PAUSED if self.state == State.PAUSING else State.STOPPED)
        else:
            self._set_state(State.FAILED)
            self.failed.emit(self._error or self._crash())

    def _crash(self) -> EngineError:
        """Return an error with the last words of a process that ended without giving a reason."""
        said = [line for line in self._errors.decode("utf-8", "replace").splitlines() if line.strip()]
        what = f"The training ended unexpectedly: {said[-1]}" if said else "The training ended unexpectedly."
        return EngineError(what, "Start it again: it goes on from its last checkpoint.")


def sample_path(name: str) -> Path:
    """Return where a run's newest samples are kept for the window, in a folder that exists then; EngineError
    where it cannot be made.
    """
    folder = data_folder() / "training"
    make_folder(folder)
    return folder / f"{name}-samples.png"


def first_stages() -> list[Path]:
    """Return the folders of Head2HeadFS first stages from which few-shot training can start: those that have
    footage and a checkpoint.
    """
    found = (data_folder() / "training").glob("*/0000/footage.npz")
    return sorted(path.parents[1] for path in found if (path.parents[1] / "checkpoint.pt").is_file())

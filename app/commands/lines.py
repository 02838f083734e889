"""Prints long work as JSON lines on standard output, and stops it from standard input, for a window
(`--lines`).

Each step is a line {"done", "total", "message", "picture"} with the step's own figures; at most a few are
printed a second. The last line is {"result": {...}} or {"error": {"message", "remedy"}}. The line "stop", or
the end of standard input, ends the work after the current step: training keeps its checkpoint, and
{"stopped": true} is the last line.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Generator as Steps
from pathlib import Path
from typing import Any

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.training.steps import ScoreStep

EVERY = 0.25  # seconds between two steps that are printed; chosen so that a terminal stays readable


def put(value: dict[str, Any]) -> None:
    """Print a value as one line of JSON."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def follow(steps: Steps[Step, None, Any], picture: Path | None) -> Any:
    """Run the steps to the end, print them, and return the result.

    A request to stop ends the program; errors are passed on.
    """
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    printed = 0.0
    while not stop.is_set():
        try:
            step = next(steps)
        except StopIteration as finished:
            return finished.value
        except EngineError as error:
            put({"error": {"message": error.message, "remedy": error.remedy}})
            raise
        now = time.monotonic()
        if now - printed >= EVERY or step.picture is not None or isinstance(step, ScoreStep):
            _put_step(step, picture)
            printed = now
    steps.close()
    put({"stopped": True})
    raise SystemExit(0)


def _put_step(step: Step, picture: Path | None) -> None:
    from app.engine.imaging.writing import write_png

    shown = picture is not None and step.picture is not None
    if picture is not None and step.picture is not None:
        write_png(picture, step.picture)
    words = step.error or step.message
    line = {"done": step.done, "total": step.total, "message": words, **step.figures()}
    put({**line, "picture": str(picture) if shown else None})


def _listen(stop: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == "stop":
            break
    stop.set()

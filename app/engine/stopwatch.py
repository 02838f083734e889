"""Measures the milliseconds that each stage of a piece of work takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the time inside `with watch.stage("warp"): ...`; `ms` gives every stage, and "total" since the start."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, (time.perf_counter() - began) * 1000)

    def add(self, name: str, ms: float) -> None:
        self._stages[name] = self._stages.get(name, 0.0) + ms

    @property
    def ms(self) -> dict[str, float]:
        total = (time.perf_counter() - self._start) * 1000
        return {name: round(ms, 3) for name, ms in {**self._stages, "total": total}.items()}

"""Ends a long computation from another thread, between two layers of a network or two passes of a compiler.

A network on a processor takes seconds for a picture. Its caller may hand over an event; once another thread sets the
event, the work raises `Interrupted` before its next module, some milliseconds later. Nothing is kept of that work.

The first photo after an installation has numba compile for half a minute. Where the program ends, `stop_compiling` ends
that.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(Exception):
    """The work ended because another thread no longer wanted its result."""


def check(stop: threading.Event | None) -> None:
    """Raise `Interrupted` once the event is set."""
    if stop is not None and stop.is_set():
        raise Interrupted


@contextmanager
def interruptible(stop: threading.Event | None) -> Iterator[None]:
    """Make every torch module that this thread calls within the block check the event first."""
    check(stop)
    torch_module = _torch_module() if stop is not None else None
    if torch_module is None:
        yield
        return
    thread = threading.get_ident()

    def look(module: Any, inputs: Any) -> None:
        if threading.get_ident() == thread:
            check(stop)

    handle = torch_module.register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        handle.remove()


def stop_compiling() -> None:
    """Make whatever numba compiles from now on, on any thread, raise `Interrupted` before its next pass."""
    if "numba" not in sys.modules:
        return
    from numba.core import event

    class Stop(event.Listener):  # type: ignore[misc]  # numba has no types
        def on_start(self, _: Any) -> None:
            raise Interrupted

        def on_end(self, _: Any) -> None:
            pass

    event.register("numba:run_pass", Stop())


def _torch_module() -> Any:
    try:
        from torch.nn.modules import module
    except ImportError:  # an installation without torch has no networks to interrupt
        return None
    return module

"""A network stops between two layers, and a compiler between two passes, once another thread asks for it."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

import pytest
import torch
from numba import njit
from numba.core import event
from torch import nn

from app.engine.interruption import Interrupted, interruptible, stop_compiling


class Asking(nn.Module):
    """A layer that sets the event in its forward pass, as a user's Cancel does while a network runs."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self.stop = stop

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.stop.set()
        return x


class Counting(nn.Module):
    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x


def test_the_next_layer_is_not_reached() -> None:
    stop, last = threading.Event(), Counting()
    network = nn.Sequential(Counting(), Asking(stop), last)
    with pytest.raises(Interrupted), interruptible(stop):
        network(torch.zeros(1))
    assert last.calls == 0
    network(torch.zeros(1))  # outside the block nothing checks the event
    assert last.calls == 1


def test_what_was_stopped_before_it_began_does_not_begin() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted), interruptible(stop):
        raise AssertionError("it began")


def test_another_threads_network_goes_on() -> None:
    stop, mine = threading.Event(), Counting()
    stop.set()
    began, end = threading.Event(), threading.Event()

    def hold() -> None:
        fresh = threading.Event()
        with interruptible(fresh):
            fresh.set()
            began.set()
            end.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    began.wait(10)
    mine(torch.zeros(1))
    end.set()
    thread.join()
    assert mine.calls == 1


def test_a_compilation_ends_where_the_program_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first minute after an installation, a request of the system to end waited until all was compiled."""
    monkeypatch.setattr(event, "_registered", defaultdict(list))
    left = []

    @njit
    def inner(x: float) -> float:
        return x + 1

    @njit
    def outer(x: float) -> float:
        return inner(x) * 2

    class Asking(event.Listener):
        """Asks for the end when the compiler has begun, as a signal does."""

        def on_start(self, _: Any) -> None:
            left.append(1)
            if len(left) == 1:
                stop_compiling()

        def on_end(self, _: Any) -> None:
            pass

    event.register("numba:run_pass", Asking())
    with pytest.raises(Interrupted):
        outer(1.0)
    assert len(left) <= 2 and not outer.signatures

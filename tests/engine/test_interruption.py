"""A network stops between two layers once another thread asks for it."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from app.engine.interruption import Interrupted, interruptible


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

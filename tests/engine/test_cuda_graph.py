"""CUDA graphs give the same numbers on a GPU; without a GPU, stand-ins test the order of calls."""

from __future__ import annotations

import contextlib

import pytest
import torch

from app.engine.cuda_graph import WARM_UPS, Graphed


class Streams:
    """Stands in for torch.cuda: a graph remembers what was captured and computes it again on replay."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refuse: str = "") -> None:
        self.capturing, self.replays = None, 0
        stream = type("Stream", (), {"wait_stream": lambda *_: None})
        outer = self

        class CUDAGraph:
            run = None

            def replay(self) -> None:
                outer.replays += 1
                self.run()

        @contextlib.contextmanager
        def graph(made: CUDAGraph):
            if refuse:
                raise RuntimeError(refuse)
            outer.capturing = made
            yield
            outer.capturing = None

        for name, value in {
            "Stream": stream,
            "current_stream": stream,
            "stream": lambda _: contextlib.nullcontext(),
            "CUDAGraph": CUDAGraph,
            "graph": graph,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)


def test_captures_once_and_replays_on_its_own_inputs(monkeypatch):
    streams, calls = Streams(monkeypatch), []

    def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        calls.append((x.data_ptr(), y.data_ptr()))
        answer = 2 * x + y
        if streams.capturing is not None:
            streams.capturing.run = lambda: answer.copy_(2 * x + y)
        return answer

    graphed = Graphed(function)
    for k in range(3):
        x, y = torch.full((2,), float(k)), torch.tensor([1.0, 10.0 * k])
        assert torch.equal(graphed(x, y), 2 * x + y)
    assert len(calls) == WARM_UPS + 1 and len(set(calls)) == 1 and streams.replays == 3


def test_what_cannot_be_captured_is_called_as_it_is(monkeypatch):
    Streams(monkeypatch, "operation not permitted when stream is capturing")
    graphed = Graphed(lambda x: x + 1)
    assert graphed(torch.zeros(1)).item() == 1 and graphed(torch.ones(1)).item() == 2


def test_a_full_memory_is_not_hidden(monkeypatch):
    Streams(monkeypatch)

    def function(x: torch.Tensor) -> torch.Tensor:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        Graphed(function)(torch.zeros(1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_a_graph_gives_the_same_numbers_on_a_gpu():
    layer = torch.nn.Conv2d(3, 8, 3).cuda()
    with torch.inference_mode():
        graphed = Graphed(lambda x: torch.relu(layer(x)))
        for seed in (0, 1):
            x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(seed)).cuda()
            assert torch.allclose(graphed(x), torch.relu(layer(x)), atol=1e-5)

"""Replays a function of tensors as one CUDA graph, so that a frame's many small kernels are launched at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.engine.device import out_of_memory

if TYPE_CHECKING:
    from torch import Tensor

# Number of calls before the capture, in which libraries choose their kernels, as in PyTorch's notes on CUDA graphs.
WARM_UPS = 3


class Graphed:
    """A function that is captured as a CUDA graph at its first call, and replayed from then on.

    Inputs must keep their shapes. The next call overwrites the tensor that a call returns. A function that cannot be
    captured is called as it is.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self._function = function
        self._inputs: tuple[Tensor, ...] = ()
        self._output: Tensor | None = None
        self._replay: Callable[[], None] | None = None
        self._plain = False

    def __call__(self, *inputs: Tensor) -> Tensor:
        if self._replay is None and not self._plain:
            try:
                self._capture(inputs)
            except RuntimeError as error:
                if out_of_memory(error):
                    raise
                self._plain = True
        if self._replay is None or self._output is None:
            return self._function(*inputs)
        for kept, new in zip(self._inputs, inputs, strict=True):
            kept.copy_(new, non_blocking=True)
        self._replay()
        return self._output

    def _capture(self, inputs: tuple[Tensor, ...]) -> None:
        import torch

        kept = tuple(tensor.clone() for tensor in inputs)
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                self._function(*kept)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = self._function(*kept)
        self._inputs, self._output, self._replay = kept, output, graph.replay

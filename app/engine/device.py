"""Chooses what computes the networks (CUDA, Apple's GPU or the CPU) and the precision. torch is imported on use.

Where a card's memory is full, networks go on at half their size, then on the CPU, for the rest of the session.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from app.engine.errors import EngineError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Device:
    """kind: "cuda", "mps" or "cpu"; precision: "float16" or "float32"; title: what the user reads; shrink: networks
    that can work on smaller pictures shall divide their size by it."""

    kind: str
    precision: str
    title: str
    shrink: int = 1

    def __str__(self) -> str:
        return f"{self.title} {self.precision}" + (", smaller" if self.shrink > 1 else "")

    @property
    def torch_device(self) -> torch.device:
        import torch

        return torch.device(self.kind)

    @property
    def dtype(self) -> torch.dtype:
        import torch

        return torch.float16 if self.precision == "float16" else torch.float32

    def place(self, network: Any) -> Any:
        """Return the network for inference here: precision, channels last (faster convolutions), evaluation, no
        gradients.
        """
        import torch

        network = network.to(self.torch_device, self.dtype, memory_format=torch.channels_last)
        return network.eval().requires_grad_(False)


CPU = Device("cpu", "float32", "CPU")


_fallen = 0  # how often a card's memory was full


def best_device() -> Device:
    """CUDA in half precision, else Apple's GPU in float32, else the CPU in float32; less after a full memory."""
    found = card()
    return (found, replace(found, shrink=2), CPU)[_fallen] if found != CPU else CPU


@cache
def has_torch() -> bool:
    """Return False in Mien Light, which leaves networks out: all that needs none works without."""
    return find_spec("torch") is not None


@cache
def card() -> Device:
    """Return the fastest there is."""
    if not has_torch():
        return CPU
    import torch

    if torch.cuda.is_available():
        return Device("cuda", "float16", f"CUDA {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Device("mps", "float32", "Apple GPU")
    return CPU


FULL = (
    None,
    EngineError(
        "The graphics card's memory was full: networks work at a smaller size.",
        "Close other programs and start Mien again.",
    ),
    EngineError(
        "The graphics card's memory was full: networks work on the processor.",
        "Close other programs and start Mien again.",
    ),
)


def notice() -> EngineError | None:
    """Return what the user should know of a memory that was full."""
    return FULL[_fallen]


def step_down() -> bool:
    """Go to the next smaller way of working; return False where there is none."""
    global _fallen
    if best_device() == CPU:
        return False
    _fallen += 1
    torch = sys.modules["torch"]
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return True


def out_of_memory(error: BaseException) -> bool:
    """Return whether a card's memory, not the machine's, was too small."""
    torch = sys.modules.get("torch")
    full = torch is not None and isinstance(error, torch.OutOfMemoryError)
    return full or (isinstance(error, RuntimeError) and "MPS backend out of memory" in str(error))


Code = TypeVar("Code")
Reported = TypeVar("Reported")
Result = TypeVar("Result")


def finished(steps: Generator[Any, None, Code]) -> Code:
    """Return what the steps end with."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class Survivor:
    """Keeps a generator going where a card's memory is full: what failed is done again the next smaller way.

    Codes lie on the device they were made for. Those of a device that is given up are made anew when they are used.
    """

    def __init__(self) -> None:
        self._device: WeakKeyDictionary[Any, Device] = WeakKeyDictionary()
        self._again: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def make(self, work: Callable[[], Code]) -> Code:
        """Return a code made by the first way that works; if none works, raise the last one's error."""

        def steps() -> Generator[None, None, Code]:
            yield from ()
            return work()

        return finished(self.steps(steps))

    def steps(self, work: Callable[[], Generator[Reported, None, Code]]) -> Generator[Reported, None, Code]:
        """Do as `make` for work that yields its steps, which begin anew on the next smaller way."""
        while True:
            device = best_device()
            try:
                code = yield from work()
            except Exception as error:
                if not out_of_memory(error) or not step_down():
                    raise
            else:
                self._device[code] = device
                return code

    def use(self, code: Code, work: Callable[[Code], Result], make: Callable[[], Code]) -> Result:
        """Return what `work` makes of the code, or of one that `make` makes anew."""
        while True:
            current = self._again.get(code, code)
            if self._device.get(current, best_device()) != best_device():
                current = self._again[code] = self.make(make)
            try:
                return work(current)
            except Exception as error:
                if not out_of_memory(error) or not step_down():
                    raise


def bfloat16(device: torch.device) -> torch.autocast:
    """Return a context in which networks multiply in bfloat16, where the device does."""
    import torch

    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_in_bfloat16(device))


def multiplies_in_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies in bfloat16: CUDA does, and processors that have instructions for it."""
    import torch

    on_cpu = device.type == "cpu"
    return device.type == "cuda" or (on_cpu and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))  # type: ignore[no-untyped-call]

"""Chooses the device that computes networks (CUDA, Apple's GPU or the CPU) and its precision.

Where a graphics card's memory is full, networks go on at half their size, then on the CPU, for the rest of the session.
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
    """A device that computes networks.

    kind: "cuda", "mps" or "cpu"; precision: "float16" or "float32"; title: what the user reads; shrink: the divisor of
    their pictures' size for networks that can work on smaller ones.
    """

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
        """Return the network made ready for inference on this device: in its precision, without gradients, and with
        channels last, which makes convolutions faster.
        """
        import torch

        network = network.to(self.torch_device, self.dtype, memory_format=torch.channels_last)
        return network.eval().requires_grad_(False)


CPU = Device("cpu", "float32", "CPU")


_fallen = 0  # how often a card's memory was full


def best_device() -> Device:
    """Return CUDA in half precision, else Apple's GPU in float32, else the CPU in float32; after a full memory, the
    next smaller way of working.
    """
    found = card()
    return (found, replace(found, shrink=2), CPU)[_fallen] if found != CPU else CPU


@cache
def has_torch() -> bool:
    """Return whether torch is installed; Mien Light comes without it and can do all that needs no network."""
    return find_spec("torch") is not None


@cache
def card() -> Device:
    """Return the fastest device of this machine, whatever happened before."""
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
    """Return what the user should know about a graphics card's memory that was full; None where it never was."""
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
    """Do all steps of a generator and return its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class MemoryFallback:
    """Does a generator's work again in the next smaller way where a graphics card's memory is full.

    A code lies on the device for which it was made. After a step down to another device it is made anew when it is
    used.
    """

    def __init__(self) -> None:
        self._device: WeakKeyDictionary[Any, Device] = WeakKeyDictionary()
        self._again: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def make(self, work: Callable[[], Code]) -> Code:
        """Return the code that `work` makes in the first way that works; if none works, raise the last one's error."""

        def steps() -> Generator[None, None, Code]:
            yield from ()
            return work()

        return finished(self.steps(steps))

    def steps(self, work: Callable[[], Generator[Reported, None, Code]]) -> Generator[Reported, None, Code]:
        """Do the same as `make` for work that yields steps, which begin anew in the next smaller way."""
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
        """Return what `work` makes of the code, or of a code that `make` makes anew for another device."""
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
    """Return a context in which networks multiply in bfloat16, where the device can do so."""
    import torch

    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_in_bfloat16(device))


def multiplies_in_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies in bfloat16: CUDA does, and processors that have instructions for it."""
    import torch

    on_cpu = device.type == "cpu"
    return device.type == "cuda" or (on_cpu and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))  # type: ignore[no-untyped-call]

"""What computes the networks: CUDA, Apple's GPU or the CPU, and in which precision. torch is imported on use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Device:
    """kind: "cuda", "mps" or "cpu"; precision: "float16" or "float32"; title: what the user reads."""

    kind: str
    precision: str
    title: str

    def __str__(self) -> str:
        return f"{self.title} {self.precision}"

    @property
    def torch_device(self) -> torch.device:
        import torch

        return torch.device(self.kind)

    @property
    def dtype(self) -> torch.dtype:
        import torch

        return torch.float16 if self.precision == "float16" else torch.float32

    def place(self, network: Any) -> Any:
        """The network for inference here: precision, channels last (faster convolutions), evaluation, no gradients."""
        import torch

        network = network.to(self.torch_device, self.dtype, memory_format=torch.channels_last)
        return network.eval().requires_grad_(False)


CPU = Device("cpu", "float32", "CPU")


@cache
def best_device() -> Device:
    """CUDA in half precision, else Apple's GPU in float32, else the CPU in float32."""
    import torch

    if torch.cuda.is_available():
        return Device("cuda", "float16", f"CUDA {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Device("mps", "float32", "Apple GPU")
    return CPU


def bfloat16(device: torch.device) -> torch.autocast:
    """A context in which networks multiply in bfloat16: on CUDA, and on processors that have instructions for it."""
    import torch

    able = device.type == "cuda" or (
        device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()  # type: ignore[no-untyped-call]
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=bool(able))

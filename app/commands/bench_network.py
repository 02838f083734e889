"""mien bench network: HeadGAN's frame as the paper's module computes it and as Mien runs it, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.engine.device import Device

SIZE = 256
Frame = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]


def network_report(repeats: int) -> dict[str, Any]:
    """Milliseconds a frame at 256 px of the full network, both in turn in one run, and the ratio of their medians.

    plain: the float32 module, spectral norms and reference encoded in every frame; fused: folded, the reference encoded
    once, in the device's precision, channels last, on CUDA as one graph. NMFCs go to the device and the picture comes
    back in both. The weights are random: they do not change the work.
    """
    from app.commands.bench import percentiles
    from app.engine.device import best_device

    device = best_device()
    if device.kind == "cpu":
        repeats = min(repeats, 5)
    frames: dict[str, Frame] = {"plain": plain(device), "fused": fused(device)}
    nmfc = np.random.default_rng(0).random((1, 9, SIZE, SIZE), np.float32)
    times: dict[str, list[float]] = {name: [] for name in frames}
    for k in range(-1, repeats):
        for name, frame in frames.items():
            began = time.perf_counter()
            frame(nmfc)
            if k >= 0:
                times[name].append(1000 * (time.perf_counter() - began))
    ratio = float(np.median(times["plain"]) / np.median(times["fused"]))
    told = {name: percentiles(found) for name, found in times.items()}
    return {
        "device": str(device),
        "size": SIZE,
        "repeats": repeats,
        **told,
        "plain over fused": round(ratio, 2),
    }


def plain(device: Device) -> Frame:
    """The module as published."""
    import torch

    from app.engine.networks.headgan import HeadGan

    torch.manual_seed(0)
    network = HeadGan().eval().to(device.torch_device)
    reference = torch.rand(1, 6, SIZE, SIZE, device=device.torch_device)
    audio = torch.zeros(1, 300, device=device.torch_device)

    def frame(nmfc: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            out = network(torch.from_numpy(nmfc).to(device.torch_device), reference, audio)
        return np.asarray(out.image.cpu().numpy())

    return frame


def fused(device: Device) -> Frame:
    """As the generator runs it."""
    import torch

    from app.engine.generators.headgan import painter
    from app.engine.networks.blocks import fold_spectral_norm
    from app.engine.networks.fused import FusedHeadGan
    from app.engine.networks.headgan import HeadGan, HeadGanConfig

    torch.manual_seed(0)
    folded = HeadGan(HeadGanConfig(spectral=False)).eval()
    folded.load_state_dict(fold_spectral_norm(HeadGan().state_dict()))
    network: FusedHeadGan = device.place(FusedHeadGan(folded))
    where, kind = device.torch_device, device.dtype
    paint = painter(network, device)
    with torch.inference_mode():
        code = network.encode(torch.rand(1, 6, SIZE, SIZE, device=where, dtype=kind))

    def frame(nmfc: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            conditions = torch.from_numpy(nmfc).to(where, kind)
            audio = torch.zeros(1, 300, device=where, dtype=kind)
            both = paint(*code.levels, code.photo, code.normal, conditions, audio)
        return np.asarray(both.cpu().numpy())

    return frame

"""Measures a network's milliseconds per frame: the plain module beside the folded and fused ones, in one run.

python tools/network_speed.py [--network headgan|stylegan|live-portrait] [--width light|full] [--size 256]
[--repeats 5] [--json]

LivePortrait's four large networks are timed one by one, each as released (plain, with spectral and batch
norms computed) and fused. The variants take turns and each keeps its best time, so that a busy machine slows
them alike. With OMP_NUM_THREADS=1 and --cpu, processor time is printed, which other work hardly touches.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import torch
import torch.nn.functional as F

from app.engine.device import CPU, Device, best_device, multiplies_in_bfloat16
from app.engine.generators.headgan import painter
from app.engine.networks.blocks import fold_spectral_norm
from app.engine.networks.fused import FusedHeadGan
from app.engine.networks.headgan import LIGHT, RGB, HeadGan, HeadGanConfig
from app.engine.networks.live_portrait import LivePortrait, LivePortraitConfig, fused
from app.engine.networks.stylegan2 import Generator, ModulatedConv

Frame = Callable[[], object]


def variants(config: HeadGanConfig, size: int, device: Device) -> dict[str, Frame]:
    """Return name -> a function for one frame: the NMFC window goes to the device, then through the network,
    and the picture comes back.
    """
    torch.manual_seed(0)
    plain = HeadGan(config).to(device.torch_device).eval()
    folded = HeadGan(HeadGanConfig(config.width, config.hidden, config.audio, False))
    folded.load_state_dict(fold_spectral_norm({k: v.cpu() for k, v in plain.state_dict().items()}))
    nmfc, reference = torch.rand(1, 9, size, size), torch.rand(1, 2 * RGB, size, size)
    audio = torch.randn(1, 300) if config.audio else None

    def every_frame() -> object:
        """Compute a frame as the released code does, which encodes the reference for every frame."""
        parts = [None if x is None else x.to(device.torch_device) for x in (nmfc, reference, audio)]
        return plain(*parts).image.cpu()

    def fused(where: Device) -> Frame:
        network = where.place(FusedHeadGan(folded))
        put = {"device": where.torch_device, "dtype": where.dtype}
        code = network.encode(reference.to(**put))
        sound = None if audio is None else audio.to(**put)
        return lambda: network.animate(code, nmfc.to(**put), sound).image.cpu()

    exact = Device(device.kind, "float32", device.title)
    unfused = exact.place(HeadGan(folded.config))
    unfused.load_state_dict(folded.state_dict())
    code = unfused.encode(reference.to(device.torch_device))
    photo = reference[:, RGB:].to(device.torch_device)
    sound = None if audio is None else audio.to(device.torch_device)
    frames: dict[str, Frame] = {
        "plain": every_frame,
        "folded": lambda: unfused.animate(code, photo, nmfc.to(device.torch_device), sound).image.cpu(),
        "fused": fused(exact),
    }
    if device.precision != "float32":
        frames["fused, half"] = fused(device)
    if device.kind == "cuda":
        network = device.place(FusedHeadGan(folded))
        paint = painter(network, device)  # this is what the generator runs, as one CUDA graph
        put = {"device": device.torch_device, "dtype": device.dtype}
        seen = network.encode(reference.to(**put))
        rest = () if audio is None else (audio.to(**put),)
        tensors = (*seen.levels, seen.photo, seen.normal)
        frames["fused, half, graph"] = lambda: paint(*tensors, nmfc.to(**put), *rest).cpu()
    return frames


def stylegan_variants(size: int, device: Device) -> dict[str, Frame]:
    """Return name -> a function that makes one frame from W+.

    One modulates the weights for each picture and groups them, as in the released code; the other is our own
    way.
    """
    torch.manual_seed(0)
    ours = Generator(size, 1).to(device.torch_device).eval().requires_grad_(False)
    plain = copy.deepcopy(ours)
    for layer in plain.modules():
        if isinstance(layer, ModulatedConv):
            layer.forward = partial(plain_modulated, layer)  # type: ignore[method-assign]
    wplus = torch.randn(1, ours.n_latent, ours.style_dim).to(device.torch_device)
    frames: dict[str, Frame] = {
        "plain": lambda: plain(wplus).cpu(),
        "fused": lambda: ours(wplus).cpu(),
    }
    if device.precision == "float16":

        def half() -> object:
            with torch.autocast(device.kind, torch.float16):
                return ours(wplus).cpu()

        frames["fused, half"] = half
    return frames


def live_portrait_variants(device: Device) -> dict[str, Frame]:
    """Return each network on its own, as released and rearranged; "plain" and "fused" make a whole frame."""
    torch.manual_seed(0)
    plain = LivePortrait().eval().requires_grad_(False)
    folded = LivePortrait(LivePortraitConfig(spectral=False))
    folded.load_state_dict(fold_spectral_norm(plain.state_dict()))
    quick = fused(folded)
    frames: dict[str, Frame] = {}
    half = device.precision == "float16"
    for name, network, dtype in (
        ("plain", plain, torch.float32),
        ("fused", quick, torch.float32),
        *((("fused, half", copy.deepcopy(quick), torch.float16),) if half else ()),
    ):
        put = {"device": device.torch_device, "dtype": dtype}
        network = network.to(**put).requires_grad_(False)
        picture = torch.rand(1, 3, 256, 256).to(**put)
        source, driving = torch.rand(2, 1, 21, 3).to(device.torch_device).sub(0.5).unbind()
        volume = network.appearance(picture)
        label = network.warping(volume, driving, source).features
        frames[f"appearance, {name}"] = partial(on_cpu, network.appearance, picture)
        frames[f"motion, {name}"] = partial(on_cpu, network.motion.detector, picture)
        frames[f"warping, {name}"] = partial(on_cpu, network.warping, volume, driving, source)
        frames[f"generator, {name}"] = partial(on_cpu, network.generator, label)
        frames[name] = partial(on_cpu, network.paint, volume, driving, source)
        if name == "fused" and device == CPU and multiplies_in_bfloat16(device.torch_device):
            frames["generator, fused, bfloat16"] = partial(in_bfloat16, network.generator, label)
    return frames


def in_bfloat16(call: Callable[..., object], *inputs: torch.Tensor) -> object:
    """Return the answer of the call computed in bfloat16, which some processors multiply twice as quickly."""
    with torch.autocast("cpu", torch.bfloat16):
        return call(*inputs)


def on_cpu(call: Callable[..., object], *inputs: torch.Tensor) -> object:
    """Return the answer once it is computed: its first tensor is copied to the CPU."""
    answer = call(*inputs)
    if isinstance(answer, dict):
        answer = answer["t"]
    return (answer if isinstance(answer, torch.Tensor) else answer.features).cpu()  # type: ignore[attr-defined]


def plain_modulated(layer: ModulatedConv, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """Modulate and demodulate the weight itself, one group per picture (the released code's structure)."""
    batch, inputs, height, width = x.shape
    weight = layer.scale * layer.weight * layer.modulation(style).view(batch, 1, inputs, 1, 1)
    if layer.demodulate:
        weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
    grouped, kernel = x.reshape(1, batch * inputs, height, width), weight.shape[-1]
    if layer.upsample:
        turned = weight.transpose(1, 2).reshape(batch * inputs, -1, kernel, kernel)
        y = F.conv_transpose2d(grouped, turned, stride=2, groups=batch)
        return layer.blur(y.view(batch, -1, *y.shape[2:]))
    y = F.conv2d(grouped, weight.view(-1, inputs, kernel, kernel), padding=layer.padding, groups=batch)
    return y.view(batch, -1, height, width)


def measured(frames: dict[str, Frame], repeats: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the best milliseconds of each variant."""
    best = dict.fromkeys(frames, float("inf"))
    with torch.inference_mode():
        for _ in range(repeats + 1):  # the first round warms up and rarely wins
            for name, frame in frames.items():
                start = clock()
                frame()
                best[name] = min(best[name], 1e3 * (clock() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=("headgan", "stylegan", "live-portrait"), default="headgan")
    parser.add_argument("--width", choices=("light", "full"), default="light")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="even where there is a GPU")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    device = CPU if args.cpu else best_device()
    config = LIGHT if args.width == "light" else HeadGanConfig()
    stylegan, headgan = args.network == "stylegan", args.network == "headgan"
    with nullcontext() if stylegan else torch.inference_mode():
        if headgan:
            frames = variants(config, args.size, device)
        else:
            frames = stylegan_variants(args.size, device) if stylegan else live_portrait_variants(device)
    alone = device == CPU and torch.get_num_threads() == 1
    best = measured(frames, args.repeats, time.process_time if alone else time.perf_counter)
    if args.json:
        report = {"network": args.network, "device": str(device), "size": args.size, "ms": best}
        report |= {"width": args.width} if headgan else {}
        print(json.dumps(report))
        return
    titles = {"headgan": f"HeadGAN {args.width}", "stylegan": "StyleGAN2", "live-portrait": "LivePortrait"}
    print(f"{titles[args.network]}, {args.size} px, {device}")
    for name, ms in best.items():
        module, _, variant = name.partition(", ")
        plain = f"{module}, plain" if variant and f"{module}, plain" in best else "plain"
        print(f"{name:>22}  {ms:9.1f} ms  {best[plain] / ms:5.2f} x")


if __name__ == "__main__":
    main()

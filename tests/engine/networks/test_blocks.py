"""Every block of HeadGAN is tested by itself: shapes, gradients, half precision, devices."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from app.engine.networks.blocks import AdaIN, AdaINBlock, Spade, SpadeBlock, SpectralConv2d, warp
from app.engine.networks.discriminators import MultiScaleDiscriminator, PatchDiscriminator
from app.engine.networks.headgan import Encoder, FlowNetwork, HeadGanConfig, RenderingNetwork

SMALL = HeadGanConfig(width=2, hidden=4)
LEVELS = ((2, 2, 32, 32), (2, 8, 16, 16), (2, 32, 8, 8))  # the widths at full, half and quarter size
# Shapes (N, C, H, W) of what the two scales of the discriminator give, layer by layer.
PATCHES = ((2, 4, 17, 17), (2, 8, 9, 9), (2, 16, 5, 5), (2, 32, 6, 6), (2, 1, 7, 7))
# The same of the halved input.
HALVED = ((2, 4, 9, 9), (2, 8, 5, 5), (2, 16, 3, 3), (2, 32, 4, 4), (2, 1, 5, 5))
Shape = tuple[int, ...]


class Warp(nn.Module):
    """The backward warp, which has no weights, with flows of some pixels."""

    def forward(self, features: Tensor, flow: Tensor) -> Tensor:
        return warp(features, 3 * flow)


class Rendering(RenderingNetwork):
    """The rendering network, with its features given one by one."""

    def forward(  # type: ignore[override]
        self, nmfc: Tensor, full: Tensor, half: Tensor, quarter: Tensor, warped: Tensor, audio: Tensor
    ) -> Tensor:
        return super().forward(nmfc, (full, half, quarter), warped, audio)


@dataclass(frozen=True)
class Case:
    make: Callable[[], nn.Module]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


CASES = {
    "spectral convolution": Case(lambda: SpectralConv2d(4, 6, 3, 2, 1), ((2, 4, 8, 8),), ((2, 6, 4, 4),)),
    "SPADE": Case(lambda: Spade(4, 3, 8), ((2, 4, 8, 8), (2, 3, 16, 16)), ((2, 4, 8, 8),)),
    "SPADE block": Case(lambda: SpadeBlock(4, 3, 8), ((2, 4, 8, 8), (2, 3, 16, 16)), ((2, 4, 8, 8),)),
    "AdaIN": Case(lambda: AdaIN(4, 5), ((2, 4, 8, 8), (2, 5)), ((2, 4, 8, 8),)),
    "AdaIN block": Case(lambda: AdaINBlock(4, 5), ((2, 4, 8, 8), (2, 5)), ((2, 4, 8, 8),)),
    "warp": Case(Warp, ((2, 3, 8, 8), (2, 2, 8, 8)), ((2, 3, 8, 8),)),
    "encoder": Case(lambda: Encoder(6, SMALL), ((2, 6, 32, 32),), (LEVELS[2],)),
    "flow network": Case(
        lambda: FlowNetwork(SMALL), (LEVELS[2], (2, 9, 32, 32)), ((2, 2, 32, 32), (2, 1, 32, 32))
    ),
    "rendering network": Case(
        lambda: Rendering(SMALL), ((2, 9, 32, 32), *LEVELS, (2, 3, 32, 32), (2, 300)), ((2, 3, 32, 32),)
    ),
    "patch discriminator": Case(lambda: PatchDiscriminator(6, 4), ((2, 6, 32, 32),), PATCHES),
    "discriminator": Case(lambda: MultiScaleDiscriminator(6, 4), ((2, 6, 32, 32),), PATCHES + HALVED),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of nested lists."""
    if isinstance(value, Tensor):
        yield value
    else:
        for part in value:
            yield from tensors(part)


def made(case: Case) -> tuple[nn.Module, list[Tensor]]:
    """Return a block whose spectral norms are known, and inputs."""
    torch.manual_seed(0)
    block = case.make().eval()
    for layer in block.modules():
        if isinstance(layer, SpectralConv2d):
            for _ in range(20):
                layer._iterate(layer.weight_orig.detach().flatten(1))
    return block, [torch.randn(shape) for shape in case.inputs]


@each
@torch.no_grad()
def test_shapes(case: Case) -> None:
    block, inputs = made(case)
    assert tuple(tuple(t.shape) for t in tensors(block(*inputs))) == case.outputs


@each
def test_the_gradient_is_the_slope(case: Case) -> None:
    """It is tested along a random direction of inputs and weights together, against a central difference."""
    block, inputs = made(case)
    exact = not isinstance(block, Warp)  # a Warp's coordinates are float32
    block, step = (block.double(), 1e-6) if exact else (block, 1e-3)
    values = [x.double() if exact else x for x in inputs]
    moved = [*values, *(p.data for p in block.parameters())]
    ways = [torch.randn_like(x) for x in moved]
    mixed = [torch.randn_like(t) for t in tensors(block(*values))]

    def loss() -> Tensor:
        return torch.stack([(a * b).sum() for a, b in zip(tensors(block(*values)), mixed, strict=True)]).sum()

    for value in values:
        value.requires_grad_()
    leaves = [*values, *block.parameters()]
    found = torch.autograd.grad(loss(), leaves, materialize_grads=True)  # F's encoder is not in its forward
    slope = sum(float((g * way).sum()) for g, way in zip(found, ways, strict=True))
    ends = []
    with torch.no_grad():
        for factor in (step, -2 * step):
            for leaf, way in zip(leaves, ways, strict=True):
                leaf += factor * way
            ends.append(float(loss()))
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-3 if exact else 0.05)


@each
@torch.no_grad()
def test_half_precision_is_near(case: Case) -> None:
    block, inputs = made(case)
    rough = copy.deepcopy(block).half()(*(x.half() for x in inputs))
    for a, b in zip(tensors(rough), tensors(block(*inputs)), strict=True):
        assert a.dtype == torch.float16 and (a.float() - b).norm() < 0.03 * b.norm()


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@torch.no_grad()
def test_every_block_stays_on_its_device(device: str) -> None:
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[device]:
        pytest.skip(f"no {device} here")
    for name, case in CASES.items():
        block, inputs = made(case)
        wanted = list(tensors(block(*inputs)))
        found = list(tensors(block.to(device)(*(x.to(device) for x in inputs))))
        for a, b in zip(found, wanted, strict=True):
            assert a.device.type == device and (a.cpu() - b).norm() <= 1e-2 * b.norm(), name

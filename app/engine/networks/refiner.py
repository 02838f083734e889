"""The refiner: what learning adds to the mesh warp, and nothing where it has learnt nothing.

After HeadGAN (Doukas et al.): a flow (F) and a painting network (R) in one U-Net at half the work size, which starts
from the warp instead of from nothing. The flow is a residual of the warp's own, the paint is drawn only where a
confidence that is supervised (`training.train_refiner`) asks for it, and the last layers start at zero: an untrained
refiner gives the warped picture itself, bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.engine.networks.blocks import warp

PLANES, FACTS, PORTRAIT = 10, 11, 6  # channels of `warping.evidence`
GATE = 9  # of the planes
MOST_FLOW = 8.0  # px of the work size


@dataclass(frozen=True)
class RefinerConfig:
    """widths: channels at 1/2, 1/4, 1/8 and 1/16 of the work size; blocks: residual blocks at the coarsest.

    flow: whether a residual flow is learnt and moves the picture (learnt on portraits brought back from an edit it
    undoes that edit's own errors, which clips do not have); trust, doubt: in use, trust * (confidence - doubt) of the
    paint is drawn. The confidence regresses an average and so stays low where the paint is good, and a little paint
    everywhere is blur.
    """

    widths: tuple[int, int, int, int] = (24, 40, 64, 96)
    blocks: int = 2
    flow: bool = False
    trust: float = 3.0
    doubt: float = 0.0


LIGHT = RefinerConfig()
FULL = RefinerConfig((64, 128, 256, 384), blocks=6)


@dataclass(frozen=True)
class Refinement:
    """flow: (N, 2, H/4, W/4) px of the work size, backward (dx, dy); paint: (N, 3, H, W) added to the moved picture
    where painted; confidence: (N, 1, H/2, W/2), about 0 to 1 where the paint is better than the moved picture."""

    flow: Tensor
    paint: Tensor
    confidence: Tensor


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x)))), without a norm: the input's own contrast is what is refined."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.second(F.relu(self.first(F.relu(x))))
        return result


class Refiner(nn.Module):
    """(warped (N, 3, H, W) in [-1, 1], planes (N, 10, H/2, W/2), facts (N, 11), portrait (N, 6, H/2, W/2)) ->
    Refinement. H and W are multiples of 16."""

    def __init__(self, config: RefinerConfig = LIGHT) -> None:
        super().__init__()
        self.config = config
        half, quarter, eighth, last = config.widths
        self.first = nn.Conv2d(4 * 3 + PLANES + PORTRAIT, half, 3, padding=1)
        self.told = nn.Linear(FACTS, half)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1) for a, b in ((half, quarter), (quarter, eighth), (eighth, last))
        )
        self.inner = nn.ModuleList([ResidualBlock(quarter), ResidualBlock(eighth)])
        self.deep = nn.Sequential(*(ResidualBlock(last) for _ in range(config.blocks)))
        self.up = nn.ModuleList(
            nn.Conv2d(a + b, b, 3, padding=1) for a, b in ((last, eighth), (eighth, quarter), (quarter, half))
        )
        self.outer = nn.ModuleList([ResidualBlock(eighth), ResidualBlock(quarter)])
        self.flow = nn.Conv2d(quarter, 2, 3, padding=1)
        self.paint = nn.Conv2d(half, 4 * 3, 3, padding=1)
        self.confidence = nn.Conv2d(half, 1, 3, padding=1)
        for layer in (self.flow, self.paint, self.confidence):
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, warped: Tensor, planes: Tensor, facts: Tensor, portrait: Tensor) -> Refinement:
        seen = torch.cat([F.pixel_unshuffle(warped, 2), planes, portrait], dim=1)
        x = F.relu(self.first(seen) + self.told(facts)[:, :, None, None])
        levels = [x]
        for k, down in enumerate(self.down):
            x = down(x)
            x = self.inner[k](x) if k < len(self.inner) else self.deep(x)
            levels.append(x)
        for k, up in enumerate(self.up):
            x = up(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), levels[-2 - k]], dim=1))
            x = self.outer[k](x) if k < len(self.outer) else F.relu(x)
            if k == 1:
                flow = self.flow(F.relu(x))
        paint = F.pixel_shuffle(self.paint(x), 2)
        return Refinement(MOST_FLOW * torch.tanh(flow / MOST_FLOW), paint, self.confidence(x))


def moved_by(warped: Tensor, flow: Tensor, gate: Tensor) -> Tensor:
    """The warped picture (N, 3, H, W) moved on by the residual flow where the gate (N, 1, H/2, W/2) is open."""
    size = warped.shape[-2:]
    full = F.interpolate(flow.float(), size=size, mode="bilinear", align_corners=False)
    opened = F.interpolate(gate.float(), size=size, mode="bilinear", align_corners=False)
    return warp(warped, full * opened)


def share(confidence: Tensor, gate: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, 1, H, W) in [0, 1]: how much is painted; exactly 0 where the confidence is not above 0."""
    small = confidence.float().clamp(0, 1) * gate.float()
    return F.interpolate(small, size=size, mode="bilinear", align_corners=False)

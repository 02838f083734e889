"""Completes a head's atlas: a network says what to add to the unlearned fill where the photo shows nothing.

A U-Net at half the atlas' side (Ronneberger et al. 2015, without norms). Its last layers start at
zero, so an untrained network leaves the atlas as it is. It gives a difference and a confidence; the confidence is
supervised (`training.completion`), and the network adds nothing where no training sample shows the truth (`reach`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SEEN, PLACE = 6, 6  # planes of the input (colour 3, kept, mirrored, hairline) and of the template's places
KEPT, MIRRORED = 3, 4  # indices of these planes in the input


@dataclass(frozen=True)
class CompletionConfig:
    """widths: channels at 1/2, 1/4, 1/8 and 1/16 of the atlas; blocks: residual blocks at 1/16; side: texels of the
    atlas; trust, doubt: the share trust * (confidence - doubt) of the difference is used."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 96)
    blocks: int = 2
    side: int = 192
    trust: float = 3.0
    doubt: float = 0.0


LIGHT = CompletionConfig()
# Channels of the levels, chosen so that a head takes 50 ms on a CPU (docs/completion.md).
FULL = CompletionConfig((64, 128, 192, 256), blocks=4)


class ResidualBlock(nn.Module):
    """Computes x + conv(relu(conv(relu(x)))), without a norm, which would lose the contrast of the atlas."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.second(F.relu(self.first(F.relu(x))))
        return result


class Completion(nn.Module):
    """Takes what is seen, gives a difference of colours and a confidence.

    seen: (N, 6, S, S); difference: (N, 3, S, S) of colours in [-1, 1]; confidence: (N, 1, S/2, S/2);
    place: (1, 6, S/2, S/2) the template at every texel; reach: (1, 1, S/2, S/2) in [0, 1], how often
    training samples showed the truth there.
    """

    place: Tensor
    reach: Tensor

    def __init__(self, config: CompletionConfig = LIGHT) -> None:
        super().__init__()
        self.config = config
        half, quarter, eighth, last = config.widths
        side = config.side // 2
        self.register_buffer("place", torch.zeros(1, PLACE, side, side))
        self.register_buffer("reach", torch.ones(1, 1, side, side))
        self.first = nn.Conv2d(4 * SEEN + PLACE, half, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1) for a, b in ((half, quarter), (quarter, eighth), (eighth, last))
        )
        self.outer = nn.ModuleList([ResidualBlock(half), ResidualBlock(quarter), ResidualBlock(eighth)])
        self.deep = nn.Sequential(*(ResidualBlock(last) for _ in range(config.blocks)))
        self.up = nn.ModuleList(
            nn.Conv2d(a + b, b, 3, padding=1) for a, b in ((last, eighth), (eighth, quarter), (quarter, half))
        )
        self.inner = nn.ModuleList([ResidualBlock(eighth), ResidualBlock(quarter), ResidualBlock(half)])
        self.paint = nn.Conv2d(half, 4 * 3, 3, padding=1)
        self.confidence = nn.Conv2d(half, 1, 3, padding=1)
        for layer in (self.paint, self.confidence):
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        place = self.place.to(seen.dtype).expand(seen.shape[0], -1, -1, -1)
        x = F.relu(self.first(torch.cat([F.pixel_unshuffle(seen, 2), place], dim=1)))
        x = self.outer[0](x)
        levels = [x]
        for k, down in enumerate(self.down):
            x = down(F.relu(x))
            x = self.deep(x) if k == 2 else self.outer[k + 1](x)
            levels.append(x)
        for k, up in enumerate(self.up):
            larger = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.inner[k](up(F.relu(torch.cat([larger, levels[2 - k]], dim=1))))
        x = F.relu(x)
        # The mean of two texels, twice, removes the pattern in every other texel that pixel shuffling makes.
        paint = F.pad(F.pixel_shuffle(self.paint(x), 2), (1, 1, 1, 1), mode="replicate")
        return F.avg_pool2d(F.avg_pool2d(paint, 2, 1), 2, 1), self.confidence(x)

    def share(self, confidence: Tensor, seen: Tensor) -> Tensor:
        """Return (N, 1, S, S), the share of the difference that is used.

        It is 0 where the confidence is not above `doubt`, and where the face's other side was mirrored, which is truer
        than what is learnt (docs/completion.md).
        """
        small = (self.config.trust * (confidence.float() - self.config.doubt)).clamp(0, 1) * self.reach
        used = F.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
        return used * (1 - seen[:, MIRRORED : MIRRORED + 1])


class InUse(nn.Module):
    """Is exported: takes what is seen (1, 6, S, S) and gives the difference that is used, (1, 3, S, S).

    It is the mean of what the network says of the head and of the head with its sides swapped: heads have no preferred
    side, and what is said of one side alone is often a spot (docs/completion.md).
    other: (S, S, 2) float32, the texel (column, row) of every place on the head's other side; whole: (S, S) float32, 1
    where neighbours there are neighbours, too.
    """

    def __init__(self, network: Completion, other: Tensor, whole: Tensor) -> None:
        super().__init__()
        self.network = network
        self.grid = nn.Buffer(((2 * other + 1) / other.shape[0] - 1)[None])
        self.whole = nn.Buffer(whole[None, None])

    def forward(self, seen: Tensor) -> Tensor:
        here = self._one_side(seen)
        there = self._swapped(self._one_side(self._swapped(seen)))
        free = (1 - seen[:, KEPT : KEPT + 1]) * (1 - seen[:, MIRRORED : MIRRORED + 1])
        return here + self.whole * (there * free - here) / 2

    def _one_side(self, seen: Tensor) -> Tensor:
        paint, confidence = self.network(seen)
        used: Tensor = self.network.share(confidence, seen) * paint * (1 - seen[:, KEPT : KEPT + 1])
        return used

    def _swapped(self, planes: Tensor) -> Tensor:
        grid = self.grid.expand(planes.shape[0], -1, -1, -1)
        return F.grid_sample(planes, grid, "bilinear", "zeros", align_corners=False)

"""Defines StyleGAN2's residual discriminator (Karras et al. 2020, Fig. 7c), for training a generator of our own."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from app.engine.networks.stylegan2 import (
    EqualLinear,
    FusedLeakyReLU,
    filter2d,
    layer_channels,
    resampling_kernel,
)

GROUP = 4  # pictures over which one standard deviation is taken, as released


class EqualConv(nn.Module):
    """A convolution with the equalised learning rate; with stride 2 a low-pass filter comes first."""

    kernel: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, down: bool = False, act: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1.0 / math.sqrt(inputs * kernel * kernel)
        self.down, self.padding = down, kernel // 2
        self.activate: nn.Module = FusedLeakyReLU(outputs) if act else nn.Identity()
        self.register_buffer("kernel", resampling_kernel())

    def forward(self, x: Tensor) -> Tensor:
        weight = (self.weight * self.scale).to(x.dtype)
        if not self.down:
            y = F.conv2d(x, weight, padding=self.padding)
        else:
            before = self.padding + 1
            y = F.conv2d(filter2d(x, self.kernel, (before, before)), weight, stride=2)
        result: Tensor = self.activate(y)
        return result


class DiscriminatorBlock(nn.Module):
    """Adds two convolutions to half the size and a 1x1 shortcut, and divides the sum by sqrt(2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = EqualConv(inputs, inputs, 3)
        self.conv2 = EqualConv(inputs, outputs, 3, down=True)
        self.skip = EqualConv(inputs, outputs, 1, down=True, act=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = (self.conv2(self.conv1(x)) + self.skip(x)) / math.sqrt(2.0)
        return result


def with_batch_deviation(x: Tensor) -> Tensor:
    """Return (N, C, H, W) with one more channel: the mean deviation over groups of pictures, which shows a collapse."""
    batch, channels, height, width = x.shape
    group = min(batch, GROUP)
    while batch % group:
        group -= 1
    grouped = x.view(group, -1, channels, height, width)
    deviation = (grouped.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3), keepdim=True)
    return torch.cat([x, deviation.repeat(group, 1, height, width)], dim=1)


class StyleGan2Discriminator(nn.Module):
    """Takes (N, 3, size, size) and gives scores (N, 1); the size is one that `Generator` has."""

    def __init__(self, size: int, channel_multiplier: float = 2, max_channels: int = 512) -> None:
        super().__init__()
        sizes = [2**k for k in range(int(math.log2(size)), 1, -1)]
        widths = [layer_channels(s, channel_multiplier, max_channels) for s in sizes]
        self.convs = nn.Sequential(
            EqualConv(3, widths[0], 1), *[DiscriminatorBlock(a, b) for a, b in itertools.pairwise(widths)]
        )
        self.final_conv = EqualConv(widths[-1] + 1, widths[-1], 3)
        self.final_linear = nn.Sequential(
            EqualLinear(16 * widths[-1], widths[-1], activation=True), EqualLinear(widths[-1], 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        x = self.final_conv(with_batch_deviation(self.convs(image)))
        score: Tensor = self.final_linear(x.flatten(1))
        return score

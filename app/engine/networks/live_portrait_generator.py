"""Defines LivePortrait's generator, a SPADE decoder (Park et al. 2019) whose label map is its own input.

Parameter names are the released ones; `FusedDecoder` gives the same numbers from fewer, larger convolutions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.engine.networks.blocks import SLOPE, Spade, SpadeBlock, conv
from app.engine.networks.fused import FusedBlocks, FusedSpade, convolution, joined

N_MIDDLE = 6  # blocks at the volume's size, as released
LABELS, WIDTH, HIDDEN = 256, 512, 128  # channels of input, blocks and label map's hidden layer, as released
UPPER = (256, 64)  # channels after each doubling


class GrowingBlock(nn.Module):
    """A SPADE block whose output is narrower than its input; the shortcut has its own SPADE and 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, labels: int, hidden: int, spectral: bool) -> None:
        super().__init__()
        self.conv_0 = conv(inputs, outputs, 3, padding=1, spectral=spectral)
        self.conv_1 = conv(outputs, outputs, 3, padding=1, spectral=spectral)
        self.conv_s = conv(inputs, outputs, 1, bias=False, spectral=spectral)
        self.norm_0 = Spade(inputs, labels, hidden)
        self.norm_1 = Spade(outputs, labels, hidden)
        self.norm_s = Spade(inputs, labels, hidden)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        y = self.conv_0(F.leaky_relu(self.norm_0(x, label), SLOPE))
        y = self.conv_1(F.leaky_relu(self.norm_1(y, label), SLOPE))
        result: Tensor = self.conv_s(self.norm_s(x, label)) + y
        return result


class SpadeDecoder(nn.Module):
    """Takes warped features (N, 256, H, W) and gives RGB (N, 3, 8 H, 8 W) in [0, 1]."""

    def __init__(self, narrow: int = 1, spectral: bool = True) -> None:
        super().__init__()
        labels, width, hidden = LABELS // narrow, WIDTH // narrow, HIDDEN // narrow
        upper = [channels // narrow for channels in UPPER]
        self.fc = nn.Conv2d(labels, width, 3, padding=1)
        for k in range(N_MIDDLE):
            self.add_module(f"G_middle_{k}", SpadeBlock(width, labels, hidden, spectral))
        self.up_0 = GrowingBlock(width, upper[0], labels, hidden, spectral)
        self.up_1 = GrowingBlock(upper[0], upper[1], labels, hidden, spectral)
        self.conv_img = nn.Sequential(nn.Conv2d(upper[1], 12, 3, padding=1), nn.PixelShuffle(2))

    @property
    def middle(self) -> list[nn.Module]:
        return [self.get_submodule(f"G_middle_{k}") for k in range(N_MIDDLE)]

    def forward(self, label: Tensor) -> Tensor:
        x = self.fc(label)
        for block in self.middle:
            x = block(x, label)
        for block in (self.up_0, self.up_1):
            x = block(F.interpolate(x, scale_factor=2.0, mode="nearest"), label)
        return torch.sigmoid(self.conv_img(F.leaky_relu(x, SLOPE)))


class FusedGrowingBlock(nn.Module):
    """Computes the shared layers of three SPADE layers in one convolution; two of them share the input's norm."""

    def __init__(self, block: GrowingBlock) -> None:
        super().__init__()
        spades = (block.norm_0, block.norm_s, block.norm_1)
        self.shared = joined([convolution(spade.mlp_shared[0]) for spade in spades])
        self.spade_0, self.spade_s, self.spade_1 = (FusedSpade(spade) for spade in spades)
        self.conv_0, self.conv_1, self.conv_s = block.conv_0, block.conv_1, block.conv_s

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """Return the block's output for x, which has the label's size."""
        label = F.interpolate(label, size=x.shape[-2:], mode="nearest")
        first, side, second = F.relu(self.shared(label)).chunk(3, dim=1)
        normal = F.instance_norm(x)
        y = self.conv_0(F.leaky_relu(self.spade_0(normal, first), SLOPE))
        y = self.conv_1(F.leaky_relu(self.spade_1(F.instance_norm(y), second), SLOPE))
        result: Tensor = self.conv_s(self.spade_s(normal, side)) + y
        return result


class FusedDecoder(nn.Module):
    """A trained `SpadeDecoder` with folded weights."""

    def __init__(self, network: SpadeDecoder) -> None:
        super().__init__()
        self.fc, self.conv_img = network.fc, network.conv_img
        self.middle = FusedBlocks(network.middle)
        self.upper = nn.ModuleList([FusedGrowingBlock(network.up_0), FusedGrowingBlock(network.up_1)])

    def forward(self, label: Tensor) -> Tensor:
        x = self.middle(self.fc(label), label)
        for block in self.upper:
            x = block(F.interpolate(x, scale_factor=2.0, mode="nearest"), label)
        return torch.sigmoid(self.conv_img(F.leaky_relu(x, SLOPE)))

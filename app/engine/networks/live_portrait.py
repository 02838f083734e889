"""Defines LivePortrait (Guo et al. 2024, arXiv 2407.03168): 21 points and a feature volume animate one photo.

The networks load the released state dicts by name. A picture is (N, 3, 256, 256) RGB in [0, 1], the result twice
as large.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from app.engine.networks.live_portrait_generator import FusedDecoder, SpadeDecoder
from app.engine.networks.live_portrait_motion import MotionExtractor
from app.engine.networks.live_portrait_points import N_POINTS, Motion
from app.engine.networks.live_portrait_warping import DEPTH, FEATURES, ConvNorm, Decoder, WarpingNetwork

N_ENTRIES = 3 * N_POINTS  # x, y and z of every point
N_RESIDUAL = 6  # blocks of the appearance network, as released


@dataclass(frozen=True)
class LivePortraitConfig:
    """Says how large the networks are.

    size: pixels of the pictures read, a multiple of 128; narrow: number by which every layer's width is divided;
    spectral: whether the generator's weights still carry their spectral norm.
    """

    size: int = 256
    narrow: int = 1
    spectral: bool = True


class Down(ConvNorm):
    """A convolution whose output is then halved in size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.relu(super().forward(x)), 2)


class Residual3d(nn.Module):
    """Computes x + conv2(relu(norm2(conv1(relu(norm1(x))))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1: nn.Module = nn.BatchNorm3d(channels)
        self.norm2: nn.Module = nn.BatchNorm3d(channels)
        self.conv1: nn.Module = nn.Conv3d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        result: Tensor = x + self.conv2(F.relu(self.norm2(y)))
        return result


def as_volume(features: Tensor) -> Tensor:
    """Return features (N, C 16, H, W) as a volume (N, C, 16, H, W)."""
    return features.view(len(features), -1, DEPTH, *features.shape[-2:])


class AppearanceExtractor(nn.Module):
    """Takes a picture and gives its appearance as a volume that can be bent, (N, 32, 16, 64, 64)."""

    def __init__(self, narrow: int = 1) -> None:
        super().__init__()
        widths = [width // narrow for width in (64, 128, 256)]
        self.first = ConvNorm(3, widths[0], 2)
        self.down_blocks = nn.ModuleList([Down(widths[0], widths[1]), Down(widths[1], widths[2])])
        self.second = nn.Conv2d(widths[2], FEATURES // narrow * DEPTH, 1)
        self.resblocks_3d = nn.Sequential()
        for k in range(N_RESIDUAL):
            self.resblocks_3d.add_module(f"3dr{k}", Residual3d(FEATURES // narrow))

    def forward(self, picture: Tensor) -> Tensor:
        x = F.relu(self.first(picture))
        for block in self.down_blocks:
            x = block(x)
        result: Tensor = self.resblocks_3d(as_volume(self.second(x)))
        return result


class Layers(nn.Module):
    """A sequence of linear layers with ReLU between; they are named `mlp.0`, `mlp.2`, ..."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.mlp(x)
        return result


class LivePortrait(nn.Module):
    """Holds all seven networks."""

    def __init__(self, config: LivePortraitConfig | None = None) -> None:
        super().__init__()
        self.config = config or LivePortraitConfig()
        narrow = self.config.narrow
        self.appearance = AppearanceExtractor(narrow)
        self.motion = MotionExtractor(narrow)
        self.warping = WarpingNetwork(narrow)
        self.generator: nn.Module = SpadeDecoder(narrow, self.config.spectral)
        self.stitching = Layers(2 * N_ENTRIES, 128, 128, 64, N_ENTRIES + 2)
        self.retarget_eye = Layers(N_ENTRIES + 3, 256, 256, 128, 128, 64, N_ENTRIES)
        self.retarget_lip = Layers(N_ENTRIES + 2, 128, 128, 64, N_ENTRIES)

    def read(self, picture: Tensor) -> Motion:
        """Return the pose, expression and points of the face in a picture."""
        motion: Motion = self.motion(picture)
        return motion

    def stitched(self, source: Tensor, driving: Tensor) -> Tensor:
        """Return (N, 21, 3): driving points moved so that the shoulders and the crop's border stay (section 3.3)."""
        change = self.stitching(torch.cat([source.flatten(1), driving.flatten(1)], dim=1))
        together = F.pad(change[:, N_ENTRIES:], (0, 1))[:, None]
        result: Tensor = driving + change[:, :N_ENTRIES].reshape(-1, N_POINTS, 3) + together
        return result

    def eyes(self, source: Tensor, ratios: Tensor) -> Tensor:
        """Return (N, 21, 3), the changes of the points that open or shut the eyes.

        ratios: (N, 3), gap over width of the eye at the image's left, of the other one, and as wanted.
        """
        change: Tensor = self.retarget_eye(torch.cat([source.flatten(1), ratios], dim=1))
        return change.view(-1, N_POINTS, 3)

    def lips(self, source: Tensor, ratios: Tensor) -> Tensor:
        """Return (N, 21, 3), the changes of the points that open or close the lips.

        ratios: (N, 2), gap over width of the source's lips and as wanted.
        """
        change: Tensor = self.retarget_lip(torch.cat([source.flatten(1), ratios], dim=1))
        return change.view(-1, N_POINTS, 3)

    def paint(self, volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        """Return (N, 3, 512, 512) in [0, 1]: the source's volume with its points moved to `driving`."""
        picture: Tensor = self.generator(self.warping(volume, driving, source).features)
        return picture

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Return the source picture as the driving picture's points stand."""
        points = self.read(source).points(), self.read(driving).points()
        return self.paint(self.appearance(source), points[1], points[0])


def fused(network: LivePortrait) -> LivePortrait:
    """Return the network rearranged for inference, the same within rounding: batch norms folded into the
    convolutions before them, and the generator's convolutions joined. Its spectral norm must be folded already.
    """
    for module in network.eval().modules():
        if isinstance(module, ConvNorm | Decoder):
            module.conv, module.norm = without_norm(module.conv, module.norm), nn.Identity()
        elif isinstance(module, Residual3d):
            module.conv1, module.norm2 = without_norm(module.conv1, module.norm2), nn.Identity()
    assert isinstance(network.generator, SpadeDecoder)
    network.generator = FusedDecoder(network.generator)
    return network


def without_norm(layer: nn.Module, norm: nn.Module) -> nn.Module:
    """Return the convolution with the batch normalisation of its output in its weights."""
    assert isinstance(layer, nn.Conv2d | nn.Conv3d) and isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d)
    return fuse_conv_bn_eval(layer, norm)

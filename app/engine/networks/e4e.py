"""Defines e4e (Tov et al. 2021), an IR-SE-50 that encodes a 256 px picture as W+, with the released file's names."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from app.engine.networks.stylegan2 import EqualLinear


class SqueezeExcitation(nn.Module):
    """Scales channels by what two layers make of their means; the first narrows them to 1/16."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)
        gate: Tensor = self.fc2(F.relu(self.fc1(pooled))).sigmoid()
        return x * gate


class Bottleneck(nn.Module):
    """An improved residual block with squeeze and excitation (ArcFace's IR-SE)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        if inputs == outputs:
            self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            SqueezeExcitation(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return result


class StyleBlock(nn.Module):
    """Makes one style of features (N, 512, s, s): strided convolutions down to one pixel, then a linear layer."""

    def __init__(self, channels: int, spatial: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(spatial.bit_length() - 1):
            layers += [nn.Conv2d(channels, channels, 3, 2, 1), nn.LeakyReLU()]
        self.convs = nn.Sequential(*layers)
        self.linear = EqualLinear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        style: Tensor = self.linear(self.convs(x).flatten(1))
        return style


def ir50_stages(width: int) -> list[tuple[int, int, int]]:
    """Return (inputs, outputs, stride) of the 24 blocks."""
    blocks = []
    inputs = width
    for outputs, count in zip((width, 2 * width, 4 * width, 8 * width), (3, 4, 14, 3)):
        blocks += [(inputs, outputs, 2)] + [(outputs, outputs, 1)] * (count - 1)
        inputs = outputs
    return blocks


class Encoder4Editing(nn.Module):
    """Takes a picture (N, 3, 256, 256) in [-1, 1] and gives W+ (N, n_styles, 512): w_0, then w_0 + delta_i for layer i.

    As released for VoxCeleb, no average latent is added. `width` 64 is the released one.
    """

    taps = (6, 20, 23)

    def __init__(self, n_styles: int = 14, width: int = 64) -> None:
        super().__init__()
        channels = 8 * width
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)
        )
        self.body = nn.Sequential(*[Bottleneck(*block) for block in ir50_stages(width)])
        self.styles = nn.ModuleList(
            StyleBlock(channels, 16 if k < 3 else 32 if k < 7 else 64) for k in range(n_styles)
        )
        self.latlayer1 = nn.Conv2d(4 * width, channels, 1)
        self.latlayer2 = nn.Conv2d(2 * width, channels, 1)

    def pyramid(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features at 64, 32 and 16 px, all of the style's width."""
        x = self.input_layer(image)
        tapped = []
        for index, block in enumerate(self.body):
            x = block(x)
            if index in self.taps:
                tapped.append(x)
        fine, middle, coarse = tapped
        middle = upsampled(coarse, middle) + self.latlayer1(middle)
        return upsampled(middle, fine) + self.latlayer2(fine), middle, coarse

    def forward(self, image: Tensor) -> Tensor:
        fine, middle, coarse = self.pyramid(image)
        base = self.styles[0](coarse)
        codes = [base]
        for k, style in enumerate(self.styles[1:], 1):
            codes.append(base + style(coarse if k < 3 else middle if k < 7 else fine))
        return torch.stack(codes, dim=1)


def upsampled(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=True)

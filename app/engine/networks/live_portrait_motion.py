"""Defines LivePortrait's motion extractor: ConvNeXt V2 (Woo et al. 2023) with a head for each of seven vectors.

Parameter names are the released ones.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.engine.networks.live_portrait_points import N_BINS, N_POINTS, Motion, degrees

WIDTHS = (96, 192, 384, 768)  # channels of ConvNeXt V2 "tiny"'s four levels
DEPTHS = (3, 3, 9, 3)  # blocks of each level
EPS = 1e-6  # added to the variance in its layer norms, as released


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, EPS)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """Global response normalisation of (N, H, W, C) (ConvNeXt V2, equations 1 to 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        share = size / (size.mean(dim=-1, keepdim=True) + EPS)
        result: Tensor = self.gamma * (x * share) + self.beta + x
        return result


class Block(nn.Module):
    """Adds to x what a 7x7 depthwise convolution and then two layers per pixel make of x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, EPS)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.grn = ResponseNorm(4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.pwconv2(self.grn(F.gelu(self.pwconv1(y))))
        result: Tensor = x + y.permute(0, 3, 1, 2)
        return result


class Detector(nn.Module):
    """Takes (N, 3, H, W) and gives the heads' vectors by name."""

    def __init__(self, narrow: int) -> None:
        super().__init__()
        widths = [width // narrow for width in WIDTHS]
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, 4), ChannelNorm(widths[0]))
        halves = [
            nn.Sequential(ChannelNorm(before), nn.Conv2d(before, after, 2, 2))
            for before, after in itertools.pairwise(widths)
        ]
        self.downsample_layers = nn.ModuleList([stem, *halves])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth)))
            for width, depth in zip(widths, DEPTHS, strict=True)
        )
        self.norm = nn.LayerNorm(widths[-1], EPS)
        self.fc_kp = nn.Linear(widths[-1], 3 * N_POINTS)
        self.fc_scale = nn.Linear(widths[-1], 1)
        self.fc_pitch = nn.Linear(widths[-1], N_BINS)
        self.fc_yaw = nn.Linear(widths[-1], N_BINS)
        self.fc_roll = nn.Linear(widths[-1], N_BINS)
        self.fc_t = nn.Linear(widths[-1], 3)
        self.fc_exp = nn.Linear(widths[-1], 3 * N_POINTS)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        pooled = self.norm(x.mean(dim=(2, 3)))
        names = ("kp", "scale", "pitch", "yaw", "roll", "t", "exp")
        return {name: getattr(self, f"fc_{name}")(pooled) for name in names}


class MotionExtractor(nn.Module):
    """Takes RGB (N, 3, 256, 256) in [0, 1] and gives the pose, expression and points of the face in it."""

    def __init__(self, narrow: int = 1) -> None:
        super().__init__()
        self.detector = Detector(narrow)

    def forward(self, picture: Tensor) -> Motion:
        raw = self.detector(picture)
        angles = torch.stack([degrees(raw[name]) for name in ("pitch", "yaw", "roll")], dim=1)
        expression, canonical = (raw[name].view(-1, N_POINTS, 3) for name in ("exp", "kp"))
        return Motion(angles, raw["t"], expression, raw["scale"], canonical)

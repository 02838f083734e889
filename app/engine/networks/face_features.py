"""Gives features to compare faces by, learnt without labels from other people than those they are used on.

They take the place of the papers' VGG19, which Mien may not ship: unit-length features of several depths, compared
position by position (Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features", eq. 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAPS = 6  # planes: NMFC (3), face, opening of the mouth, matte
DAMAGES = 6  # kinds of `training.perceptual`


class FaceFeatures(nn.Module):
    """Takes (N, 3, H, W) in [-1, 1], gives features at 1/2, 1/4, 1/8, 1/16 of the size; 16 divides H and W."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 6 * width]
        inputs = [3, *widths]
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU(), nn.Conv2d(b, b, 3, 1, 1), nn.ReLU())
            for a, b in zip(inputs, widths)
        )
        self.joint = nn.Conv2d(widths[2] + widths[3], widths[2], 3, padding=1)
        self.maps = nn.Conv2d(widths[2], MAPS, 1)
        self.damages = nn.Conv2d(widths[1] + widths[2], DAMAGES, 3, padding=1)

    def forward(self, picture: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            picture = stage(picture)
            features.append(picture)
        return features

    def read(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return (N, 6, H/8, W/8) logits of NMFC, face, opening and matte, and as many of the six damages."""
        _, quarter, eighth, last = self(picture)
        up = F.interpolate(last, scale_factor=2.0, mode="nearest")
        joint = F.relu(self.joint(torch.cat([eighth, up], dim=1)))
        return self.maps(joint), self.damages(torch.cat([F.avg_pool2d(quarter, 2), joint], dim=1))


def difference(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Return (N, 1, H/4, W/4), the squared difference of unit-length features, averaged over the depths."""
    size = a[1].shape[-2:]
    maps = []
    for x, y in zip(a, b, strict=True):
        apart = (_unit(x) - _unit(y)).square().sum(dim=1, keepdim=True)
        if apart.shape[-1] > size[-1]:
            maps.append(F.avg_pool2d(apart, 2))
        else:
            maps.append(F.interpolate(apart, size=size, mode="bilinear", align_corners=False))
    return torch.stack(maps).mean(dim=0)


def _unit(x: Tensor) -> Tensor:
    x = x.float()
    return x * (x.square().sum(dim=1, keepdim=True) + 1e-2).rsqrt()

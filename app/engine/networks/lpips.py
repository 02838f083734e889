"""Defines LPIPS 0.1 on AlexNet (Zhang et al. 2018); names are torchvision's and the authors'."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = (64, 192, 384, 256, 256)  # after AlexNet's five convolutions
SHIFT = (-0.030, -0.088, -0.188)  # ImageNet's mean per channel, for pictures in [-1, 1]
SCALE = (0.458, 0.448, 0.450)  # ImageNet's standard deviation per channel, for pictures in [-1, 1]


class AlexNetFeatures(nn.Module):
    """Takes normalised pictures (N, 3, H, W) and gives the features after each of the five ReLUs."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                outputs.append(x)
        return outputs


class LpipsWeights(nn.Module):
    """Says how much each channel of each level counts: `lin{k}.model.1.weight`, (1, channels, 1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        for k, channels in enumerate(CHANNELS):
            layer = nn.Conv2d(channels, 1, 1, bias=False)
            self.add_module(f"lin{k}", nn.ModuleDict({"model": nn.ModuleDict({"1": layer})}))

    def forward(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Return the distance (N,) of two pictures' features."""
        total = torch.zeros(len(a[0]), device=a[0].device)
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            difference = (unit(x) - unit(y)).square()
            total = total + self.get_submodule(f"lin{k}.model.1")(difference).mean(dim=(1, 2, 3))
        return total


def unit(x: Tensor) -> Tensor:
    """Return the features scaled to length one at every place."""
    # Without the 1e-30 the root's slope would not be a number where all features are 0.
    return x / ((x.square().sum(dim=1, keepdim=True) + 1e-30).sqrt() + 1e-10)


def distance(trunk: nn.Module, weights: nn.Module, a: Tensor, b: Tensor) -> Tensor:
    """Return the distances (N,) between pictures (N, 3, H, W) in [-1, 1]; 0 for equal ones."""
    shift = torch.tensor(SHIFT, device=a.device)[:, None, None]
    scale = torch.tensor(SCALE, device=a.device)[:, None, None]
    result: Tensor = weights(trunk((a - shift) / scale), trunk((b - shift) / scale))
    return result

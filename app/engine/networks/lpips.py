"""LPIPS 0.1 on AlexNet (Zhang et al. 2018): the trunk named as torchvision's file, the weights as the authors'."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = (64, 192, 384, 256, 256)  # after AlexNet's five convolutions
SHIFT = (-0.030, -0.088, -0.188)  # of pictures in [-1, 1]: ImageNet's mean and deviation
SCALE = (0.458, 0.448, 0.450)  # the same numbers' deviation


class AlexNetFeatures(nn.Module):
    """Pictures (N, 3, H, W), normalised -> features after each of the five ReLUs."""

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
    """How much each channel of each level counts: `lin{k}.model.1.weight`, (1, channels, 1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        for k, channels in enumerate(CHANNELS):
            layer = nn.Conv2d(channels, 1, 1, bias=False)
            self.add_module(f"lin{k}", nn.ModuleDict({"model": nn.ModuleDict({"1": layer})}))

    def forward(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Two pictures' features -> their distance (N,)."""
        total = torch.zeros(len(a[0]), device=a[0].device)
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            difference = (unit(x) - unit(y)).square()
            total = total + self.get_submodule(f"lin{k}.model.1")(difference).mean(dim=(1, 2, 3))
        return total


def unit(x: Tensor) -> Tensor:
    """Return features of length one at every place."""
    # 1e-30: where all features are 0, the root's slope would not be a number
    return x / ((x.square().sum(dim=1, keepdim=True) + 1e-30).sqrt() + 1e-10)


def distance(trunk: nn.Module, weights: nn.Module, a: Tensor, b: Tensor) -> Tensor:
    """Return (N,) between pictures (N, 3, H, W) in [-1, 1]; 0 for equal ones."""
    shift = torch.tensor(SHIFT, device=a.device)[:, None, None]
    scale = torch.tensor(SCALE, device=a.device)[:, None, None]
    result: Tensor = weights(trunk((a - shift) / scale), trunk((b - shift) / scale))
    return result

"""Defines a small differentiable network that reads our 3DMM's parameters off a picture, as the paper's Net_3D does."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 64  # px to which pictures are made smaller; it is enough for pose, mouth and lids


class FaceRegressor(nn.Module):
    """Takes (N, 3, s, s) in [-1, 1], gives standardised parameters (N, outputs) and features (N, 8 width)."""

    def __init__(self, outputs: int, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for k in range(4):
            channels = width * 2**k
            layers += [nn.Conv2d(inputs, channels, 3, 2, 1), nn.GroupNorm(8, channels), nn.LeakyReLU(0.2)]
            inputs = channels
        self.features = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(inputs * 16, inputs), nn.LeakyReLU(0.2)
        )
        self.parameters_of = nn.Linear(inputs, outputs)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        if image.shape[-1] != SIDE:
            image = F.interpolate(image, SIDE, mode="bilinear", align_corners=False, antialias=True)
        features = self.features(image)
        return self.parameters_of(features), features

"""Defines VGG19's convolutions (Simonyan and Zisserman 2015), named as torchvision's file, for perceptual losses."""

from __future__ import annotations

from torch import Tensor, nn

# Channels of VGG19's convolutions up to the last one that is used.
PLAN = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512)
TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1


class Vgg19(nn.Module):
    """Takes a picture (N, 3, H, W), gives the features after relu1_1 to relu5_1.

    The picture is in [-1, 1], as released, and not normalised by ImageNet's mean.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in PLAN:
            if isinstance(width, str):
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in TAPS:
                outputs.append(x)
        return outputs

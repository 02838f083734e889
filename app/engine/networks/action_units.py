"""Defines LibreFace's action-unit detector (Chang et al. 2024), ResNet-18 and two linear layers, named as released."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# FACS numbers in the order of the outputs; the network was trained on BP4D.
UNITS = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
SIDE = 224  # px of the input's side, as released
WIDTHS = (64, 128, 256, 512)  # channels of ResNet-18's four levels


class BasicBlock(nn.Module):
    """Computes ReLU(x + BN(conv(ReLU(BN(conv(x)))))) (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride > 1
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ActionUnits(nn.Module):
    """Takes faces (N, 3, 224, 224), normalised as ImageNet's, and gives (N, 12): the probability of each unit."""

    def __init__(self) -> None:
        super().__init__()
        levels = []
        inputs = WIDTHS[0]
        for level, width in enumerate(WIDTHS):
            stride = 1 if level == 0 else 2
            levels.append(nn.Sequential(BasicBlock(inputs, width, stride), BasicBlock(width, width, 1)))
            inputs = width
        first = nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False)
        start = (first, nn.BatchNorm2d(WIDTHS[0]), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.encoder = nn.Sequential(*start, *levels, nn.AdaptiveAvgPool2d(1))
        self.classifier = nn.Sequential(
            nn.Linear(WIDTHS[-1], 128),
            nn.ReLU(),
            nn.BatchNorm1d(128),
            nn.Dropout(),
            nn.Linear(128, len(UNITS)),
        )

    def forward(self, faces: Tensor) -> Tensor:
        return torch.sigmoid(self.classifier(self.encoder(faces).flatten(1)))

"""Defines ArcFace's recogniser (Deng et al. 2019), InsightFace's improved residual network, named as released."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE = 112  # px of the input's side, as released
N_FEATURES = 512  # numbers of an embedding, as released
WIDTHS = (64, 128, 256, 512)  # channels of the four levels, as released
R50 = (3, 4, 14, 3)  # blocks per level of the ResNet-50 that InsightFace releases


class Block(nn.Module):
    """Computes x + BN(conv(PReLU(BN(conv(BN(x)))))); the first block of a level halves the size."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride > 1
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return y + (x if self.downsample is None else self.downsample(x))


class IResNet(nn.Module):
    """Takes aligned faces (N, 3, 112, 112) in [-1, 1] and gives embeddings (N, 512) that are not normalised.

    blocks: how many blocks each level has.
    """

    def __init__(self, blocks: tuple[int, ...] = R50) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.prelu = nn.PReLU(WIDTHS[0])
        inputs = WIDTHS[0]
        for level, (count, width) in enumerate(zip(blocks, WIDTHS, strict=True), 1):
            layers = [Block(inputs if k == 0 else width, width, 2 if k == 0 else 1) for k in range(count)]
            self.add_module(f"layer{level}", nn.Sequential(*layers))
            inputs = width
        self.bn2 = nn.BatchNorm2d(WIDTHS[-1])
        self.fc = nn.Linear(WIDTHS[-1] * (SIDE // 16) ** 2, N_FEATURES)
        self.features = nn.BatchNorm1d(N_FEATURES)

    def forward(self, faces: Tensor) -> Tensor:
        x = self.prelu(self.bn1(self.conv1(faces)))
        for level in range(1, len(WIDTHS) + 1):
            x = self.get_submodule(f"layer{level}")(x)
        embedding: Tensor = self.features(self.fc(torch.flatten(self.bn2(x), 1)))
        return embedding

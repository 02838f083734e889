"""Defines Inception v3 as FID measures with it (Szegedy et al. 2016; Heusel et al. 2017), named as torchvision's.

The weights people compare FID with were ported from TensorFlow's graph of 2015-12-05. It differs from torchvision's
network in its pooling branches: averages leave the padding out, and the last block takes the maximum.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Size = int | tuple[int, int]
Pool = Callable[[Tensor], Tensor]
CLASSES = 1008  # classes of TensorFlow's graph, eight of which are empty
N_FEATURES = 2048  # features after the last pool; FID compares them
SIDE = 299  # px of the input's side, as released


class Unit(nn.Module):
    """A convolution without bias, then batch norm and ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Size = 1, stride: int = 1, padding: Size = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def mean_pool(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def max_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 1, 1)


def halving_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 2)


class Mixed(nn.Module):
    """Joins branches side by side: chains of units, then the pooled input. A tuple that ends a chain forks it.

    branches: per branch the units' names; `branch_pool`, where there is one, follows the pool.
    """

    def __init__(
        self, units: dict[str, Unit], branches: tuple[tuple[str | tuple[str, str], ...], ...], pool: Pool
    ) -> None:
        super().__init__()
        for name, unit in units.items():
            self.add_module(name, unit)
        self.branches, self.pool = branches, pool

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for branch in self.branches:
            y = [x]
            for names in branch:
                ends = (names,) if isinstance(names, str) else names
                y = [self.get_submodule(name)(y[0]) for name in ends]
            outputs += y
        pooled = self.pool(x)
        outputs.append(self.get_submodule("branch_pool")(pooled) if hasattr(self, "branch_pool") else pooled)
        return torch.cat(outputs, dim=1)


def mixed_5(inputs: int, pooled: int) -> Mixed:
    """Return a block at 35 x 35 with branches 1x1, 5x5 and double 3x3."""
    units = {
        "branch1x1": Unit(inputs, 64),
        "branch5x5_1": Unit(inputs, 48),
        "branch5x5_2": Unit(48, 64, 5, padding=2),
        "branch3x3dbl_1": Unit(inputs, 64),
        "branch3x3dbl_2": Unit(64, 96, 3, padding=1),
        "branch3x3dbl_3": Unit(96, 96, 3, padding=1),
        "branch_pool": Unit(inputs, pooled),
    }
    double = ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
    return Mixed(units, (("branch1x1",), ("branch5x5_1", "branch5x5_2"), double), mean_pool)


def mixed_6a(inputs: int) -> Mixed:
    """Return the block from 35 x 35 to 17 x 17."""
    units = {
        "branch3x3": Unit(inputs, 384, 3, 2),
        "branch3x3dbl_1": Unit(inputs, 64),
        "branch3x3dbl_2": Unit(64, 96, 3, padding=1),
        "branch3x3dbl_3": Unit(96, 96, 3, 2),
    }
    return Mixed(
        units, (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")), halving_pool
    )


ROW: tuple[Size, int, Size] = (1, 7), 1, (0, 3)  # kernel, stride and padding of a convolution along rows
COLUMN: tuple[Size, int, Size] = (7, 1), 1, (3, 0)  # the same along columns


def mixed_6(width: int) -> Mixed:
    """Return a block at 17 x 17 with branches 1x1, 7x7 and double 7x7 as rows and columns."""
    units = {
        "branch1x1": Unit(768, 192),
        "branch7x7_1": Unit(768, width),
        "branch7x7_2": Unit(width, width, *ROW),
        "branch7x7_3": Unit(width, 192, *COLUMN),
        "branch7x7dbl_1": Unit(768, width),
        "branch7x7dbl_2": Unit(width, width, *COLUMN),
        "branch7x7dbl_3": Unit(width, width, *ROW),
        "branch7x7dbl_4": Unit(width, width, *COLUMN),
        "branch7x7dbl_5": Unit(width, 192, *ROW),
        "branch_pool": Unit(768, 192),
    }
    single = ("branch7x7_1", "branch7x7_2", "branch7x7_3")
    double = tuple(f"branch7x7dbl_{k}" for k in range(1, 6))
    return Mixed(units, (("branch1x1",), single, double), mean_pool)


def mixed_7a() -> Mixed:
    """Return the block from 17 x 17 to 8 x 8."""
    units = {
        "branch3x3_1": Unit(768, 192),
        "branch3x3_2": Unit(192, 320, 3, 2),
        "branch7x7x3_1": Unit(768, 192),
        "branch7x7x3_2": Unit(192, 192, *ROW),
        "branch7x7x3_3": Unit(192, 192, *COLUMN),
        "branch7x7x3_4": Unit(192, 192, 3, 2),
    }
    long = tuple(f"branch7x7x3_{k}" for k in range(1, 5))
    return Mixed(units, (("branch3x3_1", "branch3x3_2"), long), halving_pool)


def mixed_7(inputs: int, pool: Pool) -> Mixed:
    """Return a block at 8 x 8: 1x1, then 3x3 and double 3x3 that end in a row and a column."""
    row: tuple[Size, int, Size] = (1, 3), 1, (0, 1)
    column: tuple[Size, int, Size] = (3, 1), 1, (1, 0)
    units = {
        "branch1x1": Unit(inputs, 320),
        "branch3x3_1": Unit(inputs, 384),
        "branch3x3_2a": Unit(384, 384, *row),
        "branch3x3_2b": Unit(384, 384, *column),
        "branch3x3dbl_1": Unit(inputs, 448),
        "branch3x3dbl_2": Unit(448, 384, 3, padding=1),
        "branch3x3dbl_3a": Unit(384, 384, *row),
        "branch3x3dbl_3b": Unit(384, 384, *column),
        "branch_pool": Unit(inputs, 192),
    }
    single = ("branch3x3_1", ("branch3x3_2a", "branch3x3_2b"))
    double = ("branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b"))
    return Mixed(units, (("branch1x1",), single, double), pool)


class Inception3(nn.Module):
    """Takes pictures (N, 3, H, W) in [0, 1] of any size and gives the last pool's means, (N, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(64, 80)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = mixed_5(192, 32), mixed_5(256, 64), mixed_5(288, 64)
        self.Mixed_6a, self.Mixed_6b = mixed_6a(288), mixed_6(128)
        self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = mixed_6(160), mixed_6(160), mixed_6(192)
        self.Mixed_7a = mixed_7a()
        self.Mixed_7b, self.Mixed_7c = mixed_7(1280, mean_pool), mixed_7(N_FEATURES, max_pool)
        self.fc = nn.Linear(N_FEATURES, CLASSES)  # the released file has it; the features do not need it

    def forward(self, pictures: Tensor) -> Tensor:
        x = 2 * F.interpolate(pictures, size=(SIDE, SIDE), mode="bilinear", align_corners=False) - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(halving_pool(x)))
        x = halving_pool(x)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        return x.mean(dim=(2, 3))

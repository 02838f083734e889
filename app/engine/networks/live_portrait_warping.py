"""Defines LivePortrait's warping network: two sets of points give a dense flow of the feature volume and its occlusion.

Parameter names are the released ones. Volumes are (N, C, depth, H, W); a flow is (N, depth, H, W, 3) of places
(x, y, z) from -1 to 1 to sample at.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.engine.networks.live_portrait_points import N_POINTS

DEPTH = 16  # voxels of the volume's depth, as released
FEATURES = 32  # channels of the volume, as released
COMPRESSED = 4  # channels of the volume for the flow's network, as released
SPREAD = 0.01  # variance of a point's heat map, in units of the volume's half side squared, as released
WIDTHS = (64, 128, 256, 512, 1024)  # channels of the hourglass, from full size down to a 32nd of it
N_MOTIONS = N_POINTS + 1  # one per point, and before them the motion of what stays where it is
SAMPLES_3D = ("cpu", "cuda")  # devices on which torch samples volumes itself


@dataclass(frozen=True, eq=False)
class Warped:
    """features: (N, 256, H, W); occlusion: (N, 1, H, W) in [0, 1], 1 where the source is seen; flow: places."""

    features: Tensor
    occlusion: Tensor
    flow: Tensor


class ConvNorm(nn.Module):
    """A convolution and the batch normalisation of its output."""

    def __init__(self, inputs: int, outputs: int, dimensions: int = 3) -> None:
        super().__init__()
        self.conv: nn.Module = (nn.Conv2d, nn.Conv3d)[dimensions - 2](inputs, outputs, 3, padding=1)
        self.norm: nn.Module = (nn.BatchNorm2d, nn.BatchNorm3d)[dimensions - 2](outputs)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(self.conv(x))
        return result


class Encoder(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = zip((inputs, *widths), widths, strict=False)
        self.down_blocks = nn.ModuleList(ConvNorm(before, after) for before, after in pairs)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the input and the output of each block, half as high and wide each time."""
        levels = [x]
        for block in self.down_blocks:
            levels.append(halved(F.relu(block(levels[-1]))))
        return levels


class Decoder(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        outputs = (widths[0] // 2, *widths[:-1])
        blocks = []
        for level in reversed(range(len(widths))):
            joined = widths[level] if level == len(widths) - 1 else 2 * widths[level]
            blocks.append(ConvNorm(joined, outputs[level]))
        self.up_blocks = nn.ModuleList(blocks)
        self.out_filters = outputs[0] + inputs
        self.conv: nn.Module = nn.Conv3d(self.out_filters, self.out_filters, 3, padding=1)
        self.norm: nn.Module = nn.BatchNorm3d(self.out_filters)

    def forward(self, levels: list[Tensor]) -> Tensor:
        x = levels[-1]
        for block, skip in zip(self.up_blocks, reversed(levels[:-1]), strict=True):
            x = torch.cat([F.relu(block(doubled(x))), skip], dim=1)
        return F.relu(self.norm(self.conv(x)))


class Hourglass(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = Encoder(inputs, widths)
        self.decoder = Decoder(inputs, widths)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.decoder(self.encoder(x))
        return result


class DenseMotion(nn.Module):
    """Mixes, per voxel, 22 rigid guesses of the flow: one per point, and one of rest (section 3.1)."""

    def __init__(self, narrow: int) -> None:
        super().__init__()
        self.compress = nn.Conv3d(FEATURES // narrow, COMPRESSED, 1)
        self.norm: nn.Module = nn.BatchNorm3d(COMPRESSED)
        widths = tuple(width // narrow for width in WIDTHS)
        self.hourglass = Hourglass(N_MOTIONS * (COMPRESSED + 1), widths)
        seen = self.hourglass.decoder.out_filters
        self.mask = nn.Conv3d(seen, N_MOTIONS, 7, padding=3)
        self.occlusion = nn.Conv2d(DEPTH * seen, 1, 7, padding=3)

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        """Return flow and occlusion from the places of the points."""
        shape = (volume.shape[2], volume.shape[3], volume.shape[4])
        small = F.relu(self.norm(self.compress(volume)))
        grid = places(shape, driving)
        moves = F.pad(source - driving, (0, 0, 1, 0))  # (N, 22, 3), the first rests
        guesses = grid + moves[:, :, None, None, None]
        sampled = sample(small, guesses.flatten(1, 2))
        sampled = sampled.view(len(small), COMPRESSED, N_MOTIONS, *shape).transpose(1, 2)
        heat = F.pad(heat_maps(grid, driving) - heat_maps(grid, source), (0, 0, 0, 0, 0, 0, 1, 0))
        seen = self.hourglass(torch.cat([heat[:, :, None].to(sampled.dtype), sampled], dim=2).flatten(1, 2))
        mask = torch.softmax(self.mask(seen).float(), dim=1)
        flow = grid + torch.einsum("nkdhw,nkc->ndhwc", mask, moves)
        return flow, torch.sigmoid(self.occlusion(seen.flatten(1, 2)))


class WarpingNetwork(nn.Module):
    def __init__(self, narrow: int = 1) -> None:
        super().__init__()
        width = 256 // narrow
        self.dense_motion_network = DenseMotion(narrow)
        self.third = ConvNorm(FEATURES // narrow * DEPTH, width, 2)
        self.fourth = nn.Conv2d(width, width, 1)

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> Warped:
        """Return the warped features.

        volume: (N, 32, 16, H, W) of the source; driving, source: (N, 21, 3) float32 points.
        """
        flow, occlusion = self.dense_motion_network(volume, driving, source)
        flat = sample(volume, flow).flatten(1, 2)
        features = self.fourth(F.leaky_relu(self.third(flat), 0.01))
        return Warped(features * occlusion, occlusion, flow)


def places(shape: tuple[int, int, int], like: Tensor) -> Tensor:
    """Return (depth, H, W, 3): every voxel's (x, y, z), the outermost at -1 and 1."""
    z, y, x = (torch.linspace(-1, 1, side, dtype=torch.float32, device=like.device) for side in shape)
    grid = torch.meshgrid(z, y, x, indexing="ij")
    return torch.stack(grid[::-1], dim=-1)


def heat_maps(grid: Tensor, points: Tensor) -> Tensor:
    """Return (N, 21, depth, H, W): a bell around each point."""
    # A bell of three dimensions is the product of three of one, which takes 21 x 144 exponentials, not 21 x 65536.
    axes = (grid[0, 0, :, 0], grid[0, :, 0, 1], grid[:, 0, 0, 2])
    x, y, z = (
        torch.exp(-0.5 * (axis - points[:, :, k, None]).square() / SPREAD) for k, axis in enumerate(axes)
    )
    return z[:, :, :, None, None] * y[:, :, None, :, None] * x[:, :, None, None, :]


def halved(x: Tensor) -> Tensor:
    """Return the means of 2 x 2 in height and width; depth stays. It pools in two dimensions, as every device can."""
    small = F.avg_pool2d(x.flatten(1, 2), 2)
    return small.view(*x.shape[:3], *small.shape[-2:])


def doubled(x: Tensor) -> Tensor:
    """Return the volume twice as high and wide, by nearest neighbours; depth stays."""
    large = F.interpolate(x.flatten(1, 2), scale_factor=2.0, mode="nearest")
    return large.view(*x.shape[:3], *large.shape[-2:])


def sample(volume: Tensor, flow: Tensor) -> Tensor:
    """Return (N, C, d, h, w): the volume (N, C, D, H, W) at the places of (N, d, h, w, 3), trilinear, zero outside.

    -1 and 1 are the outer edges of the outermost voxels (align_corners=False), though `places` ends at their
    centres: the released network was trained with this.
    """
    if volume.device.type in SAMPLES_3D:
        found = F.grid_sample(
            volume.float(), flow, mode="bilinear", padding_mode="zeros", align_corners=False
        )
        return found.to(volume.dtype)
    return sample_by_hand(volume, flow)


def sample_by_hand(volume: Tensor, flow: Tensor) -> Tensor:
    """Do what `sample` does with gathers alone, for devices whose torch has no sampling of volumes."""
    sides = volume.shape[:1:-1]  # W, H, D
    at = [((flow[..., k] + 1) * side - 1) / 2 for k, side in enumerate(sides)]
    low = [place.floor() for place in at]
    part = [place - floor for place, floor in zip(at, low, strict=True)]
    flat = volume.flatten(2).float()
    total = flat.new_zeros(*flat.shape[:2], flow[0, ..., 0].numel())
    for corner in range(8):
        step = [corner >> k & 1 for k in range(3)]
        index = [floor.long() + s for floor, s in zip(low, step, strict=True)]
        weight = torch.ones_like(at[0])
        for k, side in enumerate(sides):
            share = part[k] if step[k] else 1 - part[k]
            weight = weight * share * ((index[k] >= 0) & (index[k] < side))
        x, y, z = (index[k].clamp(0, side - 1) for k, side in enumerate(sides))
        voxel = ((z * sides[1] + y) * sides[0] + x).flatten(1)
        total += flat.gather(2, voxel[:, None].expand(-1, flat.shape[1], -1)) * weight.flatten(1)[:, None]
    return total.view(*volume.shape[:2], *flow.shape[1:4]).to(volume.dtype)

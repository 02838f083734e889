"""Augments for the discriminator adaptively (Karras et al. 2020, "Training GANs with Limited Data"). It does what
suits faces: flips, whole-pixel shifts, isotropic scale, small rotations, brightness, contrast, saturation.

Both real and generated pictures are augmented before the discriminator, each transformation with
probability p; p follows the overfitting heuristic r_t = E[sign(D(real))], held at its target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from app.engine.imaging.colour import LUMINANCE

TARGET = 0.6  # wanted value of r_t, as published (Karras et al. 2020, section 3)
HALF_MILLION = 500_000  # pictures over which p can go from 0 to 1, as published


@dataclass
class Adaptation:
    """Holds the probability p and adapts it."""

    p: float = 0.0

    def update(self, real_scores: Tensor, pictures: int) -> None:
        """Adapt the strength after `pictures` real pictures with these scores."""
        step = math.copysign(pictures / HALF_MILLION, float(real_scores.sign().mean()) - TARGET)
        self.p = min(max(self.p + step, 0.0), 0.9)


def augmented(images: Tensor, p: float, rng: torch.Generator) -> Tensor:
    """Return augmented images (N, 3, H, W) in [-1, 1], differentiably; p is the same for every transformation."""
    if p <= 0:
        return images
    return _colours(_geometry(images, p, rng), p, rng)


def _when(n: int, p: float, rng: torch.Generator, drawn: Tensor, neutral: float) -> Tensor:
    """Return drawn (N,), each value replaced by the neutral one with probability 1 - p."""
    return torch.where(torch.rand(n, generator=rng) < p, drawn, torch.full((n,), neutral))


def _geometry(images: Tensor, p: float, rng: torch.Generator) -> Tensor:
    n = len(images)
    flip = _when(n, p, rng, 1 - 2 * torch.randint(0, 2, (n,), generator=rng).float(), 1.0)
    scale = _when(n, p, rng, torch.exp2(0.2 * torch.randn(n, generator=rng)), 1.0)
    angle = _when(n, p, rng, (torch.rand(n, generator=rng) - 0.5) * math.pi / 6, 0.0)
    shift = [_when(n, p, rng, (torch.rand(n, generator=rng) - 0.5) / 4, 0.0) for _ in range(2)]
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    matrix = torch.stack(
        [torch.stack([cos * flip, -sin, shift[0]], 1), torch.stack([sin * flip, cos, shift[1]], 1)], 1
    ).to(images.device)
    grid = F.affine_grid(matrix.to(images.dtype), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _colours(images: Tensor, p: float, rng: torch.Generator) -> Tensor:
    n, device = len(images), images.device

    def gains(spread: float) -> Tensor:
        drawn = torch.exp2(spread * torch.randn(n, generator=rng))
        return _when(n, p, rng, drawn, 1.0).view(n, 1, 1, 1).to(device, images.dtype)

    brightness = _when(n, p, rng, 0.2 * torch.randn(n, generator=rng), 0.0)
    images = images * gains(0.5) + brightness.view(n, 1, 1, 1).to(device, images.dtype)
    grey = (images * images.new_tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return grey + (images - grey) * gains(1.0)

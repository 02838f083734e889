"""Finds directions without training: principal components of W (GANSpace, Haerkoenen et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from app.engine.networks.stylegan2 import Generator

SAMPLES = 20000  # samples of w for its mean and spread; the mean's error is below a hundredth of a deviation


@torch.no_grad()
def principal_directions(generator: Generator, count: int = 10, seed: int = 0) -> Tensor:
    """Return the first principal components (count, D) of w over seeded samples, each one standard deviation long.

    Their signs are fixed (largest entry positive), so that a project's slider values keep their meaning.
    """
    rng = torch.Generator().manual_seed(seed)
    device = next(generator.parameters()).device
    z = torch.randn(SAMPLES, generator.style_dim, generator=rng)
    w = torch.cat([generator.mapping(part.to(device)) for part in torch.split(z, 4096)]).double().cpu()
    covariance = torch.cov(w.T)
    values, vectors = torch.linalg.eigh(covariance)
    axes = vectors.flip(1)[:, :count].T
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    deviations = values.flip(0)[:count].clamp_min(0).sqrt()
    directions: Tensor = (axes * largest.sign() * deviations[:, None]).float().to(device)
    return directions


def moved(wplus: Tensor, directions: Tensor, amounts: Tensor) -> Tensor:
    """Return W+ (N, L, D) moved in every layer by amounts (N, k) along directions (k, D)."""
    return wplus + (amounts @ directions)[:, None]

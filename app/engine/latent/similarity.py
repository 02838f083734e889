"""Measures how similar two pictures are: by the papers' networks where the user has imported them, else by a measure
that needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

MSE_WEIGHT = 100.0  # weight of the squared error beside 1 of the perceptual part, as released
RECOGNISED = 0.734  # face sizes: half the side of the recogniser's square, as the released loss crops it


@dataclass(frozen=True, eq=False)
class Similarity:
    """The measures in use.

    lpips: takes two pictures (N, 3, H, W) in [-1, 1] and returns differentiable distances (N, ...), or None;
    recogniser: takes pictures and returns features (N, d) of the persons' identities, or None.
    """

    lpips: Callable[[Tensor, Tensor], Tensor] | None = None
    recogniser: Callable[[Tensor], Tensor] | None = None

    def perceptual(self, a: Tensor, b: Tensor) -> Tensor:
        """Return LPIPS where it is imported, else the distance of pyramid bands."""
        return band_distance(a, b) if self.lpips is None else self.lpips(a, b).mean()

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the inversion's loss."""
        return MSE_WEIGHT * F.mse_loss(a, b) + self.perceptual(a, b)

    def other_person(self, a: Tensor, b: Tensor) -> Tensor:
        """Return 1 - cosine of the recogniser's features, which is 0 for one person (equation 6)."""
        assert self.recogniser is not None
        with torch.no_grad():
            known = self.recogniser(b)
        return (1 - F.cosine_similarity(self.recogniser(a), known)).mean()


def arcface_input(pictures: Tensor, faces: float) -> Tensor:
    """Return a generator's pictures (N, 3, s, s) cut for the recogniser, (N, 3, 112, 112), as the released loss does.

    The released loss takes rows 35 to 223 and columns 32 to 220 of 256 of pictures with the released side of
    `squares.crop.face_square`; of others (faces: their side in face sizes) the same part of the face is taken.
    """
    size = pictures.shape[-1]
    half = RECOGNISED * size / faces
    across, down = 0.5 * size - 0.016 * size / faces, 7 / 12 * size - 0.158 * size / faces
    rows, columns = (slice(max(round(c - half), 0), round(c + half)) for c in (down, across))
    return F.interpolate(
        pictures[..., rows, columns], (112, 112), mode="bilinear", align_corners=False, antialias=True
    )


def band_distance(a: Tensor, b: Tensor, levels: int = 4) -> Tensor:
    """Return the mean absolute difference of the Laplacian pyramid bands of (N, 3, H, W) pictures, with equal
    weights.
    """
    difference = a - b
    total = difference.new_zeros(())
    for _ in range(levels):
        if min(difference.shape[-2:]) < 8:
            break
        smaller = F.avg_pool2d(difference, 2)
        band = difference - F.interpolate(smaller, scale_factor=2.0, mode="bilinear", align_corners=False)
        total = total + band.abs().mean()
        difference = smaller
    return total + difference.abs().mean()

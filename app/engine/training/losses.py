"""Computes the papers' losses: adversarial (hinge, least squares), feature matching, L1, mask, temporal, perceptual."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Scales = Sequence[Sequence[Tensor]]  # a MultiScaleDiscriminator's output: layers by scale
Features = Callable[[Tensor], Sequence[Tensor]]  # gives a picture in [-1, 1] its features, shallow to deep


def hinge_discriminator(real: Scales, fake: Scales) -> Tensor:
    """Return max(0, 1 - D(real)) + max(0, 1 + D(fake)), mean over scales (HeadGAN, eq. 4)."""
    terms = [F.relu(1 - r[-1]).mean() + F.relu(1 + f[-1]).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def hinge_generator(fake: Scales) -> Tensor:
    """Return -D(fake), mean over scales (HeadGAN, eq. 5)."""
    return -torch.stack([f[-1].mean() for f in fake]).mean()


def least_squares_discriminator(real: Scales, fake: Scales) -> Tensor:
    """Return ((D(real) - 1)^2 + D(fake)^2) / 2, mean over scales (Head2Head++; Mao et al. 2017)."""
    terms = [
        ((r[-1] - 1).square().mean() + f[-1].square().mean()) / 2 for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()


def least_squares_generator(fake: Scales) -> Tensor:
    """Return (D(fake) - 1)^2, mean over scales."""
    return torch.stack([(f[-1] - 1).square().mean() for f in fake]).mean()


def feature_matching(real: Scales, fake: Scales) -> Tensor:
    """Return the L1 distance between all but the last layers, weighted as in the released code: 4 / (number of
    layers), mean over scales.
    """
    terms = [
        4 / len(r) * (a.detach() - b).abs().mean()
        for r, f in zip(real, fake, strict=True)
        for a, b in zip(r[:-1], f[:-1], strict=True)
    ]
    return torch.stack(terms).sum() / len(real)


def masked_l1(picture: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Return |a - b| where the mask (N, 1, H, W) is 1, mean over all pixels (released HeadGAN; eq. 6 has no mask)."""
    return ((picture - wanted).abs() * mask).mean()


def face_mask(nmfc: Tensor) -> Tensor:
    """Return (N, 1, H, W): 1 where the NMFC (N, 3, H, W) shows the face."""
    return (nmfc.sum(dim=1, keepdim=True) > 0.01).to(nmfc.dtype)


def temporal(before: Sequence[Tensor], now: Sequence[Tensor]) -> Tensor:
    """Return the L1 distance between the warped features of consecutive frames, summed over levels (HeadGAN, first
    version, eq. 8).
    """
    return torch.stack([(a - b).abs().mean() for a, b in zip(before, now, strict=True)]).sum()


def perceptual(features: Features, picture: Tensor, wanted: Tensor) -> Tensor:
    """Return the L1 distance between features, with weights 1/32, 1/16, 1/8, 1/4, 1 from shallow to deep (HeadGAN
    and pix2pixHD).
    """
    a, b = features(picture), features(wanted.detach())
    weights = [2.0 ** -(len(a) - i) for i in range(len(a) - 1)] + [1.0]
    terms = [w * (x - y.detach()).abs().mean() for w, x, y in zip(weights, a, b, strict=True)]
    return torch.stack(terms).sum()

"""Computes the losses of the direction matrix: "Finding Directions in GAN's Latent Space", equations 3 to 7.

Net_3D is a small network of ours (the paper's is DECA). The face recogniser F is one the user has imported; without
one Net_3D's identity coefficients and features stand in for it. The perceptual loss is LPIPS where imported, else
the distance of pyramid bands.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from app.engine.face.morphable_model import default_model
from app.engine.training.directions.samples import N_EXPRESSION_USED, NAMES

# MediaPipe's points for the released pairs: of the lids and the eyes' corners; of the mouth's width and openings.
EYE_PAIRS = ((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373), (33, 133), (362, 263))
MOUTH_PAIRS = ((61, 291), (13, 14), (0, 17), (37, 84), (267, 314), (81, 178), (311, 402))


class Shape:
    """Turns values (N, 15 + I) into vertices (N, 468, 3) in model units: equation 1 with the head's orientation."""

    def __init__(self) -> None:
        model = default_model()
        expression = model.expression_basis * model.expression_sigma[:, None, None]
        identity = model.identity_basis * model.identity_sigma[:, None, None]
        self.mean = torch.from_numpy(model.mean).float()
        self.expression = torch.from_numpy(expression[:N_EXPRESSION_USED]).float()
        self.identity = torch.from_numpy(identity).float()

    def __call__(self, values: Tensor) -> Tensor:
        n = len(NAMES)
        shape = self.mean.to(values) + torch.einsum("nk,kvc->nvc", values[:, 3:n], self.expression.to(values))
        shape = shape + torch.einsum("nk,kvc->nvc", values[:, n:], self.identity.to(values))
        return shape @ rotations(values[:, :3]).transpose(1, 2)


def rotations(angles: Tensor) -> Tensor:
    """Return matrices (N, 3, 3) of yaw, pitch, roll (N, 3) in degrees, as `parameters.rotation_matrix` does."""
    yaw, pitch, roll = (angles * torch.tensor([1.0, -1.0, -1.0]).to(angles) * math.pi / 180).unbind(1)
    one, zero = torch.ones_like(yaw), torch.zeros_like(yaw)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, dim=1).view(-1, 3, 3)

    turn_y = matrix(yaw.cos(), zero, yaw.sin(), zero, one, zero, -yaw.sin(), zero, yaw.cos())
    turn_x = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    turn_z = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return turn_z @ turn_x @ turn_y


def pair_gap(a: Tensor, b: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    """Return the L1 difference of the inner distances of landmark pairs (equation 5), averaged over pairs."""
    first, second = (list(side) for side in zip(*pairs))
    gaps = [(s[:, first] - s[:, second]).abs().sum(-1) for s in (a, b)]
    return (gaps[0] - gaps[1]).abs().mean()

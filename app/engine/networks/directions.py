"""Defines the direction matrix A of "Finding Directions in GAN's Latent Space" (equation 2)."""

from __future__ import annotations

from torch import Tensor, nn

STYLE_DIM = 512  # numbers of w, as in StyleGAN2


class DirectionMatrix(nn.Module):
    """Computes delta w = A delta p + b: (N, n_directions) gives (N, n_layers, 512), added to the first layers of W+."""

    def __init__(self, n_directions: int = 15, n_layers: int = 8, style_dim: int = STYLE_DIM) -> None:
        super().__init__()
        self.n_layers, self.style_dim = n_layers, style_dim
        self.linear = nn.Linear(n_directions, n_layers * style_dim)
        nn.init.normal_(self.linear.weight, std=0.03)
        nn.init.zeros_(self.linear.bias)

    def forward(self, delta_p: Tensor) -> Tensor:
        shift: Tensor = self.linear(delta_p)
        return shift.view(-1, self.n_layers, self.style_dim)


def shifted(wplus: Tensor, shift: Tensor) -> Tensor:
    """Return W+ (N, L, D) with a shift (N, l, D) added to its first l layers (l <= L)."""
    result = wplus.clone()
    result[:, : shift.shape[1]] += shift
    return result

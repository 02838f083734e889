"""Defines Head2HeadFS (Doukas et al.): Head2Head++'s generator with an identity in every normalisation layer.

The identity embedder is a residual network of our own size rather than FaceNet (the paper's footnote 2),
because FaceNet's weights may not be shipped and from scratch its 23 M parameters do not suit a CPU.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from app.engine.networks.discriminators import MultiScaleDiscriminator
from app.engine.networks.head2head import RGB, Head2Head

N_FEATURES = 512  # numbers of the identity vector, as in the paper
NMFC_CHANNELS = 3  # channels of one conditioning frame


class AdaIN(nn.Module):
    """Computes equation 6, (P_gamma h) (x - mu) / sigma + P_beta h, with no further bias.

    The projections start so that an h of ones gives gamma = 1 and beta = 0.
    """

    takes_identity = True

    def __init__(self, channels: int, n_features: int = N_FEATURES) -> None:
        super().__init__()
        self.gamma = nn.Linear(n_features, channels, bias=False)
        self.beta = nn.Linear(n_features, channels, bias=False)
        nn.init.normal_(self.gamma.weight, 1.0 / n_features, 0.02 / n_features**0.5)
        nn.init.normal_(self.beta.weight, 0.0, 0.02 / n_features**0.5)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        gamma, beta = self.gamma(h)[:, :, None, None], self.beta(h)[:, :, None, None]
        result: Tensor = gamma * F.instance_norm(x) + beta
        return result

    def at(self, h: Tensor) -> nn.InstanceNorm2d:
        """Return equation 9's start: instance normalisation whose gamma and beta are the projections of h (1, n)."""
        norm = nn.InstanceNorm2d(self.gamma.out_features, affine=True)
        with torch.no_grad():
            norm.weight.copy_(self.gamma(h)[0])
            norm.bias.copy_(self.beta(h)[0])
        return norm.to(h.device)


class IdentityEmbedder(nn.Module):
    """E_id: frames (M, 3, H, W) in [-1, 1] without background give their mean h (1, n_features) (equation 4)."""

    def __init__(self, width: int = 32, n_down: int = 4, n_features: int = N_FEATURES) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(RGB, width, 3, 1, 1), nn.LeakyReLU(0.2)]
        for k in range(n_down):
            inputs, outputs = width * 2**k, width * 2 ** (k + 1)
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.GroupNorm(8, outputs), nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*layers)
        self.project = nn.Linear(width * 2**n_down, n_features)
        nn.init.ones_(self.project.bias)  # so AdaIN's gamma is near 1 before the first step

    def each(self, frames: Tensor) -> Tensor:
        """Return one vector per frame, (M, n_features)."""
        vectors: Tensor = self.project(self.features(frames).mean((2, 3)))
        return vectors

    def forward(self, frames: Tensor) -> Tensor:
        return self.each(frames).mean(0, keepdim=True)


class Head2HeadFS(Head2Head):
    """Equation 5's generator: three NMFCs and two generated frames give the next frame and its foreground mask.

    Gives (N, 4, H, W): RGB and the mask in [-1, 1] (see `rgb_and_mask`). Without an identity vector it
    is the fine-tuned network of one person (`personalised`).
    """

    def __init__(self, width: int = 64, n_down: int = 3, n_blocks: int = 9, personal: bool = False) -> None:
        def norm(channels: int) -> nn.Module:
            return nn.InstanceNorm2d(channels, affine=True) if personal else AdaIN(channels)

        super().__init__(width, n_down, n_blocks, NMFC_CHANNELS, RGB + 1, norm)
        self.sizes = (width, n_down, n_blocks)

    def forward(self, conditions: Tensor, previous: Tensor, h: Tensor | None = None) -> Tensor:
        made = self.unsquashed(conditions, previous, h)
        return torch.cat([torch.tanh(made[:, :RGB]), clamped_with_gradient(made[:, RGB:])], dim=1)

    @torch.no_grad()
    def personalised(self, h: Tensor) -> Head2HeadFS:
        """Return a copy for one person: every AdaIN is replaced by instance normalisation at h (1, n_features)."""
        person = Head2HeadFS(*self.sizes, personal=True).to(h.device)
        projected = {
            f"{name}.{part}": value
            for name, layer in self.named_modules()
            if isinstance(layer, AdaIN)
            for part, value in layer.at(h).state_dict().items()
        }
        shared = {n: v for n, v in self.state_dict().items() if n in person.state_dict()}
        person.load_state_dict({**shared, **projected})
        return person


def clamped_with_gradient(x: Tensor) -> Tensor:
    """Return x clamped to [-1, 1], with the gradient of x itself: a mask under a tanh that once is all foreground would
    have no gradient to leave that state by.
    """
    return x + (x.clamp(-1, 1) - x).detach()


def rgb_and_mask(output: Tensor) -> tuple[Tensor, Tensor]:
    """Return the generator's output (N, 4, H, W) as RGB (N, 3, H, W) in [-1, 1] and mask (N, 1, H, W) in [0, 1]."""
    return output[:, :RGB], (output[:, RGB:] + 1) / 2


class Projection(nn.Module):
    """Computes equation 7, r = d^T (w_i + w_0) + c at every patch of d (N, n_features, h, w).

    `people` rows w_i resemble identity embeddings (equation 8 pulls h towards them).
    """

    def __init__(self, people: int, n_features: int = N_FEATURES) -> None:
        super().__init__()
        self.rows = nn.Embedding(people, n_features)
        self.common = nn.Parameter(torch.randn(n_features) * 0.02)
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.normal_(self.rows.weight, 0.0, 0.02)

    def forward(self, d: Tensor, person: Tensor) -> Tensor:
        """Return the scores (N, 1, h, w); person: (N,) int64 indices."""
        direction = self.rows(person) + self.common
        return torch.einsum("nchw,nc->nhw", d, direction)[:, None] + self.bias

    @torch.no_grad()
    def personalised(self, h: Tensor) -> Projection:
        """Return a copy in which W is one row, h (1, n_features) scaled to the length of W's rows; w_0 and c are kept.

        Equation 8 brings h and w_i to one direction only: at h's own length the scores were tens of times too large,
        and the generator spent the first hundred steps on them.
        """
        person = Projection(1, h.shape[1]).to(h.device)
        person.rows.weight.copy_(h * self.rows.weight.norm(dim=1).mean() / h.norm())
        person.common.copy_(self.common)
        person.bias.copy_(self.bias)
        return person


class ProjectionDiscriminator(nn.Module):
    """D^I, a multi-scale patch discriminator whose last convolution gives d of equation 7, judged for one person."""

    def __init__(self, inputs: int, people: int, width: int = 64, n_features: int = N_FEATURES) -> None:
        super().__init__()
        self.patches = MultiScaleDiscriminator(inputs, width, spectral=False)
        for k in range(self.patches.scales):
            layer = nn.Conv2d(8 * width, n_features, 4, 1, 2)
            getattr(self.patches, f"discriminator_{k}").model4 = nn.Sequential(layer)
        self.projection = Projection(people, n_features)

    def forward(self, x: Tensor, person: Tensor) -> list[list[Tensor]]:
        """Return the outputs as `MultiScaleDiscriminator` does; person: (N,) int64 indices."""
        return [[*outputs[:-1], self.projection(outputs[-1], person)] for outputs in self.patches(x)]

    def personalised(self, h: Tensor) -> ProjectionDiscriminator:
        """Return a copy for one person: W becomes the row h (1, n_features)."""
        person = copy.deepcopy(self)
        person.projection = self.projection.personalised(h)
        return person


def embedding_match(h: Tensor, projection: Projection, person: Tensor) -> Tensor:
    """Return equation 8's cosine distance between h (1, n) and this person's row; W gets no gradient from it."""
    row = cast(Tensor, projection.rows(person)).detach()
    return 1 - F.cosine_similarity(h, row).mean()

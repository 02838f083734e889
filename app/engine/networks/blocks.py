"""Defines layers that several generators share: spectral convolution, SPADE, AdaIN, backward warp.

Parameter names are those of the released HeadGAN files, so a state dict loads without a mapping.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # slope of every leaky ReLU below 0, as in every released network here


class SpectralConv2d(nn.Module):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018, section 2.1).

    weight_u and weight_v follow the singular vectors by one power iteration per training forward and are
    left alone in evaluation, as in the released files.
    """

    weight_u: Tensor
    weight_v: Tensor

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, bias: bool = True
    ) -> None:
        super().__init__()
        plain = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias)
        self.stride, self.padding = stride, padding
        self.weight_orig = plain.weight
        self.bias = plain.bias
        self.register_buffer("weight_u", F.normalize(torch.randn(outputs), dim=0))
        self.register_buffer("weight_v", F.normalize(torch.randn(inputs * kernel * kernel), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight(), self.bias, self.stride, self.padding)

    def weight(self) -> Tensor:
        """Return weight_orig divided by its spectral norm, (outputs, inputs, k, k)."""
        matrix = self.weight_orig.flatten(1)
        if self.training:
            self._iterate(matrix.detach())
        # The vectors are copied, because the next power iteration may come before the gradient of this forward pass.
        return normalised_weight(self.weight_orig, self.weight_u.clone(), self.weight_v.clone())

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        matrix = matrix.float()
        v = F.normalize(matrix.t() @ self.weight_u.float(), dim=0, eps=1e-12)
        u = F.normalize(matrix @ v, dim=0, eps=1e-12)
        self.weight_v.copy_(v)
        self.weight_u.copy_(u)


def conv(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    bias: bool = True,
    spectral: bool = True,
) -> nn.Module:
    """Return a convolution, spectrally normalised or (for folded weights) plain."""
    if spectral:
        return SpectralConv2d(inputs, outputs, kernel, stride, padding, bias)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias)


def normalised_weight(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return the weight divided by u^T W v, in this order of operations: the golden vectors depend on the last bit."""
    return weight / torch.dot(u, torch.mv(weight.flatten(1), v))


def fold_spectral_norm(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the same weights for networks built with `spectral=False`."""
    folded = {}
    for name, value in weights.items():
        base, _, last = name.rpartition(".")
        if last == "weight_orig":
            u, v = weights[f"{base}.weight_u"], weights[f"{base}.weight_v"]
            folded[f"{base}.weight"] = normalised_weight(value, u, v)
        elif last not in ("weight_u", "weight_v"):
            folded[name] = value
    return folded


class Spade(nn.Module):
    """Normalises by place: IN(x) (1 + gamma(label)) + beta(label) (HeadGAN, Fig. 9; Park et al. 2019).

    The label (N, labels, h, w) is brought to x's size by nearest neighbours.
    """

    def __init__(self, channels: int, labels: int, hidden: int) -> None:
        super().__init__()
        self.param_free_norm = nn.InstanceNorm2d(channels)
        self.mlp_shared = nn.Sequential(nn.Conv2d(labels, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        if label.shape[-2:] != x.shape[-2:]:
            label = F.interpolate(label, size=x.shape[-2:], mode="nearest")
        gamma, beta = self.modulation(label)
        result: Tensor = self.param_free_norm(x) * (1 + gamma) + beta
        return result

    def modulation(self, label: Tensor) -> tuple[Tensor, Tensor]:
        """Return gamma and beta, (N, channels, h, w) each."""
        shared = self.mlp_shared(label)
        return self.mlp_gamma(shared), self.mlp_beta(shared)


class SpadeBlock(nn.Module):
    """Computes x + conv_1(act(norm_1(conv_0(act(norm_0(x)))))).

    The released code keeps the residual that Fig. 9 leaves out.
    """

    def __init__(self, channels: int, labels: int, hidden: int, spectral: bool = True) -> None:
        super().__init__()
        self.conv_0 = conv(channels, channels, 3, padding=1, spectral=spectral)
        self.conv_1 = conv(channels, channels, 3, padding=1, spectral=spectral)
        self.norm_0 = Spade(channels, labels, hidden)
        self.norm_1 = Spade(channels, labels, hidden)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        y = self.conv_0(F.leaky_relu(self.norm_0(x, label), SLOPE))
        result: Tensor = x + self.conv_1(F.leaky_relu(self.norm_1(y, label), SLOPE))
        return result


class AdaIN(nn.Module):
    """Computes IN(x) (1 + gamma) + beta; one linear map of a vector gives both (Huang and Belongie 2017)."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels)
        self.fc = nn.Linear(features, 2 * channels)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        gamma, beta = self.fc(vector)[:, :, None, None].chunk(2, dim=1)
        result: Tensor = self.norm(x) * (1 + gamma) + beta
        return result


class AdaINBlock(nn.Module):
    """Computes conv2(act(norm2(conv1(act(norm1(x)))))), without a residual (HeadGAN, Fig. 9)."""

    def __init__(self, channels: int, features: int, spectral: bool = True) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels, 3, padding=1, spectral=spectral)
        self.conv2 = conv(channels, channels, 3, padding=1, spectral=spectral)
        self.norm1 = AdaIN(channels, features)
        self.norm2 = AdaIN(channels, features)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        y = self.conv1(F.leaky_relu(self.norm1(x, vector), SLOPE))
        result: Tensor = self.conv2(F.leaky_relu(self.norm2(y, vector), SLOPE))
        return result


def warp(features: Tensor, flow: Tensor) -> Tensor:
    """Warp backwards: return out(y, x) = features(y + dy, x + dx), bilinear, with the borders repeated.

    features: (N, C, H, W); flow: (N, 2, H, W) pixels, (dx, dy). Coordinates stay in float32 because half
    precision cannot distinguish neighbouring pixels of a large picture.
    """
    height, width = features.shape[-2:]
    ys = torch.arange(height, device=flow.device, dtype=torch.float32)
    xs = torch.arange(width, device=flow.device, dtype=torch.float32)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    moved = flow.float()
    grid = torch.stack(
        [2 * (x + moved[:, 0]) / (width - 1) - 1, 2 * (y + moved[:, 1]) / (height - 1) - 1], dim=-1
    )
    sampled = F.grid_sample(
        features.float(), grid, mode="bilinear", padding_mode="border", align_corners=True
    )
    return sampled.to(features.dtype)

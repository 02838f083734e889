"""Defines StyleGAN2 (Karras et al. 2020) with the names of the released files; plain torch, no compiled extension.

Shapes: z and w (N, 512), W+ (N, layers, 512), images (N, 3, size, size) in about [-1, 1]. The weight of a
modulated convolution is shared by the batch: the style scales the input's channels and the demodulation the
output's, which equals modulating the weight itself (equations 1 and 3 of the paper), needs no grouped
convolution and holds in half precision.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STYLE_DIM = 512  # numbers of z and of w, as released


def resampling_kernel(gain: float = 1.0) -> Tensor:
    """Return the separable filter [1, 3, 3, 1] as (4, 4), which sums to `gain`."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / 64.0 * gain


def filter2d(x: Tensor, kernel: Tensor, padding: tuple[int, int]) -> Tensor:
    """Convolve every channel of (N, C, H, W) with a small symmetric kernel, padded (before, after)."""
    channels = x.shape[1]
    if padding[0] != padding[1]:
        x, padding = F.pad(x, (*padding, *padding)), (0, 0)
    weight = kernel.to(x.dtype).flip(0, 1).expand(channels, 1, -1, -1)
    return F.conv2d(x, weight, padding=padding[0], groups=channels)


def fused_leaky_relu(x: Tensor, bias: Tensor) -> Tensor:
    """Return sqrt(2) times the leaky ReLU (slope 0.2) of x + bias; the bias is per channel."""
    biased = x + bias.to(x.dtype).view(1, -1, *[1] * (x.ndim - 2))
    return F.leaky_relu(biased, 0.2) * math.sqrt(2.0)


class PixelNorm(nn.Module):
    """Divides each latent by its root mean square."""

    def forward(self, z: Tensor) -> Tensor:
        return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)


class EqualLinear(nn.Module):
    """A linear layer with the equalised learning rate; `activation` adds the fused leaky ReLU."""

    def __init__(
        self, inputs: int, outputs: int, bias: float = 0.0, lr_mul: float = 1.0, activation: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_mul)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.scale = lr_mul / math.sqrt(inputs)
        self.lr_mul = lr_mul
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        if self.activation:
            return fused_leaky_relu(F.linear(x, self.weight * self.scale), self.bias * self.lr_mul)
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_mul)


class Blur(nn.Module):
    """The low-pass filter after an upsampling convolution."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", resampling_kernel(4.0))

    def forward(self, x: Tensor) -> Tensor:
        return filter2d(x, self.kernel, (1, 1))


class Upsample(nn.Module):
    """Doubles the size: zeros between the pixels, then the low-pass filter."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", resampling_kernel(4.0))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.kernel.to(x.dtype).expand(x.shape[1], 1, -1, -1)
        return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=x.shape[1])


class ModulatedConv(nn.Module):
    """A convolution whose weight the style scales per input channel (StyleGAN2, section 2.2).

    It takes features (N, in, H, W) and styles (N, 512), gives (N, out, H, W), or twice that size with `upsample`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        style_dim: int = STYLE_DIM,
        demodulate: bool = True,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, kernel, kernel))
        self.modulation = EqualLinear(style_dim, inputs, bias=1.0)
        self.scale = 1.0 / math.sqrt(inputs * kernel * kernel)
        self.demodulate = demodulate
        self.padding = kernel // 2
        if upsample:
            self.blur = Blur()
        self.upsample = upsample
        self._energy: tuple[tuple[int, int], Tensor] | None = None

    def gains(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return the per-channel factors of the input (N, in) and of the output (N, out), in float32.

        The largest input factor is moved to the output, so that half precision does not overflow.
        """
        with torch.autocast(style.device.type, enabled=False):
            styles = self.modulation(style.float())
            largest = styles.abs().amax(1, keepdim=True).clamp_min(1e-8)
            if not self.demodulate:
                return styles / largest, largest * self.scale
            squares = F.linear(styles.square(), self.energy())
            demodulation = torch.rsqrt(self.scale**2 * squares + 1e-8)
            return styles / largest, demodulation * largest * self.scale

    def energy(self) -> Tensor:
        """Return (out, in): the weight's squares summed over the kernel; kept between frames while the weight stands
        still.
        """
        if torch.is_grad_enabled() or self.weight.is_inference():  # inference tensors count no changes
            return self.weight[0].float().square().sum((2, 3))
        stamp = (self.weight.data_ptr(), self.weight._version)
        if self._energy is None or self._energy[0] != stamp:
            self._energy = stamp, self.weight[0].float().square().sum((2, 3))
        return self._energy[1]

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        before, after = (gain.to(x.dtype) for gain in self.gains(style))
        weight = self.weight[0].to(x.dtype)
        small = len(x) == 1 and weight.numel() < x.numel()  # then scaling the weight costs less
        if small:
            weight = weight * (after.view(-1, 1, 1, 1) * before.view(1, -1, 1, 1))
        else:
            x = x * before[:, :, None, None]
        if self.upsample:
            y: Tensor = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        else:
            y = F.conv2d(x, weight, padding=self.padding)
        result: Tensor = y if small else y * after[:, :, None, None]
        return result


class NoiseInjection(nn.Module):
    """Adds a noise picture, scaled by one learned strength."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return x + self.weight.to(x.dtype) * noise.to(x.dtype)


class FusedLeakyReLU(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return fused_leaky_relu(x, self.bias)


class StyledConv(nn.Module):
    """Applies a modulated convolution, noise and the activation."""

    def __init__(self, inputs: int, outputs: int, style_dim: int, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 3, style_dim, upsample=upsample)
        self.noise = NoiseInjection()
        self.activate = FusedLeakyReLU(outputs)

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        y = self.conv(x, style)
        if torch.is_grad_enabled():
            result: Tensor = self.activate(self.noise(y, noise))
            return result
        # Nothing else uses y, so it can be changed in place.
        y += self.noise.weight.to(y.dtype) * noise.to(y.dtype)
        y += self.activate.bias.to(y.dtype).view(1, -1, 1, 1)
        return F.leaky_relu_(y, 0.2).mul_(math.sqrt(2.0))


class ToRGB(nn.Module):
    """Turns features into RGB, added to the upsampled RGB of the layer before."""

    def __init__(self, inputs: int, style_dim: int, upsample: bool = True) -> None:
        super().__init__()
        if upsample:
            self.upsample = Upsample()
        self.conv = ModulatedConv(inputs, 3, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, x: Tensor, style: Tensor, skip: Tensor | None = None) -> Tensor:
        rgb: Tensor = self.conv(x, style) + self.bias.to(x.dtype)
        return rgb if skip is None else rgb + self.upsample(skip)


class ConstantInput(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, channels, 4, 4))

    def forward(self, batch: int) -> Tensor:
        return self.input.expand(batch, -1, -1, -1)


def layer_channels(resolution: int, channel_multiplier: float, max_channels: int) -> int:
    """Return how many channels the layers at one resolution have."""
    return min(max_channels, int(16384 * channel_multiplier) // resolution)


class Generator(nn.Module):
    """The skip generator: mapping network `style`, synthesis network, and one stored noise picture per layer.

    size: 64 to 1024 px; channel_multiplier 1 or 2 and 8 mapping layers as released; a multiplier below 1,
    `max_channels` and `style_dim` below 512 make a light one.
    """

    def __init__(
        self,
        size: int,
        channel_multiplier: float = 2,
        max_channels: int = 512,
        style_dim: int = STYLE_DIM,
        n_mlp: int = 8,
    ) -> None:
        super().__init__()
        self.size, self.style_dim = size, style_dim
        log_size = int(math.log2(size))
        self.n_latent = 2 * log_size - 2
        self.style = nn.Sequential(
            PixelNorm(),
            *[EqualLinear(style_dim, style_dim, lr_mul=0.01, activation=True) for _ in range(n_mlp)],
        )
        widths = [layer_channels(2**k, channel_multiplier, max_channels) for k in range(2, log_size + 1)]
        self.input = ConstantInput(widths[0])
        self.conv1 = StyledConv(widths[0], widths[0], style_dim)
        self.to_rgb1 = ToRGB(widths[0], style_dim, upsample=False)
        self.convs, self.to_rgbs = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs in itertools.pairwise(widths):
            self.convs.append(StyledConv(inputs, outputs, style_dim, upsample=True))
            self.convs.append(StyledConv(outputs, outputs, style_dim))
            self.to_rgbs.append(ToRGB(outputs, style_dim))
        self.noises = nn.Module()
        for layer in range(self.n_latent - 1):
            side = 2 ** ((layer + 5) // 2)
            self.noises.register_buffer(f"noise_{layer}", torch.randn(1, 1, side, side))

    def mapping(self, z: Tensor) -> Tensor:
        """Return w (N, style_dim) of z (N, style_dim)."""
        w: Tensor = self.style(z)
        return w

    def latent(self, z: Tensor) -> Tensor:
        """Return W+ (N, layers, style_dim) of z (N, style_dim), with the same w in every layer."""
        return self.mapping(z).unsqueeze(1).repeat(1, self.n_latent, 1)

    @torch.no_grad()
    def mean_latent(self, samples: int = 65536, seed: int = 0) -> Tensor:
        """Return (1, style_dim): the truncation latent, the mean of w over `samples` seeded z."""
        rng = torch.Generator().manual_seed(seed)
        device = self.input.input.device
        total = torch.zeros(1, self.style_dim, dtype=torch.float64)
        for start in range(0, samples, 4096):
            z = torch.randn(min(4096, samples - start), self.style_dim, generator=rng).to(device)
            total += self.mapping(z).double().sum(0, keepdim=True).cpu()
        return (total / samples).float().to(device)

    def layer_noises(self, batch: int, rng: torch.Generator | None) -> Sequence[Tensor]:
        """Return the stored noise pictures, or fresh ones where a random generator is given (training)."""
        stored = [getattr(self.noises, f"noise_{layer}") for layer in range(self.n_latent - 1)]
        if rng is None:
            return stored
        return [
            torch.randn(batch, *n.shape[1:], generator=rng, device=rng.device).to(n.device) for n in stored
        ]

    def synthesis(self, wplus: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Return the image (N, 3, size, size) of W+ (N, layers, style_dim)."""
        noises = self.layer_noises(len(wplus), rng)
        x = self.conv1(self.input(len(wplus)), wplus[:, 0], noises[0])
        image = self.to_rgb1(x, wplus[:, 1])
        for k, to_rgb in enumerate(self.to_rgbs):
            x = self.convs[2 * k](x, wplus[:, 2 * k + 1], noises[2 * k + 1])
            x = self.convs[2 * k + 1](x, wplus[:, 2 * k + 2], noises[2 * k + 2])
            image = to_rgb(x, wplus[:, 2 * k + 3], image)
        result: Tensor = image
        return result

    def forward(
        self, wplus: Tensor, truncation_latent: Tensor | None = None, truncation: float = 1.0
    ) -> Tensor:
        """Return the image of W+ pulled towards the truncation latent: w' = t + truncation (w - t), in every layer."""
        if truncation_latent is not None:
            wplus = truncate(wplus, truncation_latent, truncation)
        return self.synthesis(wplus)


def truncate(wplus: Tensor, latent: Tensor, truncation: float | Tensor) -> Tensor:
    """Return w' = t + truncation (w - t) for W+ (N, layers, D) and t (1, D)."""
    centre = latent.unsqueeze(1)
    return centre + truncation * (wplus - centre)

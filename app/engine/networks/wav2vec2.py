"""Defines wav2vec 2.0 with a CTC head (Baevski et al. 2020): speech gives character logits; names are torchaudio's.

The published recognisers for English letters: "base" (12 layers of 768) and "large" (24 of 1024), both with a group
norm in the first convolution and norms behind the sums.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RATE = 16000  # samples a second
HOP = 320  # samples a step: the product of the strides
CHANNELS = 512  # channels of each of the seven convolutions, as published
KERNELS = (10, 3, 3, 3, 3, 2, 2)  # of the seven convolutions, as published
STRIDES = (5, 2, 2, 2, 2, 2, 2)  # of the seven convolutions, as published
PLACES, GROUPS = 128, 16  # kernel and groups of the convolution that encodes positions
# What the published heads' outputs stand for: output 0 is CTC's blank; None is a mark or "unknown".
LETTERS = (None, None, None, None, " ", *"etaonihsrdlumwcfgypbvk'xjqz")


class ConvLayer(nn.Module):
    def __init__(self, inputs: int, kernel: int, stride: int, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, CHANNELS, kernel, stride, bias=False)
        self.layer_norm = nn.GroupNorm(CHANNELS, CHANNELS) if norm else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return F.gelu(x if self.layer_norm is None else self.layer_norm(x))


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        def split(y: Tensor) -> Tensor:
            return y.view(*y.shape[:2], self.heads, -1).transpose(1, 2)

        queries, keys, values = (split(layer(x)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        result: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return result


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.intermediate_dense, self.output_dense = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.output_dense(F.gelu(self.intermediate_dense(x)))
        return result


class Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention, self.layer_norm = Attention(width, heads), nn.LayerNorm(width)
        self.feed_forward, self.final_layer_norm = FeedForward(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer_norm(x + self.attention(x))
        result: Tensor = self.final_layer_norm(x + self.feed_forward(x))
        return result


class Wav2Vec2(nn.Module):
    """Takes sound (N, samples) at 16 kHz, 400 samples at least, and gives logits (N, steps, 32), one step per 20 ms."""

    def __init__(self, width: int = 768, layers: int = 12) -> None:
        super().__init__()
        inputs = (1, *[CHANNELS] * 6)
        convs = [
            ConvLayer(i, kernel, stride, k == 0)
            for k, (i, kernel, stride) in enumerate(zip(inputs, KERNELS, STRIDES, strict=True))
        ]
        self.feature_extractor = nn.ModuleDict({"conv_layers": nn.Sequential(*convs)})
        projection = {"layer_norm": nn.LayerNorm(CHANNELS), "projection": nn.Linear(CHANNELS, width)}
        places = nn.Conv1d(width, width, PLACES, padding=PLACES // 2, groups=GROUPS)
        transformer = {
            "pos_conv_embed": nn.ModuleDict({"conv": places}),
            "layer_norm": nn.LayerNorm(width),
            "layers": nn.Sequential(*[Layer(width, width // 64) for _ in range(layers)]),
        }
        self.encoder = nn.ModuleDict(
            {"feature_projection": nn.ModuleDict(projection), "transformer": nn.ModuleDict(transformer)}
        )
        self.aux = nn.Linear(width, len(LETTERS))

    def forward(self, sound: Tensor) -> Tensor:
        part = self.get_submodule
        x = part("feature_extractor.conv_layers")(sound[:, None]).transpose(1, 2)
        x = part("encoder.feature_projection.layer_norm")(x)
        x = part("encoder.feature_projection.projection")(x)
        places = part("encoder.transformer.pos_conv_embed.conv")(x.transpose(1, 2))[..., :-1]
        x = part("encoder.transformer.layer_norm")(x + F.gelu(places).transpose(1, 2))
        logits: Tensor = self.aux(part("encoder.transformer.layers")(x))
        return logits


def folded_places(g: Tensor, v: Tensor) -> Tensor:
    """Return the weight-normalised convolution's weight: v (out, in, k), divided at each
    tap by its norm and multiplied by g (1, 1, k).
    """
    weight: Tensor = g * v / torch.linalg.vector_norm(v, dim=(0, 1), keepdim=True)
    return weight

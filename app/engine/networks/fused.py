"""Rearranges HeadGAN's generator for inference: the same numbers from fewer, larger convolutions.

SPADE's gamma and beta come from one convolution; the shared layers of all SPADE layers that see the same
label at the same size come from one; what depends on the reference alone is computed once per portrait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.engine.networks.blocks import SLOPE, Spade, SpadeBlock, warp
from app.engine.networks.headgan import RGB, HeadGan, HeadGanOutput


@dataclass(frozen=True, eq=False)
class Reference:
    """All that depends on the reference alone.

    levels: features at full, half and quarter size; photo: (1, 3, H, W) in [-1, 1]; normal: the coarsest
    features after F's first instance norm.
    """

    levels: tuple[Tensor, Tensor, Tensor]
    photo: Tensor
    normal: Tensor


def joined(layers: Sequence[nn.Conv2d]) -> nn.Conv2d:
    """Return one convolution whose output channels are those of `layers` (same input, kernel and padding) in turn."""
    first = layers[0]
    channels = sum(layer.out_channels for layer in layers)
    one = nn.Conv2d(first.in_channels, channels, first.kernel_size, first.stride, first.padding)  # type: ignore[arg-type]
    with torch.no_grad():
        one.weight.copy_(torch.cat([layer.weight for layer in layers]))
        assert one.bias is not None
        one.bias.copy_(torch.cat([layer.bias for layer in layers if layer.bias is not None]))
    return one


def convolution(module: nn.Module) -> nn.Conv2d:
    assert isinstance(module, nn.Conv2d)
    return module


class FusedSpade(nn.Module):
    """Computes IN(x) (1 + gamma) + beta from the hidden features that the shared layers made of the label."""

    def __init__(self, spade: Spade) -> None:
        super().__init__()
        self.modulation = joined([spade.mlp_gamma, spade.mlp_beta])

    def forward(self, normal: Tensor, hidden: Tensor) -> Tensor:
        gamma, beta = self.modulation(hidden).chunk(2, dim=1)
        return torch.addcmul(beta, normal, gamma + 1)


class FusedBlocks(nn.Module):
    """Holds the SPADE blocks that see one label at one size."""

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        spades: list[FusedSpade] = []
        shared: list[nn.Conv2d] = []
        convs: list[nn.Module] = []
        for block in blocks:
            assert isinstance(block, SpadeBlock)
            spades += [FusedSpade(block.norm_0), FusedSpade(block.norm_1)]
            shared += [convolution(block.norm_0.mlp_shared[0]), convolution(block.norm_1.mlp_shared[0])]
            convs += [block.conv_0, block.conv_1]
        self.shared = joined(shared)
        self.spades, self.convs = nn.ModuleList(spades), nn.ModuleList(convs)
        self.pairs = len(blocks)

    def forward(self, x: Tensor, label: Tensor, normal: Tensor | None = None) -> Tensor:
        """Return the last block's output for x; normal: the instance norm of x, where it is known."""
        if label.shape[-2:] != x.shape[-2:]:
            label = F.interpolate(label, size=x.shape[-2:], mode="nearest")
        hidden = F.relu(self.shared(label)).chunk(2 * self.pairs, dim=1)
        for k in range(self.pairs):
            y = x
            for j in (2 * k, 2 * k + 1):
                spade = self.spades[j]
                known = normal if normal is not None and j == 0 else F.instance_norm(y)
                y = self.convs[j](F.leaky_relu(spade(known, hidden[j]), SLOPE))
            x = x + y
        return x


class FusedHeadGan(nn.Module):
    """A trained HeadGan with folded weights; `encode` is called per portrait, `animate` per frame."""

    def __init__(self, network: HeadGan) -> None:
        super().__init__()
        flow, rendering = network.flow_network, network.rendering_network
        self.enc, self.cond_enc = flow.enc, rendering.cond_enc
        self.coarse = FusedBlocks([*flow.dec_res, flow.dec_main[0]])
        self.middle = FusedBlocks([flow.dec_main[1]])
        ends = [convolution(flow.dec_flow[1]), convolution(flow.dec_mask[1])]
        self.ends = nn.Sequential(flow.dec_flow[0], joined(ends))
        self.decoder = nn.ModuleList([FusedBlocks([block]) for block in rendering.cond_dec])
        self.audio = rendering.cond_dec_audio if rendering.audio else None
        self.conv_img = rendering.conv_img

    def encode(self, reference: Tensor) -> Reference:
        """Return what depends on the reference (1, 6, H, W) alone: NMFC in [0, 1] then RGB in [-1, 1]."""
        levels = self.enc.levels(reference)
        return Reference(levels, reference[:, RGB:], F.instance_norm(levels[2]))

    def animate(self, reference: Reference, nmfc: Tensor, audio: Tensor | None = None) -> HeadGanOutput:
        """Return a frame; nmfc: (1, 9, H, W) in [0, 1], oldest first; audio: (1, 300) if the network takes it."""
        flow, mask = self.flow(reference, nmfc)
        half = F.avg_pool2d(flow, 2) / 2
        flows = (flow, half, F.avg_pool2d(half, 2) / 2)
        features = tuple(warp(level, by) for level, by in zip(reference.levels, flows, strict=True))
        warped = warp(reference.photo, flow)
        x = self.cond_enc(nmfc)
        for level in range(3):
            x = self.decoder[level](x, features[2 - level])
            if self.audio is not None:
                x = self.audio[level](x, audio)
            if level < 2:
                x = F.pixel_shuffle(x, 2)
        x = self.decoder[3](x, warped)
        image = torch.tanh(self.conv_img(F.leaky_relu(x, SLOPE)))
        return HeadGanOutput(image, warped, flow, mask, (features[0], features[1], features[2]))

    def flow(self, reference: Reference, nmfc: Tensor) -> tuple[Tensor, Tensor]:
        x = self.coarse(reference.levels[2], nmfc, reference.normal)
        x = self.middle(F.pixel_shuffle(x, 2), nmfc)
        ends = self.ends(F.pixel_shuffle(x, 2))
        mask = (torch.tanh(ends[:, 2:]) + 1) / 2
        return ends[:, :2] * mask, mask

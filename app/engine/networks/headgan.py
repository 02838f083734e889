"""Defines HeadGAN's generator: the dense flow network F and the rendering network R (Doukas et al., Tables 5 and 6).

Where the released code and the paper differ (mask head, residual in SPADE blocks, hidden width) this follows
the code, so that the released files run. Parameter names are the released ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.engine.networks.blocks import SLOPE, AdaINBlock, SpadeBlock, conv, warp

N_FRAMES = 3  # NMFCs at t-2, t-1, t
N_AUDIO = 300  # sound features of a frame (engine.sound.features)
RGB = 3  # channels of a picture
N_COARSE = 2  # SPADE blocks of F at a quarter of the size


@dataclass(frozen=True)
class HeadGanConfig:
    """Says how large a generator is.

    width: channels at full size (4x at half, 16x at a quarter); hidden: channels of SPADE's shared layer.
    """

    width: int = 32
    hidden: int = 256
    audio: bool = True
    spectral: bool = True

    @property
    def widths(self) -> tuple[int, int, int]:
        return self.width, 4 * self.width, 16 * self.width


LIGHT = HeadGanConfig(width=8, hidden=32, audio=False)  # our choice for CPUs (docs/headgan.md)


@dataclass(frozen=True)
class HeadGanOutput:
    """image, warped: (N, 3, H, W) in [-1, 1]; flow: (N, 2, H, W) pixels, backward (dx, dy); mask: (N, 1, H, W)
    in [0, 1], where the flow holds; features: the warped features at full, half and quarter size."""

    image: Tensor
    warped: Tensor
    flow: Tensor
    mask: Tensor
    features: tuple[Tensor, Tensor, Tensor]


class Encoder(nn.Sequential):
    """Takes (N, C, H, W), gives `widths` channels at full, half and quarter size (c7s1-32, d-128, d-512)."""

    def __init__(self, inputs: int, config: HeadGanConfig) -> None:
        full, half, quarter = config.widths
        spectral = config.spectral

        def normalised(layer: nn.Module, channels: int) -> nn.Module:
            return nn.Sequential(layer, nn.InstanceNorm2d(channels, affine=True))

        first = normalised(conv(inputs, full, 7, bias=False, spectral=spectral), full)
        second = normalised(conv(full, half, 3, 2, 1, bias=False, spectral=spectral), half)
        third = normalised(conv(half, quarter, 3, 2, 1, bias=False, spectral=spectral), quarter)
        super().__init__(
            nn.Sequential(nn.ReflectionPad2d(3), first, nn.ReLU()),
            nn.Sequential(second, nn.ReLU()),
            nn.Sequential(third, nn.ReLU()),
        )

    def levels(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features at full, half and quarter size."""
        full = self[0](x)
        half = self[1](full)
        return full, half, self[2](half)


def head(channels: int, outputs: int) -> nn.Sequential:
    """Return the 7x7 layer that ends a branch."""
    return nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(channels, outputs, 7))


class FlowNetwork(nn.Module):
    """F: reference features, modulated by the NMFC window, give the flow from target to reference (Table 5)."""

    def __init__(self, config: HeadGanConfig) -> None:
        super().__init__()
        full, half, quarter = config.widths
        labels = RGB * N_FRAMES

        def block(channels: int) -> SpadeBlock:
            return SpadeBlock(channels, labels, config.hidden, config.spectral)

        self.enc = Encoder(2 * RGB, config)
        self.dec_res = nn.ModuleList([block(quarter) for _ in range(N_COARSE)])
        self.dec_main = nn.ModuleList([block(quarter), block(half)])
        self.dec_flow = head(full, 2)
        self.dec_mask = head(full, 1)

    def forward(self, coarse: Tensor, nmfc: Tensor) -> tuple[Tensor, Tensor]:
        """Return flow in pixels and mask; coarse: quarter-size features of the reference; nmfc: (N, 9, H, W)."""
        x = coarse
        for block in self.dec_res:
            x = block(x, nmfc)
        for block in self.dec_main:
            x = F.pixel_shuffle(block(x, nmfc), 2)
        mask = (torch.tanh(self.dec_mask(x)) + 1) / 2
        return self.dec_flow(x) * mask, mask


class RenderingNetwork(nn.Module):
    """R: the NMFC window, modulated by warped features, audio and the warped photo, gives the image (Table 6)."""

    def __init__(self, config: HeadGanConfig) -> None:
        super().__init__()
        full, half, quarter = config.widths
        self.cond_enc = Encoder(RGB * N_FRAMES, config)
        self.cond_dec = nn.ModuleList(
            [
                SpadeBlock(channels, labels, config.hidden, config.spectral)
                for channels, labels in ((quarter, quarter), (half, half), (full, full), (full, RGB))
            ]
        )
        if config.audio:
            self.cond_dec_audio = nn.ModuleList(
                [AdaINBlock(channels, N_AUDIO, config.spectral) for channels in (quarter, half, full)]
            )
        self.conv_img = head(full, RGB)
        self.audio = config.audio

    def forward(
        self, nmfc: Tensor, features: tuple[Tensor, Tensor, Tensor], warped: Tensor, audio: Tensor | None
    ) -> Tensor:
        x = self.cond_enc(nmfc)
        for level in range(3):
            x = self.cond_dec[level](x, features[2 - level])
            if self.audio:
                x = self.cond_dec_audio[level](x, audio)
            if level < 2:
                x = F.pixel_shuffle(x, 2)
        x = self.cond_dec[3](x, warped)
        return torch.tanh(self.conv_img(F.leaky_relu(x, SLOPE)))


class HeadGan(nn.Module):
    """The generator: the reference is encoded once (`encode`), then animated frame by frame (`animate`)."""

    def __init__(self, config: HeadGanConfig | None = None) -> None:
        super().__init__()
        self.config = config or HeadGanConfig()
        self.flow_network = FlowNetwork(self.config)
        self.rendering_network = RenderingNetwork(self.config)

    def encode(self, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the features of a reference (N, 6, H, W), NMFC in [0, 1] then RGB in [-1, 1]; sides divisible by 4."""
        return self.flow_network.enc.levels(reference)

    def animate(
        self,
        code: tuple[Tensor, Tensor, Tensor],
        photo: Tensor,
        nmfc: Tensor,
        audio: Tensor | None = None,
    ) -> HeadGanOutput:
        """Return a frame.

        photo: (N, 3, H, W) in [-1, 1]; nmfc: (N, 9, H, W) in [0, 1], oldest first; audio: (N, 300) or None.
        """
        flow, mask = self.flow_network(code[2], nmfc)
        half = F.avg_pool2d(flow, 2) / 2
        quarter = F.avg_pool2d(half, 2) / 2
        features = (warp(code[0], flow), warp(code[1], half), warp(code[2], quarter))
        warped = warp(photo, flow)
        image = self.rendering_network(nmfc, features, warped, audio)
        return HeadGanOutput(image, warped, flow, mask, features)

    def forward(self, nmfc: Tensor, reference: Tensor, audio: Tensor | None = None) -> HeadGanOutput:
        return self.animate(self.encode(reference), reference[:, RGB:], nmfc, audio)

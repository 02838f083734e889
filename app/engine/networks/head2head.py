"""Defines Head2Head++'s sequential generator (Koujan et al., section 3.4), with the names of the released files.

One encoder reads the three conditioning frames and another the two frames generated before; the
sum of their features is decoded. The normalisation layer is a parameter, because Head2HeadFS
(`head2headfs.py`) is the same network with an identity in every normalisation.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

# Makes a layer for so many channels, which is called as layer(x) or, if `takes_identity`, as layer(x, h).
Norm = Callable[[int], nn.Module]

N_FRAMES = 3  # conditioning frames t-2, t-1, t
N_PREVIOUS = 2  # generated frames t-2, t-1
RGB = 3  # channels of a picture


def instance_norm(channels: int) -> nn.Module:
    """Return plain instance normalisation: the released test code normalises by the picture's own statistics."""
    return nn.InstanceNorm2d(channels)


class IdentitySequential(nn.Sequential):
    """A sequence that hands the identity vector to the layers which take one."""

    takes_identity = True

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        for layer in self:
            x = layer(x, h) if getattr(layer, "takes_identity", False) else layer(x)
        return x


class ResnetBlock(nn.Module):
    """Computes x + (reflect pad, conv, norm, ReLU, reflect pad, conv, norm)(x)."""

    takes_identity = True

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.resnetblock_sequential = IdentitySequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            norm(channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            norm(channels),
        )

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        result: Tensor = x + self.resnetblock_sequential(x, h)
        return result


def encoder(inputs: int, width: int, n_down: int, n_blocks: int, norm: Norm) -> IdentitySequential:
    """Return a 7x7 convolution, `n_down` halvings that double the width, `n_blocks` residual blocks."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7), norm(width), nn.ReLU()]
    for k in range(n_down):
        channels = width * 2**k
        layers += [nn.Conv2d(channels, 2 * channels, 3, 2, 1), norm(2 * channels), nn.ReLU()]
    layers += [ResnetBlock(width * 2**n_down, norm) for _ in range(n_blocks)]
    return IdentitySequential(*layers)


class Head2Head(nn.Module):
    """Makes one frame from the newest three conditions and the two frames generated before.

    conditions: (N, 3 condition_channels, H, W), oldest frame first, in [0, 1] (as released each frame is
    NMFC, then eyes); previous: (N, 6, H, W), oldest first, in [-1, 1]. Gives (N, outputs, H, W), squashed
    by tanh. width 64, n_down 3, n_blocks 9 are the released sizes; H and W are multiples of 2**n_down.
    """

    def __init__(
        self,
        width: int = 64,
        n_down: int = 3,
        n_blocks: int = 9,
        condition_channels: int = 6,
        outputs: int = RGB,
        norm: Norm = instance_norm,
    ) -> None:
        super().__init__()
        split = n_blocks - n_blocks // 2
        self.model_down_seg = encoder(condition_channels * N_FRAMES, width, n_down, split, norm)
        self.model_down_img = encoder(RGB * N_PREVIOUS, width, n_down, split, norm)
        widest = width * 2**n_down
        self.model_res_img = IdentitySequential(*[ResnetBlock(widest, norm) for _ in range(n_blocks // 2)])
        up: list[nn.Module] = []
        for k in reversed(range(n_down)):
            channels = width * 2**k
            up += [nn.ConvTranspose2d(2 * channels, channels, 3, 2, 1, 1), norm(channels), nn.ReLU()]
        self.model_up_img = IdentitySequential(*up)
        self.model_final_img = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh())

    def forward(self, conditions: Tensor, previous: Tensor, h: Tensor | None = None) -> Tensor:
        return torch.tanh(self.unsquashed(conditions, previous, h))

    def unsquashed(self, conditions: Tensor, previous: Tensor, h: Tensor | None = None) -> Tensor:
        """Return the output before its tanh, the last layer of `model_final_img`."""
        features = self.model_down_seg(conditions, h) + self.model_down_img(previous, h)
        decoded = self.model_up_img(self.model_res_img(features, h), h)
        result: Tensor = self.model_final_img[:-1](decoded)
        return result


def start_state(conditions: Tensor) -> Tensor:
    """Return (N, 6, H, W) mid grey, which stands for the two frames before the first of a sequence (N, C, H, W)."""
    return conditions.new_zeros(len(conditions), RGB * N_PREVIOUS, *conditions.shape[-2:])


def next_state(previous: Tensor, frame: Tensor) -> Tensor:
    """Return the two newest frames after `frame` (N, >= 3, H, W; its first three channels are RGB)."""
    return torch.cat([previous[:, RGB:], frame[:, :RGB]], dim=1)


def rollout(generator: Head2Head, conditions: Tensor, h: Tensor | None = None) -> Tensor:
    """Return the frames (T, outputs, H, W) of conditions (T, C, H, W), made one after the other from `start_state`."""
    state = start_state(conditions[:1])
    frames = []
    for condition in conditions:
        frame = generator(condition[None], state, h)
        state = next_state(state, frame)
        frames.append(frame)
    return torch.cat(frames)

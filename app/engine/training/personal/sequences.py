"""Draws short sequences of footage for the video renderers: conditions, frames, mouths and optical flow."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.engine.face.morphable_model import default_model
from app.engine.networks.head2head import RGB
from app.engine.personal.conditioning import condition, windows
from app.engine.rendering.nmfc import make_renderer
from app.engine.squares.blend import backward_flow, follow
from app.engine.training.personal.footage import Footage

# Frames between the three that a dynamics discriminator sees (Head2Head++: sub-sampled by two).
STRIDES = (1, 2, 4)
LENGTH = 2 * STRIDES[-1] + 1  # frames of a sequence, so that every stride finds its three
FLOW_SCALE = 20.0  # pixels of flow that count as 1, as released
TRUSTED = 0.02  # summed squared colour difference in [-1, 1] up to which a flow is believed, as released
MOUTH = 72 / 256  # side of the mouth's square over the picture's; as released
SHIFT, RESIZE = 0.01, 0.01  # of a condition's random shift (parts of the side) and scale, as released
EYE_RESIZE, EYE_SHIFT = 0.02, 2 / 256  # deviations of the eyes' further scale and shift, as released
# Share of the sequences that start from zeros, as every one does in use; the others start from real frames.
# It is our choice (docs/personal_models.md).
FRESH = 0.5
# MediaPipe's vertices of the lips' corners and of their outer and inner middles.
LIPS = (61, 291, 0, 17, 13, 14)


def signed(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (..., H, W, 3) uint8 as (..., 3, H, W) in [-1, 1]."""
    return np.ascontiguousarray(np.moveaxis(frames, -1, -3) / np.float32(127.5) - 1, np.float32)


class Sequences:
    """Draws sequences of LENGTH frames from footage; conditions are rasterised on the fly."""

    def __init__(self, footage: Footage, eyes: bool) -> None:
        self.footage, self.eyes = footage, eyes
        self._renderer = make_renderer()
        self._condition = lru_cache(512)(self._rasterised)

    def close(self) -> None:
        self._renderer.close()

    def _rasterised(self, t: int) -> NDArray[np.float32]:
        params = self.footage.params[t]
        return condition(params, default_model(), self._renderer, self.footage.size, self.eyes)

    def conditions(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return (stop - start, 3 C, S, S): the windows of frames start to stop, from two frames before."""
        first = max(start - 2, 0)
        made = windows(np.stack([self._condition(t) for t in range(first, stop)]))
        return made[start - first :]

    def _disturbed(self, start: int, stop: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return `conditions` with a tracker's noise: each frame's NMFC and eyes are moved independently."""
        first = max(start - 2, 0)
        made = windows(np.stack([disturbed(self._condition(t), rng) for t in range(first, stop)]))
        return made[start - first :]

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return a sample whose frames have at least two training frames before them.

        conditions: (L, 3 C, S, S), disturbed; frames: (L + 2, 3, S, S) and mattes: (L + 2, 1, S, S), from two frames
        before; mouths: (L, 2) corners; flows: (strides, 4, S, S) and trust: (1, S, S) of the last step; fresh: whether
        it starts from zeros.
        """
        start = int(rng.integers(2, self.footage.n_train - LENGTH + 1))
        part = slice(start - 2, start + LENGTH)
        frames = self.footage.frames[part]
        flows, trust = self._flows(frames[2:])
        return {
            "conditions": self._disturbed(start, start + LENGTH, rng),
            "frames": signed(frames),
            "mattes": (self.footage.mattes[part][:, None] / np.float32(255)).astype(np.float32),
            "mouths": np.stack([self.mouth(t) for t in range(start, start + LENGTH)]),
            "flows": flows,
            "trust": trust,
            "fresh": np.array(rng.random() < FRESH, np.float32),
        }

    def mouth(self, t: int) -> NDArray[np.int64]:
        """Return (x, y) of the mouth square's corner in frame t, inside the picture."""
        params, size = self.footage.params[t], self.footage.size
        points = params.camera.project(default_model().shape(params.identity, params.expression))
        side = mouth_side(size)
        corner = np.median(points[list(LIPS), :2], axis=0) - side / 2
        return np.asarray(np.clip(np.round(corner), 0, size - side), np.int64)

    def _flows(self, frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return per stride d the two flows between frames 0, d and 2 d (each to the one before, scaled), and where the
        first stride's last flow is believed."""
        real = frames / np.float32(255)

        def flow(now: int, before: int) -> NDArray[np.float32]:
            return np.moveaxis(backward_flow(real[now], real[before]), -1, 0)

        flows = [np.concatenate([flow(d, 0), flow(2 * d, d)]) / FLOW_SCALE for d in STRIDES]
        last = np.moveaxis(flows[0][2:] * FLOW_SCALE, 0, -1).astype(np.float32)
        error = np.square(2 * (real[2] - follow(real[1], last))).sum(axis=-1)
        return np.stack(flows).astype(np.float32), (error < TRUSTED)[None].astype(np.float32)


def disturbed(planes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a condition (C, S, S) with its NMFC and its eyes each scaled about the middle and shifted by up to 1 %,
    the eyes further scaled and shifted sideways by normal noise (the released code's RandomAffine and eye noise).
    """
    size = planes.shape[-1]
    made = []
    for k in range(0, len(planes), RGB):
        scale, shift = rng.uniform(1 - RESIZE, 1 + RESIZE), rng.uniform(-SHIFT, SHIFT, 2)
        if k:
            scale += rng.normal(0, EYE_RESIZE)
            shift[0] += rng.normal(0, EYE_SHIFT)
        x, y = size * (0.5 + shift - 0.5 * scale)
        picture = np.ascontiguousarray(planes[k : k + RGB].transpose(1, 2, 0))
        moved = cv2.warpAffine(
            picture, np.array([[scale, 0, x], [0, scale, y]]), (size, size), flags=cv2.INTER_NEAREST
        )
        made.append(moved.transpose(2, 0, 1))
    return np.ascontiguousarray(np.concatenate(made))


def mouth_side(size: int) -> int:
    return max(32, round(MOUTH * size))


def mouths_of(pictures: Tensor, corners: Tensor) -> Tensor:
    """Return (N, C, s, s): the mouth squares of pictures (N, C, S, S) at corners (N, 2)."""
    side = mouth_side(pictures.shape[-1])
    cut = [p[:, y : y + side, x : x + side] for p, (x, y) in zip(pictures, corners.tolist())]
    return torch.stack(cut)

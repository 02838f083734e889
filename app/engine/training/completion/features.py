"""Learns features of atlases without labels, by which completions are compared (networks.face_features)."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from app.engine.contract import Step
from app.engine.device import bfloat16
from app.engine.head.completion import SIDE
from app.engine.networks.face_features import FaceFeatures
from app.engine.training.completion.samples import CompletionSamples
from app.engine.training.completion.template import template
from app.engine.training.loop import Batch, Plan, Stepper, train
from app.engine.training.perceptual import damaged
from app.engine.training.runs import progress_steps

CROP = 128  # texels of the network's atlas that a sample shows
RATE = 1e-3  # Adam's learning rate
MINUTES = 6.0  # minutes of learning at most; fewer where the completion itself trains for less
BATCH = 8  # crops a step


class AtlasFeatures:
    """Trains `FaceFeatures` on atlases for `loop.train`: where on the head each point lies, and where the
    picture was damaged, and how."""

    def __init__(self, data: Path, seed: int = 0, width: int = 16) -> None:
        torch.manual_seed(seed)
        self.samples = CompletionSamples(data)
        place = template().copy()
        place[:3] = (place[:3] - place[:3].min(axis=(1, 2), keepdims=True)) / np.ptp(
            place[:3], axis=(1, 2), keepdims=True
        )
        self.place = np.stack([cv2.resize(plane, (SIDE, SIDE)) for plane in place])
        self.features = FaceFeatures(width)
        self.networks: Mapping[str, nn.Module] = {"features": self.features}
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {
            "features": torch.optim.Adam(self.features.parameters(), RATE)
        }
        self.config: Mapping[str, Any] = {"kind": "atlas-features", "width": width, "seed": seed}
        self.state: dict[str, Any] = {}

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        sample = self.samples.draw(rng)
        u, v = (int(k) for k in rng.integers(0, SIDE - CROP + 1, 2))
        part = (slice(None), slice(v, v + CROP), slice(u, u + CROP))
        picture, damage = damaged(sample["truth"][part].transpose(1, 2, 0), rng)
        maps = np.concatenate([self.place[:3], np.ones((1, SIDE, SIDE), np.float32), self.place[4:]])[part]
        return {
            "picture": np.ascontiguousarray(picture.transpose(2, 0, 1)),
            "maps": np.ascontiguousarray(maps, np.float32),
            "damage": damage,
        }

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        with bfloat16(stepper.device):
            maps, damages = self.features.read(batch["picture"])
        wanted = F.avg_pool2d(batch["maps"], 8)
        maps = maps.float()
        place = (maps[:, :3].sigmoid() - wanted[:, :3]).abs().mean()
        masks = F.binary_cross_entropy_with_logits(maps[:, 3:], wanted[:, 3:])
        harm = F.binary_cross_entropy_with_logits(damages.float(), F.avg_pool2d(batch["damage"], 8))
        stepper.update(self.optimisers["features"], 4 * place + masks + harm)
        return {"place": place, "masks": masks, "damage": harm}

    def picture(self) -> NDArray[np.uint8] | None:
        return None


def learnt_features(
    data: Path, folder: Path, device: torch.device, minutes: float, steps: int | None
) -> Steps[Step, None, FaceFeatures]:
    """Yield the features of a run, learnt once."""
    recipe = AtlasFeatures(data)
    done = folder / "done"
    plan = Plan(folder, 0.0 if done.exists() else min(minutes, MINUTES), BATCH, steps=steps)
    yield from progress_steps(train(recipe, plan, device))
    done.touch()
    return recipe.features

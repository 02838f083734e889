"""Makes LivePortrait in its released layout with the recipe's weights, and runs it once for all tests that
need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from app.engine.checkpoints.kinds import Found
from app.engine.networks.live_portrait import LivePortrait, LivePortraitConfig
from app.engine.networks.live_portrait_points import Motion
from tests.engine.networks.test_stylegan2 import parity

TABLES = (
    "appearance",
    "motion",
    "warping",
    "generator",
    "stitching",
    "retarget_eye",
    "retarget_lip",
)
PREFIXED = ("stitching", "retarget_eye", "retarget_lip")


def released(recipe: ModuleType, part: str) -> dict[str, Tensor]:
    table = recipe.read_keys(f"liveportrait_{part}_keys.tsv")
    weights: dict[str, Tensor] = recipe.state_dict(
        table, "public", prefix=f"{part}." if part in PREFIXED else ""
    )
    return weights


@dataclass(frozen=True, eq=False)
class Pass:
    """The released layout on the recipe's weights, and everything that one pass through it made."""

    network: LivePortrait
    source: Tensor
    driving: Tensor
    golden: dict[str, np.ndarray]
    seen: dict[str, Tensor]
    motions: tuple[Motion, Motion]

    def apart(self, name: str, value: Tensor) -> float:
        wanted = self.golden[name]
        assert tuple(value.shape) == wanted.shape, name
        return float(np.abs(value.numpy() - wanted).max())


def watched(module: nn.Module, name: str, seen: dict[str, Tensor]) -> None:
    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        seen[name] = output

    module.register_forward_hook(keep)


@pytest.fixture(scope="session")
def whole(shared: Path) -> Iterator[Pass]:
    recipe = parity(shared)
    network = LivePortrait().eval().requires_grad_(False)
    for part in TABLES:
        getattr(network, part).load_state_dict(released(recipe, part))
    golden = dict(np.load(shared / "parity" / "vectors" / "liveportrait.npz"))
    source, driving = (recipe.blocks(f"liveportrait.{name}", "public") for name in ("source", "driving"))
    seen: dict[str, Tensor] = {}
    watched(network.appearance.second, "appearance_second", seen)
    for k, stage in enumerate(network.motion.detector.stages):
        watched(stage, f"motion_stage{k}", seen)
    watched(network.motion.detector.norm, "motion_pooled", seen)
    dense = network.warping.dense_motion_network
    watched(dense.compress, "compress", seen)
    watched(dense.hourglass, "hourglass", seen)
    watched(dense.mask, "mask", seen)
    for name, key in (("G_middle_0", "middle0"), ("G_middle_5", "middle5"), ("up_0", "up0"), ("up_1", "up1")):
        watched(network.generator.get_submodule(name), f"generator_{key}", seen)
    with torch.inference_mode():
        # The stages of the last call are kept: the source's.
        motions = (network.read(driving), network.read(source))
        volume = network.appearance(source)
        warped = network.warping(volume, motions[0].points(), motions[1].points())
        image = network.generator(warped.features)
    seen |= {"feature": volume, "deformation": warped.flow, "occlusion": warped.occlusion}
    seen |= {"warped": warped.features, "image": image}
    yield Pass(network, source, driving, golden, seen, (motions[1], motions[0]))


SMALL = LivePortraitConfig(size=128, narrow=8, spectral=False)


def small_weights(seed: int) -> Found:
    """Return a small network of random weights whose points spread over the square, as a trained one's do."""
    torch.manual_seed(seed)
    return Found(spread_out(LivePortrait(SMALL)).state_dict(), asdict(SMALL))


def spread_out(network: LivePortrait) -> LivePortrait:
    """Return the network, changed so that its points spread over the square at random, as a trained one's do."""
    with torch.no_grad():
        detector = network.motion.detector
        detector.fc_scale.bias.fill_(1.3)
        detector.fc_kp.bias.copy_(torch.rand(63) - 0.5)
        network.stitching.mlp[-1].weight *= 0.05
    return network.eval()

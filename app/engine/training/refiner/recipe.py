"""`mien train refiner`: portraits and clips in, a refiner of mesh-warp out (networks.refiner).

The paint (after HeadGAN, eq. 4 to 9) learns to look like the true frame where it is painted, and the confidence is
supervised: it regresses by how much the paint is nearer to the true frame than the warp is, in features that were
learnt to tell blur and smears from faces. They hardly see colour, which has a term of its own: without it teeth turn
blue. L1 has a low weight: alone it learns blur. Where the model asks for a flow, it learns to bring the warp onto the
true frame first.
"""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import Model, load_model, save_model
from app.engine.contract import Step
from app.engine.device import bfloat16
from app.engine.files import file_sha256
from app.engine.generators.refined_warp import chosen
from app.engine.networks.discriminators import MultiScaleDiscriminator
from app.engine.networks.face_features import FaceFeatures, difference
from app.engine.networks.refiner import FULL, GATE, LIGHT, Refiner, RefinerConfig, moved_by, share
from app.engine.training import losses
from app.engine.training.headgan.recipe import LICENCE, USE
from app.engine.training.loop import CHECKPOINT, Batch, Plan, Stepper, start_processes, train
from app.engine.training.people import sources
from app.engine.training.perceptual import FeatureTraining
from app.engine.training.refiner.data import RefinerSamples, prepare
from app.engine.training.runs import progress_steps, run_folder
from app.engine.warping.evidence import LAYERS

DATA, FEATURES = "data", "features"  # in the run's folder
FEATURE_MINUTES = 9.0  # at most; as long as the refiner where that is shorter
FEATURE_BATCH = 8
CONTRAST = 4.0  # from what relative gain of the paint over the warp on the confidence is full
EASE = 0.02  # feature difference below which nobody is wrong
AVERAGING = 0.999


@dataclass(frozen=True)
class Weights:
    """The losses' weights. The critic's are a third of HeadGAN's: with those its patterns show in the paint."""

    adversarial: float = 0.3
    matching: float = 2.0
    perceptual: float = 20.0
    l1: float = 8.0
    colour: float = 12.0
    flow: float = 10.0
    still: float = 0.02
    confidence: float = 2.0


@dataclass(frozen=True)
class Settings:
    """crop: px of the training pictures; discriminator: its width; rate: Adam's; batch: per process; alone: steps
    before the discriminator has a say."""

    network: RefinerConfig = LIGHT
    crop: int = 160
    discriminator: int = 16
    rate: float = 1.5e-4
    batch: int = 4
    alone: int = 200
    weights: Weights = field(default_factory=Weights)


ON_GPU = Settings(FULL, 256, 64, 2e-4, 16)


@dataclass(frozen=True, eq=False)
class Made:
    """moved: the warp moved on by the residual flow; painted: it with all paint; picture: with confidence's share."""

    moved: Tensor
    painted: Tensor
    picture: Tensor
    flow: Tensor
    confidence: Tensor


class RefinerTraining:
    """The recipe for `loop.train`."""

    def __init__(self, data: Path, features: FaceFeatures, settings: Settings, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.settings = settings
        self.samples = RefinerSamples(data, settings.crop)
        self.features = features.eval().requires_grad_(False)
        self.refiner = Refiner(settings.network)
        self.critic = MultiScaleDiscriminator(6, settings.discriminator)
        self.networks: Mapping[str, nn.Module] = {"G": self.refiner, "D": self.critic}
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {
            "G": torch.optim.Adam(self.refiner.parameters(), settings.rate, betas=(0.5, 0.999)),
            "D": torch.optim.Adam(self.critic.parameters(), settings.rate / 2, betas=(0.5, 0.999)),
        }
        trained = replace(settings, network=replace(settings.network, trust=1.0, doubt=0.0))
        self.config: Mapping[str, Any] = {"kind": "refiner", **asdict(trained)}  # those are of use only
        mean = {name: value.detach().clone() for name, value in self.refiner.state_dict().items()}
        self.state: dict[str, Any] = {"steps": 0, "mean": mean}
        self.shown = [self.samples.draw(np.random.default_rng([seed, 7, k])) for k in range(6)]

    def begin_with(self, known: Refiner) -> None:
        """Start from another refiner's weights, where it is as wide; a checkpoint's come before them."""
        if (known.config.widths, known.config.blocks) == (
            self.settings.network.widths,
            self.settings.network.blocks,
        ):
            self.refiner.load_state_dict(known.state_dict())
            self.state["mean"] = {name: v.detach().clone() for name, v in known.state_dict().items()}

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return self.samples.draw(rng)

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        """One step of the critic on what the refiner paints now, then one of the refiner."""
        self.features.to(stepper.device)
        nmfc = F.interpolate(batch["planes"][:, :3], scale_factor=2.0, mode="nearest")
        with bfloat16(stepper.device):
            made = self.made(batch)
            real = self.critic(torch.cat([nmfc, batch["truth"]], dim=1))
            fake = self.critic(torch.cat([nmfc, made.painted.detach()], dim=1))
        critic_loss = losses.hinge_discriminator(_float(real), _float(fake))
        stepper.update(self.optimisers["D"], critic_loss)
        with bfloat16(stepper.device):
            terms = self.terms(batch, made, nmfc)
        total = torch.stack([term.float() for term in terms.values()]).sum()
        stepper.update(self.optimisers["G"], total)
        self._average()
        return {"G": total, "D": critic_loss, **terms}

    def made(self, batch: Batch) -> Made:
        out = self.refiner(batch["warped"], batch["planes"], batch["facts"], batch["portrait"])
        gate = batch["planes"][:, GATE : GATE + 1]
        flows = self.settings.network.flow
        moved = moved_by(batch["warped"], out.flow, gate) if flows else batch["warped"]
        size = (moved.shape[-2], moved.shape[-1])
        opened = F.interpolate(gate, size=size, mode="bilinear", align_corners=False)
        paint = out.paint.float()
        painted = moved.detach() + opened * paint
        picture = moved + share(out.confidence, gate, size) * paint.detach()
        return Made(moved, painted, picture, out.flow.float(), out.confidence.float())

    def terms(self, batch: Batch, made: Made, nmfc: Tensor) -> dict[str, Tensor]:
        """Every term of the refiner's loss with its weight."""
        weights, truth = self.settings.weights, batch["truth"]
        true = self.features(truth)
        apart_moved = difference(self.features(made.moved), true)
        apart_painted = difference(self.features(made.painted), true)
        terms = {
            "perceptual": weights.perceptual * apart_painted.mean(),
            "l1": weights.l1 * (made.painted - truth).abs().mean(),
            "colour": weights.colour * (_chroma(made.painted) - _chroma(truth)).abs().mean(),
            "confidence": weights.confidence * self._mistrust(batch, made, apart_moved, apart_painted),
        }
        if self.settings.network.flow:
            terms["flow"] = (
                weights.flow * (_smooth(made.moved) - _smooth(truth)).abs().mean()
                + weights.perceptual / 4 * apart_moved.mean()
                + weights.still * _bent(made.flow)
            )
        if self.state["steps"] >= self.settings.alone:
            real = self.critic(torch.cat([nmfc, truth], dim=1))
            fake = self.critic(torch.cat([nmfc, made.painted], dim=1))
            terms["adversarial"] = weights.adversarial * losses.hinge_generator(_float(fake))
            terms["matching"] = weights.matching * losses.feature_matching(_float(real), _float(fake))
        else:
            terms["adversarial"] = terms["matching"] = torch.zeros(())
        return terms

    def _mistrust(self, batch: Batch, made: Made, moved: Tensor, painted: Tensor) -> Tensor:
        """Squared error of the confidence against how much nearer the paint is, -1 to 1."""
        moved, painted = _spread(moved.detach()), _spread(painted.detach())
        gain = (CONTRAST * (moved - painted) / (moved + painted + EASE)).clamp(-1, 1)
        wanted = F.interpolate(gain, size=made.confidence.shape[-2:], mode="bilinear", align_corners=False)
        return ((made.confidence - wanted).square() * batch["planes"][:, GATE : GATE + 1]).mean()

    @torch.no_grad()
    def _average(self) -> None:
        """The running mean of the weights, which is what is kept as the model."""
        self.state["steps"] += 1
        rate = min(AVERAGING, self.state["steps"] / (self.state["steps"] + 10))
        for name, value in self.refiner.state_dict().items():
            mean = self.state["mean"][name] = self.state["mean"][name].to(value.device)
            mean.lerp_(value, 1 - rate)

    def picture(self) -> NDArray[np.uint8]:
        """Rows of warped, moved, painted, result, truth and confidence."""
        device = next(self.refiner.parameters()).device
        batch = {k: torch.from_numpy(np.stack([s[k] for s in self.shown])).to(device) for k in self.shown[0]}
        with torch.no_grad():
            made = self.made(batch)
        size = batch["truth"].shape[-2:]
        trust = F.interpolate(made.confidence.clamp(0, 1), size=size).expand(-1, 3, -1, -1) * 2 - 1
        columns = [batch["warped"], made.moved, made.painted, made.picture, batch["truth"], trust]
        rows = torch.cat([column.float().cpu() for column in columns], dim=3)
        sheet = torch.cat(list(rows), dim=1).permute(1, 2, 0)
        return ((sheet.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()

    def found(self) -> Found:
        """The mean weights in half precision."""
        weights = {name: value.detach().cpu().half() for name, value in self.state["mean"].items()}
        return Found(weights, asdict(self.settings.network), {})


def _float(scales: losses.Scales) -> losses.Scales:
    return [[layer.float() for layer in layers] for layers in scales]


def _smooth(picture: Tensor) -> Tensor:
    """At an eighth of the size: outlines and shading, not texture."""
    return F.avg_pool2d(picture, 8)


def _chroma(picture: Tensor) -> Tensor:
    """(N, 2, H/2, W/2) red and blue less the brightness."""
    small = F.avg_pool2d(picture, 2)
    return small[:, [0, 2]] - small.mean(dim=1, keepdim=True)


def _spread(apart: Tensor) -> Tensor:
    """Mean over a neighbourhood: who is right is asked of regions, not of pixels."""
    return F.avg_pool2d(apart, 5, 1, 2, count_include_pad=False)


def _bent(flow: Tensor) -> Tensor:
    """How far the flow is from being the same everywhere."""
    return flow.diff(dim=2).abs().mean() + flow.diff(dim=3).abs().mean()


def train_refiner(
    folder: Path, name: str, minutes: float, settings: Settings | None = None, steps: int | None = None
) -> Steps[Step, None, Model | None]:
    """Prepare the training part of a folder, learn the features, then the refiner; the same name goes on with its
    run, a new one starts from the refiner in use. Ends in the model; under torchrun only the first process has it."""
    device = start_processes()
    settings = settings or (ON_GPU if device.type == "cuda" else Settings())
    run, stepper = run_folder(name), Stepper(device)
    for share_of_files in stepper.shares():
        yield from prepare(sources(folder, "train"), run / DATA, share_of_files)
    stepper.wait()
    features = yield from learnt_features(run / DATA, run / FEATURES, device, minutes, steps)
    recipe = RefinerTraining(run / DATA, features, settings)
    in_use = chosen()
    if in_use is not None:
        known = load_model(in_use.name).network
        assert isinstance(known, Refiner)
        recipe.begin_with(known.float())
    recipe.refiner.to(device)
    yield from progress_steps(
        train(recipe, Plan(run, minutes, settings.batch * stepper.world, steps=steps), device)
    )
    yield Step(0, 0, f"trained for {recipe.state['steps']} steps", recipe.picture())
    if stepper.rank != 0:
        return None
    digest = file_sha256(run / CHECKPOINT)
    return save_model(recipe.found(), kind_named("refiner"), name, folder.name, digest, LICENCE, USE)


def prepare_only(folder: Path, name: str, shard: tuple[int, int]) -> Steps[Step, None, None]:
    """One share (i, n) of a run's data."""
    yield from prepare(sources(folder, "train"), run_folder(name) / DATA, shard)


def learnt_features(
    data: Path, folder: Path, device: torch.device, minutes: float, steps: int | None
) -> Steps[Step, None, FaceFeatures]:
    """The features of a run, learnt once."""
    recipe = FeatureTraining(data)
    done = folder / "done"
    plan = Plan(folder, 0.0 if done.exists() else min(minutes, FEATURE_MINUTES), FEATURE_BATCH, steps=steps)
    yield from progress_steps(train(recipe, plan, device))
    done.touch()
    return recipe.features


assert LAYERS[GATE] == "gate"

"""`mien train completion`: portraits and clips in, a completion of heads' atlases out (networks.completion).

The network's addition learns to look like the hidden truth: in features that were learnt to distinguish blur and
smears from faces, with a colour term and a weak L1; a critic takes part late. The confidence learns by how much the
addition is nearer to the truth than the unlearned fill. The running mean's weights are kept, as ONNX.
"""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from app.engine.contract import Step
from app.engine.device import bfloat16
from app.engine.files import data_folder
from app.engine.head.completion import FILE, SIDE
from app.engine.networks.completion import FULL, KEPT, LIGHT, Completion, CompletionConfig, InUse
from app.engine.networks.discriminators import MultiScaleDiscriminator
from app.engine.networks.face_features import FaceFeatures, difference
from app.engine.training import losses
from app.engine.training.completion.data import prepare
from app.engine.training.completion.features import learnt_features
from app.engine.training.completion.samples import CompletionSamples, as_sample
from app.engine.training.completion.template import other_side, template, whole
from app.engine.training.completions import DATA, as_onnx, follow, prepare_run, run_through
from app.engine.training.loop import Batch, Plan, Stepper, start_processes
from app.engine.training.runs import run_folder

# Chosen by the runs that docs/completion.md describes.
FEATURES = "features"  # name in the run's folder
HELD_OUT_PEOPLE = 24  # people on whom scores are measured
# factor from the addition's relative gain on the fill to the wanted confidence, which is clamped to [-1, 1]
CONTRAST = 4.0
# feature difference added to the gain's denominator, so that far smaller differences count for neither side
EASE = 0.02
AVERAGING = 0.999  # share of the running mean of the weights that a step keeps
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Weights:
    """Holds the losses' weights."""

    perceptual: float = 20.0
    l1: float = 8.0
    colour: float = 10.0
    confidence: float = 2.0
    adversarial: float = 0.1
    matching: float = 1.0


@dataclass(frozen=True)
class Settings:
    """Are the settings of the training.

    critic: channels of the critic's first layer; rate: Adam's learning rate; batch: samples per process; alone:
    steps before the critic takes part.
    """

    network: CompletionConfig = LIGHT
    critic: int = 12
    rate: float = 2e-4
    batch: int = 4
    alone: int = 4000
    weights: Weights = field(default_factory=Weights)


ON_GPU = Settings(FULL, 48, 2e-4, 32, 20000)


@dataclass(frozen=True, eq=False)
class Made:
    """Holds pictures (N, 3, S, S): the unlearned fill, the painted one with all that is added, and the truth.

    They are the same where nothing hidden is known.
    """

    unlearned: Tensor
    painted: Tensor
    truth: Tensor
    confidence: Tensor


class CompletionTraining:
    """Is the recipe for `loop.train`."""

    def __init__(
        self,
        data: Path,
        features: FaceFeatures,
        settings: Settings,
        held_out: Path | None = None,
        seed: int = 0,
    ) -> None:
        torch.manual_seed(seed)
        self.settings = settings
        self.samples = CompletionSamples(data)
        self.features = _in_memory_order(features).eval().requires_grad_(False)
        self.network = _in_memory_order(Completion(settings.network))
        self.network.place.copy_(torch.from_numpy(template()))
        self.network.reach.copy_(torch.from_numpy(self.samples.reach()))
        self.critic = MultiScaleDiscriminator(6, settings.critic)
        self.networks: Mapping[str, nn.Module] = {"G": self.network, "D": self.critic}
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {
            "G": torch.optim.Adam(self.network.parameters(), settings.rate, betas=(0.5, 0.999)),
            "D": torch.optim.Adam(self.critic.parameters(), settings.rate / 2, betas=(0.5, 0.999)),
        }
        trained = replace(settings, network=replace(settings.network, trust=1.0, doubt=0.0))
        self.config: Mapping[str, Any] = {"kind": "completion", **asdict(trained)}  # those are of use only
        mean = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.state: dict[str, Any] = {"steps": 0, "mean": mean}
        self.shown = [self.samples.draw(np.random.default_rng([seed, 7, k])) for k in range(6)]
        self.held_out = held_out_samples(held_out) if held_out is not None else []

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return self.samples.draw(rng)

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        """Take one step of the completion; once it is no longer alone, its critic takes a step first."""
        self.features.to(stepper.device)
        critical = self.state["steps"] >= self.settings.alone
        critic_loss = torch.zeros(())
        with bfloat16(stepper.device):
            made = self.made(batch)
            if critical:
                critic_loss = losses.hinge_discriminator(
                    self.judged(made.truth), self.judged(made.painted.detach())
                )
        if critical:
            stepper.update(self.optimisers["D"], critic_loss)
        with bfloat16(stepper.device):
            terms = self.terms(batch, made, critical)
        total = torch.stack([term.float() for term in terms.values()]).sum()
        stepper.update(self.optimisers["G"], total)
        follow(self.state, self.network, AVERAGING)
        return {"G": total, "D": critic_loss, **terms}

    def made(self, batch: Batch, network: Completion | None = None) -> Made:
        paint, confidence = (network or self.network)(batch["seen"])
        unlearned, kept = batch["seen"][:, :3], batch["seen"][:, KEPT : KEPT + 1]
        painted = unlearned + (1 - kept) * paint.float()
        # Where the hidden truth is unknown, the made picture stands for it, so that nothing is compared there.
        known = (batch["known"] / (1 - kept).clamp_min(1e-3)).clamp(0, 1)
        truth = torch.lerp(painted.detach(), batch["truth"], known)
        return Made(torch.lerp(painted.detach(), unlearned, known), painted, truth, confidence.float())

    def judged(self, picture: Tensor) -> losses.Scales:
        place = F.interpolate(self.network.place[:, :3], scale_factor=2.0, mode="nearest")
        scales = self.critic(torch.cat([place.expand(len(picture), -1, -1, -1), picture], dim=1))
        return [[layer.float() for layer in layers] for layers in scales]

    def terms(self, batch: Batch, made: Made, critical: bool) -> dict[str, Tensor]:
        """Return every term of the completion's loss with its weight. Means are over what is hidden and known."""
        weights, worth = self.settings.weights, batch["known"].mean().clamp_min(0.01)
        true = self.features(made.truth)
        apart, before = (
            difference(self.features(made.painted), true),
            difference(self.features(made.unlearned), true),
        )
        terms = {
            "perceptual": weights.perceptual * apart.mean() / worth / 10,
            "l1": weights.l1 * (made.painted - made.truth).abs().mean() / worth,
            "colour": weights.colour * (_chroma(made.painted) - _chroma(made.truth)).abs().mean() / worth,
            "confidence": weights.confidence * self._mistrust(batch, made, before, apart),
        }
        terms["adversarial"] = terms["matching"] = torch.zeros(())
        if critical:
            real, fake = self.judged(made.truth), self.judged(made.painted)
            terms["adversarial"] = weights.adversarial * losses.hinge_generator(fake)
            terms["matching"] = weights.matching * losses.feature_matching(real, fake)
        return terms

    def _mistrust(self, batch: Batch, made: Made, before: Tensor, apart: Tensor) -> Tensor:
        """Return the squared error of the confidence against the addition's gain on the fill, which is from -1 to 1."""
        before, apart = _spread(before.detach()), _spread(apart.detach())
        gain = (CONTRAST * (before - apart) / (before + apart + EASE)).clamp(-1, 1)
        size = made.confidence.shape[-2:]
        wanted = F.interpolate(gain, size=size, mode="bilinear", align_corners=False)
        known = F.interpolate(batch["known"], size=size, mode="area")
        return ((made.confidence - wanted).square() * known).sum() / known.sum().clamp_min(1.0)

    def meant(self) -> Completion:
        """Return the network with the running mean's weights."""
        network = Completion(self.settings.network)
        network.load_state_dict({name: value.cpu() for name, value in self.state["mean"].items()})
        return network.eval()

    @torch.no_grad()
    def score(self) -> dict[str, float]:
        """Return, on people held out, feature difference and L1 (of 255) of the fill and of the completion.

        The sides are not swapped here, as they are in use (`InUse`).
        """
        network, rows = self.meant(), []
        self.features.cpu()
        for sample in self.held_out:
            batch = {key: torch.from_numpy(value[None]) for key, value in sample.items()}
            made = self.made(batch, network)
            used = made.unlearned + network.share(made.confidence, batch["seen"]) * (
                made.painted - made.unlearned
            )
            true, worth = self.features(made.truth), float(batch["known"].mean())
            row = [float(difference(self.features(p), true).mean()) for p in (made.unlearned, used)]
            row += [127.5 * float((p - made.truth).abs().mean()) for p in (made.unlearned, used)]
            rows.append(np.array(row) / worth)
        names = ("distance_fill", "distance", "l1_fill", "l1")
        return dict(zip(names, np.mean(rows, axis=0).round(5).tolist())) if rows else {}

    def picture(self) -> NDArray[np.uint8]:
        """Return rows of seen, fill, painted, in use, truth and confidence."""
        device = next(self.network.parameters()).device
        batch = {k: torch.from_numpy(np.stack([s[k] for s in self.shown])).to(device) for k in self.shown[0]}
        with torch.no_grad():
            made = self.made(batch)
            share = self.network.share(made.confidence, batch["seen"])
        fill, kept = batch["seen"][:, :3], batch["seen"][:, KEPT : KEPT + 1]
        columns = [(fill + 1) * kept - 1, fill, made.painted, torch.lerp(fill, made.painted, share)]
        columns += [made.truth, 2 * share.expand(-1, 3, -1, -1) - 1]
        rows = torch.cat([column.float().cpu() for column in columns], dim=3)
        sheet = torch.cat(list(rows), dim=1).permute(1, 2, 0)
        return ((sheet.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()


def _in_memory_order(network: Module) -> Module:
    """Return the network with channels last in memory, which halves the time of convolutions on processors."""
    return cast(Module, cast(Any, network).to(memory_format=torch.channels_last))


def held_out_samples(folder: Path) -> list[dict[str, NDArray[np.float32]]]:
    """Return the first view of every prepared file, in its own light."""
    head, found = CompletionSamples(folder).head, []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            found.append(as_sample(file["seen"][0], file["truth"][file["of"][0]], head))
    return found


def _chroma(picture: Tensor) -> Tensor:
    """Return (N, 2, H/4, W/4) red and blue less the brightness."""
    small = F.avg_pool2d(picture, 4)
    return small[:, [0, 2]] - small.mean(dim=1, keepdim=True)


def _spread(apart: Tensor) -> Tensor:
    """Return the mean over a neighbourhood, because addition and fill are compared by region, not by texel."""
    return F.avg_pool2d(apart, 5, 1, 2, count_include_pad=False)


def export(network: Completion, path: Path) -> None:
    """Write the network as it is used, as ONNX."""
    seen = torch.zeros(1, 6, network.config.side, network.config.side)
    in_use = InUse(network, torch.from_numpy(other_side()), torch.from_numpy(whole()))
    as_onnx(in_use, seen, "difference", path)


def train_completion(
    folder: Path, name: str, minutes: float, settings: Settings | None = None, steps: int | None = None
) -> Steps[Step, None, Path | None]:
    """Prepare the training part of a folder, learn the features, then the completion; return the weights' file.

    Heads are completed by that file from then on. The same name goes on with its run. Under torchrun only the first
    process returns the file.
    """
    device = start_processes()
    settings = settings or (ON_GPU if device.type == "cuda" else Settings())
    run, stepper = run_folder(name), Stepper(device)
    held_out = yield from prepare_run(prepare, folder, run, stepper, HELD_OUT_PEOPLE)
    features = yield from learnt_features(run / DATA, run / FEATURES, device, minutes, steps)
    recipe = CompletionTraining(run / DATA, features, settings, held_out)
    plan = Plan(run, minutes, settings.batch * stepper.world, steps=steps)
    if not (yield from run_through(recipe, plan, stepper)):
        return None
    export(recipe.meant(), data_folder() / FILE)
    return data_folder() / FILE


assert LIGHT.side == FULL.side == SIDE

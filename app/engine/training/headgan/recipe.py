"""Trains HeadGAN (both versions of the paper; weights as in the released code)."""

from __future__ import annotations

import hashlib
from collections.abc import Generator as Steps
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.engine.checkpoints.headgan_files import KINDS
from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.store import Model, save_model
from app.engine.contract import Step
from app.engine.files import file_sha256
from app.engine.networks.blocks import fold_spectral_norm
from app.engine.networks.discriminators import MultiScaleDiscriminator, with_tiled
from app.engine.networks.headgan import LIGHT, N_AUDIO, RGB, HeadGan, HeadGanConfig, HeadGanOutput
from app.engine.training import losses
from app.engine.training.faces import prepare
from app.engine.training.headgan.data import MOUTH_SHARE, HeadGanSamples
from app.engine.training.loop import CHECKPOINT, Batch, Plan, Stepper, start_processes, train
from app.engine.training.perceptual import imported_features
from app.engine.training.runs import progress_steps, run_folder

DATA = "data"  # name in the run's folder
HELD_OUT = 8  # one file in so many is held out
LICENCE = "Your own: trained with Mien on your pictures."
USE = "What the licences of those pictures allow."


@dataclass(frozen=True)
class Weights:
    """Holds the weights: 50 on L1, 10 on perceptual, feature matching and mask, 30 on L_Temp (first version)."""

    l1: float = 50.0
    perceptual: float = 10.0
    matching: float = 10.0
    mask: float = 10.0
    temporal: float = 0.0
    mouth: float = 1.0


@dataclass(frozen=True)
class Settings:
    """The settings of the training.

    size: px of the pictures; discriminator: channels of its first layer (64 as released); rate: Adam's
    learning rate; batch: samples per process.
    """

    network: HeadGanConfig = LIGHT
    size: int = 128
    discriminator: int = 16
    rate: float = 2e-4
    batch: int = 4
    weights: Weights = field(default_factory=Weights)


FULL = Settings(HeadGanConfig(), 256, 64, weights=Weights(temporal=30.0))


class HeadGanTraining:
    """The recipe for `loop.train`."""

    def __init__(self, data: Path, settings: Settings, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.settings = settings
        names = {path.name for path in data.glob("*.npz")}
        held = held_out(names)
        self.samples = HeadGanSamples(data, settings.size, names - held)
        self.held = HeadGanSamples(data, settings.size, held) if held else None
        self.generator = HeadGan(settings.network)
        audio = N_AUDIO if settings.network.audio else 0
        self.face_critic = MultiScaleDiscriminator(2 * RGB, settings.discriminator)
        self.mouth_critic = MultiScaleDiscriminator(audio + RGB, settings.discriminator)
        self.networks: Mapping[str, nn.Module] = {
            "G": self.generator,
            "D": self.face_critic,
            "Dm": self.mouth_critic,
        }
        critics = [*self.face_critic.parameters(), *self.mouth_critic.parameters()]
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {
            "G": torch.optim.Adam(self.generator.parameters(), settings.rate, betas=(0.5, 0.999)),
            "D": torch.optim.Adam(critics, settings.rate, betas=(0.5, 0.999)),
        }
        self.features = imported_features()
        self.config: Mapping[str, Any] = {**asdict(settings), "perceptual": self.features is not None}
        self.state: dict[str, Any] = {}
        self.shown = [self.samples.draw(np.random.default_rng([seed, 7, k])) for k in range(4)]

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return self.samples.draw(rng)

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        """Take one step of the critics on the generator's present pictures, then one of the generator."""
        with stepper.autocast():
            out = self.generate(batch, batch["nmfc"])
            critic_loss = self._critic_loss(batch, out.image.detach())
        stepper.update(self.optimisers["D"], critic_loss)
        with stepper.autocast():
            terms = self.generator_terms(batch, out)
            total = torch.stack([term.float() for term in terms.values()]).sum()
        stepper.update(self.optimisers["G"], total)
        return {"G": total, "D": critic_loss, **terms}

    def picture(self) -> NDArray[np.uint8]:
        """Return rows of reference, warped, image, target."""
        device = next(self.generator.parameters()).device
        batch = {k: torch.from_numpy(np.stack([s[k] for s in self.shown])).to(device) for k in self.shown[0]}
        self.generator.eval()
        with torch.no_grad():
            out = self.generate(batch, batch["nmfc"])
        self.generator.train()
        columns = [batch["reference"][:, RGB:], out.warped, out.image, batch["target"]]
        rows = torch.cat([column.float().cpu() for column in columns], dim=3)
        sheet = torch.cat(list(rows), dim=1).permute(1, 2, 0)
        return ((sheet.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()

    def found(self) -> Found:
        """Return the generator for inference: folded, with the size of its pictures."""
        weights = {k: v.detach().cpu() for k, v in self.generator.eval().state_dict().items()}
        config = asdict(replace(self.settings.network, spectral=False))
        return Found(fold_spectral_norm(weights), config, {"image_size": torch.tensor(self.settings.size)})

    def generate(self, batch: Batch, nmfc: Tensor) -> HeadGanOutput:
        audio = batch["audio"] if self.settings.network.audio else None
        output: HeadGanOutput = self.generator(nmfc, batch["reference"], audio)
        return output

    def _critic_loss(self, batch: Batch, image: Tensor) -> Tensor:
        """Return the critics' hinge losses, L_D + 0.5 L_Dm."""
        real, fake = self._judged(batch, batch["target"]), self._judged(batch, image)
        real_mouth, fake_mouth = self._mouths(batch, batch["target"]), self._mouths(batch, image)
        face = losses.hinge_discriminator(real, fake)
        return face + 0.5 * losses.hinge_discriminator(real_mouth, fake_mouth)

    def generator_terms(self, batch: Batch, out: HeadGanOutput) -> dict[str, Tensor]:
        """Return every term with its weight (HeadGAN, eq. 9; first version with L_Temp)."""
        weights, target, nmfc = self.settings.weights, batch["target"], batch["nmfc"][:, -RGB:]
        face = losses.face_mask(nmfc)
        real, fake = self._judged(batch, target), self._judged(batch, out.image)
        real_mouth, fake_mouth = self._mouths(batch, target), self._mouths(batch, out.image)
        terms = {
            "adversarial": losses.hinge_generator(fake) + weights.mouth * losses.hinge_generator(fake_mouth),
            "matching": weights.matching * losses.feature_matching(real, fake)
            + weights.mouth * weights.matching * losses.feature_matching(real_mouth, fake_mouth),
            "l1": weights.l1 * losses.masked_l1(out.image, target, face),
            "l1_warped": weights.l1 * losses.masked_l1(out.warped, target, face),
            "mask": weights.mask * (out.mask - batch["mask"]).abs().mean(),
        }
        terms["perceptual"] = weights.perceptual * self._perceptual(batch, out, real)
        if weights.temporal:
            before = self.generate(batch, batch["nmfc_before"])
            terms["temporal"] = weights.temporal * losses.temporal(before.features, out.features)
        return terms

    def _perceptual(self, batch: Batch, out: HeadGanOutput, real: losses.Scales) -> Tensor:
        """Return the perceptual loss: on image and warped picture with an imported VGG19, else on our own critic's
        features of the warped picture.
        """
        if self.features is None:
            return losses.feature_matching(real, self._judged(batch, out.warped))
        features = self.features.to(out.image.device)
        return losses.perceptual(features, out.image, batch["target"]) + losses.perceptual(
            features, out.warped, batch["target"]
        )

    def _judged(self, batch: Batch, image: Tensor) -> losses.Scales:
        scales: losses.Scales = self.face_critic(torch.cat([batch["nmfc"][:, -RGB:], image], dim=1))
        return scales

    def _mouths(self, batch: Batch, image: Tensor) -> losses.Scales:
        crop = mouth_crops(image, batch["mouth"])
        seen = with_tiled(batch["audio"], crop) if self.settings.network.audio else crop
        scales: losses.Scales = self.mouth_critic(seen)
        return scales


def held_out(names: set[str]) -> set[str]:
    """Return about an eighth of the files, by their names' hash, to be kept for measuring; none of fewer than eight."""
    chosen = {name for name in names if hashlib.sha256(name.encode()).digest()[0] < 256 // HELD_OUT}
    return chosen if len(names) >= HELD_OUT else set()


def mouth_crops(image: Tensor, corners: Tensor) -> Tensor:
    """Return (N, 3, s / 4, s / 4) at each picture's corner (x, y)."""
    side = image.shape[-1] // MOUTH_SHARE
    crops = [
        picture[:, y : y + side, x : x + side]
        for picture, (x, y) in zip(image, corners.tolist(), strict=True)
    ]
    return torch.stack(crops)


def train_headgan(
    sources: Path,
    name: str,
    minutes: float,
    settings: Settings | None = None,
    steps: int | None = None,
) -> Steps[Step, None, Model | None]:
    """Prepare a folder of portraits and clips, train on it, and keep the generator as a model.

    The same name goes on with its run. Under torchrun the processes share the preparation, and only the first
    keeps the model (the others give None). Closing the iterator stops: the checkpoint is kept.
    """
    device = start_processes()
    settings = settings or (FULL if device.type == "cuda" else Settings())
    folder = run_folder(name)
    stepper = Stepper(device)
    for share in stepper.shares():
        yield from prepare(sources, folder / DATA, share)
    recipe = HeadGanTraining(folder / DATA, settings)
    recipe.generator.to(device)
    untrained = own_error(recipe)
    plan = Plan(folder, minutes, settings.batch * stepper.world, steps=steps)
    yield from progress_steps(train(recipe, plan, device))
    shown = "held-out" if recipe.held else "trained-on"
    words = f"L1 of the {shown} unedited portraits {own_error(recipe):.2f} (untrained: {untrained:.2f})"
    yield Step(0, 0, words, recipe.picture())
    return keep_model(recipe, folder, name) if stepper.rank == 0 else None


def prepare_only(sources: Path, name: str, shard: tuple[int, int]) -> Steps[Step, None, None]:
    """Prepare one share (i, n) of a run's data, for several machines with one disk, or for parts one after the
    other.
    """
    yield from prepare(sources, run_folder(name) / DATA, shard)


@torch.no_grad()
def own_error(recipe: HeadGanTraining) -> float:
    """Return the mean L1 in levels (0 to 255) between portraits and the network's pictures of them at their own
    parameters, over up to eight portraits that it was not trained on, where there are such.
    """
    device = next(recipe.generator.parameters()).device
    errors = []
    samples = recipe.held or recipe.samples
    for index in range(min(8, len(samples.paths))):
        sample = samples.unedited(index)
        batch = {key: torch.from_numpy(value[None]).to(device) for key, value in sample.items()}
        recipe.generator.eval()
        image = recipe.generate(batch, batch["nmfc"]).image
        errors.append(127.5 * float((image - batch["target"]).abs().mean()))
    return float(np.mean(errors))


def keep_model(recipe: HeadGanTraining, folder: Path, name: str) -> Model:
    """Keep the generator as a model of the user's."""
    digest = file_sha256(folder / CHECKPOINT)
    return save_model(recipe.found(), KINDS[0], name, folder.name, digest, LICENCE, USE)

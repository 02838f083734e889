"""Trains a StyleGAN2 generator of our own on a folder of portraits (`mien train stylegan`).

Non-saturating logistic loss, lazy R1, adaptive discriminator augmentation and an averaged generator; no path
length regularisation, which helps inversion but takes a third of the time on a CPU.

For budgets of an hour the start is not noise: every portrait has a latent, its whitened principal components, and
the generator first learns to draw portraits from them, blurred as they come. Then the critic comes in, and half of
the latents go on being portraits', whose coarse look (pose, light, colours) the generator keeps to.
"""

from __future__ import annotations

import copy
from collections.abc import Generator as Steps
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import Model, save_model
from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.files import file_sha256, written
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.endings import PICTURES
from app.engine.imaging.reading import open_photo
from app.engine.latent.similarity import band_distance
from app.engine.networks.stylegan2 import Generator
from app.engine.networks.stylegan2_discriminator import StyleGan2Discriminator
from app.engine.squares.crop import cut, face_square, resized, to_depth, unit_range
from app.engine.training.loop import CHECKPOINT, Batch, Plan, Stepper, start_processes, train
from app.engine.training.personal.sequences import signed
from app.engine.training.runs import progress_steps, run_folder
from app.engine.training.stylegan.ada import Adaptation, augmented

# Chosen by the runs that docs/latent_directions.md describes, where no comment says more.
PORTRAITS = "portraits.npz"
LEAST = 100  # portraits that are needed at least
R1_EVERY = 16  # steps between two penalties, as published
SHOWN = 16  # faces on the sheet of samples
WARM_UP_PACE = 1e-2, 0.9  # learning rate and momentum before the critic comes in
KNOWN = 0.5  # share of the latents that are portraits' own
ALIKE = 10.0  # weight of the loss that keeps the generator to their coarse look
BASIS_SIDE = 32  # px of the side of the pictures of which latents are computed
LEAST_COLOUR = 4.0  # mean range of a pixel's channels, of 255
OURS = "Yours: trained here on your portraits, whose licence applies."


@dataclass(frozen=True)
class StyleGanSettings:
    """size: of the pictures; max_channels, style_dim, n_mlp, channel_multiplier: of the networks; half_life:
    pictures after which the averaged generator has forgotten half; faces: the crop's side in face sizes (tighter
    than released: of so few pixels the face should have most); warm_up: steps before the critic comes in."""

    size: int = 64
    max_channels: int = 128
    style_dim: int = 128
    n_mlp: int = 1  # more layers hide the portraits' latents, which are whitened already
    batch: int = 16
    rate: float = 2.5e-3
    half_life: float = 4000.0
    channel_multiplier: float = 1 / 16
    faces: float = 1.6
    warm_up: int = 1500


ON_GPU = StyleGanSettings(128, 512, 512, 8, 32, 2e-3, 10000.0, 2)


def network_config(settings: StyleGanSettings) -> dict[str, Any]:
    """Return what `Generator` is built with."""
    names = ("size", "max_channels", "style_dim", "n_mlp", "channel_multiplier")
    return {name: value for name, value in asdict(settings).items() if name in names}


class StyleGanRecipe:
    """The recipe for `loop.train`; pictures: (N, size, size, 3) uint8 sRGB, aligned."""

    def __init__(self, pictures: NDArray[np.uint8], settings: StyleGanSettings) -> None:
        torch.manual_seed(0)
        self.pictures, self.settings = pictures, settings
        self.generator = Generator(**network_config(settings))
        self.critic = StyleGan2Discriminator(
            settings.size, settings.channel_multiplier, settings.max_channels
        )
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self.generator,
            "critic": self.critic,
            "average": self.average,
        }
        lazy = R1_EVERY / (R1_EVERY + 1)
        self.optimisers: Mapping[str, Optimizer] = {
            "generator": Adam(self.generator.parameters(), settings.rate, betas=(0.0, 0.99)),
            "critic": Adam(self.critic.parameters(), settings.rate * lazy, betas=(0.0, 0.99**lazy)),
        }
        self.config: Mapping[str, Any] = {"kind": "stylegan2", **asdict(settings), "pictures": len(pictures)}
        self.state: dict[str, Any] = {"steps": 0, "p": 0.0}
        # Gamma: four times the paper's heuristic, for few faces.
        self.r1 = 8e-4 * settings.size**2 / settings.batch
        self.latents = portrait_latents(pictures, settings.style_dim)
        rng = torch.Generator().manual_seed(1)
        self.shown = torch.randn(SHOWN, settings.style_dim, generator=rng)

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return a portrait or its mirror image, and a latent: its own (known) or a random one."""
        which, mirrored = int(rng.integers(len(self.pictures))), int(rng.integers(2))
        picture = self.pictures[which, :, ::-1] if mirrored else self.pictures[which]
        known = rng.random() < (KNOWN if self.is_warm else 1)
        z = self.latents[which, mirrored] if known else rng.standard_normal(self.settings.style_dim)
        return {
            "image": signed(picture),
            "z": z.astype(np.float32),
            "known": np.array(known, np.float32),
            "seed": np.array(rng.integers(2**31)),
        }

    @property
    def is_warm(self) -> bool:
        return bool(self.state["steps"] >= self.settings.warm_up)

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        real, z = batch["image"], batch["z"]
        rng = torch.Generator().manual_seed(int(batch["seed"][0]))
        if not self.is_warm:
            return self._warm_up(real, z, rng, stepper)
        self._pace(self.settings.rate, 0.0)
        adaptation = Adaptation(self.state["p"])
        with self._autocast(stepper):
            fake = self._made(z, rng)  # both networks' steps use the same pictures
            fake_scores = self.critic(augmented(fake.detach(), adaptation.p, rng)).float()
            real_scores = self.critic(augmented(real, adaptation.p, rng)).float()
            judged = F.softplus(fake_scores).mean() + F.softplus(-real_scores).mean()
        penalty = self._penalty(real, adaptation.p, rng)
        stepper.update(self.optimisers["critic"], judged + penalty)
        with self._autocast(stepper):
            scores = self.critic(augmented(fake, adaptation.p, rng)).float()
            loss = F.softplus(-scores).mean()
        alike = self._unlike(fake, real, batch["known"])
        stepper.update(self.optimisers["generator"], loss + ALIKE * alike)
        sign = stepper.mean(real_scores.detach().sign().mean())
        adaptation.update(sign, len(real) * stepper.world)
        self.state["p"], self.state["steps"] = adaptation.p, self.state["steps"] + 1
        self._remember(len(real) * stepper.world)
        return {
            "generator": loss,
            "critic": judged,
            "unlike": alike,
            "r1": penalty.detach(),
            "overfitting": sign,
            "p": torch.tensor(adaptation.p),
        }

    def _warm_up(
        self, real: Tensor, z: Tensor, rng: torch.Generator, stepper: Stepper
    ) -> Mapping[str, Tensor]:
        """Learn to draw the portraits from their latents, in long steps, because no critic takes part yet."""
        self._pace(*WARM_UP_PACE)
        with self._autocast(stepper):
            made = self._made(z, rng)
        loss = band_distance(made, real)
        stepper.update(self.optimisers["generator"], loss)
        self.state["steps"] += 1
        self._remember(len(real) * stepper.world)
        return {"warm-up": loss}

    def _pace(self, rate: float, momentum: float) -> None:
        for group in self.optimisers["generator"].param_groups:
            group["lr"], group["betas"] = rate, (momentum, group["betas"][1])

    @staticmethod
    def _unlike(fake: Tensor, real: Tensor, known: Tensor) -> Tensor:
        """Return L1 of the coarse look, at a quarter of the size, where the latent is the portrait's own."""
        apart = (F.avg_pool2d(fake, 4) - F.avg_pool2d(real, 4)).abs().mean((1, 2, 3))
        return (apart * known).sum() / known.sum().clamp_min(1)

    def _autocast(self, stepper: Stepper) -> AbstractContextManager[Any]:
        """Return the context of bfloat16 where it pays: processors that multiply it take two thirds of the time."""
        if stepper.device.type == "cpu" and torch.cpu._is_avx512_bf16_supported():
            return torch.autocast("cpu", torch.bfloat16)
        return stepper.autocast()

    def _made(self, z: Tensor, rng: torch.Generator) -> Tensor:
        return self.generator.synthesis(self.generator.latent(z), rng).float()

    def _penalty(self, real: Tensor, p: float, rng: torch.Generator) -> Tensor:
        """Return R1 on the real pictures, R1_EVERY times as strong, because it is taken every R1_EVERY steps."""
        if self.state["steps"] % R1_EVERY:
            return real.new_zeros(())
        image = augmented(real, p, rng).detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(image).sum(), image, create_graph=True)
        return self.r1 / 2 * R1_EVERY * slope.square().sum((1, 2, 3)).mean()

    @torch.no_grad()
    def _remember(self, pictures: int) -> None:
        seen = self.state["steps"] * pictures
        keep = 0.5 ** (pictures / max(min(self.settings.half_life, 0.05 * seen), 1e-8))
        for average, now in zip(self.average.parameters(), self.generator.parameters()):
            average.lerp_(now, 1 - keep)
        for kept, stored in zip(self.average.buffers(), self.generator.buffers()):
            kept.copy_(stored)

    @torch.no_grad()
    def picture(self) -> NDArray[np.uint8]:
        """Return a 4 x 4 sheet of the averaged generator's samples, truncated by 0.8."""
        self.average.eval()
        device = self.average.input.input.device
        centre = self.average.mean_latent(4096)
        images = self.average(self.average.latent(self.shown.to(device)), centre, 0.8)
        rows = torch.cat([torch.cat(list(row), dim=2) for row in images.view(4, 4, *images.shape[1:])], dim=1)
        return ((rows.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def portrait_latents(pictures: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Return (N, 2, size): whitened principal components of the pictures (N, s, s, 3) and of their mirror images,
    the same basis for both; where there are fewer components than asked, the rest is noise.
    """
    small = [
        cv2.resize(picture, (BASIS_SIDE, BASIS_SIDE), interpolation=cv2.INTER_AREA) for picture in pictures
    ]
    both = np.stack([np.stack([picture, picture[:, ::-1]]) for picture in small]).astype(np.float32)
    rows = both.reshape(2 * len(pictures), -1)
    rows -= rows.mean(0)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    used = min(size, int((values > 1e-4 * values[-1]).sum()))
    latents = np.random.default_rng(2).standard_normal((len(rows), size)).astype(np.float32)
    latents[:, :used] = rows @ vectors[:, ::-1][:, :used] / np.sqrt(values[::-1][:used])
    return latents.reshape(len(pictures), 2, size)


def aligned_portraits(folder: Path, size: int, faces: float) -> Steps[Step, None, NDArray[np.uint8]]:
    """Yield steps and return (N, size, size, 3), the largest face of every picture in colour, cut by its landmarks."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    found = []
    with FaceTracker() as tracker:
        for k, path in enumerate(paths):
            try:
                pixels = to_srgb8(open_photo(path))
                face = max(tracker.detect(pixels), key=lambda face: face.side, default=None)
            except EngineError:
                face = None
            if face is not None and face.side >= 0.75 * size and in_colour(pixels):
                small = resized(cut(unit_range(pixels), face_square(face.landmarks, faces)), size)
                found.append(to_depth(small, np.dtype(np.uint8)))
            yield Step(k + 1, len(paths), f"Cutting out faces: {len(found)}")
    if len(found) < LEAST:
        raise EngineError(
            f"{folder} holds {len(found)} usable portraits; at least {LEAST} are needed.",
            f"Give a folder of portraits in which faces are larger than {size} pixels.",
        )
    return np.stack(found)


def in_colour(pixels: NDArray[np.uint8]) -> bool:
    """Return whether a photo has colour: black-and-white ones would teach the generator grey skin."""
    return float(np.ptp(pixels[::4, ::4].astype(np.int16), axis=-1).mean()) > LEAST_COLOUR


def prepared_portraits(
    folder: Path, kept: Path, settings: StyleGanSettings
) -> Steps[Step, None, NDArray[np.uint8]]:
    """Yield the aligned portraits, made once, by the first process, and kept in the run's folder."""
    stepper = Stepper(torch.device("cpu"))
    if stepper.rank != 0:
        stepper.wait()
    if kept.is_file():
        if stepper.rank == 0:
            stepper.wait()
        with np.load(kept, allow_pickle=False) as file:
            return np.asarray(file["pictures"])
    pictures = yield from aligned_portraits(folder, settings.size, settings.faces)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with written(kept) as beside:
        np.savez(beside, pictures=pictures)
    stepper.wait()
    return pictures


def train_stylegan(
    portraits: Path,
    name: str,
    minutes: float,
    settings: StyleGanSettings | None = None,
    steps: int | None = None,
) -> Steps[Step, None, Model | None]:
    """Yield steps with losses and samples, ending in the generator as a model; the same name goes on with its run.

    Under torchrun only the first process prepares the portraits and has the model.
    """
    device = start_processes()
    settings = settings or (ON_GPU if device.type == "cuda" else StyleGanSettings())
    folder = run_folder(name)
    pictures = yield from prepared_portraits(portraits, folder / PORTRAITS, settings)
    recipe = StyleGanRecipe(pictures, settings)
    yield from progress_steps(train(recipe, Plan(folder, minutes, settings.batch, steps=steps), device))
    return keep_generator(recipe, folder, name) if Stepper(device).rank == 0 else None


def keep_generator(recipe: StyleGanRecipe, folder: Path, name: str) -> Model:
    """Keep the averaged generator with its truncation latent as a model of the user's, and return it."""
    average = recipe.average.cpu().eval()
    weights = {key: value.detach() for key, value in average.state_dict().items()}
    extras = {"truncation_latent": average.mean_latent()}
    config = {**network_config(recipe.settings), "faces": recipe.settings.faces}
    found = Found(weights, config, extras)
    digest = file_sha256(folder / CHECKPOINT)
    return save_model(found, kind_named("stylegan2"), name, folder.name, digest, OURS, OURS)

"""Inverts real photos into W+ by e4e or by optimisation, then tunes a copy of the generator lightly.

This follows "Finding Directions in GAN's Latent Space", section 3.2, with the released code's numbers: 200 steps of
Adam at 3e-3 on convolutions 4 to 11, with a loss of 100 MSE + perceptual (`latent.similarity`), at a fixed code.
"""

from __future__ import annotations

import copy
from collections.abc import Generator as Steps
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.engine.contract import Step
from app.engine.latent.similarity import Similarity
from app.engine.networks.stylegan2 import Generator

# Adam's, in W+; our own choice, because the released code always starts from e4e's code.
LEARNING_RATE_CODE = 0.05
LEARNING_RATE_TUNE = 3e-3  # Adam's, as released
TUNED_BLOCKS = range(4, 12)  # convolutions, as released
PREVIEW_EVERY = 10  # steps between two pictures
BANDS = Similarity()


@dataclass(frozen=True)
class InversionSettings:
    """Numbers of steps of the two optimisations; with 0 steps, one is left out."""

    code_steps: int = 400  # steps that optimise W+ where there is no encoder
    tune_steps: int = 200


@dataclass(frozen=True, eq=False)
class Inversion:
    """A photo's code W+ (1, layers, D), before truncation, and the tuned parameters of its own generator."""

    wplus: Tensor
    tuned: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LatentModel:
    """A generator with all that is needed to make the same pictures again.

    centre: (1, D) truncation latent; truncation: as in `Generator.forward`; encoder: from a picture to W+, or None.
    """

    generator: Generator
    centre: Tensor
    truncation: float = 1.0
    encoder: nn.Module | None = None

    def render(self, wplus: Tensor) -> Tensor:
        """Return pictures (N, 3, size, size) of W+ (N, layers, D)."""
        image: Tensor = self.generator(wplus, self.centre, self.truncation)
        return image

    def tuned(self, inversion: Inversion) -> LatentModel:
        """Return the photo's own copy of the generator; this one stays as it is."""
        if not inversion.tuned:
            return self
        generator = copy.deepcopy(self.generator)
        generator.load_state_dict(inversion.tuned, strict=False)
        return LatentModel(generator, self.centre, self.truncation, self.encoder)


def picture(image: Tensor) -> NDArray[np.uint8]:
    """Return an image (1, 3, H, W) in [-1, 1] as a picture (H, W, 3) uint8."""
    levels = ((image[0].detach().float().clamp(-1, 1) + 1) * 127.5).round()
    return levels.permute(1, 2, 0).to("cpu", torch.uint8).numpy()


def invert(
    model: LatentModel, image: Tensor, settings: InversionSettings, similarity: Similarity = BANDS
) -> Steps[Step, None, Inversion]:
    """Yield steps with previews, and return the inversion of a picture (1, 3, size, size) in [-1, 1].

    Closing the iterator cancels; the model's generator is never changed.
    """
    total = settings.tune_steps + (0 if model.encoder else settings.code_steps)
    if model.encoder is not None:
        with torch.no_grad():
            wplus = model.encoder(image)
    else:
        wplus = yield from optimised_code(model, image, settings.code_steps, total, similarity)
    if settings.tune_steps == 0:
        return Inversion(wplus)
    tuned = yield from tuned_generator(model, image, wplus, settings.tune_steps, total, similarity)
    return Inversion(wplus, tuned)


def optimised_code(
    model: LatentModel, image: Tensor, steps: int, total: int, similarity: Similarity
) -> Steps[Step, None, Tensor]:
    """Yield steps that optimise W+ from the centre by Adam with a cosine learning rate, and return it."""
    wplus = model.centre[:, None].repeat(1, model.generator.n_latent, 1).detach().requires_grad_()
    optimiser = torch.optim.Adam([wplus], LEARNING_RATE_CODE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    for step in range(steps):
        with torch.enable_grad():
            made = model.render(wplus)
            (gradient,) = torch.autograd.grad(similarity.distance(made, image), wplus)
        wplus.grad = gradient
        optimiser.step()
        schedule.step()
        yield _step(step, total, "Finding the photo in the generator", made)
    return wplus.detach()


def tuned_generator(
    model: LatentModel, image: Tensor, wplus: Tensor, steps: int, total: int, similarity: Similarity
) -> Steps[Step, None, dict[str, Tensor]]:
    """Yield steps, and return the tuned convolutions of a copy of the generator, in half precision as in the cache."""
    own = LatentModel(copy.deepcopy(model.generator), model.centre, model.truncation)
    own.generator.requires_grad_(False)
    blocks = [own.generator.convs[k] for k in TUNED_BLOCKS if k < len(own.generator.convs)]
    parameters = [p.requires_grad_() for block in blocks for p in block.parameters()]
    optimiser = torch.optim.Adam(parameters, LEARNING_RATE_TUNE)
    for step in range(steps):
        with torch.enable_grad():
            made = own.render(wplus)
            optimiser.zero_grad()
            torch.autograd.backward(similarity.distance(made, image))
        optimiser.step()
        yield _step(total - steps + step, total, "Fitting the generator to the photo", made)
    return {
        name: parameter.detach().half().clone()
        for name, parameter in own.generator.named_parameters()
        if parameter.requires_grad
    }


def _step(step: int, total: int, message: str, made: Tensor) -> Step:
    shown = picture(made) if step % PREVIEW_EVERY == 0 or step + 1 == total else None
    return Step(step + 1, total, message, shown)

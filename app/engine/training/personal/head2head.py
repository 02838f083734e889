"""Trains Head2Head++ on one person's footage (section 3.4), as a recipe for the training loop.

Least squares GAN with image, mouth and three dynamics discriminators, feature matching, a perceptual loss (bands of
a Laplacian pyramid where no VGG is imported) and the released code's warp loss. The flow comes from OpenCV's DIS
instead of FlowNet2. The average of the generator's weights is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from app.engine.latent.similarity import band_distance
from app.engine.networks.blocks import warp
from app.engine.networks.discriminators import MultiScaleDiscriminator
from app.engine.networks.head2head import RGB, Head2Head, next_state
from app.engine.training import losses
from app.engine.training.loop import Batch, Stepper
from app.engine.training.perceptual import imported_features
from app.engine.training.personal.footage import Footage
from app.engine.training.personal.sequences import FLOW_SCALE, STRIDES, Sequences, mouths_of, signed

LAMBDA = 10.0  # weight of feature matching, perceptual and warp losses, as in the paper
# Adam's learning rate for networks 64 channels wide, as released. Narrower ones learn faster at a higher rate: it is
# in inverse proportion to the width, up to MOST_RATE.
LEARNING_RATE, MOST_RATE = 2e-4, 8e-4
# Share of the running average of the generator's weights that a step keeps.
AVERAGED = 0.999
LIGHT = {"width": 16, "n_down": 3, "n_blocks": 6}  # for CPUs (docs/personal_models.md)
FULL = {"width": 64, "n_down": 3, "n_blocks": 9}  # as released
N = TypeVar("N", bound=nn.Module)
# Index of the stride that each of six steps compares frames at: most often neighbouring frames.
TURNS = (0, 0, 1, 0, 0, 2)


def initialised(network: N) -> N:
    """Initialise convolutions from N(0, 0.02), as in the released code."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
    return network


def adam(width: int, *networks: nn.Module) -> Adam:
    """Return Adam for networks that start with `width` channels."""
    parameters = [p for network in networks for p in network.parameters()]
    return Adam(parameters, min(MOST_RATE, LEARNING_RATE * 64 / width), betas=(0.5, 0.999))


@torch.no_grad()
def follow_average(average: nn.Module, network: nn.Module, step: int) -> None:
    """Move the average of a network's weights after a step; it spans few steps at first, a thousand later."""
    kept = min(AVERAGED, (1 + step) / (10 + step))
    for mean, now in zip(average.parameters(), network.parameters()):
        mean.lerp_(now, 1 - kept)


@dataclass(frozen=True)
class Adversary:
    """Holds a GAN's two losses."""

    discriminator: Callable[[losses.Scales, losses.Scales], Tensor]
    generator: Callable[[losses.Scales], Tensor]


LEAST_SQUARES = Adversary(losses.least_squares_discriminator, losses.least_squares_generator)
HINGE = Adversary(losses.hinge_discriminator, losses.hinge_generator)


class Head2HeadRecipe:
    """Trains a generator on footage. sizes: LIGHT or FULL; width: of the discriminators, 64 as released.

    Head2HeadFS (`head2headfs.py`) is the same recipe with another generator, image discriminator and GAN loss.
    """

    adversary = LEAST_SQUARES
    eyes = True
    warped = True  # whether consecutive frames must agree along the flow

    def __init__(self, footage: Footage, sizes: Mapping[str, int] = LIGHT, width: int = 16) -> None:
        torch.manual_seed(0)
        generator = initialised(Head2Head(sizes["width"], sizes["n_down"], sizes["n_blocks"]))
        image = initialised(MultiScaleDiscriminator(3 * RGB, width, spectral=False))
        config = {"kind": "head2head", **sizes, "size": footage.size, "of": footage.name}
        self._set_up([footage], generator, image, width, config)

    def _set_up(
        self,
        clips: Sequence[Footage],
        generator: nn.Module,
        image: nn.Module,
        width: int,
        config: dict[str, Any],
    ) -> None:
        self.clips = [Sequences(footage, self.eyes) for footage in clips]
        self.generator, self.image = cast(Head2Head, generator), image
        conditioned = 2 * RGB if self.eyes else RGB
        self.mouth = initialised(MultiScaleDiscriminator(conditioned + RGB, width, spectral=False))
        self.dynamics = [
            initialised(MultiScaleDiscriminator(3 * RGB + 4, width, spectral=False)) for _ in STRIDES
        ]
        named = {f"dynamics{k}": network for k, network in enumerate(self.dynamics)}
        self.average = cast(Head2Head, copy.deepcopy(generator).requires_grad_(False))
        self.networks: Mapping[str, nn.Module] = {
            "generator": generator,
            "average": self.average,
            "image": image,
            "mouth": self.mouth,
            **named,
        }
        self.optimisers: Mapping[str, Optimizer] = {
            "generator": adam(config["width"], generator),
            "frames": adam(width, image, self.mouth),
            **{name: adam(width, network) for name, network in named.items()},
        }
        self.features = imported_features()
        self.config: Mapping[str, Any] = {**config, "vgg": self.features is not None, "averaged": AVERAGED}
        self.state: dict[str, Any] = {"steps": 0}

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return self.clips[0].draw(rng)

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        turn = TURNS[self.state["steps"] % len(TURNS)]
        self.state["steps"] += 1
        places = [0, STRIDES[turn], 2 * STRIDES[turn]]
        with stepper.autocast():
            h = self.identity(batch)
            outputs = rolled_out(self.generator, batch, places, h)
            fakes = [output[:, :RGB] for output in outputs]
            reals = [batch["frames"][:, 2 + t] for t in places]
            critics = self._critics(batch, places, turn)
            judged = self._train_critics(critics, reals, [fake.detach() for fake in fakes], stepper, turn)
            terms = self._generator_terms(critics, reals, fakes)
            if turn == 0 and self.warped:
                moved = warp(fakes[1], batch["flows"][:, 0, 2:] * FLOW_SCALE)
                terms["warp"] = LAMBDA * losses.masked_l1(fakes[2], moved, batch["trust"])
            terms |= self.further_terms(batch, places, outputs, h)
            stepper.update(self.optimisers["generator"], torch.stack(list(terms.values())).sum())
        follow_average(self.average, self.generator, self.state["steps"])
        gap = torch.stack([(a - b).abs().mean() for a, b in zip(fakes, reals)]).mean()
        return {**terms, "discriminator": judged, "l1": gap}

    def identity(self, batch: Batch) -> Tensor | None:
        """Return the identity vector (N, n) of the batch's people, None where the generator knows its one person."""
        return None

    def further_terms(
        self, batch: Batch, places: list[int], outputs: list[Tensor], h: Tensor | None
    ) -> dict[str, Tensor]:
        return {}

    def _critics(self, batch: Batch, places: list[int], turn: int) -> Any:
        """Return each discriminator by name, with what makes its inputs from three frames."""
        newest = 2 * RGB if self.eyes else RGB
        conditions = torch.cat([batch["conditions"][:, t, -newest:] for t in places])
        corners = torch.cat([batch["mouths"][:, t] for t in places])
        flows = batch["flows"][:, turn]

        def image(frames: list[Tensor]) -> Tensor:
            return torch.cat([conditions, torch.cat(frames)], dim=1)

        return {
            "image": (self.judge(batch, len(places)), image),
            "mouth": (self.mouth, lambda frames: mouths_of(image(frames), corners)),
            "dynamics": (self.dynamics[turn], lambda frames: torch.cat([*frames, flows], dim=1)),
        }

    def judge(self, batch: Batch, repeats: int) -> Callable[[Tensor], losses.Scales]:
        """Return the image discriminator, for `repeats` frames of every person of the batch."""
        return self.image

    def _train_critics(
        self, critics: Any, reals: list[Tensor], fakes: list[Tensor], stepper: Stepper, turn: int
    ) -> Tensor:
        terms = {
            name: self.adversary.discriminator(network(shown(reals)), network(shown(fakes)))
            for name, (network, shown) in critics.items()
        }
        stepper.update(self.optimisers["frames"], terms["image"] + terms["mouth"])
        stepper.update(self.optimisers[f"dynamics{turn}"], terms["dynamics"])
        return torch.stack(list(terms.values())).detach().sum()

    def _generator_terms(self, critics: Any, reals: list[Tensor], fakes: list[Tensor]) -> dict[str, Tensor]:
        adversarial, matching = [], []
        for network, shown in critics.values():
            fake = network(shown(fakes))
            with torch.no_grad():
                real = network(shown(reals))
            adversarial.append(self.adversary.generator(fake))
            matching.append(losses.feature_matching(real, fake))
        return {
            "adversarial": torch.stack(adversarial).sum(),
            "matching": LAMBDA * torch.stack(matching).sum(),
            "perceptual": LAMBDA * self._perceptual(torch.cat(fakes), torch.cat(reals)),
        }

    def _perceptual(self, fakes: Tensor, reals: Tensor) -> Tensor:
        if self.features is None:
            return band_distance(fakes, reals)
        return losses.perceptual(self.features.to(fakes.device), fakes, reals)

    def picture(self) -> NDArray[np.uint8]:
        """Return a sheet of the first held-out frames: real ones above, generated ones below."""
        return side_by_side(*held_out(self.average, self.clips[0], 4))


def rolled_out(
    generator: Head2Head, batch: Batch, places: list[int], h: Tensor | None = None
) -> list[Tensor]:
    """Return generated frames (N, outputs, S, S) at the given places of the sequences, each with a gradient through
    its own step alone; the frames between are made without one."""
    frames = batch["frames"]
    known = (1 - batch["fresh"].float())[:, None, None, None]
    state = torch.cat([frames[:, 0], frames[:, 1]], dim=1) * known
    made = []
    for t in range(places[-1] + 1):
        with torch.set_grad_enabled(t in places):
            frame = generator(batch["conditions"][:, t], state, h)
        if t in places:
            made.append(frame)
        state = next_state(state, frame.detach())
    return made


@torch.no_grad()
def held_out(
    generator: Head2Head,
    sequences: Sequences,
    count: int | None = None,
    h: Tensor | None = None,
    lead: int = 4,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (real, generated) held-out frames in [-1, 1], (T, 3, S, S) and (T, 3 or 4, S, S); the sequence starts
    `lead` frames before them.
    """
    footage = sequences.footage
    first = footage.n_train
    stop = len(footage.frames) if count is None else min(len(footage.frames), first + count)
    begin = max(first - lead, 0)
    device = next(generator.parameters()).device
    was_training = generator.training
    generator.eval()
    state = torch.zeros(1, 2 * RGB, footage.size, footage.size, device=device)
    made = []
    for window in sequences.conditions(begin, stop):
        frame = generator(torch.from_numpy(window)[None].to(device), state, h)
        state = next_state(state, frame)
        made.append(frame[0].cpu().numpy())
    generator.train(was_training)
    return signed(footage.frames[first:stop]), np.stack(made[first - begin :])


def scores(real: NDArray[np.float32], made: NDArray[np.float32]) -> dict[str, float]:
    """Return L1 on [0, 255] and PSNR in dB of frames in [-1, 1]."""
    error = (made - real) * 127.5
    mean_square = float(np.square(error).mean())
    return {
        "l1": float(np.abs(error).mean()),
        "psnr": float(10 * np.log10(255**2 / max(mean_square, 1e-9))),
    }


def side_by_side(real: NDArray[np.float32], made: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return rows of frames (T, 3, S, S) in [-1, 1], one row above the other."""
    rows = [np.concatenate(list(np.moveaxis(frames, 1, -1)), axis=1) for frames in (real, made[:, :RGB])]
    return np.asarray(np.clip(np.round((np.concatenate(rows) + 1) * 127.5), 0, 255), np.uint8)

"""Head2Head++ on one person's footage (section 3.4): a recipe for the training loop.

Least squares GAN with image, mouth and three dynamics discriminators, feature matching, a perceptual loss
(bands of a Laplacian pyramid in place of VGG, whose weights may not be shipped) and the released code's warp
loss. Flow is OpenCV's DIS, not FlowNet2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from app.engine.latent.inversion import band_distance
from app.engine.networks.blocks import warp
from app.engine.networks.discriminators import MultiScaleDiscriminator
from app.engine.networks.head2head import RGB, Head2Head, next_state
from app.engine.training import losses
from app.engine.training.footage import Footage
from app.engine.training.loop import Batch, Stepper
from app.engine.training.sequences import FLOW_SCALE, STRIDES, Sequences, mouths_of, signed

LAMBDA = 10.0  # of feature matching, perceptual and warp losses
LEARNING_RATE = 2e-4
LIGHT = {"width": 16, "n_down": 3, "n_blocks": 6}
FULL = {"width": 64, "n_down": 3, "n_blocks": 9}
TURNS = (0, 0, 1, 0, 0, 2)  # which stride a step looks at: most often neighbouring frames


def initialised(network: nn.Module) -> nn.Module:
    """Convolutions start from N(0, 0.02), as released."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
    return network


def adam(*networks: nn.Module) -> Adam:
    parameters = [p for network in networks for p in network.parameters()]
    return Adam(parameters, LEARNING_RATE, betas=(0.5, 0.999))


class Head2HeadRecipe:
    """Trains a generator on footage. sizes: LIGHT or FULL; discriminator_width: 64 as released."""

    def __init__(
        self, footage: Footage, sizes: Mapping[str, int] = LIGHT, discriminator_width: int = 16
    ) -> None:
        torch.manual_seed(0)
        self.footage = footage
        self.sequences = Sequences(footage, eyes=True)
        self.config: dict[str, Any] = {"kind": "head2head", **sizes, "size": footage.size, "of": footage.name}
        self.generator = Head2Head(sizes["width"], sizes["n_down"], sizes["n_blocks"])
        conditioned = 2 * RGB  # NMFC and eyes of the frame itself
        self.image = MultiScaleDiscriminator(conditioned + RGB, discriminator_width, spectral=False)
        self.mouth = MultiScaleDiscriminator(conditioned + RGB, discriminator_width, spectral=False)
        self.dynamics = [
            MultiScaleDiscriminator(3 * RGB + 4, discriminator_width, spectral=False) for _ in STRIDES
        ]
        named = {f"dynamics{k}": network for k, network in enumerate(self.dynamics)}
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "image": self.image,
            "mouth": self.mouth,
            **named,
        }
        for network in self.networks.values():
            initialised(network)
        self.optimisers: dict[str, Optimizer] = {
            "generator": adam(self.generator),
            "frames": adam(self.image, self.mouth),
            **{name: adam(network) for name, network in named.items()},
        }
        self.state: dict[str, Any] = {"steps": 0}

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return self.sequences.draw(rng)

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        turn = TURNS[self.state["steps"] % len(TURNS)]
        self.state["steps"] += 1
        stride = STRIDES[turn]
        places = [0, stride, 2 * stride]
        with stepper.autocast():
            fakes = rolled_out(self.generator, batch, places)
            reals = [batch["frames"][:, 2 + t] for t in places]
            seen = [(batch["conditions"][:, t, -2 * RGB :], batch["mouths"][:, t]) for t in places]
            flows = batch["flows"][:, turn]
            critics = self._critics(seen, flows, turn)
            judged = self._train_critics(critics, reals, [fake.detach() for fake in fakes], stepper, turn)
            terms = self._generator_terms(critics, reals, fakes)
            if stride == 1:
                moved = warp(fakes[1], batch["flows"][:, 0, 2:] * FLOW_SCALE)
                terms["warp"] = LAMBDA * losses.masked_l1(fakes[2], moved, batch["trust"])
            stepper.update(self.optimisers["generator"], torch.stack(list(terms.values())).sum())
        gap = torch.stack([(a - b).abs().mean() for a, b in zip(fakes, reals)]).mean()
        return {**terms, "discriminator": judged, "l1": gap}

    def _critics(self, seen: list[tuple[Tensor, Tensor]], flows: Tensor, turn: int) -> Any:
        """What each discriminator is shown of three frames: name -> (network, frames -> inputs)."""
        conditions, corners = (torch.cat([pair[k] for pair in seen]) for k in range(2))

        def image(frames: list[Tensor]) -> Tensor:
            return torch.cat([conditions, torch.cat(frames)], dim=1)

        return {
            "image": (self.image, image),
            "mouth": (self.mouth, lambda frames: mouths_of(image(frames), corners)),
            "dynamics": (self.dynamics[turn], lambda frames: torch.cat([*frames, flows], dim=1)),
        }

    def _train_critics(
        self, critics: Any, reals: list[Tensor], fakes: list[Tensor], stepper: Stepper, turn: int
    ) -> Tensor:
        terms = {
            name: losses.least_squares_discriminator(network(shown(reals)), network(shown(fakes)))
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
            adversarial.append(losses.least_squares_generator(fake))
            matching.append(losses.feature_matching(real, fake))
        return {
            "adversarial": torch.stack(adversarial).sum(),
            "matching": LAMBDA * torch.stack(matching).sum(),
            "perceptual": LAMBDA * band_distance(torch.cat(fakes), torch.cat(reals)),
        }

    def picture(self) -> NDArray[np.uint8]:
        """Real frames above, generated ones below: the first three held-out frames of a run up to them."""
        return side_by_side(*held_out(self.generator, self.sequences, 3))


def rolled_out(
    generator: Head2Head, batch: Batch, places: list[int], h: Tensor | None = None
) -> list[Tensor]:
    """Generated frames (N, outputs, S, S) at the given places of the sequences, each with a gradient through itself
    alone; the frames between are made without one."""
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
    generator: Head2Head, sequences: Sequences, count: int | None = None, lead: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(real, generated) held-out frames (T, 3, S, S) in [-1, 1]; the sequence starts `lead` frames before them."""
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
        frame = generator(torch.from_numpy(window)[None].to(device), state)
        state = next_state(state, frame)
        made.append(frame[0, :RGB].cpu().numpy())
    generator.train(was_training)
    return signed(footage.frames[first:stop]), np.stack(made[first - begin :])


def scores(real: NDArray[np.float32], made: NDArray[np.float32]) -> dict[str, float]:
    """L1 on [0, 255] and PSNR in dB of frames in [-1, 1]."""
    error = (made - real) * 127.5
    mean_square = float(np.square(error).mean())
    return {
        "l1": float(np.abs(error).mean()),
        "psnr": float(10 * np.log10(255**2 / max(mean_square, 1e-9))),
    }


def side_by_side(real: NDArray[np.float32], made: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rows of frames (T, 3, S, S) in [-1, 1], one row above the other."""
    rows = [np.concatenate(list(np.moveaxis(frames, 1, -1)), axis=1) for frames in (real, made)]
    return np.asarray(np.clip(np.round((np.concatenate(rows) + 1) * 127.5), 0, 255), np.uint8)

"""Trains Head2HeadFS: initialisation on many people, then fine-tuning on a few frames of a new one (sections 3.3,
3.4).

Hinge loss, all lambdas 10, backgrounds removed. The perceptual loss and the flow are those of `head2head.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.engine.networks.head2head import RGB
from app.engine.networks.head2headfs import (
    Head2HeadFS,
    IdentityEmbedder,
    ProjectionDiscriminator,
    embedding_match,
    rgb_and_mask,
)
from app.engine.training import losses
from app.engine.training.loop import Batch
from app.engine.training.personal.footage import Footage
from app.engine.training.personal.head2head import (
    HINGE,
    LAMBDA,
    LIGHT,
    Head2HeadRecipe,
    adam,
    held_out,
    initialised,
    side_by_side,
)
from app.engine.training.personal.sequences import signed

EMBEDDED = 8  # M of the paper: number of frames whose mean is one identity vector
EMBEDDER_WIDTH = 16  # channels of the embedder's first layer, chosen for CPUs


class _FsRecipe(Head2HeadRecipe):
    """The part of the recipe that both stages share."""

    adversary = HINGE
    eyes = False
    warped = False

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        person = int(rng.integers(len(self.clips)))
        sample = self.clips[person].draw(rng)
        sample["frames"] = ((sample["frames"] + 1) * sample["mattes"] - 1).astype(np.float32)
        return {**sample, "person": np.array(person), "portraits": portraits(self.clips[person].footage, rng)}

    def judge(self, batch: Batch, repeats: int) -> Callable[[Tensor], losses.Scales]:
        person = batch["person"].repeat(repeats)
        return lambda shown: cast(losses.Scales, self.image(shown, person))

    def further_terms(
        self, batch: Batch, places: list[int], outputs: list[Tensor], h: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the mask's L1."""
        gaps = [
            (rgb_and_mask(o)[1] - batch["mattes"][:, 2 + t]).abs().mean() for o, t in zip(outputs, places)
        ]
        return {"mask": LAMBDA * torch.stack(gaps).mean()}


class FsInitialisation(_FsRecipe):
    """Trains the first stage: generator, embedder and discriminators on the footage of several people."""

    def __init__(self, clips: Sequence[Footage], sizes: Mapping[str, int] = LIGHT, width: int = 16) -> None:
        torch.manual_seed(0)
        generator = initialised(Head2HeadFS(sizes["width"], sizes["n_down"], sizes["n_blocks"]))
        image = initialised(ProjectionDiscriminator(2 * RGB, len(clips), width))
        names = [footage.name for footage in clips]
        config = {"kind": "head2headfs", **sizes, "size": clips[0].size, "of": names, "critics": width}
        self._set_up(clips, generator, image, width, config)
        self.embedder = IdentityEmbedder(EMBEDDER_WIDTH)
        self.networks = {**self.networks, "embedder": self.embedder}
        self.optimisers = {**self.optimisers, "generator": adam(sizes["width"], generator, self.embedder)}

    def to(self, device: torch.device) -> FsInitialisation:
        for network in self.networks.values():
            network.to(device)
        return self

    def identity(self, batch: Batch) -> Tensor:
        n, m = batch["portraits"].shape[:2]
        return self.embedder.each(batch["portraits"].flatten(0, 1)).view(n, m, -1).mean(1)

    def further_terms(
        self, batch: Batch, places: list[int], outputs: list[Tensor], h: Tensor | None
    ) -> dict[str, Tensor]:
        assert h is not None
        match = embedding_match(h, self.image_discriminator.projection, batch["person"])
        return {**super().further_terms(batch, places, outputs, h), "match": LAMBDA * match}

    @property
    def image_discriminator(self) -> ProjectionDiscriminator:
        return cast(ProjectionDiscriminator, self.image)

    @torch.no_grad()
    def identity_of(self, footage: Footage) -> Tensor:
        """Return h_new (1, n_features), equation 9, over the frames that may be trained on."""
        device = next(self.embedder.parameters()).device
        frames = torch.from_numpy(clean(footage, slice(0, footage.n_train))).to(device)
        return torch.cat([self.embedder.each(part) for part in torch.split(frames, 32)]).mean(0, keepdim=True)

    def picture(self) -> NDArray[np.uint8]:
        return side_by_side(
            *held_out(self.average, self.clips[0], 4, self.identity_of(self.clips[0].footage))
        )


class FsFineTuning(_FsRecipe):
    """Trains the second stage, on one person's footage: instance normalisation at h_new and W replaced by it.

    All discriminators begin afresh except for that row. The paper's keep their weights, but after a first stage on a
    few people they know those by heart, and a new person's frames were worse after as many steps
    (docs/personal_models.md). Without a first stage everything starts from random weights (Table 2's comparison).
    """

    def __init__(
        self,
        footage: Footage,
        start: FsInitialisation | None,
        sizes: Mapping[str, int] = LIGHT,
        width: int = 16,
    ) -> None:
        torch.manual_seed(0)
        if start is not None:
            sizes, width = {name: start.config[name] for name in LIGHT}, int(start.config["critics"])
        generator: nn.Module = initialised(
            Head2HeadFS(sizes["width"], sizes["n_down"], sizes["n_blocks"], personal=True)
        )
        image = initialised(ProjectionDiscriminator(2 * RGB, 1, width))
        if start is not None:
            h = start.identity_of(footage)
            generator = cast(Head2HeadFS, start.average).personalised(h)
            image = image.to(h.device).personalised(h)
        config = {"kind": "head2headfs", **sizes, "size": footage.size, "of": footage.name, "tuned": True}
        self._set_up([footage], generator, image, width, config)


def clean(footage: Footage, part: slice) -> NDArray[np.float32]:
    """Return (T, 3, S, S) in [-1, 1] of the footage's frames without their background."""
    matte = footage.mattes[part][:, None] / np.float32(255)
    return np.asarray((signed(footage.frames[part]) + 1) * matte - 1, np.float32)


def portraits(footage: Footage, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return random training frames for the embedder, (M, 3, S, S)."""
    chosen = rng.integers(footage.n_train, size=EMBEDDED)
    return np.concatenate([clean(footage, slice(t, t + 1)) for t in chosen])

"""Learns latent directions for any generator, supervised by our 3DMM (`mien train directions`).

A regression over fitted samples gives first directions in closed form; the paper's training starts from them. Its
stages: synthetic codes (section 3.1); half of them inverted photos (3.2); two frames of one clip (3.3). In the first
two, half of the batch changes one attribute. Net_3D is trained beside on the same samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from app.engine.latent.inversion import LatentModel, picture
from app.engine.latent.parameters import A
from app.engine.latent.similarity import Similarity
from app.engine.networks.directions import DirectionMatrix, shifted
from app.engine.networks.face_regressor import FaceRegressor
from app.engine.training.directions.losses import EYE_PAIRS, MOUTH_PAIRS, Shape, pair_gap
from app.engine.training.directions.real_faces import RealFaces
from app.engine.training.directions.samples import N_LAYERS, NAMES, Labels, spread_out, starting_matrix
from app.engine.training.loop import Batch, Stepper

RATE = 1e-4  # Adam's learning rate, our choice
WARM_UP = 200  # steps that Net_3D learns before the matrix is changed
# Weights of the losses (sections 3.1 to 3.3).
WEIGHTS = {"shape": 1.0, "eyes": 1.0, "mouth": 1.0, "identity": 10.0, "perceptual": 1.0, "pixels": 1.0}
SYNTHETIC, MIXED, PAIRED = "synthetic", "mixed", "paired"


class DirectionsRecipe:
    """Trains the matrix and, beside it, Net_3D. real: photos for the mixed stage, or clips' frames for the paired
    one; start: the matrix to go on from, instead of the regressed one.
    """

    def __init__(
        self,
        model: LatentModel,
        labels: Labels,
        stage: str = SYNTHETIC,
        real: RealFaces | None = None,
        start: DirectionMatrix | None = None,
        similarity: Similarity | None = None,
        width: int = 32,
    ) -> None:
        torch.manual_seed(0)
        self.model, self.labels, self.stage, self.real = model, labels, stage, real
        self.similarity = similarity or Similarity()
        self.matrix = start or starting_matrix(labels, min(N_LAYERS, model.generator.n_latent))
        self.samples = np.concatenate([labels.values, labels.identity], axis=1)
        self.mean = torch.from_numpy(self.samples.mean(0)).float()
        self.deviation = torch.from_numpy(self.samples.std(0) + 1e-6).float()
        self.net3d = FaceRegressor(self.samples.shape[1], width)
        self.networks: Mapping[str, nn.Module] = {"matrix": self.matrix, "net3d": self.net3d}
        self.optimisers: Mapping[str, Optimizer] = {
            "matrix": Adam(self.matrix.parameters(), RATE, weight_decay=5e-4),
            "net3d": Adam(self.net3d.parameters(), 1e-3),
        }
        count = 0 if real is None else len(real.codes)
        self.config: Mapping[str, Any] = {
            "kind": "directions",
            "samples": len(labels.w),
            "stage": stage,
            "real": count,
        }
        self.state: dict[str, Any] = {"steps": 0}
        self.shape = Shape()

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return a sample for Net_3D; source, target and change for the matrix."""
        source, target = (int(k) for k in rng.integers(len(self.labels.w), size=2))
        photo, frame = -1, -1
        slopes = np.array(self.labels.slopes)
        if self.stage == PAIRED and self.real is not None:
            photo, frame = self.real.pair(rng)
            change = np.clip((self.real.values[frame] - self.real.values[photo]) * slopes, -2 * A, 2 * A)
        else:
            change = self._change(source, target, rng)
            if self.real is not None and rng.random() < 0.5:
                photo = int(rng.integers(len(self.real.codes)))
        return {
            "w": self.labels.w[source].astype(np.float32),
            "measured": self.samples[source].astype(np.float32),
            "change": change.astype(np.float32),
            "photo": np.array(photo),
            "frame": np.array(frame),
        }

    def _change(self, source: int, target: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the change from one sample to another; half of the time one attribute alone goes to a value in [-A,
        A].
        """
        values, slopes = self.labels.values, np.array(self.labels.slopes)
        if rng.random() >= 0.5:
            return np.asarray((values[target] - values[source]) * slopes)
        attribute = int(rng.integers(len(NAMES)))
        middle = self.mean[: len(NAMES)].numpy()
        now = np.clip((values[source] - middle) * slopes, -A, A)
        change = np.zeros(len(NAMES))
        change[attribute] = rng.uniform(-A, A) - now[attribute]
        return change

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        self.state["steps"] += 1
        wplus = spread_out(batch["w"], self.model)
        with torch.no_grad():
            image = self.model.render(wplus)
        fitted = self._misread(image, batch["measured"])
        if self.stage == PAIRED:
            fitted = (fitted + self._misread(*self._frames(batch["frame"]))) / 2
        stepper.update(self.optimisers["net3d"], fitted)
        if self.state["steps"] <= WARM_UP:
            return {"net3d": fitted}
        terms = self._loss_terms(self._sources(batch, wplus), batch["change"], batch["frame"])
        total = torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()
        stepper.update(self.optimisers["matrix"], total)
        return {"net3d": fitted, **terms}

    def _misread(self, image: Tensor, known: Tensor) -> Tensor:
        """Return how far Net_3D is from what is known of pictures."""
        wanted = (known - self.mean.to(image)) / self.deviation.to(image)
        return F.smooth_l1_loss(self.net3d(image)[0], wanted)

    def _sources(self, batch: Batch, wplus: Tensor) -> Tensor:
        if self.real is None:
            return wplus
        photos = self.real.codes.to(wplus)[batch["photo"].clamp_min(0).cpu()]
        return torch.where((batch["photo"] >= 0)[:, None, None], photos, wplus)

    def _frames(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Return the target frames (N, 3, s, s) and what was measured in them (N, 15 + I)."""
        assert self.real is not None
        rows = frame.cpu().numpy()
        known = np.concatenate([self.real.values[rows], self.real.identity[rows]], axis=1)
        return (
            self.real.pictures[frame.cpu()].to(self.model.centre),
            torch.from_numpy(known).float().to(self.model.centre),
        )

    def _loss_terms(self, wplus: Tensor, change: Tensor, frame: Tensor) -> dict[str, Tensor]:
        """Return the terms of equation 3, or of equation 7 in the paired stage.

        In equation 3 the truth is the source's own shape with pose and expression changed; in equation 7 it is the
        target frame's pose, expression, face and picture.
        """
        n = len(NAMES)
        with torch.no_grad():
            reference = self.model.render(wplus)
            truth = self._read(self.net3d(reference)[0])
            truth[:, :n] += change / torch.tensor(self.labels.slopes).to(change)
            if self.stage == PAIRED:
                reference, known = self._frames(frame)
                truth[:, :n] = known[:, :n]
            before, face = self.net3d(reference)
        moved = self.model.render(shifted(wplus, self.matrix(change)))
        after, edited = self.net3d(moved)
        made, wanted = self.shape(self._read(after)), self.shape(truth)
        terms = {
            "shape": (made - wanted).abs().mean(),
            "eyes": pair_gap(made, wanted, EYE_PAIRS),
            "mouth": pair_gap(made, wanted, MOUTH_PAIRS),
            "identity": self._identity_loss(moved, reference, (after, edited), (before, face)),
            "perceptual": self.similarity.perceptual(moved, reference),
        }
        return terms | ({"pixels": (moved - reference).abs().mean()} if self.stage == PAIRED else {})

    def _identity_loss(
        self, moved: Tensor, reference: Tensor, read: tuple[Tensor, Tensor], was: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return equation 6 with the imported recogniser, else with Net_3D's identity coefficients and features."""
        if self.similarity.recogniser is not None:
            return self.similarity.other_person(moved, reference)
        n = len(NAMES)
        coefficients = 1 - F.cosine_similarity(read[0][:, n:], was[0][:, n:])
        return (coefficients + 1 - F.cosine_similarity(read[1], was[1])).mean()

    def _read(self, standardised: Tensor) -> Tensor:
        """Return Net_3D's output in degrees and sigmas."""
        return standardised * self.deviation.to(standardised) + self.mean.to(standardised)

    @torch.no_grad()
    def picture(self) -> NDArray[np.uint8]:
        """Return a sheet of one sample with yaw, pitch and the first expression from -A to A, a row each."""
        wplus = spread_out(torch.from_numpy(self.labels.w[:1]).float().to(self.model.centre), self.model)
        rows = []
        for column in (0, 1, 3):
            amounts = torch.zeros(5, len(NAMES)).to(wplus)
            amounts[:, column] = torch.linspace(-A, A, 5)
            made = self.model.render(shifted(wplus.repeat(5, 1, 1), self.matrix(amounts)))
            rows.append(np.concatenate([picture(one[None]) for one in made], axis=1))
        return np.concatenate(rows)

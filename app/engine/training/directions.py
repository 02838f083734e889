"""Latent directions for any generator, supervised by our 3DMM (`mien train directions`).

Samples are rendered and fitted; a regression gives first directions in closed form, then the paper's training
(sections 3.1 and 3.2) goes on from them: shape, eye, mouth, identity and perceptual losses, half of the batch
changing one attribute, source codes synthetic or half of them inverted photos. Net_3D is a small network
trained beside on the same samples, and its features stand in for the face recogniser's; the perceptual loss
compares pyramid bands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from collections.abc import Generator as Steps
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from app.engine.errors import EngineError
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FittedFace
from app.engine.latent.inversion import LatentModel, band_distance, picture
from app.engine.latent.parameters import A
from app.engine.networks.directions import DirectionMatrix, shifted
from app.engine.networks.face_regressor import FaceRegressor
from app.engine.results import Step
from app.engine.training.loop import Batch, Stepper

Fit = Callable[[NDArray[np.uint8]], FittedFace | None]

N_EXPRESSION_USED = 12  # m_e of the paper
POSE = ("yaw", "pitch", "roll")
NAMES = (*POSE, *(f"exp{k + 1}" for k in range(N_EXPRESSION_USED)))
N_LAYERS = 8
LEAST = 60
RATE = 1e-4
WARM_UP = 200  # steps of Net_3D before the matrix moves
WEIGHTS = {"shape": 1.0, "eyes": 1.0, "mouth": 1.0, "identity": 10.0, "perceptual": 1.0}
# MediaPipe's points for the released pairs: lids, and the mouth's width and openings.
EYE_PAIRS = ((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373), (33, 133), (362, 263))
MOUTH_PAIRS = ((61, 291), (13, 14), (0, 17), (37, 84), (267, 314), (81, 178), (311, 402))


@dataclass(frozen=True, eq=False)
class Labels:
    """Fitted samples: w (N, D); values (N, 15), degrees and sigmas by NAMES; identity (N, I) sigmas."""

    w: NDArray[np.float64]
    values: NDArray[np.float64]
    identity: NDArray[np.float64]

    @property
    def spread(self) -> NDArray[np.float64]:
        """(15,): half of the range that holds the middle 95 %, which becomes A (the paper's [-a, a])."""
        low, high = np.percentile(self.values, [2.5, 97.5], axis=0)
        return np.asarray(np.maximum((high - low) / 2, 1e-3))

    @property
    def slopes(self) -> tuple[float, ...]:
        return tuple(float(A / s) for s in self.spread)


def labelled(model: LatentModel, fit: Fit, count: int, seed: int = 0) -> Steps[Step, None, Labels]:
    """Steps with pictures, ending in the samples that showed a face."""
    rng = torch.Generator().manual_seed(seed)
    rows: list[tuple[NDArray[np.float64], FittedFace]] = []
    for k in range(count):
        z = torch.randn(1, model.generator.style_dim, generator=rng).to(model.centre)
        with torch.no_grad():
            w = model.centre + 0.8 * (model.generator.mapping(z) - model.centre)
            shown = picture(model.render(spread_out(w, model)))
        face = fit(shown)
        if face is not None:
            rows.append((w[0].double().cpu().numpy(), face))
        yield Step(k + 1, count, f"Fitting samples: {len(rows)} faces", shown if k % 10 == 0 else None)
    if len(rows) < LEAST:
        raise EngineError(
            f"Only {len(rows)} of {count} samples of this generator show a face that can be fitted.",
            "Train the generator longer, or import another.",
        )
    faces = [face.params for _, face in rows]
    values = [[*p.camera.angles, *p.expression.coefficients[:N_EXPRESSION_USED]] for p in faces]
    return Labels(
        np.array([w for w, _ in rows]), np.array(values), np.array([p.identity.coefficients for p in faces])
    )


def spread_out(w: Tensor, model: LatentModel) -> Tensor:
    """w (N, D) in every layer of W+."""
    return w.unsqueeze(1).repeat(1, model.generator.n_latent, 1)


def regressed(labels: Labels, ridge: float = 1.0) -> NDArray[np.float64]:
    """(D, 15): delta w per input, by regression in closed form.

    With p = B w (ridge) over the samples and C the covariance of w, the columns of C B^T (B C B^T)^-1 are the
    most probable changes of w that move one parameter and, as identity is among p, nothing else.
    """
    measured = np.concatenate([labels.values / labels.spread * A, labels.identity], axis=1)
    w, p = labels.w - labels.w.mean(0), measured - measured.mean(0)
    gram = w.T @ w / len(w)
    steady = ridge * 0.01 * np.trace(gram) / len(gram) * np.eye(len(gram))
    response = np.linalg.solve(gram + steady, w.T @ p / len(w)).T  # (P, D)
    held = response @ gram @ response.T
    variance = np.diag(p.T @ p / len(p))
    floor = ridge * (0.05 * np.diag(variance) + 1e-6 * variance.mean() * np.eye(len(variance)))
    changes = gram @ response.T @ np.linalg.inv(held + floor)
    return np.asarray(changes[:, : len(NAMES)])


def starting_matrix(labels: Labels, n_layers: int) -> DirectionMatrix:
    """The regressed directions in the first layers, without a bias."""
    width = labels.w.shape[1]
    matrix = DirectionMatrix(len(NAMES), n_layers, width)
    columns = torch.from_numpy(regressed(labels)).float()
    with torch.no_grad():
        matrix.linear.weight.copy_(columns.repeat(n_layers, 1))
    return matrix


class DirectionsRecipe:
    """Trains the matrix and, beside it, Net_3D. codes: (K, L, D) inverted photos for the mixed stage."""

    def __init__(
        self, model: LatentModel, labels: Labels, codes: Tensor | None = None, width: int = 32
    ) -> None:
        torch.manual_seed(0)
        self.model, self.labels, self.codes = model, labels, codes
        self.matrix = starting_matrix(labels, min(N_LAYERS, model.generator.n_latent))
        measured = np.concatenate([labels.values, labels.identity], axis=1)
        self.mean = torch.from_numpy(measured.mean(0)).float()
        self.deviation = torch.from_numpy(measured.std(0) + 1e-6).float()
        self.net3d = FaceRegressor(measured.shape[1], width)
        self.networks: Mapping[str, nn.Module] = {"matrix": self.matrix, "net3d": self.net3d}
        self.optimisers: Mapping[str, Optimizer] = {
            "matrix": Adam(self.matrix.parameters(), RATE, weight_decay=5e-4),
            "net3d": Adam(self.net3d.parameters(), 1e-3),
        }
        self.config: Mapping[str, Any] = {
            "kind": "directions",
            "samples": len(labels.w),
            "mixed": codes is not None,
        }
        self.state: dict[str, Any] = {"steps": 0}
        self.shape = Shape()

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """A source and a target sample; half of the time one attribute alone, within [-A, A]."""
        source, target = (int(k) for k in rng.integers(len(self.labels.w), size=2))
        measured = [
            np.concatenate([self.labels.values[k], self.labels.identity[k]]) for k in (source, target)
        ]
        change = (self.labels.values[target] - self.labels.values[source]) * np.array(self.labels.slopes)
        if rng.random() < 0.5:
            attribute = int(rng.integers(len(NAMES)))
            now = np.clip(
                (self.labels.values[source] - self.mean[: len(NAMES)].numpy()) * self.labels.slopes, -A, A
            )
            change = np.zeros(len(NAMES))
            change[attribute] = rng.uniform(-A, A) - now[attribute]
        photo = self.codes is not None and rng.random() < 0.5
        return {
            "w": self.labels.w[source].astype(np.float32),
            "measured": measured[0].astype(np.float32),
            "change": change.astype(np.float32),
            "code": np.array(int(rng.integers(len(self.codes))) if photo and self.codes is not None else -1),
        }

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        self.state["steps"] += 1
        wplus = spread_out(batch["w"], self.model)
        with torch.no_grad():
            image = self.model.render(wplus)
        known, _ = self.net3d(image)
        wanted = (batch["measured"] - self.mean.to(image)) / self.deviation.to(image)
        fitted = F.smooth_l1_loss(known, wanted)
        stepper.update(self.optimisers["net3d"], fitted)
        if self.state["steps"] <= WARM_UP:
            return {"net3d": fitted}
        terms = self._terms(self._sources(batch, wplus), batch["change"])
        total = torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()
        stepper.update(self.optimisers["matrix"], total)
        return {"net3d": fitted, **terms}

    def _sources(self, batch: Batch, wplus: Tensor) -> Tensor:
        if self.codes is None:
            return wplus
        photos = self.codes.to(wplus)[batch["code"].clamp_min(0)]
        return torch.where((batch["code"] >= 0)[:, None, None], photos, wplus)

    def _terms(self, wplus: Tensor, change: Tensor) -> dict[str, Tensor]:
        """The paper's equation 3, ground truth being the source's own shape with pose and expression changed."""
        with torch.no_grad():
            source = self.model.render(wplus)
            before, face = self.net3d(source)
        moved = self.model.render(shifted(wplus, self.matrix(change)))
        after, edited = self.net3d(moved)
        values = before * self.deviation.to(before) + self.mean.to(before)
        slopes = torch.tensor(self.labels.slopes).to(change)
        truth = torch.cat([values[:, : len(NAMES)] + change / slopes, values[:, len(NAMES) :]], dim=1)
        made, wanted = (
            self.shape(v) for v in (after * self.deviation.to(after) + self.mean.to(after), truth)
        )
        return {
            "shape": (made - wanted).abs().mean(),
            "eyes": pair_gap(made, wanted, EYE_PAIRS),
            "mouth": pair_gap(made, wanted, MOUTH_PAIRS),
            "identity": (1 - F.cosine_similarity(after[:, len(NAMES) :], before[:, len(NAMES) :])).mean()
            + (1 - F.cosine_similarity(edited, face)).mean(),
            "perceptual": band_distance(moved, source),
        }

    @torch.no_grad()
    def picture(self) -> NDArray[np.uint8]:
        """Yaw, pitch and the first expression from -A to A on one sample, a row each."""
        wplus = spread_out(torch.from_numpy(self.labels.w[:1]).float().to(self.model.centre), self.model)
        rows = []
        for column in (0, 1, 3):
            amounts = torch.zeros(5, len(NAMES)).to(wplus)
            amounts[:, column] = torch.linspace(-A, A, 5)
            made = self.model.render(shifted(wplus.repeat(5, 1, 1), self.matrix(amounts)))
            rows.append(np.concatenate([picture(one[None]) for one in made], axis=1))
        return np.concatenate(rows)


class Shape:
    """Values (N, 15 + I) -> vertices (N, 468, 3) in model units, turned: equation 1 with the head's orientation."""

    def __init__(self) -> None:
        model = default_model()
        expression = model.expression_basis * model.expression_sigma[:, None, None]
        identity = model.identity_basis * model.identity_sigma[:, None, None]
        self.mean = torch.from_numpy(model.mean).float()
        self.expression = torch.from_numpy(expression[:N_EXPRESSION_USED]).float()
        self.identity = torch.from_numpy(identity).float()

    def __call__(self, values: Tensor) -> Tensor:
        n = len(NAMES)
        shape = self.mean.to(values) + torch.einsum("nk,kvc->nvc", values[:, 3:n], self.expression.to(values))
        shape = shape + torch.einsum("nk,kvc->nvc", values[:, n:], self.identity.to(values))
        return shape @ rotations(values[:, :3]).transpose(1, 2)


def rotations(angles: Tensor) -> Tensor:
    """(N, 3) yaw, pitch, roll in degrees -> (N, 3, 3), as `parameters.rotation_matrix`."""
    yaw, pitch, roll = (angles * torch.tensor([1.0, -1.0, -1.0]).to(angles) * math.pi / 180).unbind(1)
    one, zero = torch.ones_like(yaw), torch.zeros_like(yaw)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, dim=1).view(-1, 3, 3)

    turn_y = matrix(yaw.cos(), zero, yaw.sin(), zero, one, zero, -yaw.sin(), zero, yaw.cos())
    turn_x = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    turn_z = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return turn_z @ turn_x @ turn_y


def pair_gap(a: Tensor, b: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    """L1 between inner distances of landmark pairs (equation 5), mean over pairs."""
    first, second = (list(side) for side in zip(*pairs))
    gaps = [(s[:, first] - s[:, second]).abs().sum(-1) for s in (a, b)]
    return (gaps[0] - gaps[1]).abs().mean()

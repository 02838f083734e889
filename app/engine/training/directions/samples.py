"""Reads a generator's samples by our 3DMM, and finds directions from them by regression alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Steps
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, FittedFace
from app.engine.latent.inversion import LatentModel, picture
from app.engine.latent.parameters import A
from app.engine.networks.directions import DirectionMatrix
from app.engine.squares.crop import face_square

Fit = Callable[[NDArray[np.uint8]], FittedFace | None]

N_EXPRESSION_USED = 12  # expression components that the matrix moves, the paper's m_e
POSE = ("yaw", "pitch", "roll")
NAMES = (*POSE, *(f"exp{k + 1}" for k in range(N_EXPRESSION_USED)))  # names of the matrix' columns
N_LAYERS = 8  # layers of W+ that the matrix moves, as released
LEAST = 60  # samples with a face that are needed at least; fewer than four per column say nothing
# The truncation of the samples: nearer to the mean latent faces are whole.
TRUNCATION = 0.8
# px to which smaller generators' samples are enlarged before the face is looked for; the landmark network's crop
# has 192.
ENLARGED = 256


@contextmanager
def face_fitter(faces: float) -> Iterator[Fit]:
    """Yield a function that fits the face of a picture (s, s, 3), `faces` face sizes wide, or gives None."""
    model = default_model()
    expected = _mean_face(faces)
    with FaceTracker() as tracker:

        def fit(pixels: NDArray[np.uint8]) -> FittedFace | None:
            side = max(ENLARGED, len(pixels))
            large = np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
            found = tracker.detect_near(large, expected * side)
            return None if found is None else fit_face(found, model)

        yield fit


def _mean_face(faces: float) -> NDArray[np.float64]:
    """Return (468, 2), where the mean face's points lie in the generator's square of side 1."""
    points = Camera.from_angles(0, 0, 0, 1000, (0, 0)).project(default_model().mean)
    square = face_square(points, faces)
    return np.asarray((points[:, :2] - (square.x, square.y)) / square.side)


@dataclass(frozen=True, eq=False)
class Labels:
    """Holds fitted samples: w (N, D); values (N, 15), degrees and sigmas by NAMES; identity (N, I) sigmas."""

    w: NDArray[np.float64]
    values: NDArray[np.float64]
    identity: NDArray[np.float64]

    @property
    def spread(self) -> NDArray[np.float64]:
        """Return (15,), half of the range that holds the middle 95 %, which becomes A (the paper's [-a, a])."""
        low, high = np.percentile(self.values, [2.5, 97.5], axis=0)
        return np.asarray(np.maximum((high - low) / 2, 1e-3))

    @property
    def slopes(self) -> tuple[float, ...]:
        return tuple(float(A / s) for s in self.spread)


def labelled(model: LatentModel, fit: Fit, count: int, seed: int = 0) -> Steps[Step, None, Labels]:
    """Yield steps with pictures, ending in the samples that showed a face."""
    rng = torch.Generator().manual_seed(seed)
    rows: list[tuple[NDArray[np.float64], FittedFace]] = []
    for k in range(count):
        z = torch.randn(1, model.generator.style_dim, generator=rng).to(model.centre)
        with torch.no_grad():
            w = model.centre + TRUNCATION * (model.generator.mapping(z) - model.centre)
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
    values, identity = measured([face for _, face in rows])
    return Labels(np.array([w for w, _ in rows]), values, identity)


def measured(faces: Sequence[FittedFace]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (N, 15) values by NAMES and (N, I) identities of fitted faces."""
    params = [face.params for face in faces]
    values = [[*p.camera.angles, *p.expression.coefficients[:N_EXPRESSION_USED]] for p in params]
    return np.array(values), np.array([p.identity.coefficients for p in params])


def spread_out(w: Tensor, model: LatentModel) -> Tensor:
    """Return w (N, D) in every layer of W+."""
    return w.unsqueeze(1).repeat(1, model.generator.n_latent, 1)


def regressed(labels: Labels, ridge: float = 1.0) -> NDArray[np.float64]:
    """Return (D, 15), the change of w per input, by regression in closed form.

    With p = B w (ridge) over the samples and C the covariance of w, the columns of C B^T (B C B^T)^-1 are the
    most probable changes of w that move one parameter and, as identity is among p, nothing else. The floor keeps
    them from following the readings' noise: held exactly, parameters are separated by details in which no faces differ.
    """
    measured = np.concatenate([labels.values / labels.spread * A, labels.identity], axis=1)
    w, p = labels.w - labels.w.mean(0), measured - measured.mean(0)
    gram = w.T @ w / len(w)
    steady = ridge * 0.01 * np.trace(gram) / len(gram) * np.eye(len(gram))
    response = np.linalg.solve(gram + steady, w.T @ p / len(w)).T  # (P, D)
    held = response @ gram @ response.T
    variance = np.diag(p.T @ p / len(p))
    floor = ridge * (0.2 * np.diag(variance) + 1e-6 * variance.mean() * np.eye(len(variance)))
    changes = gram @ response.T @ np.linalg.inv(held + floor)
    return np.asarray(changes[:, : len(NAMES)])


def starting_matrix(labels: Labels, n_layers: int) -> DirectionMatrix:
    """Return the regressed directions in the first layers, without a bias."""
    width = labels.w.shape[1]
    matrix = DirectionMatrix(len(NAMES), n_layers, width)
    columns = torch.from_numpy(regressed(labels)).float()
    with torch.no_grad():
        matrix.linear.weight.copy_(columns.repeat(n_layers, 1))
    return matrix

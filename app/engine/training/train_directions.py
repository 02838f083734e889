"""`mien train directions`: sliders for the imported generator, and what a released matrix means in our components."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.engine.checkpoints.kinds import Found, kind_named
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FittedFace
from app.engine.latent.cache import load_inversion
from app.engine.latent.calibration import calibrate
from app.engine.latent.expression_map import ExpressionMap
from app.engine.latent.inversion import LatentModel
from app.engine.latent.library import (
    Ensemble,
    calibration_path,
    ensemble,
    load_latent_model,
    load_matrix,
)
from app.engine.results import Step
from app.engine.training.directions import NAMES, DirectionsRecipe, Fit, Labels, labelled
from app.engine.training.loop import CHECKPOINT, Plan, Stepper, start_processes, train
from app.engine.training.train_personal import run_folder, told
from app.engine.weights import Model, data_folder, file_sha256, save_model

SAMPLES = 1500
CALIBRATION_PAIRS = 300
ENLARGED = 256  # samples of smaller generators are enlarged to this before the face is looked for
LABELS = "labels.npz"
OURS = "Yours: trained here; the generator's licence applies to its pictures."


@contextmanager
def face_fitter() -> Iterator[Fit]:
    """Fits the face of a sample (s, s, 3); None where there is none."""
    import cv2

    model = default_model()
    with FaceTracker() as tracker:

        def fit(pixels: NDArray[np.uint8]) -> FittedFace | None:
            side = max(ENLARGED, len(pixels))
            large = np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
            found = tracker.detect_in(large, (side * 0.2, side * 0.2, side * 0.6, side * 0.6))
            return None if found is None else fit_face(found, model)

        yield fit


def train_directions(
    name: str, minutes: float, samples: int = SAMPLES, steps: int | None = None
) -> Steps[Step, None, Model | None]:
    """Steps, ending in a direction matrix for the newest generator, which the latent editor then uses.

    Under torchrun only the first process fits the samples and has the model.

    The mixed stage takes the photos that were inverted for this generator's size, if there are any.
    """
    device = start_processes()
    chosen = generator_or_error()
    model = on(load_latent_model(chosen), device)
    folder = run_folder(name)
    stepper = Stepper(device)
    if stepper.rank != 0:
        stepper.wait()
    with face_fitter() as fit:
        labels = yield from kept_labels(folder / LABELS, model, fit, samples)
    if stepper.rank == 0:
        stepper.wait()
    recipe = DirectionsRecipe(model, labels, inverted_codes(model))
    recipe.networks["net3d"].to(device)
    recipe.matrix.to(device)
    yield from told(train(recipe, Plan(folder, minutes, batch=6, steps=steps), device))
    return keep_matrix(recipe, chosen, folder, name) if stepper.rank == 0 else None


def calibrate_directions(pairs: int = CALIBRATION_PAIRS) -> Steps[Step, None, ExpressionMap]:
    """Steps, ending in the stored expression map of the imported (released) matrix; its error is told."""
    chosen = generator_or_error()
    loaded = load_matrix(chosen)
    parameters = chosen.parameterisation
    if loaded is None or parameters is None:
        raise EngineError(
            "There is no direction matrix to calibrate.", "Import one with “mien models import”."
        )
    with face_fitter() as fit:
        found = yield from calibrate(load_latent_model(chosen), loaded[0], parameters.names, fit, pairs)
    found.save(calibration_path(chosen))
    yield Step(pairs, pairs, f"The map leaves {100 * found.error:.0f} % of the expression change unexplained")
    return found


def generator_or_error() -> Ensemble:
    chosen = ensemble()
    if chosen is None:
        raise EngineError(
            "There is no StyleGAN2 generator.", "Import one, or train one with “mien train stylegan FOLDER”."
        )
    return chosen


def on(model: LatentModel, device: torch.device) -> LatentModel:
    return LatentModel(model.generator.to(device), model.centre.to(device), model.truncation)


def kept_labels(path: Path, model: LatentModel, fit: Fit, samples: int) -> Steps[Step, None, Labels]:
    """The labelled samples, made once and kept in the run's folder."""
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            return Labels(file["w"], file["values"], file["identity"])
    labels = yield from labelled(model, fit, samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part.npz")
    np.savez(beside, w=labels.w, values=labels.values, identity=labels.identity)
    beside.replace(path)
    return labels


def inverted_codes(model: LatentModel) -> torch.Tensor | None:
    """(K, L, D): the inversions on disk that fit this generator's shape, None without any."""
    shape = (1, model.generator.n_latent, model.generator.style_dim)
    found = [load_inversion(path) for path in sorted((data_folder() / "inversions").glob("*.safetensors"))]
    codes = [one.wplus for one in found if one is not None and tuple(one.wplus.shape) == shape]
    return torch.cat(codes) if codes else None


def keep_matrix(recipe: DirectionsRecipe, chosen: Ensemble, folder: Path, name: str) -> Model:
    """The matrix as a model of the user's, tied to its generator."""
    weights = {key: value.detach().cpu() for key, value in recipe.matrix.state_dict().items()}
    config = {
        "n_directions": len(NAMES),
        "n_layers": recipe.matrix.n_layers,
        "style_dim": recipe.matrix.style_dim,
        "names": list(NAMES),
        "slopes": list(recipe.labels.slopes),
        "generator": chosen.generator.sha256,
    }
    digest = file_sha256(folder / CHECKPOINT)
    return save_model(Found(weights, config), kind_named("directions"), name, folder.name, digest, OURS, OURS)

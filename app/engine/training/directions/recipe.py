"""Runs `mien train directions`: it gives sliders for the imported generator, or reads a matrix in our components."""

from __future__ import annotations

from collections.abc import Generator as Steps
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import Model, save_model
from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.files import data_folder, file_sha256, written
from app.engine.latent.calibration import calibrate
from app.engine.latent.expression_map import ExpressionMap
from app.engine.latent.inversion import LatentModel
from app.engine.latent.library import (
    Ensemble,
    calibration_path,
    ensemble,
    imported_similarity,
    load_latent_model,
    load_matrix,
)
from app.engine.latent.similarity import Similarity
from app.engine.networks.directions import DirectionMatrix
from app.engine.training.directions.gains import calibrated
from app.engine.training.directions.learning import MIXED, PAIRED, SYNTHETIC, DirectionsRecipe
from app.engine.training.directions.real_faces import RealFaces, real_faces
from app.engine.training.directions.samples import NAMES, Fit, Labels, face_fitter, labelled
from app.engine.training.loop import CHECKPOINT, Plan, Stepper, start_processes, train
from app.engine.training.runs import progress_steps, run_folder

# The paper's sizes, made smaller so that a CPU does with an evening.
SAMPLES = 1500  # the generator's faces, fitted once
CALIBRATION_PAIRS = 300  # pairs of faces by which a released matrix is read in our components
BATCH = 6  # codes a step
REAL = "real.npz"
OURS = "Yours: trained here; the generator's licence applies to its pictures."

T = TypeVar("T")


def train_directions(
    name: str,
    minutes: float,
    samples: int = SAMPLES,
    steps: int | None = None,
    photos: Path | None = None,
    clips: Path | None = None,
) -> Steps[Step, None, Model | None]:
    """Yield steps; return a direction matrix for the newest generator, which the latent editor then uses.

    Without photos and clips: the synthetic stage, from directions regressed in closed form. photos: the mixed stage;
    clips: the paired one; both go on from the newest matrix that was trained here for this generator. Under torchrun
    only the first process fits the samples and has the model.
    """
    device = start_processes()
    chosen = generator_or_error()
    model = on(load_latent_model(chosen), device)
    similarity = imported_similarity(device, chosen.faces)
    yield Step(0, 0, measures(similarity))
    with face_fitter(chosen.faces) as fit:
        labels = yield from first_alone(kept_labels(chosen, model, fit, samples), device)
    stage = PAIRED if clips else MIXED if photos else SYNTHETIC
    folder = run_folder(name)
    real = None
    if (source := clips or photos) is not None:
        real = yield from first_alone(kept_faces(folder / REAL, source, model, chosen, stage), device)
    start = None if stage == SYNTHETIC else matrix_to_go_on_from(chosen, labels)
    recipe = DirectionsRecipe(model, labels, stage, real, start, similarity)
    recipe.net3d.to(device)
    recipe.matrix.to(device)
    with face_fitter(chosen.faces) as fit:
        if start is None:
            yield from calibrated(model, recipe.matrix, labels, fit)
        yield from progress_steps(train(recipe, Plan(folder, minutes, BATCH, steps=steps), device))
        if Stepper(device).rank != 0:
            return None
        yield from calibrated(model, recipe.matrix, labels, fit)
    return keep_matrix(recipe, chosen, folder, name)


def first_alone(steps: Steps[Step, None, T], device: torch.device) -> Steps[Step, None, T]:
    """Let the first process do the work, which keeps its result on the disk; then let the others read that."""
    stepper = Stepper(device)
    if stepper.rank != 0:
        stepper.wait()
    result = yield from steps
    if stepper.rank == 0:
        stepper.wait()
    return result


def measures(similarity: Similarity) -> str:
    """Return what the losses are measured with, in a sentence."""
    face = (
        "the imported recogniser"
        if similarity.recogniser
        else "Net_3D's own identity (no recogniser imported)"
    )
    look = "the imported LPIPS" if similarity.lpips else "pyramid bands (no LPIPS imported)"
    return f"Identity is held by {face}, the picture by {look}."


def calibrate_directions(pairs: int = CALIBRATION_PAIRS) -> Steps[Step, None, ExpressionMap]:
    """Yield steps, the last of which says the error; return the stored expression map of the imported (released)
    matrix.
    """
    chosen = generator_or_error()
    loaded = load_matrix(chosen)
    parameters = chosen.parameterisation
    if loaded is None or parameters is None:
        raise EngineError(
            "There is no direction matrix to calibrate.", "Import one with “mien models import”."
        )
    with face_fitter(chosen.faces) as fit:
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
    encoder = None if model.encoder is None else model.encoder.to(device)
    return LatentModel(model.generator.to(device), model.centre.to(device), model.truncation, encoder)


def kept_labels(chosen: Ensemble, model: LatentModel, fit: Fit, samples: int) -> Steps[Step, None, Labels]:
    """Yield the generator's labelled samples, made once for all stages."""
    path = data_folder() / "calibrations" / f"{chosen.generator.sha256[:16]}-{samples}-samples.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            return Labels(file["w"], file["values"], file["identity"])
    labels = yield from labelled(model, fit, samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written(path) as beside:
        np.savez(beside, w=labels.w, values=labels.values, identity=labels.identity)
    return labels


def kept_faces(
    path: Path, source: Path, model: LatentModel, chosen: Ensemble, stage: str
) -> Steps[Step, None, RealFaces]:
    """Yield the inverted faces of a run, made once."""
    if path.is_file():
        return RealFaces.load(path)
    found = yield from real_faces(source, model, chosen.faces, stage == PAIRED)
    found.save(path)
    return found


def matrix_to_go_on_from(chosen: Ensemble, labels: Labels) -> DirectionMatrix | None:
    """Return the newest matrix trained here for this generator, its inputs brought to the labels' ranges; None
    where there is none.
    """
    loaded, parameters = load_matrix(chosen), chosen.parameterisation
    if loaded is None or parameters is None or not parameters.ours or parameters.names != NAMES:
        return None
    matrix = loaded[0].requires_grad_(True).train()
    ratio = np.divide(parameters.slopes, labels.slopes)
    with torch.no_grad():
        matrix.linear.weight *= torch.from_numpy(ratio).float()
    return matrix


def keep_matrix(recipe: DirectionsRecipe, chosen: Ensemble, folder: Path, name: str) -> Model:
    """Keep the matrix as a model of the user's, which belongs to its generator, and return it."""
    weights = {key: value.detach().cpu() for key, value in recipe.matrix.state_dict().items()}
    config = {
        "n_directions": len(NAMES),
        "n_layers": recipe.matrix.n_layers,
        "style_dim": recipe.matrix.style_dim,
        "names": list(NAMES),
        "slopes": list(recipe.labels.slopes),
        "generator": chosen.generator.sha256,
        "stage": recipe.stage,
    }
    digest = file_sha256(folder / CHECKPOINT)
    return save_model(Found(weights, config), kind_named("directions"), name, folder.name, digest, OURS, OURS)

"""Runs `mien train head2head`, which makes a personal model of footage, and Head2HeadFS's first stage."""

from __future__ import annotations

import json
from collections.abc import Generator as Steps
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from app.engine.checkpoints.head2head_files import KINDS
from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.store import Model, save_model
from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.files import file_sha256
from app.engine.imaging.writing import write_png
from app.engine.personal.background import background_plate
from app.engine.personal.record import Person, track_of
from app.engine.training.loop import CHECKPOINT, Plan, Stepper, start_processes, train
from app.engine.training.personal.footage import Footage, coverage_rows, prepare
from app.engine.training.personal.head2head import FULL, LIGHT, Head2HeadRecipe, held_out, scores
from app.engine.training.personal.head2headfs import FsFineTuning, FsInitialisation
from app.engine.training.runs import progress_steps, run_folder
from app.engine.training.steps import ScoreStep

FOOTAGE = "footage.npz"
PORTRAIT = "portrait.png"  # the best frame, whole: the photo that goes with the model
OURS = "Yours: trained here on your footage."
ASK = "Ask the person shown before you publish."


@dataclass(frozen=True)
class PersonalSettings:
    """The settings of a personal model.

    size: px of the square's side; sizes: of the generator, LIGHT or FULL; critics: the discriminators' width.
    """

    size: int = 128
    sizes: Mapping[str, int] = field(default_factory=lambda: LIGHT)
    critics: int = 16
    batch: int = 1


ON_GPU = PersonalSettings(256, FULL, 64, 2)  # what the paper trains


def default_settings(size: int | None = None) -> PersonalSettings:
    """Return the settings for this machine, with pictures of `size` pixels where it is given."""
    settings = ON_GPU if torch.cuda.is_available() else PersonalSettings()
    return settings if size is None else replace(settings, size=size)


def shareable(batch: int, device: torch.device) -> int:
    """Return a batch at least this large that torchrun's processes can share."""
    world = Stepper(device).world
    return -(-batch // world) * world


def train_head2head(
    path: Path,
    name: str,
    minutes: float,
    settings: PersonalSettings | None = None,
    start: Path | None = None,
    steps: int | None = None,
) -> Steps[Step, None, Model | None]:
    """Yield steps with losses and samples, ending in the model, saved under `name`; the same name goes on with its
    run. Under torchrun only the first process prepares the footage and has the model.

    start: the folder of a Head2HeadFS first stage (`train_first_stage`): then the model is fine-tuned from it.
    Closing the iterator stops: the checkpoint is kept, and no model is made.
    """
    device = start_processes()
    settings = settings or default_settings()
    folder = run_folder(name)
    stage = None if start is None else load_first_stage(start)
    size = settings.size if stage is None else stage.clips[0].footage.size
    footage = yield from prepared(path, folder, size)
    recipe: Head2HeadRecipe
    if stage is not None:
        recipe = FsFineTuning(footage, stage.to(device))
    else:
        recipe = Head2HeadRecipe(footage, settings.sizes, settings.critics)
    recipe.average.to(device)
    yield Step(0, 0, "Measuring by the frames that are held out")
    before = held_out_scores(recipe)
    words = f"Held-out frames before: {score_line(before)}"
    yield ScoreStep(0, 0, words, recipe.picture(), before=before)
    batch = shareable(settings.batch, device)
    yield from progress_steps(train(recipe, Plan(folder, minutes, batch, steps=steps), device))
    yield Step(0, 0, "Measuring by the frames that are held out")
    after = held_out_scores(recipe)
    words = f"Held-out frames after: {score_line(after)} (before: {score_line(before)})"
    yield ScoreStep(0, 0, words, recipe.picture(), before=before, after=after)
    return keep_person(recipe, folder, name) if Stepper(device).rank == 0 else None


def train_first_stage(
    paths: Sequence[Path],
    name: str,
    minutes: float,
    settings: PersonalSettings | None = None,
    steps: int | None = None,
) -> Steps[Step, None, Path]:
    """Train Head2HeadFS on clips of several people; return the run's folder, from which `train_head2head` starts."""
    if len(paths) < 2:
        raise EngineError(
            "The first stage needs footage of several people.", "Give at least two clips, better a hundred."
        )
    device = start_processes()
    settings = settings or default_settings()
    folder = run_folder(name)
    clips = []
    for k, path in enumerate(paths):
        clips.append((yield from prepared(path, folder / f"{k:04d}", settings.size)))
    recipe = FsInitialisation(clips, settings.sizes, settings.critics)
    batch = shareable(2 * settings.batch, device)
    yield from progress_steps(train(recipe, Plan(folder, minutes, batch, steps=steps), device))
    return folder


def load_first_stage(folder: Path) -> FsInitialisation:
    """Return the recipe of a finished first stage with its newest weights; EngineError where there is none."""
    clips = [Footage.load(path) for path in sorted(folder.glob(f"*/{FOOTAGE}"))]
    if not clips or not (folder / CHECKPOINT).is_file():
        raise EngineError(
            f"{folder} holds no first stage of Head2HeadFS.", "Give the folder of a “train head2headfs” run."
        )
    kept = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    config = json.loads(kept["config"])
    recipe = FsInitialisation(clips, {key: config[key] for key in LIGHT}, config["critics"])
    for key, network in recipe.networks.items():
        network.load_state_dict(kept["networks"][key])
    return recipe


def check_footage(path: Path, name: str, size: int) -> Steps[Step, None, list[dict[str, Any]]]:
    """Prepare a run's footage, or say what is wrong with it; return `coverage_rows`."""
    footage = yield from prepared(path, run_folder(name), size)
    return coverage_rows(footage.params)


def prepared(path: Path, folder: Path, size: int) -> Steps[Step, None, Footage]:
    """Yield the footage, prepared once and kept in the run's folder."""
    stepper = Stepper(torch.device("cpu"))
    kept = folder / FOOTAGE
    if stepper.rank != 0:
        stepper.wait()
        return Footage.load(kept)
    footage = yield from _prepared(path, kept, size)
    stepper.wait()
    return footage


def _prepared(path: Path, kept: Path, size: int) -> Steps[Step, None, Footage]:
    folder = kept.parent
    if kept.is_file():
        footage = Footage.load(kept)
        if footage.shows(path) and footage.size == size:
            return footage
        if (folder / CHECKPOINT).is_file():
            raise EngineError(
                f"{folder} holds a run on {footage.name} at {footage.size} pixels.",
                "Choose another name.",
            )
    footage = yield from prepare(path, size)
    folder.mkdir(parents=True, exist_ok=True)
    footage.save(kept)
    return footage


def held_out_scores(recipe: Head2HeadRecipe) -> dict[str, float]:
    """Return L1 and PSNR of the held-out last frames (for Head2HeadFS against the frames with their background)."""
    real, made = held_out(recipe.average, recipe.clips[0])
    return scores(real, made[:, :3])


def score_line(found: Mapping[str, float]) -> str:
    return f"L1 {found['l1']:.2f}, PSNR {found['psnr']:.2f} dB"


def keep_person(recipe: Head2HeadRecipe, folder: Path, name: str) -> Model:
    """Keep the run's averaged generator, identity, mean camera and portrait as a model of the user's; return it."""
    footage = recipe.clips[0].footage
    kind = next(kind for kind in KINDS if kind.name == recipe.config["kind"])
    weights = {key: value.detach().cpu() for key, value in recipe.average.state_dict().items()}
    config = {key: recipe.config[key] for key in (*LIGHT, "size")}
    best = footage.frames[footage.best_frame]
    write_png(folder / PORTRAIT, best if footage.portrait is None else footage.portrait)
    person = Person(
        footage.size,
        footage.mean_camera,
        footage.params[0].identity,
        best,
        background_plate(footage.frames, footage.mattes),
        track_of(footage.params[: footage.n_train]),
    )
    digest = file_sha256(folder / CHECKPOINT)
    found = Found(weights, config, person.as_tensors())
    return save_model(found, kind, name, footage.name, digest, OURS, ASK)

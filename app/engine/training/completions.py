"""Trains what is learnt from a folder of portraits and clips and then used as ONNX: completions of heads and mouths."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Steps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.files import write_whole, written
from app.engine.training.loop import Plan, Recipe, Stepper, train
from app.engine.training.people import sources
from app.engine.training.runs import progress_steps, run_folder

DATA, HELD_OUT, SCORES = "data", "held_out", "scores.jsonl"  # names in a run's folder
SCORED = 1000  # steps between two scores of people held out
Prepare = Callable[[Sequence[Path], Path, tuple[int, int]], Iterator[Step]]


class Scored(Recipe, Protocol):
    """Is a recipe that can be scored on people held out; score: by name, empty where nobody is."""

    def score(self) -> dict[str, float]: ...


def prepared(
    paths: Sequence[Path],
    folder: Path,
    shard: tuple[int, int],
    write: Callable[[Path, FaceTracker, Path], None],
) -> Iterator[Step]:
    """Make the data of every file, in an order that does not depend on names.

    write: makes one file's data, with a tracker, at a place. Files that exist already are kept; pictures for which it
    raises an EngineError are named and left out.
    """
    if not paths:
        raise EngineError(
            "There are no pictures and clips to train on.", "Choose the folder that holds them."
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(paths, key=lambda path: hashlib.sha256(path.name.encode()).digest())[shard[0] :: shard[1]]
    with FaceTracker() as tracker:
        for done, path in enumerate(paths, 1):
            goal, error = folder / f"{path.stem}.npz", None
            if not goal.exists():
                try:
                    write(path, tracker, goal)
                except EngineError as problem:
                    error = str(problem)
            yield Step(done, len(paths), path.name, error=error)


def prepare_only(
    prepare: Prepare, folder: Path, name: str, shard: tuple[int, int]
) -> Steps[Step, None, None]:
    """Prepare one share (i, n) of a run's data."""
    yield from prepare(sources(folder, "train"), run_folder(name) / DATA, shard)


def prepare_run(
    prepare: Prepare, folder: Path, run: Path, stepper: Stepper, people: int | None = None
) -> Steps[Step, None, Path | None]:
    """Prepare the training part and the validation part, or its first `people`, of a folder.

    It returns the data of the latter, None where there are none. EngineError where the package onnx is missing.
    """
    if find_spec("onnx") is None:
        raise EngineError("The package onnx is missing.", "Install it with “pip install onnx”.")
    for share in stepper.shares():
        yield from prepare(sources(folder, "train"), run / DATA, share)
        if others := sources(folder, "validation")[:people]:
            yield from prepare(others, run / HELD_OUT, share)
    stepper.wait()
    return run / HELD_OUT if any((run / HELD_OUT).glob("*.npz")) else None


def run_through(recipe: Scored, plan: Plan, stepper: Stepper) -> Steps[Step, None, bool]:
    """Train and keep the scores; return whether this is the process that writes the weights."""
    for step in progress_steps(train(recipe, plan, stepper.device)):
        if stepper.rank == 0 and recipe.state["steps"] % SCORED == 0:
            keep_score(recipe, plan.folder)
        yield step
    yield Step(0, 0, f"trained for {recipe.state['steps']} steps", recipe.picture())
    if stepper.rank == 0:
        keep_score(recipe, plan.folder)
    return stepper.rank == 0


def keep_score(recipe: Scored, run: Path) -> None:
    """Append one line to the run's scores."""
    if found := recipe.score():
        path = run / SCORES
        before = path.read_bytes() if path.is_file() else b""
        line = json.dumps({"step": recipe.state["steps"], **found})
        write_whole(path, before + line.encode() + b"\n")


@torch.no_grad()
def follow(state: dict[str, Any], network: nn.Module, keeps: float) -> None:
    """Count a step and take the network's weights into the running mean; keeps: the share that a step leaves."""
    state["steps"] += 1
    rate = min(keeps, state["steps"] / (state["steps"] + 10))
    for name, value in network.state_dict().items():
        mean = state["mean"][name] = state["mean"][name].to(value.device)
        mean.lerp_(value, 1 - rate)


def as_onnx(in_use: nn.Module, seen: Tensor, output: str, path: Path) -> None:
    """Write a network that takes `seen` and gives `output`, beside its place, and then move it there."""
    with written(path) as beside, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            in_use.eval(),
            (seen,),
            str(beside),
            input_names=["seen"],
            output_names=[output],
            opset_version=17,
            dynamo=False,
        )

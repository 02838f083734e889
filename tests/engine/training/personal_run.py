"""Trains a tiny personal model or first stage; it runs as a script under torchrun with WHAT FOLDER STEPS.

It trains in float64: where a picture is nearly black, instance normalisation of its features lets float32's
rounding grow to percents.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from app.engine.training.loop import Plan, leave_processes, start_processes, train
from app.engine.training.personal.head2head import Head2HeadRecipe
from app.engine.training.personal.head2headfs import FsInitialisation
from tests.engine.training.test_personal_training import TINY, footage


def wide(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64) if values.dtype == np.float32 else values


def run(what: str, folder: Path, steps: int) -> None:
    device = start_processes("cpu")
    people = [footage(name="a"), footage(shade=0.8, name="b")]
    recipe = FsInitialisation(people, TINY, width=4) if what == "fs" else Head2HeadRecipe(people[0], TINY, 4)
    for network in recipe.networks.values():
        network.double()
    draw = recipe.draw
    recipe.draw = lambda rng: {key: wide(value) for key, value in draw(rng).items()}
    recipe.picture = lambda: None
    for _ in train(recipe, Plan(folder, 5, batch=2, steps=steps), device):
        pass


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    leave_processes()

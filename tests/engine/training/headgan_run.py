"""Trains a tiny HeadGAN; it runs as a script under torchrun with the arguments DATA FOLDER STEPS."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from app.engine.networks.headgan import HeadGanConfig
from app.engine.training.headgan.recipe import HeadGanTraining, Settings, Weights
from app.engine.training.loop import Plan, leave_processes, start_processes, train

TINY = Settings(HeadGanConfig(width=4, hidden=8, audio=True), 32, 4, 1e-3, 2, Weights(temporal=30.0))


def run(data: Path, folder: Path, steps: int, settings: Settings = TINY) -> None:
    device = start_processes("cpu")
    for _ in train(HeadGanTraining(data, settings), Plan(folder, 5, batch=2, steps=steps), device):
        pass


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    leave_processes()

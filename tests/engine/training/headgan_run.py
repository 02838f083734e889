"""Trains a tiny HeadGAN; as a script under torchrun: DATA FOLDER STEPS."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from app.engine.networks.headgan import HeadGanConfig
from app.engine.training.loop import Plan, start_processes
from app.engine.training.train_headgan import Settings, Weights, train_headgan

TINY = Settings(HeadGanConfig(width=4, hidden=8, audio=True), 32, 4, 1e-3, Weights(temporal=30.0))


def run(data: Path, folder: Path, steps: int, settings: Settings = TINY) -> None:
    for _ in train_headgan(data, Plan(folder, 5, batch=2, steps=steps), settings, start_processes("cpu")):
        pass


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

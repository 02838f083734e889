"""Gives every training run its folder, and its progress as steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.engine.contract import Step
from app.engine.files import data_folder
from app.engine.training.loop import Progress
from app.engine.training.steps import TrainingStep


def run_folder(name: str) -> Path:
    """Return where a run keeps its footage, checkpoint and curves."""
    return data_folder() / "training" / name


def progress_steps(progress: Iterator[Progress]) -> Iterator[Step]:
    """Yield the loop's progress as steps: seconds done of the budget."""
    for now in progress:
        words = ", ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
        message = f"step {now.step}: {words}"
        done, total = round(now.seconds), round(now.budget_seconds)
        yield TrainingStep(done, total, message, now.picture, number=now.step, losses=now.losses)

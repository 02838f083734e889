"""Defines what the steps of a training say besides how far it is. Nothing here imports a heavy library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.contract import Step


@dataclass(frozen=True, eq=False)
class TrainingStep(Step):
    """One step of a training; done and total are seconds of the budget. number: the optimiser's step, from 1;
    losses: by name.
    """

    number: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)

    def figures(self) -> Mapping[str, Any]:
        return {"step": self.number, "losses": dict(self.losses)}


@dataclass(frozen=True, eq=False)
class ScoreStep(Step):
    """Scores of the held-out frames by name, before the training and, at its end, after it."""

    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] | None = None

    def figures(self) -> Mapping[str, Any]:
        return {"before": dict(self.before), "after": None if self.after is None else dict(self.after)}

"""Maps expressions in our components to the inputs of a direction matrix, with NumPy alone, so that menus are quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.parameters import N_EXPRESSION
from app.engine.files import written
from app.engine.latent.parameters import Parameterisation

# These values are our choice; `mien train directions` prints the error on pairs that were left out.
RIDGE = 0.1  # share of the mean squared response, added against directions that hardly change the expression
LEAST_PAIRS = 20  # number of pairs below which no map is learnt


@dataclass(frozen=True, eq=False)
class ExpressionMap:
    """A linear map with which inputs = matrix @ (change of the expression in sigmas).

    matrix: (n, 28) for the parameterisation's n columns, with rows of zeros for pose; error: root mean square of the
    expression's change that the inputs do not explain, over that of the change itself.
    """

    matrix: NDArray[np.float64]
    error: float

    def inputs(self, change: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.matrix @ change)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written(path) as beside:
            np.savez(beside, matrix=self.matrix, error=self.error)

    @classmethod
    def load(cls, path: Path) -> ExpressionMap | None:
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(file["matrix"], float(file["error"]))
        except (OSError, ValueError, KeyError):
            return None


def is_expression(name: str) -> bool:
    return name not in ("yaw", "pitch", "roll")


def expression_map(inputs: NDArray[np.float64], changes: NDArray[np.float64]) -> ExpressionMap:
    """Return the map fitted to inputs (k, n) and measured changes (k, 28); EngineError for too few faces."""
    if len(inputs) < LEAST_PAIRS:
        raise EngineError(
            f"Only {len(inputs)} of the generator's pictures showed a face that could be measured.",
            "Use a generator of upright faces.",
        )
    response = np.linalg.lstsq(inputs, changes, rcond=None)[0].T  # (28, n): change = response @ inputs
    left = changes - inputs @ response.T
    error = float(np.sqrt(np.square(left).mean() / max(np.square(changes).mean(), 1e-12)))
    gram = response.T @ response
    ridge = RIDGE * float(np.trace(gram)) / max(int(np.count_nonzero(np.diag(gram))), 1)
    return ExpressionMap(np.linalg.solve(gram + (ridge + 1e-12) * np.eye(len(gram)), response.T), error)


def own_components(parameters: Parameterisation) -> ExpressionMap | None:
    """Return the exact map of a matrix trained here, whose columns are our face model's components; None for others."""
    if not parameters.ours:
        return None
    matrix = np.zeros((len(parameters.names), N_EXPRESSION))
    for row, (name, slope) in enumerate(zip(parameters.names, parameters.slopes)):
        if is_expression(name):
            matrix[row, int(name.removeprefix("exp")) - 1] = slope
    return ExpressionMap(matrix, 0.0)

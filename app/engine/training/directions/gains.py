"""Sets the length of each column of a direction matrix by its effect on rendered faces, so that a parameter
changes by as much as is asked.

A regression over samples gives a parameter's direction, but not its length: the unexplained part shortens it, and a
direction that gives half of what is asked is lost among the other changes from face to face.
"""

from __future__ import annotations

from collections.abc import Generator as Steps

import numpy as np
import torch
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.latent.inversion import LatentModel, picture
from app.engine.latent.parameters import A
from app.engine.networks.directions import DirectionMatrix, shifted
from app.engine.training.directions.samples import NAMES, Fit, Labels, measured, spread_out

# Chosen so that `mien train directions` measures a generator within some minutes on a CPU.
FACES = 40  # number of faces on which gains are measured
REACH = A / 2  # matrix inputs by which each face is moved in both directions
LEAST = 5  # faces that must be found at both ends before a column's length changes
# range of a gain: a column with a smaller or a negative one is not lengthened further
GAINS = 0.1, 10.0


def calibrated(
    model: LatentModel, matrix: DirectionMatrix, labels: Labels, fit: Fit
) -> Steps[Step, None, NDArray[np.float64]]:
    """Yield steps with pictures; return the gains (15,), change obtained over change asked, by which the columns have
    been divided.
    """
    codes = spread_out(torch.from_numpy(labels.w[:FACES]).float().to(model.centre), model)
    gains = np.ones(len(NAMES))
    for column in range(len(NAMES)):
        ends, shown = [], None
        for code in codes:
            pair = [_asked(model, matrix, code[None], column, reach) for reach in (-REACH, REACH)]
            found = [face for face in map(fit, pair) if face is not None]
            if len(found) == 2:
                ends.append(measured(found)[0][:, column])
            shown = pair[1]
        if len(ends) >= LEAST:
            change = np.mean(np.diff(np.array(ends), axis=1)) * labels.slopes[column]
            gains[column] = np.clip(change / (2 * REACH), *GAINS)
        yield Step(column + 1, len(NAMES), f"Measuring what {NAMES[column]} obtains", shown)
    with torch.no_grad():
        matrix.linear.weight /= torch.from_numpy(gains).to(matrix.linear.weight)
    return gains


@torch.no_grad()
def _asked(
    model: LatentModel, matrix: DirectionMatrix, code: torch.Tensor, column: int, amount: float
) -> NDArray[np.uint8]:
    inputs = torch.zeros(1, len(NAMES)).to(code)
    inputs[0, column] = amount
    return picture(model.render(shifted(code, matrix(inputs))))

"""Makes the pictures from which a direction matrix's expression inputs are learned in Mien's 28 components.

Random inputs of the matrix are rendered on random faces of the generator and each picture is fitted with our
3DMM; `expression_map.expression_map` regresses the change of the fitted expression on the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Generator as Steps

import numpy as np
import torch
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.face.parameters import FittedFace
from app.engine.latent.expression_map import ExpressionMap, expression_map, is_expression
from app.engine.latent.inversion import LatentModel, picture
from app.engine.networks.directions import DirectionMatrix, shifted

# Takes a picture (h, w, 3) uint8 sRGB and returns the face in it.
Fit = Callable[[NDArray[np.uint8]], FittedFace | None]

REACH = 4.0  # inputs are drawn from [-REACH, REACH], which is two thirds of the released sliders' range


def calibrate(
    model: LatentModel, matrix: DirectionMatrix, names: tuple[str, ...], fit: Fit, count: int, seed: int = 0
) -> Steps[Step, None, ExpressionMap]:
    """Yield steps with pictures, and return the map; pictures without a face are left out."""
    rng = torch.Generator().manual_seed(seed)
    free = torch.tensor([float(is_expression(name)) for name in names])
    still = torch.zeros(1, len(names))
    inputs, changes = [], []
    for k in range(count):
        z = torch.randn(1, model.generator.style_dim, generator=rng)
        drawn = (torch.rand(1, len(names), generator=rng) * 2 - 1) * REACH * free
        with torch.no_grad():
            wplus = model.generator.latent(z.to(model.centre))
            pair = [picture(model.render(shifted(wplus, matrix(p.to(model.centre))))) for p in (still, drawn)]
        before, after = (fit(shown) for shown in pair)
        if before is not None and after is not None:
            inputs.append(drawn[0].double().numpy())
            changes.append(
                np.subtract(after.params.expression.coefficients, before.params.expression.coefficients)
            )
        yield Step(k + 1, count, "Measuring what the directions change", pair[1])
    return expression_map(np.array(inputs).reshape(-1, len(names)), np.array(changes).reshape(-1, 28))

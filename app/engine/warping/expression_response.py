"""Finds the expression to draw on a driven face so that a fresh fit of the picture reads the driver's expression.

The landmark network reads a weaker expression from a warped face than is drawn, and reads part of one component as
another. `tools/build_response.py` measured this as one linear response over many portraits; driving draws the
response's regularised inverse. What a turn of the head changes in the reading is not corrected: faces would change
their shape as they turn. Edits are drawn as large as they are in truth (`face.response`), and filmed faces as they
were filmed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from app.engine.face.morphable_model import MorphableModel, default_model
from app.engine.face.parameters import FaceParams
from app.engine.files import ASSETS
from app.engine.warping.curves import FloatArray

# These values have the least error on portraits that the fit did not see (tools/build_response.py, docs/driving.md).
ASSET = ASSETS / "face_model" / "response.npz"
# Ridge of the regularised inverse: weight of a correction's size against the error that the correction removes.
SHRINK = 0.3
MOST = 1.5  # standard deviations by which the drawn component differs from the asked one at most
LID = 5.0  # factor that brings changes of the lids' apertures to the size of sigmas


@dataclass(frozen=True, eq=False)
class ExpressionResponse:
    """A linear correction of driven expressions.

    correction: (30, 28) sigmas of each component to add to what is drawn, per unit of each value of `features`.
    """

    correction: FloatArray

    @classmethod
    def of(cls, errors: FloatArray, model: MorphableModel) -> ExpressionResponse:
        """Return the correction that inverts (30, 28) errors of the reading, in sigmas per unit of each feature.

        Components count by how much a picture shows of them.
        """
        shown = np.square(model.expression_basis[..., :2]).sum(axis=(1, 2)) * model.expression_sigma**2
        read = np.eye(len(shown)) + errors[: len(shown)]
        inverse = (shown[:, None] * read.T) @ np.linalg.inv((read * shown) @ read.T + SHRINK * np.diag(shown))
        return cls(-errors @ inverse)

    def drawn(self, own: FaceParams, asked: FaceParams) -> FaceParams:
        """Return what to draw on a portrait with parameters `own` so that a fresh fit reads what is asked.

        Where the asked expression is the portrait's own, that is what is asked.
        """
        if asked.expression == own.expression:
            return asked
        change = features(own, asked) @ self.correction
        worn = np.array(asked.expression.coefficients) + MOST * np.tanh(change / MOST)
        return replace(asked, expression=replace(asked.expression, coefficients=tuple(worn.tolist())))


def features(own: FaceParams, asked: FaceParams) -> FloatArray:
    """Return (30,) features of a change: 28 changes of components in sigmas, then those of the left and the right
    eye's aperture, times LID.
    """
    change = np.subtract(asked.expression.coefficients, own.expression.coefficients)
    return np.concatenate([change, np.subtract(asked.expression.aperture, own.expression.aperture) * LID])


@cache
def expression_response() -> ExpressionResponse | None:
    """Return the correction of the measured response.

    It is None while an imported face model is in use, whose components were not measured.
    """
    model = default_model()
    with np.load(ASSET, allow_pickle=False) as file:
        errors, sigma = file["errors"].astype(np.float64), file["expression_sigma"]
    if not np.allclose(sigma, model.expression_sigma):
        return None
    return ExpressionResponse.of(errors, model)

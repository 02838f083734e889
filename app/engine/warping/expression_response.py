"""Finds the expression to draw on a driven face so that a fresh fit of the picture reads the driver's expression.

The landmark network reads a warped face as tamer than it is drawn, and one component leaks into another.
`tools/build_response.py` measured this as one linear response over many portraits; driving draws its regularised
inverse. The changes that a turn of the head makes in the reading are not corrected: faces would change their shape
as they turn. Edits are drawn as large as they are in truth (`face.response`), and filmed faces as they were filmed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from app.engine.face.morphable_model import MorphableModel, default_model
from app.engine.face.parameters import FaceParams
from app.engine.files import ASSETS
from app.engine.warping.curves import FloatArray

# Chosen for the least error on portraits that the fit did not see (tools/build_response.py, docs/driving.md).
ASSET = ASSETS / "face_model" / "response.npz"
SHRINK = (
    0.3  # ridge of the regularised inverse: the weight of a correction's size against the error it removes
)
MOST = 1.5  # standard deviations by which the drawn component differs from the asked one at most
LID = 5.0  # factor that brings changes of the lids' apertures to the size of sigmas


@dataclass(frozen=True, eq=False)
class ExpressionResponse:
    """A linear correction of driven expressions; (30, 28) sigmas to draw on top, per unit of each feature of a
    change.
    """

    correction: FloatArray

    @classmethod
    def of(cls, errors: FloatArray, model: MorphableModel) -> ExpressionResponse:
        """Make the correction from (30, 28) errors of the reading per feature, weighted by how far a picture shows a
        component.
        """
        shown = np.square(model.expression_basis[..., :2]).sum(axis=(1, 2)) * model.expression_sigma**2
        read = np.eye(len(shown)) + errors[: len(shown)]
        inverse = (shown[:, None] * read.T) @ np.linalg.inv((read * shown) @ read.T + SHRINK * np.diag(shown))
        return cls(-errors @ inverse)

    def drawn(self, own: FaceParams, asked: FaceParams) -> FaceParams:
        """Return what to draw on the portrait `own` for `asked`; `asked` itself where the expression is the
        portrait's own.
        """
        if asked.expression == own.expression:
            return asked
        change = features(own, asked) @ self.correction
        worn = np.array(asked.expression.coefficients) + MOST * np.tanh(change / MOST)
        return replace(asked, expression=replace(asked.expression, coefficients=tuple(worn.tolist())))


def features(own: FaceParams, asked: FaceParams) -> FloatArray:
    """Return (30,) features: the change of expression in sigmas, then the changes of the left and the right eye's
    aperture.
    """
    change = np.subtract(asked.expression.coefficients, own.expression.coefficients)
    return np.concatenate([change, np.subtract(asked.expression.aperture, own.expression.aperture) * LID])


@cache
def expression_response() -> ExpressionResponse | None:
    """Return the measured response; None while an imported face model, whose components were not measured, is in
    use.
    """
    model = default_model()
    with np.load(ASSET, allow_pickle=False) as file:
        errors, sigma = file["errors"].astype(np.float64), file["expression_sigma"]
    if not np.allclose(sigma, model.expression_sigma):
        return None
    return ExpressionResponse.of(errors, model)

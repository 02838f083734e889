"""What a driven face must wear so that a fresh fit of the picture reads what the driver does.

The landmark network reads a warped face as tamer than it is drawn, and one component leaks into another.
`tools/build_response.py` measured this as one linear response over many portraits; driving draws its regularised
inverse. What turning the head changes in the reading is left alone, or faces would change their shape as they turn.
Edits are drawn as large as they are in truth (`face.response`), filmed faces as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from app.engine.face.morphable_model import MorphableModel, default_model
from app.engine.face.parameters import FaceParams
from app.engine.files import ASSETS
from app.engine.warping.curves import FloatArray

# Set by portraits left out (tools/build_response.py, docs/driving.md).
ASSET = ASSETS / "face_model" / "response.npz"
SHRINK = 0.3  # weight of a correction against what it corrects, in the inverse
MOST = 1.5  # standard deviations by which a component is ever drawn otherwise
LID = 5.0  # brings changes of the lids' apertures to the size of sigmas


@dataclass(frozen=True, eq=False)
class ExpressionResponse:
    """correction: (30, 28) sigmas to be drawn on top, over the features of a change."""

    correction: FloatArray

    @classmethod
    def of(cls, errors: FloatArray, model: MorphableModel) -> ExpressionResponse:
        """From (30, 28) errors of the reading over the features, weighted by what a picture shows of a component."""
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
    """Return (30,): the change of expression in sigmas, and of the left and the right eye's aperture."""
    change = np.subtract(asked.expression.coefficients, own.expression.coefficients)
    return np.concatenate([change, np.subtract(asked.expression.aperture, own.expression.aperture) * LID])


@cache
def expression_response() -> ExpressionResponse | None:
    """Return the measured response; None while an imported face model, whose components it does not know, is used."""
    model = default_model()
    with np.load(ASSET, allow_pickle=False) as file:
        errors, sigma = file["errors"].astype(np.float64), file["expression_sigma"]
    if not np.allclose(sigma, model.expression_sigma):
        return None
    return ExpressionResponse.of(errors, model)

"""Converts what is asked, in the units in which the landmark network reads a face, into what is drawn.

`face.response` converts a change of expression that the landmark network reads to the true one. `PoseResponse` says
for one photo how the landmark network reads a drawn turn, for generators whose turns have a scale of their own
(LivePortrait).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from app.engine.face import indices
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, rotation_matrix
from app.engine.face.response import response
from app.engine.face.semantic import NECK_PIVOT
from app.engine.warping.curves import FloatArray
from app.engine.warping.topology import EYE_CORNERS

# These values were set by fresh fits of turned portraits (tools/edit_accuracy.py).
MADE_INDICES = ("jaw_side", "brow_gap", "cheek_left", "cheek_right")  # indices that fields made by hand move
PROBES = ((-15.0, 0.0), (15.0, 0.0), (0.0, -15.0), (0.0, 15.0))  # (yaw, pitch) degrees from the photo's own
BEYOND = 1.35  # times the largest turn that was probed, up to which the response is extrapolated
MOST = 10.0  # degrees by which a pose is corrected at most
Angles = tuple[float, float, float]
Measure = Callable[[Angles], Angles | None]  # takes the angles drawn, gives the angles measured


@dataclass(frozen=True, eq=False)
class PoseResponse:
    """How a photo's measured pose differs from the drawn one.

    errors: (5, 3) coefficients of the errors of yaw, pitch and roll (degrees) over (y, p, y^2, p^2, y p), where y and
    p are the drawn turn's yaw and pitch in radians; reach: (2,) degrees of yaw and pitch up to which these hold.
    """

    errors: FloatArray
    reach: FloatArray

    def error(self, turn: FloatArray) -> FloatArray:
        """Return (3,) degrees of yaw, pitch and roll by which the measured turn exceeds a drawn turn of (2,) degrees
        of yaw and pitch.
        """
        return np.asarray(
            np.clip(_features(np.clip(turn, -self.reach, self.reach)) @ self.errors, -MOST, MOST)
        )


def _features(turn: FloatArray) -> FloatArray:
    """Return (..., 5) values (y, p, y^2, p^2, y p) of turns (..., 2) of yaw and pitch in degrees."""
    y, p = np.moveaxis(np.radians(turn), -1, 0)
    return np.stack([y, p, y * y, p * p, y * p], axis=-1)


class TurnProbes:
    """Turns at which one photo was drawn, with the errors of pose that fresh fits measured in these pictures.

    turns: of (2,) degrees of yaw and pitch from the photo's own pose; errors: of (3,) degrees of yaw, pitch and roll.
    """

    def __init__(self, own: Angles, measure: Measure) -> None:
        self._own, self._measure = own, measure
        self._base = measure(own)
        self.turns: list[FloatArray] = []
        self.errors: list[FloatArray] = []

    def error(self, turn: FloatArray) -> FloatArray | None:
        """Return the (3,) degrees by which the pose measured in a drawn turn (2,) exceeds that turn.

        None says that no face was found in the picture, or that the error is so large that it is another face.
        """
        if self._base is None:
            return None
        yaw, pitch, roll = self._own
        found = self._measure((yaw + float(turn[0]), pitch + float(turn[1]), roll))
        if found is None:
            return None
        error = np.subtract(found, self._base) - [turn[0], turn[1], 0.0]
        return error if np.abs(error).max() < 2 * MOST else None

    def probe(self, turn: FloatArray) -> None:
        """Draw a turn of (2,) degrees of yaw and pitch, measure its error, and keep both where a face was found."""
        error = self.error(turn)
        if error is not None:
            self.turns.append(turn)
            self.errors.append(error)

    def fitted(self) -> PoseResponse:
        """Return the response that fits the errors best (by ridge regression); at least one turn must be kept."""
        rows, errors = _features(np.array(self.turns)), np.array(self.errors)
        ridge = np.diag([1e-4, 1e-4, 1e-3, 1e-3, 1e-3])
        found = np.linalg.solve(rows.T @ rows + ridge, rows.T @ errors)
        return PoseResponse(
            np.asarray(found, float), BEYOND * np.maximum(np.abs(self.turns).max(axis=0), 15.0)
        )


def _drawn_turn(response: PoseResponse, wanted: FloatArray) -> FloatArray:
    """Return (2,) degrees of yaw and pitch to draw so that the wanted ones (2,) are measured."""
    drawn = wanted
    for _ in range(4):
        drawn = wanted - response.error(drawn)[:2]
    return np.asarray(drawn)


def corrected_camera(source: Camera, target: Camera, response: PoseResponse | None) -> Camera:
    """Return the camera to ask of a network so that a fresh fit reads the target camera's pose.

    The neck stays where the target camera has it. Without a response, or for the photo's own pose, the target itself
    is returned.
    """
    if response is None or target.quaternion == source.quaternion:
        return target
    wanted = np.subtract(target.angles, source.angles)
    drawn = _drawn_turn(response, wanted[:2])
    roll = wanted[2] - response.error(drawn)[2]
    rotation = rotation_matrix(source.yaw + drawn[0], source.pitch + drawn[1], source.roll + roll)
    turned = Camera.from_matrix(rotation, target.scale, target.translation)
    neck = NECK_PIVOT[None]
    x, y = (target.project(neck) - turned.project(neck))[0, :2]
    return replace(turned, translation=(turned.translation[0] + float(x), turned.translation[1] + float(y)))


@cache
def index_lift() -> tuple[FloatArray, FloatArray]:
    """Return two matrices between the 14 indices and the 28 components of the face model.

    The first, (14, 28), gives each index's change per sigma of each component. The second, (28, 14), gives the most
    probable sigmas that change one index by one while the other indices and the eyes stay.
    """
    model = default_model()
    jacobian = indices.jacobian(model)
    eyes = [model.expression_basis[:, EYE_CORNERS[k : k + 2], :2].mean(axis=1) for k in (0, 2)]
    held = np.concatenate(eyes, axis=1).T * model.expression_sigma
    rows = np.concatenate([jacobian, held])
    gram = rows @ rows.T
    lift = rows.T @ np.linalg.inv(gram + 1e-6 * np.trace(gram) * np.eye(len(gram)))
    return jacobian, np.asarray(lift[:, : len(jacobian)])


def _lacking(change: FloatArray) -> FloatArray:
    """Return (28,) sigmas by which a change of expression (28,) is larger in truth than the landmark network reads it.

    Movements that `local_moves` draws by fields of its own are left out.
    """
    jacobian, lift = index_lift()
    moved = jacobian @ change
    lacks = [
        0.0 if name in MADE_INDICES else response().true_movement(name, value) - value
        for name, value in zip(indices.NAMES, moved.tolist())
    ]
    return np.asarray(lift @ np.array(lacks))


def true_expression(worn: Expression, asked: Expression) -> Expression:
    """Return the expression to draw so that the change from the worn to the asked one is drawn as large as in truth.

    Eyes and lids, and an expression that does not change, stay as they are asked.
    """
    change = np.subtract(asked.coefficients, worn.coefficients)
    if not change.any():
        return asked
    drawn = np.array(asked.coefficients) + _lacking(change)
    return replace(asked, coefficients=tuple(float(v) for v in drawn))

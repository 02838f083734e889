"""What a raw component or a control does, as a small pair of pictures at minus and plus two sigma."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera, Expression, Identity
from app.engine.rendering.nmfc import NmfcRenderer

if TYPE_CHECKING:
    from app.engine.face.morphable_model import MorphableModel

SIGMAS = 2.0
FILL = 0.92  # of the picture's side


def expression_pair(
    model: MorphableModel, direction: Sequence[float], renderer: NmfcRenderer, size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """NMFC (size, size, 3) in [0, 1] of the mean face moved by -2 and +2 times `direction`.

    direction: (28,) in sigmas; component k alone is a one at k - 1.
    """
    camera = _framing(model.mean, size)

    def picture(amount: float) -> NDArray[np.float32]:
        expression = Expression(tuple(amount * float(value) for value in direction))
        points = camera.project(model.shape(Identity((0.0,) * len(model.identity_sigma)), expression))
        return renderer.nmfc(points, (size, size))

    return picture(-SIGMAS), picture(SIGMAS)


def _framing(mean: NDArray, size: int) -> Camera:
    """Frontal camera that fits the mean face into a square."""
    low, high = mean[:, :2].min(axis=0), mean[:, :2].max(axis=0)
    scale = FILL * size / float((high - low).max())
    x, y = scale * (low + high) / 2
    return Camera(scale, translation=(size / 2 - x, size / 2 + y))

"""Gives the tests of driving parameters made by hand, a tracker and a head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import (
    Camera,
    Expression,
    FaceParams,
    Identity,
)


def params(yaw: float = 0.0, p: float = 0.0, aperture: float = 0.28) -> FaceParams:
    expression = Expression((p,) * 28, aperture=(aperture, aperture))
    return FaceParams(Identity((0.0,) * 40), expression, Camera.from_angles(yaw, 0, 0, 12, (32, 24)))


@pytest.fixture(scope="module")
def tracker() -> Iterator[FaceTracker]:
    with FaceTracker(video=True) as tracker:
        yield tracker


@pytest.fixture(scope="module")
def head(astronaut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (240, 240, 3), a picture of the astronaut's head."""
    return np.ascontiguousarray(astronaut[:240, 110:350])

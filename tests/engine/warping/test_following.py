"""What an expression moves of the head beyond the face's landmarks is tested here."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.head import HeadModel
from app.engine.warping.following import REACH_ABOVE, Following

RAISED = 0.1  # model units (distances between the eyes) by which the whole face moves up


@pytest.mark.parametrize(("asked", "moves"), [(True, False), (False, True)])
def test_an_artist_s_expression_ends_near_the_face_and_a_filmed_one_goes_on(asked: bool, moves: bool) -> None:
    """Once, a raised brow moved the scalp; ended near the face too, filmed heads lay further from their frames."""
    model = HeadModel.load()
    count = len(model.points)
    alone = Following(np.arange(count), np.zeros(count), np.zeros(0, np.int64), np.zeros(0))
    moved = alone.of_head(np.tile([0.0, RAISED, 0.0], (468, 1)), asked)
    assert moved is not None
    scalp = (model.distance > REACH_ABOVE[1]) & (model.distance < 4) & (model.points[:, 1] > 2)
    face = model.distance < REACH_ABOVE[0]
    assert moved[face, 1].mean() == pytest.approx(RAISED, rel=0.05)
    assert (moved[scalp, 1].mean() > RAISED / 4) == moves
    assert asked == (np.abs(moved[scalp]).max() == 0)

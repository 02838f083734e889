"""What an expression moves of the head beyond the face's landmarks is tested here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.contract import Target
from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit
from app.engine.generators.mesh_warp import MeshWarp
from app.engine.head import HeadModel
from app.engine.views import scaled
from app.engine.warping.following import REACH_ABOVE, Following

NO_PART = 0.05  # share of a lid's flow that may lie beyond the lids' surroundings
EYE = [386, 387, 388, 466, 263, 249, 390, 373]  # landmarks at the outer half of the person's left eye
RAISED = 0.1  # model units (distances between the eyes) by which the whole face moves up


@pytest.mark.parametrize(("asked", "moves"), [(True, False), (False, True)])
def test_an_artist_s_expression_ends_near_the_face_and_a_filmed_one_goes_on(asked: bool, moves: bool) -> None:
    """Once, a raised brow moved the scalp; ended near the face too, filmed heads lay further from their frames."""
    model = HeadModel.load()
    count = len(model.points)
    alone = Following(np.arange(count), np.zeros(count), np.zeros(0, np.int64), np.zeros(0))
    offsets = np.tile([0.0, RAISED, 0.0], (468, 1))
    moved = alone.of_head(offsets, np.zeros_like(offsets) if asked else offsets)
    assert moved is not None
    scalp = (model.distance > REACH_ABOVE[1]) & (model.distance < 4) & (model.points[:, 1] > 2)
    face = model.distance < REACH_ABOVE[0]
    assert moved[face, 1].mean() == pytest.approx(RAISED, rel=0.05)
    assert (moved[scalp, 1].mean() > RAISED / 4) == moves
    assert asked == (np.abs(moved[scalp]).max() == 0)


def test_what_lies_beside_an_eye_does_not_close_with_it(shared: Path) -> None:
    """Once, a far eye's lid moved a piece of the sky beside it by half of its own motion."""
    engine = Engine()
    portrait = engine.open(shared / "media" / "images" / "a_p16_cc0.jpg")
    view = engine.view(portrait, 1024)
    code = engine.code(portrait, view, 0)
    target = scaled(engine.target(portrait, 0, FaceEdit.of(blink_left=0.5)), view.scale)
    assert isinstance(engine.generator, MeshWarp)
    flow, (x0, _) = engine.generator.flow(code, Target(target))
    length = np.hypot(flow[..., 0], flow[..., 1])
    face = portrait.faces[0]
    beyond = face.landmarks[EYE, 0].max() + 0.1 * face.params.camera.scale  # the sky
    outside = length[:, round(beyond * view.scale - x0) :].sum()
    assert outside < NO_PART * length.sum()

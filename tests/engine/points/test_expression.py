"""The map from our expressions to LivePortrait's entries, learnt from pictures that are rendered and read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.engine.contract import Target
from app.engine.errors import EngineError
from app.engine.face import indices
from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import Expression
from app.engine.generators.live_portrait_learning import mapped, sample, with_patch
from app.engine.generators.mesh_warp import MeshWarp
from app.engine.points.expression import (
    MOVING,
    N_FEATURES,
    ExpressionEntries,
    Reading,
    drawn_expression,
    features,
    fitted_map,
    gain,
)
from app.engine.warping.calibration import PoseResponse
from tests.steps import drained


def test_thirty_four_entries_move() -> None:
    """In the published templates 36 entries move, but two of them are the neck's."""
    assert len(MOVING) == 34 and not {15, 16, 17} & set(MOVING.tolist())


def test_an_extractor_that_is_linear_in_landmarks_is_reproduced_within_the_reported_error() -> None:
    """Real renders are read by the landmark network; the extractor answers a random mixture of its points."""
    source = sample()
    warp = MeshWarp()
    code = warp.encode(source)
    own = source.face.params.expression
    rng = np.random.default_rng(1)
    mixture = rng.normal(size=(63, 2 * 478)) / source.face.params.camera.scale / 40

    with FaceTracker() as tracker:

        def drawn(expression: Expression) -> np.ndarray:
            params = replace(source.face.params, expression=expression)
            return with_patch(source, warp.generate(code, Target(params)))

        def entries(picture: np.ndarray) -> np.ndarray:
            near = tracker.detect_near(picture, source.face.landmarks[:468])
            assert near is not None
            return mixture @ near.landmarks[:, :2].ravel()

        steps, learnt = drained(mapped(own, drawn, entries, 100))
        assert len(steps) == 100 and steps[-1].done == steps[-1].total == 100
        assert learnt.count == 100 and learnt.error < 0.8
        rest, left, size = entries(drawn(own)), 0.0, 0.0
        for _ in range(10):
            asked = drawn_expression(own, rng)
            wanted = (entries(drawn(asked)) - rest)[MOVING]
            found = learnt.entries(own, asked).ravel()[MOVING]
            left, size = left + np.square(wanted - found).sum(), size + np.square(wanted).sum()
    assert np.sqrt(left / size) < 1.25 * learnt.error


def linear(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    own = Expression()
    changes = np.array([features(own, drawn_expression(own, rng)) for _ in range(count)])
    matrix = rng.normal(size=(63, N_FEATURES))
    return changes, matrix, changes @ matrix.T


def test_an_exact_map_is_found_for_what_moves_and_nothing_else_is_touched() -> None:
    changes, matrix, entries = linear(400)
    found = fitted_map(changes, entries)
    assert found.error < 0.05
    assert np.abs(found.matrix - matrix)[MOVING].max() < 0.2
    assert not np.delete(found.matrix, MOVING, axis=0).any()


def test_too_few_pictures_are_an_error() -> None:
    changes, _, entries = linear(40)
    with pytest.raises(EngineError, match="40 pictures"):
        fitted_map(changes, entries)


def test_nothing_asked_moves_nothing_and_gains_ask_more() -> None:
    changes, _, entries = linear(100)
    found = fitted_map(changes, entries)
    own = Expression()
    assert not found.entries(own, own).any()
    looking = replace(own, gaze=(10.0, 0.0))
    wider = replace(found, eyes=np.array([2.0, 1.0, 1.0]))
    assert np.allclose(wider.entries(own, looking), 2 * found.entries(own, looking))
    assert np.allclose(wider.entries(own, looking, calibrate=False), found.entries(own, looking))
    smiling = replace(own, coefficients=(1.0,) * 28)
    gains = np.ones(len(indices.NAMES))
    gains[0] = 2.0
    assert not np.allclose(replace(found, gains=gains).entries(own, smiling), found.entries(own, smiling))


def test_what_was_learnt_is_kept(tmp_path: Path) -> None:
    changes, _, entries = linear(100)
    pose = PoseResponse(np.ones((5, 3)), np.array([20.0, 20.0]))
    readings = {"smile": Reading(0.8, 0.6, 0.75), "blink_left": Reading(0.8, None)}
    made = replace(fitted_map(changes, entries), pose=pose, readings=readings)
    path = tmp_path / "new" / "map.npz"
    made.save(path)
    again = ExpressionEntries.load(path)
    assert again is not None and np.array_equal(again.matrix, made.matrix) and again.count == 100
    assert again.pose is not None and np.array_equal(again.pose.errors, pose.errors)
    assert again.readings == readings
    assert [p.name for p in path.parent.iterdir()] == ["map.npz"]
    path.write_bytes(b"no archive")
    assert ExpressionEntries.load(path) is None
    assert ExpressionEntries.load(tmp_path / "none.npz") is None


def test_a_gain_is_believed_within_reason() -> None:
    assert gain(0.8, 0.4) == 2.0 and gain(0.8, 0.01) == 2.5
    assert gain(0.8, None) == gain(0.8, -0.4) == gain(0.8, 0.0) == 1.0

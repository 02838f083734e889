"""A driven face that shows its own expression is drawn unchanged; others are drawn so that they are read as
asked.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.contract import Origin, Portrait, Target
from app.engine.driving.animation import scene_of
from app.engine.driving.live import Scene
from app.engine.engine import Engine
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.face.retargeting import Retargeter, RetargetSettings
from app.engine.sources.performance_files import read_performance
from app.engine.warping import expression_response as module
from app.engine.warping.expression_response import MOST, ExpressionResponse, expression_response, features

PERFORMANCES = Path(__file__).parents[3] / "assets" / "performances"
OWN = FaceParams(
    Identity(()), Expression((0.3,) * 28, (0, 0), (0.3, 0.28)), Camera.from_angles(0, 0, 0, 60, (0, 0))
)


def wearing(own: FaceParams, change: NDArray[np.float64]) -> FaceParams:
    worn = np.add(own.expression.coefficients, change)
    return replace(own, expression=replace(own.expression, coefficients=tuple(worn.tolist())))


def test_the_own_expression_is_left_alone_however_the_head_turns() -> None:
    response = expression_response()
    assert response is not None
    turned = replace(OWN, camera=Camera.from_angles(20, -5, 8, 60, (3, 4)))
    assert response.drawn(OWN, OWN) is OWN
    assert response.drawn(OWN, turned) is turned


def test_what_a_linear_reader_reads_comes_nearer_to_what_was_asked() -> None:
    random, model = np.random.default_rng(4), default_model()
    errors = random.normal(0, 0.08, (30, 28)) - 0.5 * np.eye(30, 28)
    response = ExpressionResponse.of(errors, model)
    asked = wearing(OWN, random.normal(0, 0.5, 28))
    asked = replace(asked, expression=replace(asked.expression, aperture=(0.2, 0.25)))
    shown = np.square(model.expression_basis[..., :2]).sum(axis=(1, 2)) * model.expression_sigma**2

    def miss(drawn: FaceParams) -> float:
        read = features(OWN, drawn) @ errors + np.subtract(
            drawn.expression.coefficients, asked.expression.coefficients
        )
        return float((np.square(read) * shown).sum())

    assert miss(response.drawn(OWN, asked)) < 0.5 * miss(asked)


def test_no_component_is_drawn_further_off_than_its_limit() -> None:
    response = expression_response()
    assert response is not None
    asked = wearing(OWN, np.linspace(-9, 9, 28))
    change = np.subtract(response.drawn(OWN, asked).expression.coefficients, asked.expression.coefficients)
    assert 0.5 < np.abs(change).max() <= MOST


def test_an_imported_face_model_is_drawn_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(default_model(), expression_sigma=default_model().expression_sigma * 1.1)
    monkeypatch.setattr(module, "default_model", lambda: other)
    assert expression_response.__wrapped__() is None


@pytest.fixture(scope="module")
def scene(engine: Engine, portrait: Portrait) -> Scene:
    return scene_of(engine, portrait, 0, {}, 384)


def drawn(scene: Scene, target: Target) -> NDArray[np.uint8]:
    patch = scene.generator.generate(scene.code, target)
    picture = scene.pixels.copy()
    height, width = patch.pixels.shape[:2]
    picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
    return picture


def test_a_driven_portrait_at_rest_is_the_portrait(scene: Scene) -> None:
    np.testing.assert_array_equal(drawn(scene, Target(scene.face.params, origin=Origin.DRIVEN)), scene.pixels)


def test_a_portrait_that_was_not_learnt_from_is_read_nearer_to_its_driver(
    engine: Engine, shared: Path
) -> None:
    portrait = engine.open(shared / "media" / "images" / "a_p01_cc0.jpg")
    scene = scene_of(engine, portrait, 0, {}, 384)
    own, model = scene.face.params, scene.model
    shown = np.square(model.expression_basis[..., :2]).sum(axis=(1, 2)) * model.expression_sigma**2
    performance = read_performance(PERFORMANCES / "banters.performance")
    assert performance.neutral is not None
    retargeter = Retargeter(model, scene.face, RetargetSettings())
    frames = [performance.params(k) for k in range(0, len(performance), 5)]
    asked = [retargeter.retarget(frame, performance.neutral) for frame in frames]
    wanted = np.array([one.expression.coefficients for one in asked])
    strongest = np.argsort(-wanted.std(axis=0) * np.sqrt(shown))[:6]
    agreement = {}
    with FaceTracker(video=True) as tracker:
        for driven in (False, True):
            pictures = [
                drawn(scene, Target(one, origin=Origin.DRIVEN if driven else Origin.FILMED)) for one in asked
            ]
            fits = [
                fit_face(tracker.detect(one)[0], model, own.identity).params.expression for one in pictures
            ]
            read = np.array([fit.coefficients for fit in fits])
            agreement[driven] = np.mean([np.corrcoef(wanted[:, k], read[:, k])[0, 1] for k in strongest])
    assert agreement[True] > agreement[False] + 0.02

"""The performances in assets are whole, named in SOURCES.md, calm enough for a portrait, and drive one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, FittedFace
from app.engine.face.retargeting import Retargeter, RetargetSettings
from app.engine.sources.performance_files import read_performance, to_bytes

FOLDER = Path(__file__).parents[3] / "assets" / "performances"
FILES = sorted(FOLDER.glob("*.performance"))


def test_there_are_some_and_each_has_its_source() -> None:
    assert len(FILES) >= 4
    sources = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    assert all(f"| {path.name} |" in sources for path in FILES)
    assert "b_" not in sources


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_moves_a_portrait_without_a_jump(path: Path) -> None:
    model, performance = default_model(), read_performance(path)
    assert performance.neutral is not None and performance.duration > 1.5
    own = performance.neutral
    points = model.vertices(own)
    face = FittedFace(own, np.vstack([points, points[:10]]), (0, 0, 1, 1), np.zeros_like(points))
    retargeter = Retargeter(model, face, RetargetSettings())
    driven = [retargeter.retarget(performance.params(k), own) for k in range(len(performance))]
    angles = np.array([one.camera.angles for one in driven])
    assert np.ptp(angles) > 1 and np.abs(np.diff(angles, axis=0)).max() < 20
    assert np.abs(angles - Camera.from_matrix(own.camera.rotation, 1, (0, 0)).angles).max() < 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_packing_them_costs_less_than_three_thousandths_of_the_eye_distance(path: Path) -> None:
    from app.engine.sources.performance_files import from_bytes

    model, performance = default_model(), read_performance(path)
    packed = to_bytes(performance, packed=True)
    again = from_bytes(packed)
    errors = []
    for k in range(0, len(performance), 7):
        before, after = (model.vertices(p.params(k)) for p in (performance, again))
        errors.append(np.linalg.norm(before - after, axis=1).mean() / performance.params(k).camera.scale)
    assert 0 < np.max(errors) <= 0.003
    assert len(packed) < 0.7 * len(to_bytes(performance))  # the header with the identity is in both

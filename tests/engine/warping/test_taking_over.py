"""The right parts of a head stay behind the photo's outline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.engine import Engine
from app.engine.face.parameters import Camera, FaceEdit
from app.engine.head import Head
from app.engine.warping.holding import Hidden, carried_along, edge_shown, held, posed, steadiness

PHOTOS = next((f / "shared/media/images" for f in Path(__file__).parents if (f / "shared").is_dir()), None)


@pytest.mark.parametrize(
    ("yaw", "pitch", "kept"),
    [
        (0, 0, 1),
        (6, 0, 1),
        (30, 0, 0),
        (-30, 12, 0),
        (0, 12, 1),
        (0, 18, 1),
        (0, 36, 0),
        (0, -20, 0),
        (3, 15, 1),
    ],
)
def test_a_head_that_only_looks_up_keeps_its_outline(yaw: float, pitch: float, kept: float) -> None:
    """Once, the head's jaw was twice as deep and its ears stood out from 12 degrees up."""
    before, after = (Camera.from_angles(*angles, 0, 90, (0, 0)) for angles in ((2, 3), (2 + yaw, 3 + pitch)))
    assert held(before, after) == pytest.approx(kept, abs=0.01)
    assert edge_shown(before, after) == pytest.approx(kept, abs=0.01)


@pytest.mark.parametrize(
    ("own", "change", "kept"), [(47, -6, 0), (-47, 6, 0), (47, 6, 1), (47, -1, 1), (20, -6, 1), (0, 6, 1)]
)
def test_a_profile_that_turns_back_soon_shows_its_far_side(own: float, change: float, kept: float) -> None:
    """Once, the nose and mouth of such a face were drawn twice, the second time beside it."""
    before, after = (Camera.from_angles(yaw, 0, 0, 90, (0, 0)) for yaw in (own, own + change))
    assert held(before, after) == pytest.approx(kept, abs=0.01)


def test_a_look_up_soon_uncovers_the_jaws_underside() -> None:
    """Once, the underside was held with the rest of the outline, and the photo's last rows of the chin were stretched
    over it as streaks.
    """
    before = Camera.from_angles(2, 3, 0, 90, (0, 0))
    for pitch, kept in ((5, 1), (18, 0)):
        after = Camera.from_angles(2, 3 + pitch, 0, 90, (0, 0))
        assert held(before, after, under=True) == pytest.approx(kept, abs=0.01)
        assert edge_shown(before, after, under=True) == pytest.approx(kept, abs=0.01)
        assert held(before, after) == 1


@pytest.mark.skipif(PHOTOS is None, reason="needs ../shared/media/images")
@pytest.mark.parametrize("name", ["a_p07_cc0.jpg", "a_p15_cc0.jpg", "a_p31_painting.jpg"])
def test_a_raised_chin_has_no_streaks_under_it(name: str) -> None:
    """Once, every row under the chin was the same: across it the picture changed much more than down it."""
    assert PHOTOS is not None
    engine = Engine()
    portrait = engine.open(PHOTOS / name)
    result = engine.render(portrait, {0: FaceEdit.of(pitch=16.0)}, 1024)
    x, y, _ = portrait.faces[0].landmarks[152] * result.scale
    iod = portrait.faces[0].params.camera.scale * result.scale
    grey = np.asarray(result.pixels)[..., :3].mean(axis=2)
    for top in np.arange(-0.6, 0.0, 0.1):
        rows, columns = (
            np.round([y + top * iod, y + (top + 0.25) * iod, x - 0.3 * iod, x + 0.3 * iod])
            .astype(int)
            .reshape(2, 2)
        )
        part = grey[slice(*rows), slice(*columns)]
        across, down = (np.abs(np.diff(part, axis=axis)).mean() for axis in (1, 0))
        assert across < 2 * down
    engine.close()


def test_a_filmed_heads_outline_does_not_shake_with_the_fit() -> None:
    """What is held back of a tremble of 2 degrees would be too much of a turn of 20."""
    before, middle = Camera.from_angles(2, 3, 0, 90, (0, 0)), np.zeros(3)
    trembles, turns = (Camera.from_angles(2, 3 + by, 0, 90, (0, 0)) for by in (2, 20))
    assert steadiness(middle, before, trembles) > 0.45
    assert steadiness(middle, before, turns) < 0.05


def test_a_held_outline_goes_with_the_middle_of_the_head_and_a_steady_one_stays() -> None:
    """The compiled pose is the sum of the four motions its docstrings name, each projected by itself."""
    rng = np.random.default_rng(11)
    count = 40
    own = Camera.from_angles(6.0, -4.0, 3.0, 90.0, (200.0, 160.0))
    camera = Camera.from_angles(16.0, 2.0, 8.0, 97.0, (210.0, 150.0))
    points, centre, flat, added = (rng.normal(size=(n, 3)) for n in (count, 1, count, count))
    rigid, unseen, outline, under = rng.uniform(size=(4, count))
    identity = np.zeros(100)
    head = Head(points, points, rigid, own, (1.0, np.eye(3), np.zeros(3)), identity, centre[0], unseen, True)
    shift, steady, off, on = np.array([5.0, -3.0]), 0.4, held(own, camera), held(own, camera, under=True)
    assert 0.05 < off < 0.95 and 0.05 < on < 0.95
    keeps = (1 - under) * off + under * on
    moved = points + added + keeps[:, None] * flat
    wanted = head.posed(camera, added + keeps[:, None] * flat, shift)
    along = carried_along(head, camera, moved) - camera.project(moved)
    wanted += (keeps * unseen * rigid)[:, None] * along
    motion = (camera.project(points) - own.project(points))[:, :2]
    wanted[:, :2] -= steady * (outline * rigid)[:, None] * motion
    found = posed(head, Hidden(unseen, outline, unseen, flat, under), camera, added, shift, steady)
    assert found == pytest.approx(wanted, abs=1e-8)
    unmoved = posed(head, Hidden(0 * unseen, outline, unseen, 0 * flat, under), own, None, np.zeros(2))
    assert unmoved == pytest.approx(own.project(points), abs=1e-8)

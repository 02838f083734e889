"""The colours of teeth that a network has learnt: how a photo is read for them, and how they are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FittedFace
from app.engine.warping.light import Light, light_on
from app.engine.warping.mouth import Mouth, mouth_picture
from app.engine.warping.mouth_completion import learnt_colours, seen_by_network
from app.engine.warping.mouth_sight import CELLS, Sight, cell_of_vertex, cells_of, sight, unlearned
from app.engine.warping.teeth import GAPS, WIDTHS, inside, opened_by
from tests.engine.warping.test_mouth import IOD, WHITE, lips, opened


@pytest.fixture(scope="module")
def face(astronaut: NDArray[np.uint8]) -> FittedFace:
    """Return the fit of the sample portrait, who smiles."""
    with FaceTracker() as tracker:
        return fit_face(tracker.detect(astronaut)[0], default_model())


@pytest.fixture(scope="module")
def smile(astronaut: NDArray[np.uint8], face: FittedFace) -> Sight:
    return sight(astronaut, face)


def drawn(learnt: NDArray[np.float32] | None, saturation: float = 0.3) -> NDArray[np.int64]:
    """Return (200, 200, 3): a shut mouth in plain skin, opened and drawn wide."""
    light = Light(0.6, WHITE, WHITE, WHITE, saturation)
    mouth = Mouth(lips(95, 96), 0.01, light, WHITE, IOD, 0.0, 0.0, learnt=learnt)
    out = np.full((200, 200, 3), 120, np.uint8)
    picture = mouth_picture(None, mouth, opened(85, 115, (100.0, 98.0), 0.1, 0.3), (200, 200))
    assert picture is not None
    picture.draw(out, (0, 0))
    return out.astype(np.int64)


def factors(of_teeth: float | tuple[float, float, float]) -> NDArray[np.float32]:
    out = np.ones((len(GAPS), len(WIDTHS), len(inside().points), 3), np.float32)
    out[:, :, inside().tooth > 0] = of_teeth
    return out


def test_factors_of_one_leave_the_mouth_as_it_is() -> None:
    np.testing.assert_array_equal(drawn(factors(1.0)), drawn(None))


def test_learnt_factors_colour_the_teeth() -> None:
    plain, yellow = drawn(None), drawn(factors((1.0, 0.9, 0.5)))
    assert (yellow <= plain).all()
    tooth = plain[92:97, 80:120].mean(axis=(0, 1)) / yellow[92:97, 80:120].mean(axis=(0, 1))
    assert tooth[0] == pytest.approx(1, abs=0.05) and tooth[2] > 1.5


def test_a_black_and_white_photo_gets_no_coloured_teeth() -> None:
    assert np.ptp(drawn(factors((1.0, 0.9, 0.5)), saturation=0.0), axis=2).max() <= 1


def test_factors_go_over_from_one_mouth_to_the_next() -> None:
    values = np.zeros((len(GAPS), len(WIDTHS), 1, 3), np.float32)
    values += np.arange(len(GAPS))[:, None, None, None] + 10 * np.arange(len(WIDTHS))[None, :, None, None]
    for k, gap in enumerate(GAPS):
        assert opened_by(values, gap, WIDTHS[1])[0, 0] == pytest.approx(k + 10)
    steps = [opened_by(values, gap, 0.05)[0, 0] for gap in np.linspace(0, 0.8, 200)]
    assert np.abs(np.diff(steps)).max() < 0.08 and steps[-1] > steps[0]


def test_a_photo_is_read_in_the_colours_of_what_is_drawn(smile: Sight) -> None:
    """Where the photo is drawn twice as bright as it would be, the cells say so."""
    light = light_on(smile.skin)
    factor, dark = unlearned(smile, light, smile.own_teeth, 0.0)
    made = light.coloured(np.maximum((smile.drawn + smile.gloss[:, None]) * factor, dark))
    same = cells_of(replace(smile, photo=made, sure=np.ones_like(smile.sure)), light)
    twice = cells_of(replace(smile, photo=2 * made, sure=np.ones_like(smile.sure)), light)
    assert np.abs(same[:, :3]).max() < 1e-5
    seen = same[:, 3] > 0
    assert seen[:3].all(), "she shows all of her upper teeth"
    np.testing.assert_allclose(twice[seen, :3], np.log(2), atol=1e-4)


def test_a_place_that_shows_no_tooth_counts_less(smile: Sight) -> None:
    upper = cell_of_vertex()[smile.vertex] < 3
    bright, dark = (smile.photo[upper & (smile.sure > 0.9)], smile.photo[upper & (smile.sure < 0.5)])
    assert len(bright) > 20 and len(dark) > 0 and bright.mean() > dark.mean()


def test_a_shut_mouth_shows_nothing_but_its_surroundings(
    astronaut: NDArray[np.uint8], face: FittedFace
) -> None:
    landmarks = face.landmarks.copy()
    for upper, lower in ((82, 87), (13, 14), (312, 317)):
        landmarks[[upper, lower]] = landmarks[[upper, lower]].mean(axis=0)
    it = sight(astronaut, replace(face, landmarks=landmarks))
    assert len(it.vertex) == 0 and not cells_of(it, light_on(it.skin)).any()
    assert it.around.shape == (20, 3) and (it.around > 0).all()


def test_both_depths_of_a_photo_and_both_sizes_are_read_alike(
    astronaut: NDArray[np.uint8], face: FittedFace, smile: Sight
) -> None:
    deep = sight(astronaut.astype(np.uint16) * 257, face)
    np.testing.assert_allclose(deep.around, smile.around, atol=0.003)
    np.testing.assert_array_equal(deep.vertex, smile.vertex)


def test_cells_that_are_not_seen_are_not_shown(smile: Sight) -> None:
    cells = np.ones((CELLS, 4), np.float32)
    cells[:, 3] = 0
    hidden = [
        seen_by_network(smile.around, smile.skin, smile.toward, smile.turned, c, 0.0)
        for c in (cells, np.zeros_like(cells))
    ]
    np.testing.assert_array_equal(*hidden)


def test_without_weights_nothing_is_learnt(
    smile: Sight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    assert learnt_colours(smile) is None

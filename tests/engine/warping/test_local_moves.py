"""Jaw, frown and cheeks are drawn further without moving what is beside them."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.face import indices
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Expression
from app.engine.face.response import response
from app.engine.face.semantic import directions
from app.engine.warping.local_moves import drawn_moves, local_lift
from app.engine.warping.topology import EYE_CORNERS

UPPER_RIMS, BROWS_TOP = [27, 56, 46, 55, 257, 286, 276, 285], [105, 334]  # a rim lies at a brow's foot
TEMPLES, CHIN, MOUTH_CORNERS = [162, 127, 389, 356], [152, 148, 377], [61, 291]


def lifted(control: str) -> np.ndarray:
    """Return (468, 3), the motion that is drawn beyond a full movement of the control."""
    return local_lift(Expression(), Expression(tuple(directions(default_model())[control])))


def test_nothing_is_added_to_an_expression_that_does_not_change() -> None:
    worn = Expression(tuple(np.linspace(-1, 1, 28)))
    assert not local_lift(worn, worn).any()


@pytest.mark.parametrize(
    ("control", "index"),
    [
        ("jaw_side", "jaw_side"),
        ("brows_together", "brow_gap"),
        ("cheeks", "cheek_left"),
        ("cheeks", "cheek_right"),
    ],
)
def test_an_index_is_drawn_as_far_as_its_reading_is_in_truth(control: str, index: str) -> None:
    model = default_model()
    k = indices.NAMES.index(index)
    asked = (indices.jacobian(model) @ directions(model)[control])[k]
    assert indices.measure(lifted(control))[k] == pytest.approx(
        response().true_movement(index, asked) - asked, rel=0.1
    )


@pytest.mark.parametrize("control", ["jaw_side", "brows_together", "cheeks"])
def test_eyes_and_temples_stay(control: str) -> None:
    far = np.abs(lifted(control)[[*TEMPLES, *EYE_CORNERS]]).max()
    assert far < 0.1 * np.abs(lifted(control)).max()


def test_a_jaw_takes_the_lips_along_by_less_and_the_nose_not_at_all() -> None:
    moved = lifted("jaw_side")[:, 0]
    assert moved[CHIN].min() > 2 * moved[MOUTH_CORNERS].max() > 0
    assert abs(moved[4]) < 0.02 * moved[152]


def test_three_frowns_on_top_of_each_other_do_not_make_the_brows_meet() -> None:
    model = default_model()
    change = 3 * directions(model)["brows_together"]
    shape = model.mean + model.expression_offset(Expression(tuple(change)))
    shape = shape + local_lift(Expression(), Expression(tuple(change)))
    assert indices.measure(shape)[indices.NAMES.index("brow_gap")] > 0.02


@pytest.mark.parametrize("control", ["brow_left", "brow_right", "brows_together"])
def test_a_brow_takes_no_spectacles_along(control: str) -> None:
    """Once, a brow that was pulled up made the rims wavy."""
    asked = Expression(moves=((control, 1.0),))
    bare, worn = (np.linalg.norm(drawn_moves(asked, spectacles), axis=1) for spectacles in (0.0, 1.0))
    assert bare[UPPER_RIMS].max() > 0.02
    assert worn[UPPER_RIMS].max() < 0.1 * bare[UPPER_RIMS].max()
    assert worn[BROWS_TOP].max() == pytest.approx(bare[BROWS_TOP].max(), rel=0.05)


@pytest.mark.parametrize("control", ["brow_left", "brow_right", "brows_together"])
def test_a_brow_takes_no_dark_glasses_along_which_stand_higher(control: str) -> None:
    """Once, the lenses of sunglasses rose with the brows (hard/a_sunglasses_laugh)."""
    asked = Expression(moves=((control, 1.0),))
    bare, clear, dark = (
        np.linalg.norm(drawn_moves(asked, *worn), axis=1) for worn in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    )
    assert dark[UPPER_RIMS].max() < 0.1 * bare[UPPER_RIMS].max()
    assert dark[BROWS_TOP].max() < 0.4 * clear[BROWS_TOP].max()

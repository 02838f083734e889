"""Necks are no wider than the photo shows them."""

import numpy as np
import pytest

from app.engine.face.parameters import Camera
from app.engine.head import HeadModel
from app.engine.head.neck import LEVELS, _tapered, within_person


def test_a_neck_is_no_wider_behind_jaw_and_collar_than_between() -> None:
    """Once, a jaw in the photo counted as the neck's width: what turned into view behind it was the widest part."""
    wide = np.full(len(LEVELS), 50.0)
    seen = np.ones(len(LEVELS))
    seen[3:6] = 0.8
    assert _tapered(np.ones(len(LEVELS)), wide) == pytest.approx(1), "nothing is known of it"
    assert _tapered(seen, wide) == pytest.approx(0.8)
    flared = np.where(np.arange(len(LEVELS)) < 3, 70.0, 50.0)
    assert (_tapered(seen, flared) * flared)[:2] == pytest.approx(56), "it flares as the model's does"


@pytest.mark.parametrize("side", [-1, 1])
def test_no_neck_stands_beside_the_person(side: int) -> None:
    """Once, skulls that had grown with a hat's brim hung beside the jaw as strips, and necks stuck out on one side."""
    model = HeadModel.load()
    camera = Camera.from_angles(0, 0, 0, 20.0, (400.0, 300.0))
    matte = np.ones((700, 800), np.float32)
    ends = 4.6  # cm aside, 0.8 of the neck's width
    end = float(camera.project(np.array([[side * ends, 0.0, 0.0]]))[0, 0])
    beyond = side * (np.arange(800) + 0.5 - end) > 0
    matte[:, beyond] = 0
    found = within_person(model, model.points, camera, matte)
    below = ~model.ear & (model.points[:, 1] < -2.5) & (model.distance > 2) & (model.points[:, 2] < 2)
    assert (side * found[below, 0]).max() < ends + 0.3
    other = side * model.points[:, 0] <= 0
    np.testing.assert_allclose(found[other], model.points[other], atol=1e-6)
    still = model.ear | (model.distance < 0.3) | (model.points[:, 1] > 0)
    np.testing.assert_array_equal(found[still], model.points[still])


def test_a_nape_is_as_much_less_deep_as_the_photo_shows_it_less_wide() -> None:
    """Once, a skull that had grown with a hat's brim hung behind the neck as a flap (p17)."""
    model = HeadModel.load()
    camera = Camera.from_angles(0, 0, 0, 20.0, (400.0, 300.0))
    ends = [
        float(camera.project(np.array([[x, 0.0, 0.0]]))[0, 0]) for x in (-4.6, 4.6)
    ]  # 0.8 of the neck's width
    at = np.arange(800) + 0.5
    matte = np.ones((700, 1), np.float32) * ((at > ends[0]) & (at < ends[1])).astype(np.float32)
    found = within_person(model, model.points, camera, matte)
    nape = ~model.ear & (model.points[:, 1] < -2.5) & (model.points[:, 1] > -6) & (model.points[:, 2] < -4)
    slimmer = np.ptp(found[nape, 0]) / np.ptp(model.points[nape, 0])
    deep = (found[nape, 2] - found[nape, 2].max()).min() / (
        model.points[nape, 2] - found[nape, 2].max()
    ).min()
    assert slimmer < 0.95 and deep < 0.95

"""How loosely hair ends is told from the photo's outline, and a wall's errors are told from hair."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.outline import (
    ANGLES,
    COLUMNS,
    HAIR,
    LEAST,
    NODES,
    ROWS,
    Strip,
    expected,
    looseness,
    sides,
    strip_of,
)
from app.engine.imaging.matte import CLEAN, EDGE, RADIUS, guided_filter

SIZE, IOD = 600, 90.0  # px
CENTRE = np.array([0.0, 0.35, -1.3])  # the skull's middle, in model space
LOCKS = 52  # locks round the head: one in 0.22 IOD
KNOWN = np.abs(ANGLES) < HAIR


def camera(roll: float = 0.0) -> Camera:
    return Camera.from_angles(0, 0, roll, IOD, (SIZE / 2, SIZE / 2 + 20))


def person(depth: float, width: float, of: Camera) -> NDArray[np.float32]:
    """Return the matte (H, W) of a round head whose locks stand out by `depth` IOD, with an edge of `width` IOD."""
    y, x = np.indices((SIZE, SIZE)) + 0.5
    right, down = x - of.project(CENTRE[None])[0, 0], y - of.project(CENTRE[None])[0, 1]
    radius = 1.8 + depth * np.sin(LOCKS * np.arctan2(down, right))
    inside = (radius - np.hypot(right, down) / IOD) / max(width, 1 / IOD)
    return np.asarray(np.clip(inside + 0.5, 0, 1), np.float32)


def photo(matte: NDArray[np.float32], wall: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Return dark, streaky hair before a light wall."""
    rng = np.random.default_rng(0)
    hair = 50 + 12 * cv2.GaussianBlur(rng.normal(size=(SIZE, SIZE, 1)).astype(np.float32), (0, 0), 1)
    plain = np.full((SIZE, SIZE, 3), 190, np.uint8) if wall is None else wall
    a = matte[..., None]
    return np.asarray(np.round(a * hair[..., None] + (1 - a) * plain), np.uint8)


def strip(matte: NDArray[np.float32], srgb: NDArray[np.uint8], of: Camera) -> Strip:
    return strip_of(of, CENTRE, matte, srgb)


@pytest.mark.parametrize("width", [0.03, 0.1])
def test_an_edge_is_as_wide_as_it_is(width: float) -> None:
    matte = person(0.0, width, camera())
    found = looseness(strip(matte, photo(matte), camera()).matte)[KNOWN]
    assert found[:, 0] == pytest.approx(width, abs=0.015)
    assert np.max(found[:, 1:]) < 0.002, "a round head is not rough"


@pytest.mark.parametrize("depth", [0.02, 0.05])
def test_locks_are_as_high_as_they_are(depth: float) -> None:
    of = camera(roll=15)
    matte = person(depth, 0.02, of)
    rough = looseness(strip(matte, photo(matte), of).matte)[KNOWN, 1:]
    deviation = depth / np.sqrt(2)
    assert 0.3 * deviation < np.median(np.linalg.norm(rough, axis=1)) < 1.1 * deviation


def test_loose_hair_is_expected_where_the_photo_shows_it_before_a_plain_wall() -> None:
    smooth, loose = (person(depth, 0.04, camera()) for depth in (0.0, 0.04))
    neat, curly = (expected(strip(m, photo(m), camera())) for m in (smooth, loose))
    assert neat.shape == curly.shape == (len(NODES), len(LEAST))
    assert not neat[:, 1:].any(), "hair that lies flat has no locks"
    assert np.median(np.linalg.norm(curly[:, 1:], axis=1)) > 0.004


def refined(matte: NDArray[np.float32], srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the matte that is found of a photo where a network gives it but roughly."""
    grey = cv2.cvtColor(srgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    rough = cv2.GaussianBlur(matte, (0, 0), 0.06 * IOD)
    found = guided_filter(grey, rough, round(RADIUS * IOD), EDGE**2)
    return np.asarray(np.clip((found - CLEAN[0]) / (CLEAN[1] - CLEAN[0]), 0, 1), np.float32)


def test_the_errors_of_a_busy_wall_are_not_taken_for_hair() -> None:
    """Once, short hair before a busy wall became a lumpy head, because its matte is rough too (p29)."""
    smooth = person(0.0, 0.03, camera())
    for seed in range(3):
        spots = np.random.default_rng(seed).integers(0, 120, (45, 45, 3), np.uint8)
        srgb = photo(smooth, cv2.resize(spots, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))
        found = strip(refined(smooth, srgb), srgb, camera())
        measured = np.linalg.norm(np.median(looseness(found.matte)[KNOWN, 1:], axis=0))
        assert measured > 0.0025, "this matte is rough"
        assert np.linalg.norm(np.median(expected(found)[:, 1:], axis=0)) < 0.25 * measured


def test_an_outline_that_the_photo_cuts_off_gives_what_most_people_have() -> None:
    matte = np.ones((COLUMNS, ROWS), np.float32)
    nothing = Strip(matte, np.zeros((COLUMNS, ROWS, 3), np.uint8), np.zeros(COLUMNS, bool))
    found = expected(nothing)
    assert not sides(nothing.known) and not found[:, 1:].any() and (found[:, 0] > 0.01).all()

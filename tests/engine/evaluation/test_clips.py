"""One person is followed through a clip's frames."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.evaluation.clips import followed
from app.engine.face.landmarks import DetectedFace


def face(x: float, y: float, size: float = 100.0) -> DetectedFace:
    return DetectedFace(np.zeros((478, 3)), (x, y, size, size))


def test_she_is_followed_when_another_face_is_larger() -> None:
    seen = [
        (face(400, 100, 90),),
        (face(100, 300, 140), face(420, 110)),
        (face(90, 300, 150), face(440, 105)),
    ]
    kept = followed(seen, 0, seen[0][0])
    assert [found.box[0] for found in kept.values()] == [400, 420, 440]


def test_a_frame_without_her_is_left_out_and_she_is_found_again() -> None:
    seen = [(face(400, 100),), (face(100, 300),), (), (face(100, 300), face(410, 100))]
    kept = followed(seen, 0, seen[0][0])
    assert list(kept) == [0, 3]
    assert kept[3].box[0] == 410


def test_she_is_followed_backwards_from_the_frame_she_is_chosen_in() -> None:
    seen = [(face(250, 100), face(600, 100)), (face(320, 100),), (face(400, 100),)]
    assert [found.box[0] for found in followed(seen, 2, seen[2][0]).values()] == [250, 320, 400]


@pytest.mark.parametrize("size", [50.0, 190.0])
def test_a_face_of_another_size_is_somebody_elses(size: float) -> None:
    seen = [(face(400, 100),), (face(400, 100, size),)]
    assert list(followed(seen, 0, seen[0][0])) == [0]

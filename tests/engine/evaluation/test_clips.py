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


def test_a_frame_without_the_person_is_left_out_and_the_person_is_found_again() -> None:
    seen = [(face(400, 100),), (face(100, 300),), (), (face(100, 300), face(410, 100))]
    kept = followed(seen, 0, seen[0][0])
    assert list(kept) == [0, 3]
    assert kept[3].box[0] == 410


def test_a_person_is_followed_backwards_from_the_frame_of_choice() -> None:
    seen = [(face(250, 100), face(600, 100)), (face(320, 100),), (face(400, 100),)]
    assert [found.box[0] for found in followed(seen, 2, seen[2][0]).values()] == [250, 320, 400]


@pytest.mark.parametrize("size", [50.0, 190.0])
def test_a_face_of_another_size_is_somebody_elses(size: float) -> None:
    seen = [(face(400, 100),), (face(400, 100, size),)]
    assert list(followed(seen, 0, seen[0][0])) == [0]


def test_where_a_frame_by_itself_shows_nobody_the_person_is_sought_at_the_last_place() -> None:
    seen = [(face(400, 100),), (), (face(100, 300),), ()]
    places = {1: face(410, 100), 2: face(430, 100), 3: face(900, 100)}
    asked = []

    def look(k: int, last: DetectedFace) -> DetectedFace:
        asked.append((k, last.box[0]))
        return places[k]

    kept = followed(seen, 0, seen[0][0], look)
    assert [found.box[0] for found in kept.values()] == [400, 410, 430], "what is found far off is not she"
    assert asked == [(1, 400), (2, 410), (3, 430)]

"""The converted networks give MediaPipe's answers on whole-number cuts of the sample portrait.

The answers were stored by tools/face_networks_equality.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.face.exact_crop import whole_picture
from app.engine.face.face_networks import FaceBoxes, LandmarkNet, person_mask

CUTS = {"whole": np.s_[:, :], "odd": np.s_[:301, 57:370]}
CORNERS = ((128, 40), (120, 32), (136, 46), (300, 300))  # x, y of crops; the last shows no face


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "data" / "face_networks.npz") as answers:
        return dict(answers)


@pytest.mark.parametrize("kind", ["near", "far"])
@pytest.mark.parametrize("cut", ["whole", "odd", "turned"])
def test_boxes_are_mediapipes(astronaut, stored, kind, cut) -> None:
    picture = np.rot90(astronaut) if cut == "turned" else astronaut[CUTS[cut]]
    found = FaceBoxes(kind == "far").find(picture)
    expected = stored[f"{kind}_{cut}_merged"]
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert np.abs(np.array(one.box) - other[:4]).max() < 0.01
        assert abs(one.score - other[4]) < 1e-4
        assert np.abs(one.points.ravel() - other[5:]).max() < 0.01


def crops(astronaut: np.ndarray) -> list[np.ndarray]:
    upright = [astronaut[y : y + 192, x : x + 192] for x, y in CORNERS]
    return [*upright, astronaut[40:232, 319:127:-1]]


def test_landmarks_are_mediapipes_one_by_one_and_together(astronaut, stored) -> None:
    net = LandmarkNet()
    names = [*(f"landmarks_{k}" for k in range(len(CORNERS))), "landmarks_mirrored"]
    one_by_one = [net.landmarks(crop) for crop in crops(astronaut)]
    together = net.several(np.stack(crops(astronaut)))
    assert [len(stored[name]) for name in names].count(0) == 1, "one of the crops shows no face"
    for name, *answers in zip(names, one_by_one, together):
        for points, presence in answers:
            assert abs(presence - stored[f"{name}_presence"]) < 1e-4
            assert (points is None) == (len(stored[name]) == 0)
            assert points is None or np.abs(points - stored[name]).max() < 0.005


@pytest.mark.parametrize("cut", ["whole", "odd"])
def test_the_matte_is_mediapipes(astronaut, stored, cut) -> None:
    picture = astronaut if cut == "whole" else astronaut[:301, 17:430]
    mask = person_mask(picture)
    assert mask.shape == picture.shape[:2] and mask.dtype == np.float32
    assert np.abs(mask[::4, ::4] - stored[f"matte_{cut}"]).max() < 0.002


def test_a_picture_in_a_square_lies_in_its_middle_with_black_beyond() -> None:
    white = np.full((64, 128, 3), 255, np.uint8)
    square = whole_picture(white, 128, squeezed=False)
    assert (square[:32] == 0).all() and (square[32:95] == 255).all() and (square[97:] == 0).all()
    assert (whole_picture(white, 32, squeezed=True)[:, :31] == 255).all()
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 256, axis=0).repeat(3, axis=2)
    assert np.array_equal(whole_picture(ramp, 128, squeezed=True)[0, :, 0], np.arange(0, 256, 2))

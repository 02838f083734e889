"""The crop used by the metrics, and the 2-D baseline."""

import numpy as np

from app.engine.evaluation.crops import CROP_SIZE, Crop, thin_plate_warp
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, Identity


def face(box: tuple[float, float, float, float]) -> FittedFace:
    x, y, w, h = box
    landmarks = np.random.default_rng(0).uniform((x, y, 0), (x + w, y + h, 1), (478, 3))
    camera = Camera(w / 2, translation=(x + w / 2, y + h / 2))
    return FittedFace(FaceParams(Identity(), Expression(), camera), landmarks, box, np.zeros((468, 3)))


def test_crop_is_centred_and_outside_is_invalid() -> None:
    crop = Crop.around(face((0, 0, 100, 100)))
    assert (crop.x, crop.y, crop.side) == (50, 50, 160)
    inside = crop.valid(400, 400)
    assert not inside[0].any() and inside[-1, -1] and inside[CROP_SIZE // 2, CROP_SIZE // 2]
    assert np.allclose(crop.points(np.array([[50.0, 50.0]])), CROP_SIZE / 2)


def test_crop_past_the_border_repeats_the_edge() -> None:
    picture = np.full((120, 120, 3), 9, np.uint8)
    assert (Crop.around(face((0, 0, 100, 100))).cut(picture) == 9).all()


def test_face_mask_covers_the_landmarks() -> None:
    fitted = face((100, 100, 100, 100))
    mask = Crop.around(fitted).face_mask(fitted)
    assert 0.25 < mask.mean() < 0.45  # the box is 1 / 1.6^2 of the crop


def test_spline_moves_landmarks_to_their_targets() -> None:
    picture = np.zeros((80, 80, 3), np.uint8)
    picture[30:33, 30:33] = 255
    source = np.random.default_rng(0).uniform(15, 60, (40, 2))
    target = source + (6, 4)
    warped = thin_plate_warp(picture, source, target)
    rows, columns = np.nonzero(warped[..., 0] > 60)
    assert abs(columns.mean() + 0.5 - 37.5) < 1.5 and abs(rows.mean() + 0.5 - 35.5) < 1.5


def test_spline_of_nothing_is_the_picture() -> None:
    picture = np.random.default_rng(2).integers(0, 255, (64, 48, 3)).astype(np.uint8)
    points = np.random.default_rng(3).uniform(5, 40, (10, 2))
    assert np.abs(thin_plate_warp(picture, points, points).astype(int) - picture).max() <= 1

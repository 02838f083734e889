"""Personal models: conditions come from parameters, recurrence follows a clip, and a still photo keeps no
state.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import save_model
from app.engine.contract import SourceImage, Target
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, Identity
from app.engine.generators import backends
from app.engine.generators.head2head import PersonalModel
from app.engine.networks.head2head import Head2Head
from app.engine.networks.head2headfs import Head2HeadFS
from app.engine.personal.conditioning import Frame2Frame, condition, eye_marks, windows
from app.engine.personal.record import Person
from app.engine.rendering.nmfc import make_renderer

SIZE = 64  # px
LIGHT = {"width": 4, "n_down": 2, "n_blocks": 2}
PERSON = Person(
    SIZE, Camera(14.0, translation=(32, 34)), Identity((0.5,) * 40), np.zeros((SIZE, SIZE, 3), np.uint8)
)


def params(yaw=0.0, scale=40.0, aperture=(0.28, 0.28), gaze=(0.0, 0.0)) -> FaceParams:
    expression = Expression(gaze=gaze, aperture=aperture)
    return FaceParams(Identity((0.0,) * 40), expression, Camera.from_angles(yaw, 0, 0, scale, (100, 110)))


def source() -> SourceImage:
    model = default_model()
    face = params()
    points = face.camera.project(model.shape(face.identity, face.expression))
    landmarks = np.concatenate([points, points[:10]])
    fitted = FittedFace(face, landmarks, (60.0, 60.0, 80.0, 100.0), np.zeros((468, 3)))
    pixels = np.random.default_rng(0).integers(0, 256, (220, 200, 3), dtype=np.uint8)
    return SourceImage(pixels, None, fitted, np.ones((220, 200), np.float32))


@pytest.fixture(params=["head2head", "head2headfs"])
def personal(request, tmp_path, monkeypatch) -> PersonalModel:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    torch.manual_seed(0)
    network = Head2Head(**LIGHT) if request.param == "head2head" else Head2HeadFS(**LIGHT, personal=True)
    found = Found(network.state_dict(), {**LIGHT, "size": SIZE}, PERSON.as_tensors())
    save_model(found, kind_named(request.param), "me", "footage.mp4")
    return PersonalModel("me")


def test_every_person_is_a_backend_of_their_own(personal):
    assert "head2head-me" in backends()
    info = backends()["head2head-me"]().info
    assert info.missing is None and info.weights == ("me",) and info.image_size == SIZE


def test_without_a_model_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    assert "train" in (PersonalModel().info.missing or "")


def test_an_unchanged_face_is_the_photo(personal):
    photo = source()
    patch = personal.generate(personal.encode(photo), Target(photo.face.params))
    box = np.s_[patch.y : patch.y + patch.pixels.shape[0], patch.x : patch.x + patch.pixels.shape[1]]
    assert np.array_equal(patch.pixels, photo.pixels[box])


def test_a_turned_face_changes_the_photo_and_a_still_repeats(personal):
    photo = source()
    code = personal.encode(photo)
    target = Target(params(yaw=20))
    first, second = personal.generate(code, target), personal.generate(code, target)
    box = np.s_[first.y : first.y + first.pixels.shape[0], first.x : first.x + first.pixels.shape[1]]
    assert np.abs(first.pixels.astype(int) - photo.pixels[box]).max() > 0
    assert np.array_equal(first.pixels, second.pixels)


def test_a_clip_continues_from_the_frame_before(personal):
    photo = source()
    code = personal.encode(photo)
    walk = [params(yaw=4.0 * k) for k in range(4)]
    personal.generate(code, Target(walk[1], history=(walk[0],)))
    state = code.sequence.state.clone()
    personal.generate(code, Target(walk[2], history=tuple(walk[:2])))
    assert torch.equal(code.sequence.state[:, :3], state[:, 3:]), "the frame before was made anew"
    assert code.sequence.params == walk[2]


def test_windows_repeat_the_first_frame():
    frames = np.arange(3, dtype=np.float32).reshape(3, 1, 1, 1)
    assert windows(frames)[:, :, 0, 0].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2]]


def test_squares_and_cameras_move_together():
    place = Frame2Frame.of_cameras(params().camera, PERSON.camera)
    moved = place.camera(params(yaw=10).camera)
    assert moved.scale == pytest.approx(PERSON.camera.scale)
    assert moved.translation == pytest.approx(PERSON.camera.translation)
    x, y, side = place.square(SIZE)
    assert Frame2Frame.of_square(x, y, side, SIZE).camera(params().camera).translation == pytest.approx(
        (32, 34)
    )


def test_eyes_follow_aperture_and_gaze():
    model = default_model()

    def gap(points):  # the image's left eye is the person's right
        return np.linalg.norm(points[[1, 2]] - points[[5, 4]], axis=1).mean() / np.linalg.norm(
            points[0] - points[3]
        )

    half = eye_marks(params(aperture=(0.28, 0.1)), model)
    assert gap(half[:6]) == pytest.approx(0.1, abs=0.02)
    assert gap(half[6:12]) == pytest.approx(0.28, abs=0.03)
    straight, aside = eye_marks(params(), model), eye_marks(params(gaze=(20, 0)), model)
    assert (aside[12:, 0] > straight[12:, 0] + 1).all()
    up = eye_marks(params(gaze=(0, 20)), model)
    assert (up[12:, 1] < straight[12:, 1] - 1).all()


def test_conditions_are_nmfc_then_eyes():
    renderer = make_renderer()
    face = replace(params(), camera=PERSON.camera)
    six = condition(face, default_model(), renderer, SIZE, eyes=True)
    three = condition(face, default_model(), renderer, SIZE, eyes=False)
    renderer.close()
    assert six.shape == (6, SIZE, SIZE) and six.min() >= 0 and six.max() <= 1
    assert np.array_equal(six[:3], three)
    assert six[3:].any() and set(np.unique(six[3:])) <= {0.0, 1.0}

"""Personal models make whole frames: head and face are reenacted, and what lies behind the person is kept."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.cli import main
from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import save_model
from app.engine.driving import person_film as reenactment
from app.engine.driving.person_film import face_of, reenact
from app.engine.errors import EngineError
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.networks.head2head import Head2Head
from app.engine.networks.head2headfs import Head2HeadFS
from app.engine.personal.background import Background, background_plate, chosen_background, composed
from app.engine.personal.record import Person, track_of
from app.engine.sources.performance import Performance
from app.engine.sources.performance_files import write_performance

SIZE = 64  # px
LIGHT = {"width": 4, "n_down": 2, "n_blocks": 2}
FRAMES = 12  # frames of the clip


def filmed(t: int, turn: float = 10.0, scale: float = 14.0) -> FaceParams:
    expression = Expression(gaze=(t % 3, 2.0), aperture=(0.25 + 0.01 * (t % 4), 0.26))
    camera = Camera.from_angles(turn * np.sin(t), 2, 1, scale, (32 + np.sin(t), 34))
    return FaceParams(Identity((0.5,) * 40), expression, camera)


FOOTAGE = tuple(filmed(t) for t in range(5))
PERSON = Person(
    SIZE,
    Camera(14.0, translation=(32, 34)),
    Identity((0.5,) * 40),
    np.zeros((SIZE, SIZE, 3), np.uint8),
    np.full((SIZE, SIZE, 3), 90, np.uint8),
    track_of(FOOTAGE),
)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    torch.manual_seed(0)
    plain, few = Head2Head(**LIGHT), Head2HeadFS(**LIGHT, personal=True)
    for name, kind, network in (("me", "head2head", plain), ("few", "head2headfs", few)):
        found = Found(network.state_dict(), {**LIGHT, "size": SIZE}, PERSON.as_tensors())
        save_model(found, kind_named(kind), name, "footage.mp4")
    return tmp_path


@pytest.fixture
def driver(tmp_path) -> Path:
    """Return a clip of another head, larger and elsewhere, that turns and smiles."""
    params = []
    for t in range(FRAMES):
        camera = Camera.from_angles(1.5 * t, 0, 0, 55.0, (200 + t, 210))
        expression = Expression((0.1 * t, *(0.0,) * 27), gaze=(-3.0, 0.0))
        params.append(FaceParams(Identity((0.0,) * 40), expression, camera))
    path = tmp_path / "driver.performance"
    made = Performance.of(params, [t / 25 for t in range(FRAMES)], neutral=params[0], rate=Fraction(25))
    write_performance(made, path)
    return path


def asked(monkeypatch) -> list[FaceParams]:
    """Return a list that gets what the network is asked for, frame by frame."""
    heard: list[FaceParams] = []
    own = reenactment.Rollout.next

    def listening(self, params):
        heard.append(params)
        return own(self, params)

    monkeypatch.setattr(reenactment.Rollout, "next", listening)
    return heard


def test_head_reenactment_takes_the_drivers_head_at_the_persons_scale(home, driver, monkeypatch):
    heard = asked(monkeypatch)
    *_, last = reenact("me", driver, home / "out.png")
    assert last.recording.pictures == FRAMES == len(heard)
    assert [p.camera.yaw for p in heard] == pytest.approx([1.5 * t for t in range(FRAMES)], abs=0.1)
    assert all(p.camera.scale == pytest.approx(14, rel=0.02) for p in heard), "not the driver's 55"
    assert heard[-1].expression.coefficients[0] == pytest.approx(1.1, abs=0.05)
    assert {p.identity for p in heard} == {face_of(PERSON).params.identity}


def test_face_reenactment_keeps_the_footages_head_and_eyes(home, driver, monkeypatch):
    heard = asked(monkeypatch)
    list(reenact("me", driver, home / "out.png", mode="face"))
    order = [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3]
    assert [p.camera.yaw for p in heard] == pytest.approx([FOOTAGE[k].camera.yaw for k in order], abs=1e-3)
    assert [p.expression.gaze[0] for p in heard] == pytest.approx([k % 3 for k in order], abs=1e-5)
    assert heard[-1].expression.coefficients[0] == pytest.approx(1.1, abs=0.05), "the driver's expression"


def test_every_frame_is_the_networks_whole_picture(home, driver, tmp_path):
    assert (
        main(["reenact", "few", str(driver), "-o", str(tmp_path / "a.png"), "--background", "#ff0000"]) == 0
    )
    assert (
        main(["reenact", "few", str(driver), "-o", str(tmp_path / "b.png"), "--background", "transparent"])
        == 0
    )
    pictures = [np.asarray(Image.open(tmp_path / name / "000005.png")) for name in "ab"]
    assert pictures[0].shape == (SIZE, SIZE, 3) and pictures[1].shape == (SIZE, SIZE, 4)
    cover = pictures[1][..., 3:] / 255
    again = pictures[1][..., :3] * cover + (1 - cover) * (255, 0, 0)
    # An untrained network's person may outshine its mask.
    within = (pictures[1][..., :3] < 255) & (pictures[0] < 255)
    assert within.mean() > 0.2
    assert np.abs(again - pictures[0])[within].max() < 4, "the same person before red and before nothing"


@pytest.mark.parametrize(
    ("model", "background", "output", "words"),
    [
        ("me", "#00ff00", "o.png", "draw their background themselves"),
        ("few", "transparent", "o.mp4", "no transparency"),
        ("few", "nowhere.jpg", "o.png", "no picture nowhere.jpg"),
    ],
)
def test_backgrounds_that_cannot_be_are_reported_before_the_work(
    home, driver, model, background, output, words
):
    with pytest.raises(EngineError, match=words):
        list(reenact(model, driver, home / output, background=background))
    assert not (home / output).exists() and not (home / "o").exists()


def test_a_released_model_knows_no_footage_to_reenact(home, driver):
    network = Head2Head(**LIGHT)
    save_model(
        Found(network.state_dict(), {**LIGHT, "size": SIZE}), kind_named("head2head"), "obama", "x.pth"
    )
    with pytest.raises(EngineError, match="footage"):
        list(reenact("obama", driver, home / "o.png"))


def test_the_plate_is_what_people_leave_free():
    y, x = np.mgrid[:32, :32]
    wall = np.stack([4 * x, 4 * y, 60 + 0 * x], axis=-1)
    frames, mattes = [], []
    for t in range(20):
        person = np.hypot(x - 10 - 0.6 * t, y - 16) < 5
        frames.append(np.where(person[..., None], 255, wall))
        mattes.append(person * 255)
    plate = background_plate(np.array(frames, np.uint8), np.array(mattes, np.uint8))
    assert np.abs(plate.astype(int) - wall).max() <= 12, "also where someone always stood, nearly"
    assert plate.max() < 200, "nobody is left"


def test_the_person_is_put_before_what_was_chosen(tmp_path):
    mask = np.zeros((8, 8), np.float32)
    mask[:, :4] = 1
    mask[:, 4] = 0.5
    person = np.full((8, 8, 3), 0.8, np.float32) * mask[..., None]
    plate = np.full((8, 8, 3), 100, np.uint8)
    kept = composed(person, mask, Background(), plate)
    assert (kept[:, :4] == 204).all() and (kept[:, 5:] == 100).all() and (kept[:, 4] == 152).all()
    clear = composed(person, mask, Background("transparent"), plate)
    assert (clear[:, 4] == (204, 204, 204, 128)).all() and (clear[:, 5:, 3] == 0).all()
    picture = tmp_path / "wall.png"
    Image.fromarray(np.full((200, 400, 3), (10, 20, 30), np.uint8)).save(picture)
    behind = composed(person, mask, chosen_background(str(picture), 8), plate)
    assert (behind[:, 5:] == (10, 20, 30)).all() and (behind[:, :4] == 204).all()

"""The latent editor finds models, keeps inversions on disk and pastes edits into the sample portrait."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import import_model, remove_model, save_model
from app.engine.checkpoints.stylegan_files import read_stylegan2
from app.engine.contract import DrivenFace, Target
from app.engine.engine import Engine
from app.engine.face.parameters import Camera, Expression, FaceEdit
from app.engine.face.retargeting import RetargetSettings
from app.engine.files import data_folder
from app.engine.generators.stylegan import StyleGan, jaw_change
from app.engine.latent.expression_map import ExpressionMap
from app.engine.latent.library import calibration_path, ensemble
from app.engine.latent.parameters import FFHQ
from app.engine.networks.directions import DirectionMatrix
from app.engine.networks.stylegan2 import Generator

SIZES = {"size": 32, "max_channels": 16, "style_dim": 16, "n_mlp": 2}
NAMES = ["yaw", "pitch", "roll", "exp1", "exp2"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    monkeypatch.setenv("MIEN_CODE_STEPS", "25")
    monkeypatch.setenv("MIEN_TUNE_STEPS", "3")
    torch.manual_seed(0)
    generator = Generator(**SIZES)
    extras = {"truncation_latent": generator.mean_latent(512)}
    model = save_model(Found(generator.state_dict(), SIZES, extras), kind_named("stylegan2"), "small", "run")
    matrix = DirectionMatrix(len(NAMES), 4, 16)
    config = {"n_directions": 5, "n_layers": 4, "style_dim": 16, "names": NAMES, "slopes": [0.2] * 5}
    config["generator"] = model.sha256
    with torch.no_grad():
        matrix.linear.weight.mul_(3)
    save_model(Found(matrix.state_dict(), config), kind_named("directions"), "found", "run")
    return tmp_path


@pytest.fixture
def source(engine, portrait):
    return engine._source(portrait, engine.view(portrait), 0)


def turned(source, degrees):
    camera = source.face.params.camera
    yaw, pitch, roll = camera.angles
    moved = Camera.from_angles(yaw + degrees, pitch, roll, camera.scale, camera.translation)
    return replace(source.face.params, camera=moved)


def box(patch):
    return np.s_[patch.y : patch.y + patch.pixels.shape[0], patch.x : patch.x + patch.pixels.shape[1]]


def test_info_comes_from_the_models_that_fit_together(home):
    info = StyleGan().info
    assert info.missing is None and info.weights == ("small", "found") and info.image_size == 32
    assert info.controls[:3] == ("yaw", "pitch", "roll") and "exp1" in info.controls
    names = [control.name for control in info.latents]
    assert names[:5] == [f"direction_{name}" for name in NAMES] and "pca_10" in names


def test_without_a_generator_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    assert "StyleGAN2" in (StyleGan().info.missing or "")


def test_an_unchanged_edit_is_the_photo_and_a_turn_changes_the_face_only(home, source):
    backend = StyleGan()
    code = backend.encode(source)
    still = backend.generate(code, Target(source.face.params))
    assert np.array_equal(still.pixels, source.pixels[box(still)])
    patch = backend.generate(code, Target(turned(source, 20)))
    change = np.abs(patch.pixels.astype(int) - source.pixels[box(patch)]).max(axis=2)
    assert change.max() > 2
    outside = source.matte[box(patch)] == 0
    far = outside & ~_grown(source.matte[box(patch)] > 0, 25)
    assert far.any() and change[far].max() <= 3, "the background changed"
    edge = np.concatenate([change[0], change[:, 0], change[:, -1]])
    assert edge.max() <= 2, "a seam shows"


def _grown(mask, pixels):
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)) > 0


def test_sixteen_bits_and_alpha_pass_through(home, source):
    alpha = np.full(source.matte.shape, 7, np.uint16)
    deep = replace(source, pixels=source.pixels.astype(np.uint16) * 257, alpha=alpha)
    backend = StyleGan()
    patch = backend.generate(backend.encode(deep), Target(turned(deep, 20)))
    assert patch.pixels.dtype == np.uint16 and (patch.alpha == 7).all()


def test_an_inversion_is_made_once(home, source):
    backend = StyleGan()
    steps = list(backend.encoding_steps(source))
    assert steps[-1].total == 28 and steps[0].picture.shape == (32, 32, 3)
    assert len(list((data_folder() / "inversions").glob("*.safetensors"))) == 1
    assert list(StyleGan().encoding_steps(source)) == [], "it was inverted again"


def test_cancelling_leaves_nothing_behind(home, source):
    steps = StyleGan().encoding_steps(source)
    next(steps)
    steps.close()
    assert not list(data_folder().glob("inversions/*"))


def test_its_own_sliders_move_the_picture(home, source):
    backend = StyleGan()
    code = backend.encode(source)
    for name in ("pca_1", "direction_exp2"):
        patch = backend.generate(code, Target(source.face.params, latents=((name, 3.0),)))
        assert not np.array_equal(patch.pixels, source.pixels[box(patch)]), name


def test_the_chin_going_down_opens_the_jaw(portrait):
    from app.engine.face.morphable_model import default_model

    model = default_model()
    drop = -model.expression_basis[:, 152, 1]
    change = drop / np.linalg.norm(drop)
    assert jaw_change(change) > 0 > jaw_change(-change)


def test_a_released_matrix_obeys_expressions_once_calibrated(home):
    released = DirectionMatrix(15, 4, 16)
    config = {"n_directions": 15, "n_layers": 4, "style_dim": 16}
    found = Found(released.state_dict(), config)
    save_model(found, kind_named("directions"), "released", "A_matrix.pt")
    chosen = ensemble()
    assert chosen.directions.name == "found", "a matrix for the released generator was used with another"
    path = calibration_path(chosen)
    ExpressionMap(np.ones((15, 28)), 0.4).save(path)
    back = ExpressionMap.load(path)
    assert back.error == 0.4 and np.array_equal(back.inputs(np.ones(28)), np.full(15, 28.0))


def test_files_without_noise_get_it_once_and_for_all():
    torch.manual_seed(0)
    weights = {n: v for n, v in Generator(64, 1).state_dict().items() if not n.startswith("noises.")}
    first, second = (read_stylegan2({"g_ema": dict(weights)}) for _ in range(2))
    assert torch.equal(first.weights["noises.noise_4"], second.weights["noises.noise_4"])
    assert torch.equal(first.extras["truncation_latent"], second.extras["truncation_latent"])
    average = torch.randn(512)
    read_back = read_stylegan2({"g_ema": dict(weights), "latent_avg": average})
    assert torch.equal(read_back.extras["truncation_latent"][0], average)


def test_sliders_and_expressions_add_up(home, source):
    from app.engine.generators.stylegan import asked

    editor = StyleGan().editor()
    params = source.face.params
    coefficients = list(params.expression.coefficients)
    coefficients[0] += 1.0
    target = replace(params, expression=replace(params.expression, coefficients=tuple(coefficients)))
    amounts = asked(editor, params, Target(target, latents=(("direction_exp1", 2.0),)))
    assert amounts["direction_exp1"] == pytest.approx(2.2)
    assert amounts["direction_exp2"] == pytest.approx(0)
    assert isinstance(params.expression, Expression)


def test_every_slider_shows_what_it_means(home):
    backend = StyleGan()
    for name in ("pca_1", "direction_yaw"):
        low, high = (backend.meaning({name: amount}, 48) for amount in (-2.0, 2.0))
        assert low.shape == high.shape == (48, 48, 3) and low.dtype == np.uint8
        assert np.abs(low.astype(int) - high).max() > 5


def test_an_imported_matrix_is_read_for_the_generator_imported_before_it(tmp_path, monkeypatch):
    """FFHQ's columns have no roll and one expression more, and both kinds of file look the same."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    file = {"A_matrix": {"linear.weight": torch.randn(4096, 15), "linear.bias": torch.zeros(4096)}}
    torch.save(file, tmp_path / "A_matrix.pt")
    assert import_model(tmp_path / "A_matrix.pt", "of-none").config["format"] == "voxceleb"
    remove_model("of-none")
    keep_generator_named("vox", 1, "2026-01-01")
    assert import_model(tmp_path / "A_matrix.pt", "of-vox").config["format"] == "voxceleb"
    assert "roll" in StyleGan().info.controls
    keep_generator_named("ffhq", 2, "2027-01-01")
    assert ensemble().directions is None, "a VoxCeleb matrix was used with an FFHQ generator"
    import_model(tmp_path / "A_matrix.pt", "of-ffhq")
    chosen = ensemble()
    assert chosen.directions.name == "of-ffhq" and chosen.parameterisation is FFHQ
    info = StyleGan().info
    assert info.controls[:2] == ("yaw", "pitch") and "roll" not in info.controls
    assert [c.name for c in info.latents][2] == "direction_jaw"


def keep_generator_named(name, multiplier, imported):
    """Write a manifest alone, because nothing here reads the weights."""
    config = {"size": 256, "channel_multiplier": multiplier}
    model = save_model(Found({"x": torch.zeros(1)}, config), kind_named("stylegan2"), name, "g.pt")
    path = model.folder / "manifest.json"
    values = json.loads(path.read_text()) | {"imported": imported, "sha256": name}
    path.write_text(json.dumps(values))


def test_a_card_that_fills_while_drawing_hands_over_to_the_processor(home, source, monkeypatch):
    from app.engine import device
    from app.engine.generators import stylegan

    card = device.Device("cpu", "float32", "Pretended card")
    monkeypatch.setattr(device, "card", lambda: card)
    monkeypatch.setattr(device, "_fallen", 0)
    backend = StyleGan()
    code = backend.encode(source)
    target = Target(turned(source, 20))
    expected = backend.generate(code, target).pixels
    plain = stylegan.rendered

    def limited(model, wplus):
        if device.best_device() != device.CPU:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(model, wplus)

    monkeypatch.setattr(stylegan, "rendered", limited)
    assert np.array_equal(backend.generate(code, target).pixels, expected)
    assert device.best_device() == device.CPU and device.notice() is not None


def test_jobs_find_the_face_in_steps_that_can_be_cancelled(home, portrait, tmp_path):
    engine = Engine("stylegan")
    edits = {0: FaceEdit((("yaw", 10.0),))}
    first = next(steps := engine.export(portrait, edits, tmp_path / "out.png"))
    assert first.total == 28 and first.picture is not None
    steps.close()
    assert not list((data_folder() / "inversions").glob("*")) and not (tmp_path / "out.png").exists()
    driven = DrivenFace(portrait, 0, {}, RetargetSettings())
    film = engine.drive(driven, tmp_path / "clip.mp4", tmp_path / "film.mp4")
    assert next(film).message == first.message, "the driven face is found before the clip is opened"
    film.close()
    totals = [[step.total for step in engine.export(portrait, edits, tmp_path / "out.png")] for _ in range(2)]
    assert totals == [[28] * 28 + [2] * 3, [2] * 3]
    engine.close()

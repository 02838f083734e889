"""The HeadGAN backend works on the sample portrait, with a small network of random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from app.engine.checkpoints.headgan_files import KINDS
from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.store import chosen, remove_model, save_model
from app.engine.contract import SourceImage, Target
from app.engine.errors import EngineError
from app.engine.face.fitting import apertures_of
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Expression
from app.engine.generators.headgan import HeadGan, encoded, rendered, window
from app.engine.generators.nmfc_window import head_mesh, nmfc_window
from app.engine.networks.blocks import SpectralConv2d, fold_spectral_norm
from app.engine.networks.headgan import HeadGan as Network
from app.engine.networks.headgan import HeadGanConfig
from app.engine.rendering.reference import ReferenceRenderer
from app.engine.squares.patch import head_square, in_square


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headgan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def generator(home) -> HeadGan:
    """Return a network that uses sound and whose last layers are small: pictures near grey, flows of a few
    pixels.
    """
    torch.manual_seed(0)
    config = HeadGanConfig(width=4, hidden=8)
    network = Network(config)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, SpectralConv2d):
                for _ in range(20):
                    layer._iterate(layer.weight_orig.flatten(1))
        for last in (network.flow_network.dec_flow, network.rendering_network.conv_img):
            last[1].weight *= 0.1
    weights = fold_spectral_norm(network.eval().state_dict())
    stored = {**vars(config), "spectral": False}
    found = Found(weights, stored, {"image_size": torch.tensor(64)})
    save_model(found, KINDS[0], "tiny", "test")
    return HeadGan()


@pytest.fixture(scope="module")
def source(portrait) -> SourceImage:
    pixels = portrait.photo.pixels
    return SourceImage(pixels, None, portrait.faces[0], np.ones(pixels.shape[:2], np.float32))


@pytest.fixture(scope="module")
def code(generator, source):
    return generator.encode(source)


def turned(source: SourceImage, **angles: float):
    camera = source.face.params.camera
    yaw, pitch, roll = camera.angles
    new = type(camera).from_angles(
        yaw + angles.get("yaw", 0),
        pitch + angles.get("pitch", 0),
        roll + angles.get("roll", 0),
        camera.scale,
        camera.translation,
    )
    return replace(source.face.params, camera=new)


def test_info_names_the_model_it_uses(generator):
    info = generator.info
    assert info.missing is None and info.weights == (chosen("headgan").name,) and info.licence
    assert "yaw" in info.controls and "gaze_x" not in info.controls  # NMFCs show no gaze


def test_unchanged_parameters_give_the_photo_bit_equal(generator, source, code):
    patch = generator.generate(code, Target(source.face.params))
    h, w = patch.pixels.shape[:2]
    assert np.array_equal(patch.pixels, source.pixels[patch.y : patch.y + h, patch.x : patch.x + w])


def test_a_tiny_change_changes_little(generator, source, code):
    patch = generator.generate(code, Target(turned(source, yaw=0.01)))
    h, w = patch.pixels.shape[:2]
    photo = source.pixels[patch.y : patch.y + h, patch.x : patch.x + w]
    assert np.abs(patch.pixels.astype(int) - photo).mean() < 1.5


def test_an_edit_changes_the_face_and_leaves_the_square_s_border(generator, source, code):
    patch = generator.generate(code, Target(turned(source, yaw=15)))
    h, w = patch.pixels.shape[:2]
    photo = source.pixels[patch.y : patch.y + h, patch.x : patch.x + w]
    change = np.abs(patch.pixels.astype(int) - photo)
    assert change[h // 3 : 2 * h // 3, w // 3 : 2 * w // 3].mean() > 1
    assert change[:, -1].max() <= 1 and change[-1].max() <= 1
    assert {name for name, _ in patch.ms} == {"nmfc", "network", "paste"}


def test_depth_and_transparency_are_the_photo_s(generator, source):
    deep = replace(
        source,
        pixels=source.pixels.astype(np.uint16) * 257,
        alpha=np.full(source.pixels.shape[:2], 65535, np.uint16),
    )
    patch = generator.generate(generator.encode(deep), Target(turned(deep, pitch=5)))
    assert patch.pixels.dtype == patch.alpha.dtype == np.uint16
    assert patch.alpha.shape == patch.pixels.shape[:2] and (patch.alpha == 65535).all()


def test_history_and_sound_reach_the_network(generator, source, code):
    target = turned(source, yaw=10)
    still = generator.generate(code, Target(target)).pixels
    moving = generator.generate(code, Target(target, history=(source.face.params,) * 2)).pixels
    loud = generator.generate(code, Target(target, audio=(1.0,) * 300)).pixels
    assert not np.array_equal(still, moving) and not np.array_equal(still, loud)


def test_code_is_what_encoding_afresh_gives(generator, source, code):
    renderer = generator.renderer()
    own = window(renderer, code.cut.square, (source.face.params,))
    again = rendered(renderer, encoded(renderer, code.cut.photo, own[6:]), own, None)
    assert np.array_equal(again.picture, code.before.picture)


def test_window_is_oldest_first_and_repeats_the_first(source):
    model = default_model()
    renderer = ReferenceRenderer(model.mean, model.triangles)
    square = head_square(source.face)
    frames = [in_square(turned(source, yaw=a), square, 48) for a in (0, 10, 20)]
    whole = nmfc_window(frames, model, renderer, 48)
    assert whole.shape == (9, 48, 48) and whole.min() == 0 and 0.9 < whole.max() <= 1
    short = nmfc_window(frames[:2], model, renderer, 48)
    assert np.array_equal(short[:3], short[3:6]) and np.array_equal(short[3:], whole[:6])
    # In the released convention x grows to the image's right, and y upwards.
    rows, columns = np.nonzero(whole[6:].sum(0))
    values = whole[6:][:, rows, columns]
    assert np.corrcoef(values[0], columns)[0, 1] > 0.8 and np.corrcoef(values[1], rows)[0, 1] < -0.9


def test_square_holds_the_face_with_the_released_margin(source):
    square = head_square(source.face)
    w, h = source.face.box[2:]
    assert square.side == pytest.approx(max(w, h) * 256 / 156, abs=1)
    placed = in_square(source.face.params, square, 256)
    assert 60 < placed.camera.translation[0] < 196


def test_lids_follow_the_aperture():
    from app.engine.face.parameters import Camera, FaceParams, Identity

    model = default_model()
    camera = Camera(1.0)
    for asked in (0.1, 0.3):
        params = FaceParams(Identity(), Expression(aperture=(asked, asked)), camera)
        mesh = camera.unproject(head_mesh(params, model))
        assert apertures_of(mesh)[0] == pytest.approx(asked, abs=0.04)


def test_without_a_model_the_generator_says_what_is_missing(home, monkeypatch, tmp_path):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    monkeypatch.setattr("app.engine.checkpoints.store.SHIPPED", tmp_path / "none")
    generator = HeadGan()
    assert "latest_net_G.pth" in generator.info.missing
    with pytest.raises(EngineError, match="no HeadGAN model"):
        generator.renderer()


def test_removing_the_model_takes_it_from_the_menu(home):
    torch.manual_seed(0)
    config = HeadGanConfig(width=4, hidden=8, audio=False, spectral=False)
    model = save_model(Found(Network(config).state_dict(), vars(config)), KINDS[0], "other", "test")
    assert chosen("headgan").kind == "headgan"
    remove_model(model.name)
    assert chosen("headgan").name != "other"

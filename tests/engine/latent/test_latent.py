"""Small generators test the latent editor: crop, paste-back, parameterisation, inversion and PCA directions."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.latent.discovery import moved, principal_directions
from app.engine.latent.inversion import InversionSettings, LatentModel, invert
from app.engine.latent.parameters import FFHQ, VOXCELEB, pose_change
from app.engine.networks.stylegan2 import Generator
from app.engine.squares.blend import backward_flow, blended, confidence, follow
from app.engine.squares.crop import Square, cut, face_square, resized, to_depth, unit_range
from tests.steps import drained


@pytest.fixture(scope="module")
def model() -> LatentModel:
    torch.manual_seed(0)
    generator = Generator(64, max_channels=32, style_dim=32, n_mlp=2).eval()
    for layer in generator.modules():
        if hasattr(layer, "demodulate") and not layer.demodulate:
            layer.weight.data *= 0.3  # an untrained skip generator leaves [-1, 1] otherwise
    return LatentModel(generator, generator.mean_latent(1024))


def test_face_square_is_the_released_crop():
    landmarks = np.full((478, 3), 100.0)
    landmarks[152] = (100, 190, 0)  # the chin
    landmarks[70] = (40, 60, 0)
    landmarks[300] = (160, 60, 0)
    assert face_square(landmarks) == Square(100 - 130, 125 - 21 - 130, 260)


def test_a_cut_over_the_edge_is_mirrored_and_a_cut_inside_is_the_photo():
    photo = unit_range(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    inside = cut(photo, Square(5, 6, 20))
    assert np.array_equal(inside, photo[6:26, 5:25])
    over = cut(photo, Square(-3, 30, 20))
    assert over.shape == (20, 20, 3)
    assert np.array_equal(over[:10, 3:], photo[30:, :17])
    assert np.array_equal(over[:10, 2], photo[30:, 0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_survives_the_round_trip(dtype):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (9, 9, 3)).astype(dtype)
    assert np.array_equal(to_depth(unit_range(pixels), pixels.dtype), pixels)


def portrait_like(size=96, shift=0.0):
    y, x = np.mgrid[:size, :size].astype(np.float32)
    cx = size / 2 + shift
    head = np.exp(-(((x - cx) / 20) ** 2 + ((y - size / 2) / 26) ** 2))
    detail = 0.15 * np.sin((x - shift) / 2.5) * np.cos(y / 3)
    return np.clip(np.dstack([0.2 + 0.6 * head + detail * head] * 3), 0, 1).astype(np.float32)


def test_nothing_edited_gives_the_photo_back():
    photo, matte = resized(portrait_like(), 192), np.ones((192, 192), np.float32)
    before = np.clip(portrait_like() * 0.8 + 0.1, 0, 1)
    assert np.abs(blended(photo, matte, before, before, backward_flow(before, before)) - photo).max() < 2e-3


def test_detail_the_generator_lost_follows_the_movement():
    """The photo has texture that the generator's pictures lack; after a shift of 6 px it is found 6 px
    further on.
    """
    sharp, moved_sharp = portrait_like(), portrait_like(shift=6.0)
    import cv2

    soft, moved_soft = (cv2.GaussianBlur(p, (0, 0), 1.2) for p in (sharp, moved_sharp))
    flow = backward_flow(moved_soft, soft)
    assert abs(float(np.median(flow[40:56, 45:60, 0])) + 6) < 1
    result = blended(sharp, np.ones(sharp.shape[:2], np.float32), soft, moved_soft, flow)
    middle = np.s_[36:60, 44:64]
    assert (
        np.abs(result[middle] - moved_sharp[middle]).mean()
        < 0.6 * np.abs(moved_soft[middle] - moved_sharp[middle]).mean()
    )


def test_the_generators_own_mask_says_where_the_edit_goes():
    photo, edited = portrait_like(), np.clip(portrait_like() + 0.3, 0, 1)
    nobody, right = np.zeros((96, 96), np.float32), np.zeros((96, 96), np.float32)
    right[:, 48:] = 1
    flow = backward_flow(edited, photo)
    result = blended(photo, nobody, photo, edited, flow, right)
    assert np.abs(result - photo)[:, :40].max() < 1e-3
    assert np.abs(result - photo)[40:56, 56:80].mean() > 0.1
    assert np.array_equal(blended(photo, nobody, photo, edited, flow, nobody), photo)


def test_confidence_falls_where_the_flow_does_not_explain_the_edit():
    before = portrait_like()
    edited = before.copy()
    edited[40:56, 40:56] = (0.9, 0.1, 0.1)
    flow = np.zeros((96, 96, 2), np.float32)
    trust = confidence(edited, before, flow)
    assert trust[48, 48] < 0.05 < 0.95 < trust[5, 5]
    assert np.array_equal(follow(before, flow), before)


def face(yaw=0.0, pitch=0.0, roll=0.0):
    return FaceParams(Identity(), Expression(), Camera.from_angles(yaw, pitch, roll, 90, (100, 100)))


def test_pose_becomes_the_released_inputs():
    change = pose_change(face(yaw=5), face(yaw=25, pitch=10, roll=-10))
    shift = VOXCELEB.shift(change)[0]
    assert shift.shape == (15,)
    np.testing.assert_allclose(shift[:3], [-20 * 6 / 40, -10 * 6 / 20, 10 * 6 / 20], atol=1e-5)
    assert not shift[3:].any()
    assert VOXCELEB.slopes[3] == pytest.approx(39.1528, abs=1e-3)
    assert VOXCELEB.slopes[14] == pytest.approx(4.8196, abs=1e-3)
    assert "roll" not in FFHQ.names and len(FFHQ.names) == 15


def test_inversion_of_its_own_picture_and_tuning_on_a_copy(model):
    z = torch.randn(1, 32, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        image = model.render(model.generator.latent(z))
    assert 0.05 < image.std() < 1
    stored = copy.deepcopy(model.generator.state_dict())
    steps, inversion = drained(invert(model, image, InversionSettings(code_steps=200, tune_steps=10)))
    with torch.no_grad():
        found = model.tuned(inversion).render(inversion.wplus)
    psnr = 10 * torch.log10(4 / (found - image).square().mean())
    assert psnr >= 30
    assert all(torch.equal(value, stored[name]) for name, value in model.generator.state_dict().items())
    assert inversion.tuned and all(name.startswith("convs.") for name in inversion.tuned)
    assert steps[-1].done == steps[-1].total == 210 and steps[-1].picture.shape == (64, 64, 3)


def test_tuning_brings_a_foreign_picture_nearer(model):
    image = torch.from_numpy(portrait_like(64)).permute(2, 0, 1)[None] * 2 - 1
    errors = []
    for tune in (0, 30):
        _, inversion = drained(invert(model, image, InversionSettings(code_steps=20, tune_steps=tune)))
        with torch.no_grad():
            made = model.tuned(inversion).render(inversion.wplus)
        errors.append(float((made - image).square().mean()))
    assert errors[1] < 0.8 * errors[0]


def test_closing_the_steps_cancels(model):
    steps = invert(model, torch.zeros(1, 3, 64, 64), InversionSettings(code_steps=1000, tune_steps=1000))
    assert next(steps).total == 2000
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_an_encoder_replaces_the_search(model):
    code = torch.randn(1, model.generator.n_latent, 32)

    class Encoder(torch.nn.Module):
        def forward(self, image):
            return code

    encoded = LatentModel(model.generator, model.centre, 0.7, Encoder())
    steps, inversion = drained(invert(encoded, torch.zeros(1, 3, 64, 64), InversionSettings(tune_steps=0)))
    assert steps == [] and torch.equal(inversion.wplus, code) and inversion.tuned == {}


def test_principal_directions_are_orthogonal_repeatable_and_move_the_picture(model):
    directions = principal_directions(model.generator, 4)
    assert torch.equal(directions, principal_directions(model.generator, 4))
    lengths = directions.norm(dim=1)
    assert (lengths[:-1] >= lengths[1:]).all() and lengths[0] > 0
    unit = directions / lengths[:, None]
    torch.testing.assert_close(unit @ unit.T, torch.eye(4), atol=1e-4, rtol=0)
    wplus = model.centre[:, None].repeat(1, model.generator.n_latent, 1)
    with torch.no_grad():
        still = model.render(moved(wplus, directions, torch.zeros(1, 4)))
        turned = model.render(moved(wplus, directions, torch.tensor([[3.0, 0, 0, 0]])))
    assert torch.equal(still, model.render(wplus))
    assert (turned - still).abs().max() > 1e-3


def test_at_256_px_an_encoded_picture_comes_back():
    """The released shape of W+ is 14 x 512: an encoder gives a rough code, and the generator is tuned to the
    picture.
    """
    torch.manual_seed(0)
    generator = Generator(256, 1, max_channels=48, n_mlp=2).eval()
    for layer in generator.modules():
        if hasattr(layer, "demodulate") and not layer.demodulate:
            layer.weight.data *= 0.3
    centre = generator.mean_latent(256)
    with torch.no_grad():
        code = generator.latent(torch.randn(1, 512))
        rough = code + 0.2 * code.std() * torch.randn_like(code)
        image = LatentModel(generator, centre, 0.7).render(code)

    class Encoder(torch.nn.Module):
        def forward(self, image):
            return rough

    encoded = LatentModel(generator, centre, 0.7, Encoder())
    steps, inversion = drained(invert(encoded, image, InversionSettings(tune_steps=25)))
    errors = []
    for tuned in (encoded, encoded.tuned(inversion)):
        with torch.no_grad():
            errors.append((tuned.render(inversion.wplus) - image).square().mean())
    before, after = (float(10 * torch.log10(4 / error)) for error in errors)
    assert inversion.wplus.shape == (1, 14, 512) and steps[-1].total == 25
    assert before < 27 and after >= 30, (before, after)

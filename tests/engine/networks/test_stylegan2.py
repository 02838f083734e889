"""StyleGAN2, the direction matrix and e4e have the released names and numbers; shapes,
gradients and half precision are right.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from app.engine.networks.directions import DirectionMatrix, shifted
from app.engine.networks.e4e import Encoder4Editing
from app.engine.networks.stylegan2 import Generator, ModulatedConv, Upsample, truncate


def parity(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_recipe", shared / "parity" / "recipe.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def small() -> Generator:
    torch.manual_seed(0)
    return Generator(32, max_channels=16, style_dim=32, n_mlp=2).eval()


@pytest.mark.parametrize(
    ("table", "size", "multiplier"), [("vox256", 256, 1), ("ffhq256", 256, 2), ("ffhq1024", 1024, 2)]
)
def test_state_dict_has_the_released_names_and_shapes(shared, table, size, multiplier):
    keys = parity(shared).read_keys(f"stylegan2_{table}_keys.tsv")
    with torch.device("meta"):
        state = Generator(size, multiplier).state_dict()
    assert {n: tuple(v.shape) for n, v in state.items()} == {n: shape for n, (shape, _) in keys.items()}


@torch.no_grad()
def test_vox256_equals_the_released_network(shared):
    recipe = parity(shared)
    golden = np.load(shared / "parity" / "vectors" / "stylegan2_vox256.npz")
    network = Generator(256, 1).eval()
    network.load_state_dict(recipe.state_dict(recipe.read_keys("stylegan2_vox256_keys.tsv"), "public"))
    centre = 0.3 * recipe.tensor("truncation_latent", (1, 512), "public")
    wplus = recipe.tensor("wplus", (1, 14, 512), "public")
    latent = truncate(network.latent(recipe.tensor("z", (1, 512), "public")), centre, 0.7)
    directions = DirectionMatrix()
    directions.linear.weight.copy_(0.03 * recipe.tensor("A.linear.weight", (4096, 15), "public"))
    directions.linear.bias.copy_(0.01 * recipe.tensor("A.linear.bias", (4096,), "public"))
    shift = directions(2 * recipe.tensor("delta_p", (1, 15), "public"))
    images = {
        "image_z": network.synthesis(latent),
        "image_w": network(wplus, centre, 0.7),
        "image_shifted": network(shifted(wplus, shift), centre, 0.7),
    }
    assert np.abs(latent.numpy() - golden["latent_z"]).max() < 1e-4
    assert np.abs(shift.numpy() - golden["shift"]).max() < 1e-4
    for name, image in images.items():
        span = golden[name].max() - golden[name].min()
        assert np.abs(image.numpy() - golden[name]).max() < 2e-3 * span, name


def plain_modulated(conv: ModulatedConv, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """Return the paper's own formulation for one sample: modulate and demodulate the weight, then convolve."""
    weight = conv.scale * conv.weight[0] * conv.modulation(style)[0][None, :, None, None]
    if conv.demodulate:
        weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
    if not conv.upsample:
        return F.conv2d(x, weight, padding=conv.padding)
    return conv.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))


@pytest.mark.parametrize("upsample", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_scaling_activations_equals_modulating_weights(upsample, demodulate):
    torch.manual_seed(0)
    conv = ModulatedConv(8, 12, 3, 16, demodulate=demodulate, upsample=upsample)
    x, style = torch.randn(3, 8, 9, 9), torch.randn(3, 16)
    expected = torch.cat([plain_modulated(conv, x[k : k + 1], style[k : k + 1]) for k in range(3)])
    assert expected.shape[-1] == (18 if upsample else 9)
    torch.testing.assert_close(conv(x, style), expected, atol=1e-5, rtol=1e-4)


def test_half_precision_does_not_overflow_with_large_styles(small):
    conv = ModulatedConv(8, 8, 3, 16)
    x, style = 100 * torch.randn(1, 8, 8, 8), 3e4 * torch.randn(1, 16)
    full = conv(x, style)
    half = conv(x.bfloat16(), style).float()
    assert torch.isfinite(conv(x.half(), style)).all()
    assert (half - full).abs().max() < 0.05 * full.abs().max()


def test_upsampling_keeps_a_constant_picture():
    up = Upsample()(torch.ones(1, 3, 8, 8))
    assert up.shape == (1, 3, 16, 16)
    torch.testing.assert_close(up[..., 2:-2, 2:-2], torch.ones(1, 3, 12, 12))


def test_images_repeat_and_noise_is_fresh_only_in_training(small):
    wplus = small.latent(torch.randn(2, 32, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(small(wplus), small(wplus))
    for layer in (small.conv1, *small.convs):
        layer.noise.weight.data.fill_(0.5)
    fresh = small.synthesis(wplus, torch.Generator().manual_seed(3))
    assert not torch.equal(fresh, small(wplus))
    assert torch.equal(fresh, small.synthesis(wplus, torch.Generator().manual_seed(3)))


def test_truncation_goes_from_the_centre_to_the_code(small):
    wplus, centre = small.latent(torch.randn(1, 32)), small.mean_latent(512)
    assert torch.equal(small.mean_latent(512), centre)
    torch.testing.assert_close(truncate(wplus, centre, 1.0), wplus)
    torch.testing.assert_close(truncate(wplus, centre, 0.0), centre[:, None].expand_as(wplus))


def test_gradients_reach_every_parameter(small):
    small(small.latent(torch.randn(2, 32))).square().mean().backward()
    missing = [n for n, p in small.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert missing == []
    assert small.style[1].weight.grad.abs().max() > 0
    small.zero_grad()


def test_direction_matrix_shifts_only_the_first_layers():
    matrix = DirectionMatrix(n_directions=3, n_layers=2, style_dim=8)
    wplus = torch.randn(2, 5, 8)
    moved = shifted(wplus, matrix(torch.randn(2, 3)))
    assert torch.equal(moved[:, 2:], wplus[:, 2:])
    assert (moved[:, :2] - wplus[:, :2]).abs().min() > 0


def test_e4e_has_the_released_names_and_shapes(shared):
    keys = parity(shared).read_keys("e4e_vox256_keys.tsv")
    with torch.device("meta"):
        state = Encoder4Editing().state_dict()
    assert {n: tuple(v.shape) for n, v in state.items()} == {n: shape for n, (shape, _) in keys.items()}


def test_e4e_codes_share_the_first_style_and_train():
    torch.manual_seed(0)
    encoder = Encoder4Editing(n_styles=8, width=16)
    codes = encoder(torch.randn(2, 3, 256, 256))
    assert codes.shape == (2, 8, 128)
    codes.square().mean().backward()
    assert all(p.grad is not None for p in encoder.parameters())


@torch.no_grad()
def test_e4e_equals_the_released_network(shared):
    recipe = parity(shared)
    golden = np.load(shared / "parity" / "vectors" / "e4e_vox256.npz")["wplus"]
    encoder = Encoder4Editing().eval()
    encoder.load_state_dict(recipe.state_dict(recipe.read_keys("e4e_vox256_keys.tsv"), "public"))
    image = 2 * recipe.tensor("e4e.input", (1, 3, 256, 256), "public", "uniform") - 1
    assert np.abs(encoder(image).numpy() - golden).max() < 1e-4


@torch.no_grad()
def test_a_weight_that_changes_is_demodulated_anew():
    conv = ModulatedConv(4, 4, 3, 8)
    x, style = torch.randn(2, 4, 6, 6), torch.randn(2, 8)
    before = conv(x, style)
    conv.load_state_dict({name: 3 * value + 1 for name, value in conv.state_dict().items()})
    fresh = ModulatedConv(4, 4, 3, 8)
    fresh.load_state_dict(conv.state_dict())
    assert not torch.equal(conv(x, style), before)
    torch.testing.assert_close(conv(x, style), fresh(x, style))

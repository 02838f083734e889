"""Pictures are compared by LPIPS and the recogniser where these were imported, and by pyramid bands
elsewhere.
"""

from __future__ import annotations

import pytest
import torch

from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import save_model
from app.engine.latent.inversion import InversionSettings, LatentModel, invert
from app.engine.latent.library import LPIPS, imported_similarity
from app.engine.latent.similarity import Similarity, arcface_input, band_distance
from app.engine.networks.arcface import IResNet
from app.engine.networks.lpips import AlexNetFeatures, LpipsWeights
from app.engine.networks.stylegan2 import Generator

CPU = torch.device("cpu")


def keep(kind, network, config=None):
    save_model(Found(network.state_dict(), config or {}), kind_named(kind), kind, f"{kind}.pth")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    torch.manual_seed(0)


def pictures(seed):
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_lpips_is_used_once_trunk_and_weights_are_there(home):
    a, b = pictures(0), pictures(1)
    assert imported_similarity(CPU, 2.0).lpips is None
    keep("alexnet", AlexNetFeatures())
    assert imported_similarity(CPU, 2.0).lpips is None
    assert torch.equal(imported_similarity(CPU, 2.0).perceptual(a, b), band_distance(a, b))
    keep("lpips", LpipsWeights())
    found = imported_similarity(CPU, 2.0, LPIPS)
    assert found.recogniser is None and found.lpips is not None
    assert not torch.equal(found.perceptual(a, b), band_distance(a, b))
    assert float(found.perceptual(a, a)) == 0


def test_lpips_has_a_slope_where_a_picture_has_no_features(home):
    """Black pictures leave AlexNet's later levels without features: the slope there must be 0, not undefined."""
    trunk = AlexNetFeatures()
    for parameter in trunk.parameters():
        parameter.data.zero_()
    keep("alexnet", trunk)
    keep("lpips", LpipsWeights())
    a = pictures(0).requires_grad_()
    imported_similarity(CPU, 2.0, LPIPS).perceptual(a, pictures(1)).backward()
    assert torch.isfinite(a.grad).all()


def test_the_recogniser_sees_the_released_crop_and_reports_another_person(home):
    ramp = torch.arange(256.0).view(1, 1, 256, 1).expand(1, 3, 256, 256)
    seen = arcface_input(ramp, 2.0)
    assert seen.shape == (1, 3, 112, 112)
    assert float(seen[0, 0, 0, 0]) == pytest.approx(35, abs=1.5)
    assert float(seen[0, 0, -1, 0]) == pytest.approx(222, abs=1.5)
    keep("arcface", IResNet((1, 1, 1, 1)), {"blocks": [1, 1, 1, 1]})
    found = imported_similarity(CPU, 2.0)
    a, b = pictures(0), pictures(1).requires_grad_()
    assert float(found.other_person(a, a)) == pytest.approx(0, abs=1e-5)
    found.other_person(b, a).backward()
    assert b.grad.abs().max() > 0


def test_the_inversion_is_led_by_what_it_is_given():
    torch.manual_seed(0)
    generator = Generator(32, max_channels=8, style_dim=8, n_mlp=1).eval()
    model = LatentModel(generator, generator.mean_latent(64))
    calls = []

    def lpips(a, b):
        calls.append(a.shape)
        return (a - b).abs().mean((1, 2, 3))

    steps = invert(model, torch.zeros(1, 3, 32, 32), InversionSettings(3, 2), Similarity(lpips))
    assert len(list(steps)) == 5 == len(calls)

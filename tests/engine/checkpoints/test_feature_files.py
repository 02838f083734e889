"""Imported feature networks are compared with the publications' code, on files of their layouts and recipe
weights.

The outputs and tables in data/features.npz come from torchvision, pytorch-fid, lpips, transformers, pytorch-i3d and
arcface_torch (tools/feature_goldens.py).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from app.engine.checkpoints.store import Loaded, import_model, load_model, models
from app.engine.errors import EngineError
from app.engine.networks.lpips import distance
from tests.engine.checkpoints import recipe

GOLDEN = np.load(Path(__file__).parent / "data" / "features.npz")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))


def published(name: str) -> dict[str, torch.Tensor]:
    shapes = json.loads(str(GOLDEN[f"{name}_shapes"]))
    return recipe.lins(shapes) if name == "lpips" else recipe.weights(shapes)


def imported(weights: dict, path: Path) -> Loaded:
    torch.save(weights, path)
    return load_model(import_model(path).name)


def near(name: str, answer: torch.Tensor) -> None:
    wanted = GOLDEN[name]
    np.testing.assert_allclose(answer.detach().numpy(), wanted, atol=2e-3 * np.abs(wanted).max())
    assert np.corrcoef(answer.detach().numpy().ravel(), wanted.ravel())[0, 1] > 0.99999


@torch.no_grad()
def test_inception_gives_pytorch_fid_s_features(tmp_path):
    loaded = imported(published("inception"), tmp_path / "pt_inception-2015-12-05-6726825d.pth")
    assert loaded.model.kind == "inception"
    near("inception", loaded.network(recipe.pictures(2, 64)))


@torch.no_grad()
def test_i3d_gives_the_published_logits_without_newer_counters(tmp_path):
    old = {k: v for k, v in published("i3d").items() if not k.endswith("num_batches_tracked")}
    loaded = imported(old, tmp_path / "rgb_imagenet.pt")
    video = recipe.pictures(9, 224).permute(1, 0, 2, 3)[None] * 2 - 1
    near("i3d", loaded.network(video))


@torch.no_grad()
def test_arcface_of_any_depth_gives_the_published_embedding(tmp_path):
    loaded = imported(published("arcface"), tmp_path / "backbone.pth")
    assert loaded.model.config == {"blocks": [2, 2, 2, 2]} and "Non-commercial" in loaded.model.licence
    near("arcface", loaded.network(recipe.pictures(2, 112) * 2 - 1))


@torch.no_grad()
def test_lpips_gives_the_published_distance(tmp_path):
    trunk = imported(published("alexnet"), tmp_path / "alexnet-owt-7be5be79.pth")
    lins = imported(published("lpips"), tmp_path / "alex.pth")
    assert (trunk.model.kind, lins.model.kind) == ("alexnet", "lpips")
    a, b = 2 * recipe.pictures(2, 64) - 1, 2 * recipe.pictures(2, 64, "other") - 1
    near("lpips", distance(trunk.network, lins.network, a, b))
    assert distance(trunk.network, lins.network, a, a).abs().max() == 0


@torch.no_grad()
def test_libreface_gives_the_published_probabilities(tmp_path):
    loaded = imported({"model": published("action_units"), "epoch": 3}, tmp_path / "resnet.pt")
    assert loaded.model.kind == "action-units"
    near("action_units", loaded.network(recipe.pictures(2, 224)))


@torch.no_grad()
@pytest.mark.parametrize("form", ["bin", "safetensors", "torchaudio"])
def test_wav2vec2_gives_the_published_logits_from_each_publication(tmp_path, form):
    weights = published("wav2vec2")
    if form == "torchaudio":
        from app.engine.checkpoints.speech_files import renamed

        weights = {renamed(name): value for name, value in weights.items() if "masked_spec" not in name}
    path = tmp_path / f"model.{'pth' if form == 'torchaudio' else form}"
    if form == "safetensors":
        from safetensors.torch import save_file

        save_file(weights, path, metadata={"format": "pt"})
        loaded = load_model(import_model(path).name)
    else:
        loaded = imported(weights, path)
    assert loaded.model.kind == "wav2vec2"
    near("wav2vec2", loaded.network(recipe.sound(4000)))


def test_the_wrong_member_of_a_family_is_reported(tmp_path):
    other = published("inception")
    other["fc.weight"] = torch.zeros(1000, 2048)
    torch.save(other, tmp_path / "inception_v3_google-0cc3c7bd.pth")
    with pytest.raises(EngineError, match="pytorch-fid"):
        import_model(tmp_path / "inception_v3_google-0cc3c7bd.pth")
    vgg = published("lpips") | {"lin1.model.1.weight": torch.zeros(1, 128, 1, 1)}
    torch.save(vgg, tmp_path / "vgg.pth")
    with pytest.raises(EngineError, match=r"alex\.pth"):
        import_model(tmp_path / "vgg.pth")
    headless = {k: v for k, v in published("wav2vec2").items() if not k.startswith("lm_head")}
    torch.save(headless, tmp_path / "wav2vec2.bin")
    with pytest.raises(EngineError, match="head for English"):
        import_model(tmp_path / "wav2vec2.bin")
    assert not [model for model in models() if not model.shipped]

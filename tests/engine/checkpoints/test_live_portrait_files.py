"""LivePortrait's five files make one model, in both forms in circulation; missing and foreign files are
refused.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from app.engine.checkpoints import live_portrait_files as files
from app.engine.checkpoints.store import import_model, load_model, models, remove_model, verify_model
from app.engine.errors import EngineError
from app.engine.networks import live_portrait
from app.engine.networks.blocks import fold_spectral_norm
from app.engine.networks.live_portrait import LivePortrait, LivePortraitConfig, fused
from tests.engine.live_portrait import TABLES, Pass

Weights = dict[str, Tensor]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the released layout an eighth as wide: enough for names, folders and refusals, without 500 MB to
    hash.
    """
    monkeypatch.setattr(live_portrait, "LivePortraitConfig", partial(LivePortraitConfig, narrow=8))


def contents(network: LivePortrait) -> dict[str, object]:
    """Return what the five .pth files hold."""
    found: dict[str, object] = {
        name: getattr(network, part).state_dict() for name, part in files.BASE.items()
    }
    small = {
        name: {f"module.{key}": value for key, value in getattr(network, part).state_dict().items()}
        for name, part in files.SMALL.items()
    }
    return found | {files.SMALL_FILE: {**small, "epoch": 12, "optimizer": {"lr": 1e-4}}}


def thin() -> LivePortrait:
    """Return a network of the released shapes whose tensors all share one number."""
    with torch.device("meta"):
        network = LivePortrait()
    ones = {
        name: torch.ones((), dtype=value.dtype).expand(value.shape)
        for name, value in network.state_dict().items()
    }
    network.load_state_dict(ones, assign=True)
    return network


def laid_out(network: LivePortrait, root: Path) -> Path:
    """Lay the files out in the released folders and return the root."""
    for name, content in contents(network).items():
        folder = root / "liveportrait" / ("retargeting_models" if name == files.SMALL_FILE else "base_models")
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(content, folder / f"{name}.pth")
    return root


@pytest.fixture
def released(tmp_path: Path, narrow: None) -> Path:
    return laid_out(thin(), tmp_path / "pretrained_weights")


def test_the_released_files_run_as_the_released_networks(whole: Pass, tmp_path: Path) -> None:
    model = import_model(laid_out(whole.network, tmp_path / "pretrained_weights"))
    assert (model.name, model.kind) == ("live-portrait", "live-portrait")
    assert verify_model(model.name) == model
    network = load_model(model.name).network
    assert isinstance(network, LivePortrait)
    wanted = {part: getattr(whole.network, part).state_dict() for part in TABLES}
    wanted["generator"] = fold_spectral_norm(wanted["generator"])
    kept = network.state_dict()
    assert len(kept) == sum(len(weights) for weights in wanted.values())
    assert all(torch.equal(kept[f"{part}.{name}"], w) for part in TABLES for name, w in wanted[part].items())
    quick = fused(network)  # this one generates; its batch norms are folded and convolutions joined
    with torch.inference_mode():
        made = files.run(quick, {}, {"source": whole.source, "driving": whole.driving})
        stitched = torch.from_numpy(whole.golden["relative_stitched_x"])
        warped = quick.warping(whole.seen["feature"], stitched, made["source_x"])
    for name in ("source_x", "driving_x"):
        assert whole.apart(name, made[name]) < 1e-5
    assert whole.apart("stitched_x", made["stitched_x"]) < 1e-5
    assert whole.apart("image", made["image"][:, :, ::2, ::2]) < 5e-4
    assert whole.apart("deformation_relative", warped.flow[:, 1::5, 1::5, 1::5]) < 5e-5


def test_a_folder_and_any_of_its_files_are_the_same_model(released: Path) -> None:
    model = import_model(released)
    assert "MIT" in model.licence and "not the files that its makers published" in model.use
    base = released / "liveportrait" / "base_models" / "motion_extractor.pth"
    assert import_model(base) == model
    assert [m.name for m in models("live-portrait")] == ["live-portrait"]
    remove_model(model.name)
    assert not models("live-portrait")


def test_the_safetensors_in_circulation_are_the_same_weights(narrow: None) -> None:
    pickled = contents(thin())
    flat = {
        f"{name}_module.{key}": value
        for name, part in files.SMALL.items()
        for key, value in getattr(thin(), part).state_dict().items()
    }
    first, second = files.joined(pickled), files.joined({**pickled, files.SMALL_FILE: flat})
    assert first.config == second.config
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert not any("module." in name or name.endswith("weight_orig") for name in first.weights)


def test_safetensors_are_preferred_and_published_ones_known(tmp_path: Path) -> None:
    for name in files.FILES:
        (tmp_path / f"{name}.pth").touch()
    (tmp_path / "motion_extractor.safetensors").touch()
    found = files.files_of(tmp_path)
    assert found is not None
    assert {path.suffix for path in found.values()} == {".pth", ".safetensors"}
    assert found["motion_extractor"].suffix == ".safetensors"
    hashes = {path: files.PUBLISHED[path.name] for path in found.values()}
    assert files.published(hashes)
    assert not files.published({**hashes, found["warping_module"]: "0" * 64})


def test_missing_files_are_named(released: Path) -> None:
    (released / "liveportrait" / "base_models" / "spade_generator.pth").unlink()
    with pytest.raises(EngineError, match=r"missing: spade_generator"):
        import_model(released)
    assert not models("live-portrait")


def test_one_file_under_another_name_is_reported_what_it_is_part_of(released: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "download.pth"
    (released / "liveportrait" / "base_models" / "motion_extractor.pth").rename(lonely)
    with pytest.raises(EngineError, match="one of LivePortrait's five files"):
        import_model(lonely)


def test_wrong_shapes_and_empty_folders_are_refused(released: Path, tmp_path: Path) -> None:
    path = released / "liveportrait" / "base_models" / "motion_extractor.pth"
    wrong = {name: torch.zeros(3) for name in torch.load(path, weights_only=True)}
    torch.save(wrong, path)
    with pytest.raises(EngineError, match="motion network, but does not fit"):
        import_model(released)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EngineError, match="holds no model"):
        import_model(tmp_path / "empty")


def test_folding_is_the_generators_own(narrow: None) -> None:
    weights = thin().generator.state_dict()
    folded = fold_spectral_norm(weights)
    assert torch.isfinite(folded["up_0.conv_s.weight"]).all()

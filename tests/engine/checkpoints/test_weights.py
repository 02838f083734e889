"""Models are imported, listed, verified, run and removed; wrong and hostile files leave nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from app.engine.checkpoints import store
from app.engine.checkpoints.running import run_network
from app.engine.checkpoints.store import (
    import_model,
    load_model,
    models,
    models_folder,
    remove_model,
    verify_model,
)
from app.engine.errors import EngineError
from app.engine.networks.head2head import Head2Head
from app.engine.networks.headgan import LIGHT, HeadGan, HeadGanConfig
from app.engine.networks.stylegan2 import Generator
from tests.engine.networks.test_stylegan2 import parity


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def thin(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the network's names and shapes with one shared number, so that the file has only kilobytes."""
    return {
        name: torch.ones((), dtype=value.dtype).expand(value.shape)
        for name, value in network.state_dict().items()
    }


@pytest.fixture
def directions(tmp_path) -> Path:
    content = {
        "A_matrix": {"linear.weight": torch.randn(4096, 15), "linear.bias": torch.randn(4096)},
        "shift_scale": 6.0,
    }
    return saved(content, tmp_path / "A_matrix.pt")


def user_models() -> list[str]:
    return [model.name for model in models() if not model.shipped]


def test_life_of_a_model(directions):
    model = import_model(directions)
    assert (model.name, model.kind, model.source) == ("directions", "directions", "A_matrix.pt")
    assert model.licence and model.use
    assert user_models() == ["directions"]
    assert import_model(directions) == model  # the same file again is the same model
    assert verify_model("directions") == model
    assert json.loads((model.folder / "manifest.json").read_text())["source_sha256"] == model.source_sha256
    remove_model("directions")
    assert user_models() == [] and list(models_folder().iterdir()) == []


def test_a_second_file_of_a_kind_gets_another_name(directions, tmp_path):
    import_model(directions)
    other = saved(
        {"linear.weight": torch.zeros(4096, 15), "linear.bias": torch.zeros(4096)}, tmp_path / "b.pt"
    )
    assert import_model(other).name == "directions-2"
    assert import_model(other, "Mine: 1/2").name == "Mine-1-2"


def test_verify_notices_a_changed_byte(directions):
    model = import_model(directions)
    path = model.folder / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(EngineError, match="not what was imported"):
        verify_model("directions")


def test_run_computes_the_matrix_product(directions, tmp_path):
    import_model(directions)
    delta = np.random.default_rng(0).normal(size=(1, 15)).astype(np.float32)
    np.savez(tmp_path / "in.npz", delta_p=delta)
    assert run_network("directions", tmp_path / "in.npz", tmp_path / "out.npz") == {"shift": (1, 8, 512)}
    matrix = torch.load(directions, weights_only=True)["A_matrix"]
    wanted = delta @ matrix["linear.weight"].numpy().T + matrix["linear.bias"].numpy()
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npz")["shift"].reshape(1, -1), wanted, rtol=1e-4, atol=1e-4
    )
    np.savez(tmp_path / "wrong.npz", delta_q=delta)
    with pytest.raises(EngineError, match="delta_p"):
        run_network("directions", tmp_path / "wrong.npz", tmp_path / "out.npz")
    np.savez(tmp_path / "wrong.npz", delta_p=delta[:, :3])
    with pytest.raises(EngineError, match="cannot take these tensors"):
        run_network("directions", tmp_path / "wrong.npz", tmp_path / "out.npz")


def test_run_reports_bad_files_and_leaves_nothing(directions, tmp_path):
    import_model(directions)
    good = tmp_path / "in.npz"
    np.savez(good, delta_p=np.zeros((1, 15)))
    np.savez(tmp_path / "words.npz", delta_p=np.array(["a"]))
    np.savez(tmp_path / "scalar.npz", delta_p=np.float32(1))
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "folder.npz").mkdir()
    before = set(tmp_path.iterdir())
    for name in ("words.npz", "scalar.npz", "one.npy", "folder.npz", "absent.npz"):
        with pytest.raises(EngineError):
            run_network("directions", tmp_path / name, tmp_path / "out.npz")
    for output in (tmp_path / "folder.npz", tmp_path / "nowhere" / "out.npz"):
        with pytest.raises(EngineError):
            run_network("directions", good, output)
    assert set(tmp_path.iterdir()) == before


def test_a_models_folder_that_cannot_be_made_is_reported(directions, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="cannot be written"):
        import_model(directions)


def test_released_headgan_is_folded(tmp_path):
    torch.manual_seed(0)
    network = HeadGan(HeadGanConfig(audio=False)).eval()
    model = import_model(saved(network.state_dict(), tmp_path / "latest_net_G.pth"))
    assert model.kind == "headgan" and model.config["audio"] is False
    loaded = load_model(model.name).network
    name = "flow_network.dec_res.0.conv_0"
    # The network's own division by its spectral norm.
    assert torch.equal(loaded.get_submodule(name).weight, network.get_submodule(name).weight())
    assert not any("weight_u" in key for key in loaded.state_dict())


def test_head2head_needs_equal_copies(tmp_path):
    state = thin(Head2Head(norm=lambda c: torch.nn.InstanceNorm2d(c, track_running_stats=True)))
    twice = state | {n.replace("resnetblock_sequential", "conv_block"): v for n, v in state.items()}
    assert import_model(saved(twice, tmp_path / "a.pth")).kind == "head2head"
    bad = next(n for n in twice if "conv_block" in n and n.endswith("weight"))
    twice[bad] = torch.zeros(()).expand(twice[bad].shape)
    with pytest.raises(EngineError, match="copies"):
        import_model(saved(twice, tmp_path / "b.pth"))


@pytest.mark.parametrize(("size", "multiplier"), [(256, 1), (256, 2), (64, 1)])
def test_stylegan2_is_recognised_by_its_shapes(tmp_path, size, multiplier):
    with torch.device("meta"):
        network = Generator(size, multiplier)
    model = import_model(saved({"g_ema": thin(network)}, tmp_path / "g.pt"))
    assert model.kind == "stylegan2"
    assert dict(model.config) == {"size": size, "channel_multiplier": multiplier}


def test_our_own_file_comes_back(tmp_path):
    from app.engine.checkpoints.headgan_files import KINDS
    from app.engine.checkpoints.kinds import Found
    from app.engine.checkpoints.store import write_weights

    config = HeadGanConfig(width=4, hidden=8, audio=False, spectral=False)
    network = HeadGan(config)
    half = {name: value.half() for name, value in network.state_dict().items()}
    path = tmp_path / "light.safetensors"
    write_weights(Found(half, vars(config), {"mean": torch.ones(3)}), KINDS[0].name, path)
    loaded = load_model(import_model(path).name)
    assert loaded.network.config == config
    assert torch.equal(loaded.extras["mean"], torch.ones(3))
    assert next(loaded.network.parameters()).dtype == torch.float32


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hacked",)


def broken_files(folder: Path, good: Path) -> dict[str, Path]:
    data = good.read_bytes()
    short, renamed = folder / "short.pt", folder / "weights.safetensors"
    short.write_bytes(data[: len(data) // 2])
    renamed.write_bytes(data)
    text, empty = folder / "text.pth", folder / "empty.pth"
    text.write_text("not a checkpoint")
    empty.write_bytes(b"")
    wrong_shape = {"linear.weight": torch.zeros(4096, 14), "linear.bias": torch.zeros(4096)}
    nan = {"linear.weight": torch.full((4096, 15), torch.nan), "linear.bias": torch.zeros(4096)}
    missing = thin(HeadGan(LIGHT))
    odd = {"to_rgb1.bias": torch.zeros(1), "input.input": torch.zeros(1)}
    tall = {**odd, **{f"to_rgbs.{k}.bias": torch.zeros(1) for k in range(40)}}
    flat = {**odd, "convs.6.conv.weight": torch.tensor(0.0)}
    listed = folder / "listed.safetensors"
    save_file({"a": torch.zeros(1)}, listed, metadata={"kind": "head2head", "config": "[1]"})
    return {
        "tall.pth is broken": saved({"g_ema": tall}, folder / "tall.pth"),
        "flat.pth is broken": saved(flat, folder / "flat.pth"),
        "scalar.pth is broken": saved({"linear.weight": torch.tensor(0.0)}, folder / "scalar.pth"),
        "another version": listed,
        "broken": short,
        "broken or": renamed,
        "broken or no": text,
        "no checkpoint": empty,
        "knows": saved({"a": torch.zeros(3)}, folder / "other.pth"),
        "named weights": saved([torch.zeros(3)], folder / "list.pth"),
        "more than weights": saved({"linear.weight": Hostile()}, folder / "hostile.pth"),
        "shape": saved(wrong_shape, folder / "shape.pth"),
        "finite": saved(nan, folder / "nan.pth"),
        "does not fit": saved(missing, folder / "light.pth"),
        "no file": folder / "absent.pth",
    }


def test_bad_files_are_distinguished_and_leave_nothing(directions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words, path in broken_files(tmp_path, directions).items():
        with pytest.raises(EngineError, match=words):
            import_model(path)
    assert not (tmp_path / "hacked").exists()
    assert not models_folder().exists() or list(models_folder().iterdir()) == []


def test_listing_imports_no_torch():
    code = "import sys; from app.engine.checkpoints.store import models; models(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_imported_released_headgan_gives_the_golden_picture(shared, tmp_path):
    recipe = parity(shared)
    path = saved(
        recipe.state_dict(recipe.read_keys("headgan_keys.tsv"), "public"), tmp_path / "latest_net_G.pth"
    )
    name = import_model(path).name

    def draw(tensor: str, shape: tuple[int, ...], kind: str = "uniform") -> np.ndarray:
        return recipe.tensor(tensor, shape, "public", kind).numpy()

    photo = 2 * draw("ref.rgb", (1, 3, 256, 256)) - 1
    reference = np.concatenate([draw("ref.nmfc", (1, 3, 256, 256)), photo], axis=1)
    np.savez(
        tmp_path / "in.npz",
        input=draw("input.input", (1, 9, 256, 256)),
        ref_input=reference,
        audio_feats=draw("audio", (1, 300), "normal"),
    )
    # This process has its kernels already, whatever they are: the answer must not depend on them.
    torch.nn.functional.conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3))
    run_network(name, tmp_path / "in.npz", tmp_path / "out.npz")
    golden = np.load(shared / "parity" / "vectors" / "headgan.npz")
    answer = np.load(tmp_path / "out.npz")
    for key, tolerance in (("image", 2e-4), ("warped", 2e-4), ("flow", 2e-3)):
        assert np.abs(answer[key] - golden[key]).max() <= tolerance, key


def test_a_manifests_name_never_leads_out_of_the_models_folder(directions, tmp_path):
    model = store.import_model(directions)
    precious = store.models_folder().parent / "precious"
    precious.mkdir()
    (precious / "work.txt").write_text("years")
    manifest = model.folder / store.MANIFEST
    manifest.write_text(manifest.read_text().replace(f'"name": "{model.name}"', '"name": "../precious"'))
    assert [m.name for m in store.models("directions")] == [model.name]
    with pytest.raises(EngineError):
        store.remove_model("../precious")
    store.remove_model(model.name)
    assert (precious / "work.txt").read_text() == "years"

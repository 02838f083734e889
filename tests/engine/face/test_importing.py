"""Other face models are imported with their movements; what is no model, or is code, is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from app.engine.errors import EngineError
from app.engine.face.carrying import DenseModel, carried_over, registered
from app.engine.face.importing import read_dense, use_face_model
from app.engine.face.morphable_model import MorphableModel, default_model, imported_path, load_model

UNIT = 63.0  # millimetres in one eye distance
N_ID, N_EXP = 12, 20  # numbers of shapes


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def dense(model: MorphableModel) -> DenseModel:
    """Return our model in another topology, order and unit; the middle of every edge is a vertex too."""
    edges = np.unique(np.sort(model.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    order = np.random.default_rng(1).permutation(468 + len(edges))

    def finer(shape: np.ndarray) -> np.ndarray:
        return np.concatenate([shape, shape[edges].mean(axis=1)])[order] * UNIT

    identity = [finer(b * s) for b, s in zip(model.identity_basis[:N_ID], model.identity_sigma)]
    expression = [finer(b * s) for b, s in zip(model.expression_basis[:N_EXP], model.expression_sigma)]
    return DenseModel(finer(model.mean) + (3.0, -40.0, 11.0), np.array(identity), np.array(expression))


def columns(shapes: np.ndarray) -> np.ndarray:
    return shapes.reshape(len(shapes), -1).T


def as_flame(dense: DenseModel, path: Path) -> None:
    shapedirs = np.zeros((len(dense.mean), 3, 300 + N_EXP))
    shapedirs[:, :, :N_ID] = dense.identity.transpose(1, 2, 0)
    shapedirs[:, :, 300:] = dense.expression.transpose(1, 2, 0)
    if path.suffix == ".npz":
        np.savez(path, v_template=dense.mean, shapedirs=shapedirs)
    else:
        from safetensors.numpy import save_file

        save_file({"v_template": dense.mean, "shapedirs": np.ascontiguousarray(shapedirs)}, str(path))


def as_lsfm(dense: DenseModel, path: Path) -> None:
    from scipy.io import savemat

    fmod = {
        "mean": dense.mean.reshape(-1, 1),
        "id_basis": columns(dense.identity),
        "exp_basis": columns(dense.expression),
    }
    savemat(path, {"fmod": fmod})


def as_basel_2017(dense: DenseModel, path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, shapes, mean in (
            ("shape", dense.identity, dense.mean),
            ("expression", dense.expression, 0 * dense.mean),
        ):
            norm = np.linalg.norm(columns(shapes), axis=0)
            file[f"{name}/model/mean"] = mean.ravel()
            file[f"{name}/model/pcaBasis"] = columns(shapes) / norm
            file[f"{name}/model/pcaVariance"] = norm**2


WRITERS = {
    "flame.npz": as_flame,
    "flame.safetensors": as_flame,
    "lsfm.mat": as_lsfm,
    "basel.h5": as_basel_2017,
}


def span(a: np.ndarray, b: np.ndarray) -> float:
    """Return how much of the directions `a` lies in the span of the orthonormal `b`, for the worst direction."""
    rows = a.reshape(len(a), -1)
    inside = rows @ b.reshape(len(b), -1).T
    return float((np.linalg.norm(inside, axis=1) / np.linalg.norm(rows, axis=1)).min())


@pytest.mark.parametrize("name", WRITERS)
def test_formats_bring_mean_and_movements(model, dense, tmp_path, name) -> None:
    path = tmp_path / name
    WRITERS[name](dense, path)
    found = use_face_model(path)
    assert np.linalg.norm(found.mean - model.mean, axis=1).mean() < 0.02
    # 12 of our own directions of expression, carried away and back
    assert span(model.expression_basis[:12], found.expression_basis) > 0.85
    assert len(found.identity_basis) == N_ID
    rows = np.concatenate([found.expression_basis, found.identity_basis]).reshape(28 + N_ID, -1)
    assert np.abs(rows @ rows.T - np.eye(len(rows))).max() < 1e-6
    assert load_model(imported_path()).expression_basis.shape == (28, 468, 3)


def test_basel_2009_brings_identity_and_keeps_our_expression(model, dense, tmp_path) -> None:
    from scipy.io import savemat

    norm = np.linalg.norm(columns(dense.identity), axis=0)
    path = tmp_path / "01_MorphableModel.mat"
    savemat(
        path,
        {"shapeMU": dense.mean.reshape(-1, 1), "shapePC": columns(dense.identity) / norm, "shapeEV": norm},
    )
    found = use_face_model(path)
    assert np.array_equal(found.expression_basis, model.expression_basis)
    assert span(model.identity_basis[:6], found.identity_basis) > 0.8


def test_registration_without_landmarks_finds_size_and_place(model, dense) -> None:
    placed, weights, scale, rotation = registered(dense, model.mean)
    assert scale == pytest.approx(1 / UNIT, rel=0.02)
    assert np.abs(rotation - np.eye(3)).max() < 0.03
    assert np.linalg.norm(weights @ placed - model.mean, axis=1).mean() < 0.02


def test_the_command_uses_a_model_and_goes_back(dense, tmp_path, capsys) -> None:
    from app.cli import main

    path = tmp_path / "flame.npz"
    as_flame(dense, path)
    default_model.cache_clear()
    try:
        assert main(["models", "face", str(path), "--json"]) == 0
        assert f'"identity": {N_ID}' in capsys.readouterr().out
        assert len(default_model().identity_basis) == N_ID
        default_model.cache_clear()
        assert main(["models", "face", "--own"]) == 0
        assert len(default_model().identity_basis) == 40
        assert main(["models", "face"]) == 1
    finally:
        default_model.cache_clear()


def test_a_pickle_is_refused_and_never_run(tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "generic_model.pkl"
    path.write_bytes(pickle.dumps({"v_template": Bomb()}))
    with pytest.raises(EngineError, match="pickle"):
        use_face_model(path)
    hidden = tmp_path / "flame.npz"
    np.savez(hidden, v_template=np.array([Bomb()], dtype=object), shapedirs=np.zeros((1, 3, 1)))
    (tmp_path / "ran").unlink(missing_ok=True)
    with pytest.raises(EngineError):
        use_face_model(hidden)
    assert not (tmp_path / "ran").exists()


def test_a_file_of_matlab_7_3_is_distinguished_from_a_broken_one(tmp_path):
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    (tmp_path / "new.mat").write_bytes(header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(EngineError) as raised:
        use_face_model(tmp_path / "new.mat")
    assert "MATLAB 7.3" in raised.value.message and "-v7" in raised.value.remedy


@pytest.mark.parametrize("name", ["a.npz", "a.mat", "a.h5", "a.safetensors", "a.obj"])
def test_what_is_no_model_is_reported(tmp_path, name) -> None:
    path = tmp_path / name
    path.write_bytes(b"not a face model at all")
    with pytest.raises(EngineError):
        use_face_model(path)
    with pytest.raises(EngineError):
        use_face_model(tmp_path / f"missing-{name}")


def test_facekit_itself(model, shared) -> None:
    """With FaceKit's own file, jaw down opens the mouth, smile lifts its own corner, and blink shuts its own
    eye.
    """
    path = shared / "models3d" / "ict_facekit" / "ict_full_fp16.npz"
    dense = read_dense(path)
    with np.load(path) as file:
        names = [n for n in map(str, file["expr_names"]) if not n.startswith(("PupilDilate", "eyeLook"))]
    found = carried_over(dense, model)
    _, weights, scale, rotation = registered(dense, model.mean)

    def moved(name: str) -> np.ndarray:
        return scale * (weights @ dense.expression[names.index(name)]) @ rotation.T

    jaw = moved("jawOpen")
    assert jaw[14, 1] < -0.3 and abs(jaw[13, 1]) < 0.05 and abs(jaw[168]).max() < 0.02
    smile = moved("mouthSmile_L")
    assert smile[291, 1] > 0.05 and abs(smile[61]).max() < 0.04
    blink = moved("eyeBlink_R")
    assert blink[159, 1] < -0.05 and abs(blink[145, 1]) < 0.04 and abs(blink[386]).max() < 0.01
    assert span(np.stack([jaw, smile]), found.expression_basis) > 0.95
    assert found.identity_basis.shape == (40, 468, 3)
    assert np.linalg.norm(found.mean - model.mean, axis=1).mean() < 0.15

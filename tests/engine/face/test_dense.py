"""An imported LSFM's own mesh takes the same parameters, and is drawn by the released networks' convention."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from app.engine.checkpoints.headgan_files import KINDS
from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.store import save_model
from app.engine.face.dense import imported_dense, outwards
from app.engine.face.importing import use_face_model
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.generators.headgan import HeadGan, window
from app.engine.networks.headgan import HeadGan as Network
from app.engine.networks.headgan import HeadGanConfig
from app.engine.rendering.shading import triangle_colours
from app.engine.squares.crop import Square

UNIT, N_ID, N_EXP = 63.0, 12, 28  # mm in one eye distance; numbers of shapes


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("dense")


@pytest.fixture(autouse=True)
def own_home(home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(home))


@pytest.fixture(scope="module")
def order(model: MorphableModel) -> np.ndarray:
    edges = len(np.unique(np.sort(model.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0))
    return np.random.default_rng(1).permutation(468 + edges)


@pytest.fixture(scope="module")
def lsfm(model: MorphableModel, order: np.ndarray, home: Path) -> Path:
    """Write a file in all_all_all.mat's layout: our model with every edge halved, shuffled, in millimetres,
    with triangles that count from 1 and are inside out.
    """
    edges = np.unique(np.sort(model.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    middle = {tuple(edge): 468 + k for k, edge in enumerate(edges.tolist())}
    place = np.argsort(order)

    def finer(shape: np.ndarray) -> np.ndarray:
        return (np.concatenate([shape, shape[edges].mean(axis=1)])[order] * UNIT).reshape(-1)

    faces = []
    for a, b, c in model.triangles.tolist():
        ab, bc, ca = (middle[tuple(sorted(pair))] for pair in ((a, b), (b, c), (c, a)))
        faces += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    fmod = {
        "mean": finer(model.mean)[:, None] + 5.0,
        "id_basis": np.stack(
            [finer(b * s) for b, s in zip(model.identity_basis[:N_ID], model.identity_sigma)], 1
        ),
        "exp_basis": np.stack(
            [finer(b * s) for b, s in zip(model.expression_basis, model.expression_sigma)], 1
        ),
        "faces": place[np.array(faces)[:, ::-1]] + 1,
    }
    savemat(home / "all_all_all.mat", {"fmod": fmod})
    return home / "all_all_all.mat"


@pytest.fixture(scope="module")
def carried(lsfm: Path, home: Path) -> MorphableModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(home))
        return use_face_model(lsfm)


def some_params(carried: MorphableModel) -> FaceParams:
    rng = np.random.default_rng(3)
    camera = Camera.from_angles(20, -8, 5, 50.0, (128.0, 130.0))
    identity = Identity(tuple(rng.normal(0, 1, len(carried.identity_basis)).tolist()))
    return FaceParams(identity, Expression(tuple(rng.normal(0, 0.8, 28).tolist())), camera)


def test_the_dense_mesh_moves_with_the_carried_one(carried, order):
    dense = imported_dense()
    assert dense is not None and dense.triangles.shape == (4 * 852, 3) and len(dense.mean) == len(order)
    params = some_params(carried)
    neutral = FaceParams(Identity((0.0,) * len(carried.identity_basis)), Expression(), params.camera)
    vertices = np.argsort(order)[:468]

    def ours(of: FaceParams) -> np.ndarray:
        return of.camera.project(carried.shape(of.identity, of.expression))

    errors = np.linalg.norm(ours(params) - dense.project(params)[vertices], axis=1) / params.camera.scale
    assert np.median(errors) < 0.02 and np.quantile(errors, 0.95) < 0.08  # eye distances
    motion = ours(params) - ours(neutral)
    theirs = (dense.project(params) - dense.project(neutral))[vertices]
    assert np.corrcoef(motion.ravel(), theirs.ravel())[0, 1] > 0.9
    assert 0.7 < np.linalg.norm(theirs) / np.linalg.norm(motion) < 1.4


def test_triangles_are_turned_outwards(carried, model):
    assert np.array_equal(outwards(model.triangles[:, ::-1], model.mean), model.triangles)
    dense = imported_dense()
    a, b, c = (dense.mean[dense.triangles[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).mean() > 0.8


def saved(name: str, extras: dict) -> None:
    torch.manual_seed(0)
    config = HeadGanConfig(width=4, hidden=8, audio=False, spectral=False)
    save_model(Found(Network(config).state_dict(), vars(config), extras), KINDS[0], name, "tests")


def test_released_networks_see_the_imported_mesh_and_ours_see_ours(carried):
    saved("released", {})
    backend = HeadGan()
    renderer, dense, params = backend.renderer(), imported_dense(), some_params(carried)
    nmfc = window(renderer, Square(0, 0, 256), (params,))[6:].reshape(3, -1).T
    drawn = np.unique(np.round(nmfc[nmfc.sum(axis=1) > 0], 4), axis=0)
    known = np.round(triangle_colours(dense.coordinates, dense.triangles), 4)
    assert len(drawn) > 1200  # our own mesh has 852 triangles
    gaps = np.abs(drawn[:, None] - known[None]).max(axis=2).min(axis=1)
    assert gaps.max() < 2e-4  # each triangle has one colour, that of its centre in the file's mean
    low, high = dense.coordinates.min(axis=0), dense.coordinates.max(axis=0)
    first = dense.coordinates[dense.triangles[0]].mean(axis=0)
    np.testing.assert_allclose(known[0], (first - low) / (high - low), atol=1e-4)
    backend.close()
    saved("ours", {"image_size": torch.tensor(64)})
    mine = HeadGan()
    assert isinstance(mine.renderer().mesh, MorphableModel)
    mine.close()


def test_going_back_takes_the_mesh_away_and_a_file_without_triangles_has_none(carried, lsfm, home):
    from scipy.io import loadmat

    fmod = loadmat(lsfm)["fmod"]
    plain = {name: fmod[name][0, 0] for name in ("mean", "id_basis", "exp_basis")}
    savemat(home / "plain.mat", {"fmod": plain})
    use_face_model(home / "plain.mat")
    assert imported_dense() is None
    use_face_model(lsfm)
    assert imported_dense() is not None
    use_face_model(None)
    assert imported_dense() is None

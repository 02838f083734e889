"""Reads files of other 3D face models that a user brings: ICT-FaceKit, FLAME, Basel (2009, 2017), LSFM.

Nothing in them is executed: NumPy archives without pickles, safetensors, MATLAB 5 and HDF5 only. FLAME's
own `.pkl` is a Python pickle of chumpy objects, which no safe reader opens; it must be saved as `.npz` first.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.carrying import DenseModel, carried_over, registered
from app.engine.face.dense import dense_face, save_dense
from app.engine.face.morphable_model import (
    ASSET,
    MorphableModel,
    imported_path,
    load_model,
    save_model,
)
from app.engine.face.parameters import FloatArray

FLAME_SHAPES = 300  # number of FLAME's directions that are identity; the rest are expression (Li et al. 2017)
ICT_SKIN = 9409  # number of ICT-FaceKit's first vertices that are the face's, by its README
# Standard deviations in one of ICT-FaceKit's 45 shapes: a few of them act at once, at about half, which varies as much
# as every shape with a standard deviation of 1/6.
ICT_MOVEMENT = 6.0
HDF5_MATLAB = 2  # scipy's major version of MATLAB 7.3's files
NOT_FACIAL = ("PupilDilate", "eyeLook")  # beginnings of the names of ICT's shapes that do not move skin
Tables = Mapping[str, Any]


def use_face_model(path: Path | None) -> MorphableModel:
    """Import a file's face model onto Mien's 468 vertices and use it from the next start on; None goes back to Mien's.

    Presets, performances and trained networks contain components of Mien's own model. `EngineError` where the file is
    none of the known models, is broken, or would have to be executed.
    """
    kept = imported_path()
    if path is None:
        kept.unlink(missing_ok=True)
        save_dense(None)
        return load_model(ASSET)
    dense, base = read_dense(path), load_model(ASSET)
    place = registered(dense, base.mean)
    model = carried_over(dense, base, place)
    own_mesh = None if dense.triangles is None else dense_face(dense, model, place)
    kept.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, kept)
    save_dense(own_mesh)
    return model


def read_dense(path: Path) -> DenseModel:
    """Return the face model of a file in its own topology; `EngineError` as `use_face_model`."""
    if path.suffix.lower() in (".pkl", ".pickle"):
        raise EngineError(
            f"{path.name} is a Python pickle, which can run code when it is opened.",
            "Save the arrays v_template, shapedirs and f as an .npz file and import that.",
        )
    try:
        tables = _tables(path)
        for known, reader in READERS:
            if all(key in tables for key in known):
                return reader(tables)
    except (OSError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile) as error:
        raise EngineError(
            f"The face model {path.name} cannot be read.", "Download the file again and import it."
        ) from error
    raise EngineError(
        f"{path.name} is no face model that Mien knows.",
        "Import ICT-FaceKit (.npz), FLAME (.npz, .safetensors), Basel (.mat, .h5) or LSFM (.mat).",
    )


def _tables(path: Path) -> Tables:
    """Return a file's arrays by name, {} for a kind of file that is not known."""
    kind = path.suffix.lower()
    if kind == ".npz":
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if kind == ".safetensors":
        from safetensors.numpy import load_file

        try:
            return load_file(path)
        except Exception as error:  # safetensors raises a class of its own
            raise ValueError(str(error)) from error
    if kind == ".mat":
        return _matlab(path)
    if kind in (".h5", ".hdf5"):
        return _hdf5(path)
    return {}


def _matlab(path: Path) -> Tables:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError, matfile_version

    try:
        if matfile_version(path)[0] == HDF5_MATLAB:
            raise EngineError(
                f"{path.name} is a file of MATLAB 7.3, whose tables are stored in another way.",
                "Save it in MATLAB with “-v7” and import that file.",
            )
        found = dict(loadmat(path, squeeze_me=True, struct_as_record=False))
    except MatReadError as error:  # an empty file
        raise ValueError(str(error)) from error
    fmod = found.get("fmod")
    return {f"fmod.{name}": getattr(fmod, name) for name in fmod._fieldnames} if fmod is not None else found


def _hdf5(path: Path) -> Tables:
    try:
        import h5py
    except ImportError as error:
        raise EngineError(
            "Reading .h5 face models needs h5py.", "Install it with “pip install h5py”."
        ) from error
    tables: dict[str, Any] = {}
    with h5py.File(path, "r") as file:
        file.visititems(
            lambda name, item: tables.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return tables


def _ict(t: Tables) -> DenseModel:
    names = [str(name) for name in t["expr_names"]]
    facial = [k for k, name in enumerate(names) if not name.startswith(NOT_FACIAL)]
    expression = t["expr_delta"][facial][:, :ICT_SKIN].astype(np.float64)
    return DenseModel(
        t["neutral"][:ICT_SKIN].astype(np.float64),
        t["id_delta"][:, :ICT_SKIN].astype(np.float64),
        expression,
        ICT_MOVEMENT,
        t["landmarks68"].astype(np.int64),
        _ict_parts([names[k] for k in facial], expression),
    )


def _ict_parts(names: list[str], expression: FloatArray) -> dict[str, NDArray[np.bool_]]:
    """Return (V,) masks of the points of each lip and lid, which the shapes' movements show."""
    size = dict(zip(names, np.linalg.norm(expression, axis=2)))
    jaw = size["jawOpen"] > 0.55 * size["jawOpen"].max()
    found = {"upper": ~jaw, "lower": jaw}
    for side, name in (("L", "left"), ("R", "right")):
        moves = size[f"eyeBlink_{side}"]
        found[f"{name}_upper"] = moves > 0.35 * moves.max()
        found[f"{name}_lower"] = moves < 0.12 * moves.max()
    return found


def _flame(t: Tables) -> DenseModel:
    """Return FLAME (Li et al. 2017): shapedirs are (V, 3, 400) in standard deviations, the first 300 are identity."""
    directions = np.asarray(t["shapedirs"], np.float64).transpose(2, 0, 1)
    mean = np.asarray(t["v_template"], np.float64)
    split = FLAME_SHAPES if len(directions) > FLAME_SHAPES else len(directions)
    return DenseModel(mean, directions[:split], directions[split:])


def _basel_2009(t: Tables) -> DenseModel:
    """Return Basel 2009 (01_MorphableModel.mat): identity only, in columns of (x, y, z) of each vertex in turn."""
    return DenseModel(
        _points(t["shapeMU"]),
        _modes(t["shapePC"], np.ravel(t["shapeEV"])),
        np.zeros((0, np.size(t["shapeMU"]) // 3, 3)),
    )


def _basel_2017(t: Tables) -> DenseModel:
    """Return Basel 2017 (model2017-1_*.h5): PCA bases (3V, K) with their variances."""
    shape, expression = "shape/model/", "expression/model/"
    return DenseModel(
        _points(t[shape + "mean"]) + _points(t[expression + "mean"]),
        _modes(t[shape + "pcaBasis"], np.sqrt(t[shape + "pcaVariance"])),
        _modes(t[expression + "pcaBasis"], np.sqrt(t[expression + "pcaVariance"])),
    )


def _lsfm(t: Tables) -> DenseModel:
    """Return LSFM (all_all_all.mat of the papers' authors): the struct fmod has bases (3V, K) in their own unit, and
    triangles.
    """
    mean = _points(t["fmod.mean"])
    return DenseModel(
        mean,
        _modes(t["fmod.id_basis"], 1.0),
        _modes(t["fmod.exp_basis"], 1.0),
        triangles=_triangles(t["fmod.faces"], len(mean)) if "fmod.faces" in t else None,
    )


def _triangles(table: Any, count: int) -> NDArray[np.int64]:
    """Return triangles (T, 3) that count from 0, of a table (T, 3) or (3, T) that counts from 0 or, as MATLAB, from 1.

    ValueError where they name vertices that are not there.
    """
    faces = np.asarray(table, np.int64)
    faces = faces.T if faces.shape[-1] != 3 else faces
    faces = faces - 1 if faces.max() == count else faces
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.min() < 0 or faces.max() >= count:
        raise ValueError("triangles name vertices that are not there")
    return faces


def _points(flat: Any) -> FloatArray:
    return np.asarray(flat, np.float64).reshape(-1, 3)


def _modes(columns: Any, sigma: Any) -> FloatArray:
    scaled = np.asarray(columns, np.float64) * sigma
    return np.asarray(scaled.T.reshape(scaled.shape[1], -1, 3))


READERS: tuple[tuple[tuple[str, ...], Callable[[Tables], DenseModel]], ...] = (
    (("neutral", "expr_delta", "id_delta", "landmarks68"), _ict),
    (("v_template", "shapedirs"), _flame),
    (("shapeMU", "shapePC", "shapeEV"), _basel_2009),
    (("shape/model/mean", "shape/model/pcaBasis", "expression/model/pcaBasis"), _basel_2017),
    (("fmod.mean", "fmod.id_basis", "fmod.exp_basis"), _lsfm),
)

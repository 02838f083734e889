"""Defines, reads and writes the face model: a mean with bases of identity and expression over 468 vertices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.parameters import Expression, FaceParams, FloatArray, Identity
from app.engine.files import ASSETS, data_folder, written

ASSET = ASSETS / "face_model" / "mien468.npz"


@dataclass(frozen=True, eq=False)
class MorphableModel:
    """s = mean + U_id (sigma_id p_id) + U_exp (sigma_exp p_exp) (HeadGAN, eq. 1), in inter-ocular distances.

    mean: (V, 3); identity_basis: (I, V, 3) and expression_basis: (28, V, 3), orthonormal and orthogonal to each
    other; identity_sigma: (I,) and expression_sigma: (28,), their standard deviations, so that parameters are in
    sigmas; pose_bias: (6, V, 3), the errors of the landmark network per unit of each of `fitting.pose_features`;
    triangles: (T, 3), counter-clockwise seen by the viewer; mirror: (V,) the vertex on the other side; groups: vertex
    indices by the name of a part of the face.
    """

    mean: FloatArray
    identity_basis: FloatArray
    identity_sigma: FloatArray
    expression_basis: FloatArray
    expression_sigma: FloatArray
    pose_bias: FloatArray
    triangles: NDArray[np.int32]
    mirror: NDArray[np.int32]
    groups: Mapping[str, NDArray[np.int32]]

    def shape(self, identity: Identity, expression: Expression) -> FloatArray:
        """Return the vertices (V, 3) in model space of a face with this identity and expression."""
        return self.mean + self.identity_offset(identity) + self.expression_offset(expression)

    def vertices(self, params: FaceParams) -> FloatArray:
        """Return the vertices (V, 3) px of a face, as `Camera.project` gives them."""
        return params.camera.project(self.shape(params.identity, params.expression))

    def identity_offset(self, identity: Identity) -> FloatArray:
        """Return the offsets (V, 3), in model space, of an identity from the mean; the array is read-only."""
        return _identity_offset(self, identity)

    def expression_offset(self, expression: Expression) -> FloatArray:
        """Return the offsets (V, 3), in model space, of an expression from the neutral face."""
        p = np.asarray(expression.coefficients)
        return np.tensordot(p * self.expression_sigma, self.expression_basis, 1)

    @cached_property
    def stiffness(self) -> FloatArray:
        """Return weights (V,), large where expressions move a vertex little: bone determines the pose, not lips."""
        variance = np.einsum("kvc,k->v", np.square(self.expression_basis), np.square(self.expression_sigma))
        return np.asarray(1 / (variance + 0.5 * np.median(variance)))

    def nmfc_colours(self) -> FloatArray:
        """Return one colour a triangle, (T, 3) in [0, 1]: x, y, z of the mean face, min-max normalised per axis.

        These are the normalised mean face coordinates (NMFC) of Head2Head++, section 3.2.
        """
        low, high = self.mean.min(axis=0), self.mean.max(axis=0)
        return np.asarray(((self.mean - low) / (high - low))[self.triangles].mean(axis=1))


@lru_cache(maxsize=4)
def _identity_offset(model: MorphableModel, identity: Identity) -> FloatArray:
    """Return `MorphableModel.identity_offset`, kept because every frame needs the driver's and the portrait's."""
    p = np.asarray(identity.coefficients)
    offset = np.tensordot(p * model.identity_sigma[: len(p)], model.identity_basis[: len(p)], 1)
    offset.flags.writeable = False
    return offset


@cache
def default_model() -> MorphableModel:
    """Return the face model that the user imported, else Mien's own, which `tools/build_face_model.py` made."""
    imported = imported_path()
    return load_model(imported if imported.is_file() else ASSET)


def imported_path() -> Path:
    """Return where the face model lies that the user imported with `mien models face`."""
    return data_folder() / "face_model.npz"


def load_model(path: Path) -> MorphableModel:
    """Return the face model in a file that `save_model` wrote; `EngineError` where the file is none."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            groups = {name[6:]: file[name] for name in file.files if name.startswith("group_")}
            fields = (
                "mean",
                "identity_basis",
                "identity_sigma",
                "expression_basis",
                "expression_sigma",
                "pose_bias",
            )
            arrays = {name: file[name].astype(np.float64) for name in fields}
            return MorphableModel(**arrays, triangles=file["triangles"], mirror=file["mirror"], groups=groups)
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise EngineError(
            f"The face model {path.name} cannot be read.",
            "Install Mien again, or leave an imported model with “mien models face --own”.",
        ) from error


def save_model(model: MorphableModel, path: Path) -> None:
    """Write a face model as .npz in single precision."""
    arrays: dict[str, Any] = {
        name: getattr(model, name).astype(np.float32)
        for name in (
            "mean",
            "identity_basis",
            "identity_sigma",
            "expression_basis",
            "expression_sigma",
            "pose_bias",
        )
    }
    groups = {f"group_{name}": indices.astype(np.int32) for name, indices in model.groups.items()}
    with written(path) as beside, beside.open("wb") as file:
        arrays |= {"triangles": model.triangles, "mirror": model.mirror, **groups}
        np.savez_compressed(file, **arrays)

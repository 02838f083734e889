"""Keeps an imported face model's own mesh beside the shapes carried over onto ours, because released networks were
trained with NMFCs of such a mesh.

HeadGAN's authors rasterise LSFM: the colours are the coordinates of its mean, min-max normalised per axis, one colour a
triangle (as the rasteriser of their released code does it). The parameters that pose our 468 vertices pose this mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.face.carrying import DenseModel, displaced
from app.engine.face.morphable_model import MorphableModel, imported_path
from app.engine.face.parameters import FaceParams, FloatArray
from app.engine.files import written


@dataclass(frozen=True, eq=False)
class DenseFace:
    """An imported face model's own mesh, posed by our parameters.

    coordinates: (V, 3) the mean in the file's own axes, from which the NMFC's colours are made; mean: (V, 3) in our
    model's space; identity: (I, V, 3), expression: (28, V, 3): displacements there of one standard deviation of our
    components; triangles: (T, 3), counter-clockwise from outside.
    """

    coordinates: NDArray[np.float32]
    mean: NDArray[np.float32]
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    triangles: NDArray[np.int32]

    def project(self, params: FaceParams) -> FloatArray:
        """Return the vertices (V, 3) px of a face, as `Camera.project` gives them."""
        shape = self.mean.astype(np.float64)
        for coefficients, shapes in (
            (params.identity.coefficients, self.identity),
            (params.expression.coefficients, self.expression),
        ):
            used = min(len(coefficients), len(shapes))
            shape = shape + np.tensordot(np.array(coefficients[:used]), shapes[:used], 1)
        return params.camera.project(shape)


Place = tuple[FloatArray, FloatArray, float, FloatArray]  # the result of `carrying.registered`


def dense_face(dense: DenseModel, carried: MorphableModel, place: Place) -> DenseFace:
    """Return a dense model's own mesh with the components of the model that was carried over from it.

    Each component is the sum of the file's own modes that moves our vertices most nearly as the component does.
    """
    assert dense.triangles is not None
    placed, weights, scale, rotation = place
    modes = np.concatenate([dense.identity, dense.expression]) * scale @ rotation.T
    seen = displaced(modes, weights).reshape(len(modes), -1)

    def counterpart(basis: FloatArray, sigma: FloatArray) -> NDArray[np.float32]:
        wanted = (basis * sigma[:, None, None]).reshape(len(basis), -1)
        mixture = np.linalg.lstsq(seen.T, wanted.T, rcond=1e-8)[0].T
        return np.asarray(np.tensordot(mixture, modes, 1), np.float32)

    return DenseFace(
        dense.mean.astype(np.float32),
        placed.astype(np.float32),
        counterpart(carried.identity_basis, carried.identity_sigma),
        counterpart(carried.expression_basis, carried.expression_sigma),
        outwards(dense.triangles, placed),
    )


def outwards(triangles: NDArray[np.int64], points: FloatArray) -> NDArray[np.int32]:
    """Return triangles (T, 3) over points (V, 3), turned round where needed so that they face away from the middle."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    away = (a + b + c) / 3 - points.mean(axis=0)
    facing = float((np.cross(b - a, c - a) * away).sum())
    return np.asarray(triangles if facing >= 0 else triangles[:, ::-1], np.int32)


def dense_path() -> Path:
    """Return where the own mesh of an imported face model lies."""
    return imported_path().with_name("face_dense.npz")


def save_dense(face: DenseFace | None) -> None:
    """Write a dense face for the next start; None deletes the one there is."""
    path = dense_path()
    if face is None:
        path.unlink(missing_ok=True)
        return
    with written(path) as beside:
        np.savez(beside, **vars(face))


def imported_dense() -> DenseFace | None:
    """Return the imported face model's own mesh; None where nothing was imported or its file has no triangles."""
    path = dense_path()
    return _read(path, path.stat().st_mtime_ns) if path.is_file() and imported_path().is_file() else None


@lru_cache(1)
def _read(path: Path, changed: int) -> DenseFace:
    with np.load(path, allow_pickle=False) as file:
        return DenseFace(**{name: file[name] for name in file.files})

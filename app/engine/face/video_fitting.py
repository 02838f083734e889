"""Fits a whole clip with one identity and smooth expressions (Head2HeadFS, section 3.1, equation 2).

With the cameras given, the landmarks of all frames are linear in the shared identity and the frames' expressions. Data
term, quadratic prior and second differences of the expression make one sparse least-squares problem with box
constraints, which the trust-region reflective method solves (the paper's reference [10]). Cameras start from the fits
of single frames and are estimated again between two solves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.engine.face.fitting import NOISE, as_read, camera_of, pose_features, truly_turned
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import (
    N_VERTICES,
    Camera,
    FaceParams,
    FittedFace,
    FloatArray,
    Identity,
)

# These values were chosen on the clips of ../shared/media.
ROUNDS = 2  # rounds that fit coefficients and cameras in turn
BOX = 4.0  # greatest absolute value of a coefficient, in standard deviations
DEPTH_WEIGHT = 0.5  # weight of z against x and y: the tracker's depth is its weakest reading
SMOOTHNESS_SIGMA = 0.35  # sigmas: second difference of an expression between frames of a 25 fps clip


@dataclass(frozen=True, eq=False)
class VideoFit:
    """A fitted clip.

    frames: the parameters of every frame, all with one identity; error: (T,) root mean square distance of the projected
    shape from the landmarks, in eye distances.
    """

    frames: tuple[FaceParams, ...]
    error: FloatArray

    @property
    def identity(self) -> Identity:
        return self.frames[0].identity


def fit_video(faces: Sequence[FittedFace], model: MorphableModel, rounds: int = ROUNDS) -> VideoFit:
    """Return the fit of consecutive frames of one person.

    faces: the fits of single frames, in order, which give landmarks, gaze, apertures and the first cameras. ValueError
    for fewer than three frames, which have no second difference.
    """
    if len(faces) < 3:
        raise ValueError(f"a clip of at least three frames is needed, not {len(faces)}")
    read = [as_read(face) for face in faces]
    cameras = [camera for camera, _ in read]
    landmarks = np.stack([points[:N_VERTICES] for _, points in read])
    basis = np.concatenate(
        [
            model.identity_basis * model.identity_sigma[:, None, None],
            model.expression_basis * model.expression_sigma[:, None, None],
        ]
    )
    n_identity = len(model.identity_basis)
    weights = model.stiffness
    for _ in range(rounds):
        bias = [np.tensordot(pose_features(camera), model.pose_bias, 1) for camera in cameras]
        base = [model.mean + offset for offset in bias]
        identity, expressions = _solve(landmarks, cameras, base, basis, n_identity)
        own = model.mean + np.tensordot(identity, basis[:n_identity], 1)
        shapes = own + np.tensordot(expressions, basis[n_identity:], 1) + np.stack(bias)
        cameras = [camera_of(shape, points, weights) for shape, points in zip(shapes, landmarks)]
    errors = [_error(*frame) for frame in zip(cameras, shapes, landmarks)]
    true = [truly_turned(camera, points, weights) for camera, (_, points) in zip(cameras, read)]
    frames = tuple(_frame(*frame) for frame in zip(faces, [identity] * len(faces), expressions, true))
    return VideoFit(frames, np.array(errors))


def _frame(face: FittedFace, identity: FloatArray, expression: FloatArray, camera: Camera) -> FaceParams:
    values = replace(face.params.expression, coefficients=tuple(float(v) for v in expression))
    return FaceParams(Identity(tuple(float(v) for v in identity)), values, camera)


def _error(camera: Camera, shape: FloatArray, points: FloatArray) -> float:
    gap = (camera.project(shape) - points)[:, :2] / camera.scale
    return float(np.sqrt(np.square(gap).sum(axis=1).mean()))


def _solve(
    landmarks: FloatArray,
    cameras: Sequence[Camera],
    base: Sequence[FloatArray],
    basis: FloatArray,
    n_identity: int,
) -> tuple[FloatArray, FloatArray]:
    """Return the identity (n_i,) and the expressions (T, n_e) that solve equation 2 for fixed cameras.

    base: (468, 3) of each frame, the mean with the pose's bias; basis: (n_i + n_e, 468, 3) per sigma.
    """
    from scipy import sparse
    from scipy.optimize import lsq_linear

    n_frames, n_expression = len(cameras), len(basis) - n_identity
    reduced = [_reduced(*frame, basis) for frame in zip(cameras, landmarks, base)]
    own = sparse.csr_array(np.concatenate([rows[:, :n_identity] for rows, _ in reduced]))
    moving = sparse.block_diag([sparse.coo_array(rows[:, n_identity:]) for rows, _ in reduced])
    width = n_identity + n_frames * n_expression
    blocks = [
        sparse.hstack([own, moving]),
        sparse.identity(width),
        _second_differences(n_frames, n_expression, n_identity),
    ]
    matrix = sparse.vstack(blocks).tocsr()
    seen = np.concatenate([target for _, target in reduced])
    target = np.concatenate([seen, np.zeros(matrix.shape[0] - len(seen))])
    solution = lsq_linear(matrix, target, (-BOX, BOX), method="trf", lsq_solver="lsmr", tol=1e-6).x
    return solution[:n_identity], solution[n_identity:].reshape(n_frames, n_expression)


def _reduced(
    camera: Camera, points: FloatArray, base: FloatArray, basis: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return rows and target of one frame's data term, in the camera's axes.

    A QR decomposition leaves as many rows as there are coefficients and the same minimiser.
    """
    weights = np.array([1.0, 1.0, DEPTH_WEIGHT]) / math.sqrt(NOISE)
    gap = (camera.unproject(points) - base) @ camera.rotation.T * weights
    turned = (basis @ camera.rotation.T * weights).reshape(len(basis), -1).T
    q, r = np.linalg.qr(turned)
    return r, q.T @ gap.reshape(-1)


def _second_differences(n_frames: int, n_expression: int, offset: int) -> Any:
    """Return the sparse rows e_{t-1} - 2 e_t + e_{t+1}, divided by SMOOTHNESS_SIGMA."""
    from scipy import sparse

    stencil = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(n_frames - 2, n_frames))
    rows = sparse.kron(stencil, sparse.identity(n_expression)) / SMOOTHNESS_SIGMA
    return sparse.hstack([sparse.csr_matrix((rows.shape[0], offset)), rows]).tocsr()

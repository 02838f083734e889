"""Computes the statistics of the face model: alignment, pose bias, expression and identity bases, and errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)  # landmarks of the eyes' corners
RIDGE = 1e-3  # weight of the ridge, in mean squared features


@dataclass(frozen=True, eq=False)
class Frames:
    """Aligned frames of one person: shapes (N, 468, 3) in model units, pose features (N, 6)."""

    shapes: Array
    features: Array


def align(points: Array, target: Array, weights: Array) -> tuple[Array, Array]:
    """Return (N, V, 3) points brought onto the target (V, 3) by weighted similarities (Umeyama 1991).

    Also return their rotations (N, 3, 3), which turn the target's axes into those of the points.
    """
    w = weights / weights.sum()
    a = target - w @ target
    b = points - np.einsum("v,nvc->nc", w, points)[:, None]
    u, d, vt = np.linalg.svd(np.einsum("v,nvi,vj->nij", w, b, a))
    sign = np.ones((len(points), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    scale = (d * sign).sum(1) / (w @ np.square(a).sum(1))
    return np.einsum("nvi,nij->nvj", b, rotation) / scale[:, None, None] + w @ target, rotation


def pose_features(rotations: Array) -> Array:
    """Return (N, 6) features, as `app.engine.face.fitting.pose_features` does."""
    from app.engine.face.parameters import rotation_angles

    angles = np.radians([rotation_angles(rotation) for rotation in rotations])
    y, p, _ = angles.T
    return np.stack([y, p, 0 * y, y * y, p * p, y * p], axis=1)


def upright(landmarks: Array) -> Array:
    """Turn (N, 478, 3) pixels into (N, 468, 3) with y up."""
    return landmarks[:, :468] * (1.0, -1.0, 1.0)


def eye_distance(shape: Array) -> float:
    """Return the distance of the two eye centres."""
    return float(np.linalg.norm(shape[list(RIGHT_EYE)].mean(0) - shape[list(LEFT_EYE)].mean(0)))


def reflected(shapes: Array, mirror: NDArray[np.int32]) -> Array:
    """Return the mirror images of (..., 468, 3) shapes."""
    return shapes[..., mirror, :] * (-1.0, 1.0, 1.0)


def mean_face(people: Array, clips: Sequence[Array], mirror: NDArray[np.int32]) -> tuple[Array, Array]:
    """Return the mean of (N, 468, 3) people, and the weights of the alignment.

    The mean is symmetric, with eye distance 1 and its origin between the eyes. It is level where people's
    mean pitch is, because sitters look straight ahead. A vertex weighs the more, the less it moves within the
    clips: bone moves least, so it carries the pose.
    """
    mean, weights = people[0] - people[0].mean(0), np.ones(468)
    for _ in range(6):
        shapes, rotations = align(people, mean, weights)
        u, _, vt = np.linalg.svd(rotations.mean(0))
        mean = shapes.mean(0) @ (u @ vt).T
        mean = (mean + reflected(mean, mirror)) / 2
        mean -= mean[[*RIGHT_EYE, *LEFT_EYE]].mean(0)
        mean /= eye_distance(mean)
        variance = np.mean([align(clip, mean, weights)[0].var(0).sum(1) for clip in clips], axis=0)
        variance = (variance + variance[mirror]) / 2
        weights = 1 / (variance + 0.5 * np.median(variance))
    return mean, weights / weights.sum()


def frames_of(points: Array, mean: Array, weights: Array) -> Frames:
    """Return a person's (N, 478, 3) landmarks as frames aligned to the mean."""
    shapes, rotations = align(points, mean, weights)
    return Frames(shapes, pose_features(rotations))


def pose_bias(people: Sequence[Frames], mirror: NDArray[np.int32]) -> Array:
    """Return (6, 468, 3): what the landmark network adds with the pose, by ridge regression within people,
    who weigh equally.
    """
    signs = np.array([-1.0, 1, -1, 1, 1, -1])
    left, right = np.zeros((6, 6)), np.zeros((6, 468 * 3))
    for person in people:
        f = person.features - person.features.mean(0)
        d = person.shapes - person.shapes.mean(0)
        left += 2 * f.T @ f / len(f)
        for shapes, features in ((d, f), (reflected(d, mirror), f * signs)):
            right += features.T @ shapes.reshape(len(d), -1) / len(f)
    left = (left + left * np.outer(signs, signs)) / 2
    return np.linalg.solve(left + RIDGE * len(people) * np.eye(6), right).reshape(6, 468, 3)


def without_bias(frames: Frames, bias: Array) -> Array:
    """Return the frames' shapes without what the landmark network adds with the pose."""
    return frames.shapes - np.tensordot(frames.features, bias, 1)


def covariance(differences: Array, mirror: NDArray[np.int32]) -> Array:
    """Return the (1404, 1404) second moment of (N, 468, 3) differences and their mirror images."""
    both = np.concatenate([differences, reflected(differences, mirror)]).reshape(2 * len(differences), -1)
    return both.T @ both / len(both)


def within(people: Sequence[Frames], bias: Array, mirror: NDArray[np.int32]) -> Array:
    """Return the mean over people of the second moment of each one's frames about their own mean."""
    shapes = [without_bias(frames, bias) for frames in people]
    return np.asarray(np.mean([covariance(x - x.mean(0), mirror) for x in shapes], axis=0))


def principal(moment: Array, count: int) -> tuple[Array, Array]:
    """Return the first `count` eigenvectors (count, 468, 3), sign fixed, and the square roots of the eigenvalues."""
    from scipy.linalg import eigh

    n = len(moment)
    values, vectors = eigh(moment, subset_by_index=[n - count, n - 1])
    order = np.argsort(-values)
    basis = vectors[:, order].T
    basis *= np.sign(basis[np.arange(count), np.abs(basis).argmax(1)])[:, None]
    return basis.reshape(count, 468, 3), np.sqrt(values[order])


def error(differences: Array, basis: Array) -> float:
    """Return what the orthonormal basis leaves of (N, 468, 3), as the mean distance over vertices in % of the
    eye distance.
    """
    flat, rows = differences.reshape(len(differences), -1), basis.reshape(len(basis), 1404)
    rest = flat - (flat @ rows.T) @ rows
    return float(100 * np.linalg.norm(rest.reshape(-1, 468, 3), axis=2).mean())


def outside(differences: Array, basis: Array) -> Array:
    """Return (N, 468, 3) without what the orthonormal basis explains."""
    flat, rows = differences.reshape(len(differences), -1), basis.reshape(len(basis), -1)
    return (flat - (flat @ rows.T) @ rows).reshape(differences.shape)

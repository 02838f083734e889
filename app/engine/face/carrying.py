"""Carries another face model's shapes over to MediaPipe's 468 vertices, so that everything else can use them.

The other model's mean is placed on ours by landmarks that both have or, without any, by iterated closest points from
several sizes. Thin-plate splines bend away the difference that is left. Each of our vertices then takes the motion of
the nearest points of its own part (lips and lids, where the file distinguishes them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import N_EXPRESSION, N_VERTICES, FloatArray

Indices = NDArray[np.int64]
# These values were chosen on face models that were carried over, as tests/engine/face/test_importing.py makes them.
NEAREST = 6  # number of points that a vertex follows
ID_RIDGE = 0.05  # ridge of the identity's coefficients, as a share of their mean variance
MOST_IDENTITY = 40  # greatest number of identity components, which is that of Mien's own model
CONTROL = 4  # every fourth vertex controls the bending where there are no landmarks
# MediaPipe's vertex of each of the 68 Multi-PIE points; of the jaw line only the chin is a fixed place of a face.
# Points 31 and 35 lie under the nostrils, on ICT's head at 0.68 of the wings' half width. With the vertices at the
# wings' outer ends (98, 327) instead, fitted heads' wings lay beside the photo's by a quarter of the nose's width, and
# frontalised noses were too wide. Points 32 and 34 have no vertex: 97 and 326 lie further out.
MULTI_PIE = {
    17: 70, 18: 63, 19: 105, 20: 66, 21: 107, 22: 336, 23: 296, 24: 334, 25: 293, 26: 300,
    27: 168, 28: 197, 29: 5, 30: 4, 31: 75, 33: 2, 35: 305,
    36: 33, 37: 160, 38: 158, 39: 133, 40: 153, 41: 144, 42: 362, 43: 385, 44: 387, 45: 263, 46: 373, 47: 380,
    48: 61, 49: 39, 50: 37, 51: 0, 52: 267, 53: 269, 54: 291, 55: 405, 56: 314, 57: 17, 58: 84, 59: 181,
    60: 78, 61: 82, 62: 13, 63: 312, 64: 308, 65: 317, 66: 14, 67: 87, 8: 152,
}  # fmt: skip
PARTS = {
    "upper": (191, 80, 81, 82, 13, 312, 311, 310, 415, 40, 39, 37, 0, 267, 269, 270, 185, 409),
    "lower": (95, 88, 178, 87, 14, 317, 402, 318, 324, 91, 181, 84, 17, 314, 405, 321),
    "left_upper": (384, 385, 386, 387, 388),
    "left_lower": (381, 380, 374, 373, 390),
    "right_upper": (157, 158, 159, 160, 161),
    "right_lower": (154, 153, 145, 144, 163),
}


@dataclass(frozen=True, eq=False)
class DenseModel:
    """A face model in its own topology and unit, y up, z to the viewer.

    mean: (V, 3); identity: (I, V, 3) displacements of one standard deviation; expression: (E, V, 3) displacements of
    `movement` standard deviations, E may be 0; landmarks: (68,) Multi-PIE vertices or None; parts: (V,) masks by the
    names of PARTS; triangles: (T, 3) vertices where the file lists them, for networks that were trained with this mesh.
    """

    mean: FloatArray
    identity: FloatArray
    expression: FloatArray
    movement: float = 1.0
    landmarks: Indices | None = None
    parts: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    triangles: Indices | None = None


def carried_over(
    dense: DenseModel,
    base: MorphableModel,
    place: tuple[FloatArray, FloatArray, float, FloatArray] | None = None,
) -> MorphableModel:
    """Return the dense model's shapes on the topology of the base model.

    What the dense model lacks (expression, pose bias, groups) stays the base's. place: the result of `registered`
    where it is known, else None.
    """
    placed, weights, scale, rotation = place or registered(dense, base.mean)

    def moved(shapes: FloatArray) -> FloatArray:
        return displaced(shapes, weights) * scale @ rotation.T

    expression, expression_sigma = base.expression_basis, base.expression_sigma
    if len(dense.expression):
        expression, expression_sigma = _orthonormal(moved(dense.expression) / dense.movement, N_EXPRESSION)
    rows = expression.reshape(len(expression), -1)
    own = moved(dense.identity).reshape(len(dense.identity), -1)
    rest = (own - (own @ rows.T) @ rows).reshape(len(own), N_VERTICES, 3)
    identity, identity_sigma = _orthonormal(rest, min(MOST_IDENTITY, len(rest)))
    used = identity_sigma > 1e-4 * identity_sigma[0]
    return replace(
        base,
        mean=weights @ placed,
        identity_basis=identity[used],
        identity_sigma=identity_sigma[used],
        expression_basis=expression,
        expression_sigma=expression_sigma,
    )


def displaced(shapes: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the displacements (K, 468, 3) of our vertices: those of the dense ones (K, V, 3) by weights (468, V)."""
    columns = shapes.transpose(1, 0, 2).reshape(weights.shape[1], -1)
    return np.asarray((weights @ columns).reshape(N_VERTICES, len(shapes), 3).transpose(1, 0, 2))


def registered(dense: DenseModel, target: FloatArray) -> tuple[FloatArray, FloatArray, float, FloatArray]:
    """Return how a dense model lies on a target face (468, 3).

    The values are the dense mean (V, 3) in the target's space, the weights (468, V) with which our vertices follow the
    dense ones, and the scale and the rotation (3, 3) into the target's space.
    """
    from scipy.interpolate import RBFInterpolator

    if dense.landmarks is not None:
        ours, theirs = np.array(list(MULTI_PIE.values())), dense.landmarks[list(MULTI_PIE)]
        shape, scale, rotation = _by_landmarks(dense, target[ours], theirs)
        bent = shape + RBFInterpolator(shape[theirs], target[ours] - shape[theirs], smoothing=1e-4)(shape)
        # The bent face has the target's identity; what is returned is the place of the mean face.
        offset = target[ours].mean(0) - scale * rotation @ dense.mean[theirs].mean(0)
        placed = scale * dense.mean @ rotation.T + offset
    else:
        placed, scale, rotation = _by_closest_points(dense.mean, target)
        bent = placed
        for _ in range(3):
            theirs = _nearest(bent, target)[::CONTROL]
            gap = target[::CONTROL] - bent[theirs]
            sites, first = np.unique(theirs, return_index=True)
            bent = bent + RBFInterpolator(bent[sites], gap[first], smoothing=1e-2, neighbors=60)(bent)
    return placed, _weights(bent, target, dense.parts), scale, rotation


def _by_landmarks(
    dense: DenseModel, target: FloatArray, theirs: Indices
) -> tuple[FloatArray, float, FloatArray]:
    """Return the dense face (V, 3) with the target's identity in the target's space, and the scale and the rotation
    (3, 3) into that space.
    """
    coefficients = np.zeros(len(dense.identity))
    for _ in range(5):
        shape = dense.mean + np.tensordot(coefficients, dense.identity, 1)
        a, b = shape[theirs] - shape[theirs].mean(0), target - target.mean(0)
        u, d, vt = np.linalg.svd(b.T @ a)
        rotation, scale = u @ vt, float(d.sum() / np.square(a).sum())
        gap = (b / scale) @ rotation - a
        basis = dense.identity[:, theirs] - dense.identity[:, theirs].mean(1, keepdims=True)
        rows = basis.reshape(len(basis), -1)
        ridge = ID_RIDGE * np.trace(rows @ rows.T) / len(rows) * np.eye(len(rows))
        coefficients += np.linalg.solve(rows @ rows.T + ridge, rows @ gap.ravel() - ridge @ coefficients)
    shape = dense.mean + np.tensordot(coefficients, dense.identity, 1)
    return scale * (shape - shape[theirs].mean(0)) @ rotation.T + target.mean(0), scale, rotation


def _by_closest_points(mean: FloatArray, target: FloatArray) -> tuple[FloatArray, float, FloatArray]:
    """Return the mean (V, 3) placed on the target face, and the scale and rotation (3, 3) of that similarity.

    Each search begins with the tips of both noses on each other; the best of several first sizes is taken.
    """
    from scipy.spatial import cKDTree

    tip, nose = mean[np.argmax(mean[:, 2])], target[np.argmax(target[:, 2])]
    width, best = float(np.ptp(target[:, 0]) / np.ptp(mean[:, 0])), (np.inf, mean, 1.0, np.eye(3))
    for start in (0.8, 1.0, 1.2, 1.45):
        scale, rotation = width * start, np.eye(3)
        offset = nose - scale * tip
        for _ in range(40):
            placed = scale * mean @ rotation.T + offset
            distance, index = cKDTree(placed).query(target)
            kept = distance <= np.quantile(distance, 0.85)
            a, b = mean[index[kept]], target[kept]
            a_mean, b_mean = a.mean(0), b.mean(0)
            u, d, vt = np.linalg.svd((b - b_mean).T @ (a - a_mean))
            sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
            rotation = (u * sign) @ vt
            scale = float((d * sign).sum() / np.square(a - a_mean).sum())
            offset = b_mean - scale * rotation @ a_mean
        error = float(np.mean(distance[kept]))
        if error < best[0]:
            best = (error, scale * mean @ rotation.T + offset, scale, rotation)
    return best[1:]


def _nearest(points: FloatArray, target: FloatArray) -> Indices:
    """Return the index of the point nearest to each target."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(target)[1])


def _weights(bent: FloatArray, target: FloatArray, parts: Mapping[str, NDArray[np.bool_]]) -> FloatArray:
    """Return weights (468, V): normalised inverse squared distances from our vertices (target) to the nearest points
    (bent) of the same part.
    """
    from scipy.spatial import cKDTree

    label = {vertex: name for name, vertices in PARTS.items() if name in parts for vertex in vertices}
    trees = {name: (cKDTree(bent[mask]), np.flatnonzero(mask)) for name, mask in parts.items()}
    whole = (cKDTree(bent), np.arange(len(bent)))
    weights = np.zeros((len(target), len(bent)))
    for vertex, place in enumerate(target):
        tree, allowed = trees[label[vertex]] if vertex in label else whole
        distance, index = tree.query(place, NEAREST)
        near = 1 / (distance + 0.01) ** 2
        weights[vertex, allowed[index]] = near / near.sum()
    return weights


def _orthonormal(shapes: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return orthonormal directions (count, 468, 3) and the standard deviations (count,) along them, where every shape
    (K, 468, 3) has a coefficient of standard deviation 1.
    """
    _, sigma, basis = np.linalg.svd(shapes.reshape(len(shapes), -1), full_matrices=False)
    missing = count - len(sigma)
    if missing > 0:  # there are fewer shapes than components: the other components move nothing
        basis = np.linalg.qr(np.concatenate([basis, np.eye(missing, basis.shape[1])]).T)[0].T
        sigma = np.concatenate([sigma, np.full(missing, 1e-6)])
    return basis[:count].reshape(count, N_VERTICES, 3), np.maximum(sigma[:count], 1e-6)

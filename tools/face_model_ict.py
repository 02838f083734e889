"""ICT-FaceKit's expression shapes (MIT) carried over to MediaPipe's 468 vertices.

The ICT face (its 100 identity shapes fitted to the landmarks both have) is bent onto the mean face by thin
plates through those landmarks; each vertex then takes the motion of the nearest points of its own part:
upper lips and lids only from what does not move with the jaw or with the other lid. Nearest points
alone mix the lips of a closed mouth.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int32]
SKIN = 9409  # ICT's face vertices come first
NEAREST = 6
ID_RIDGE = 0.05
# MediaPipe's vertex of each of the 68 Multi-PIE points; the jaw line (0-16) is an outline, not a place
MULTI_PIE = {
    17: 70, 18: 63, 19: 105, 20: 66, 21: 107, 22: 336, 23: 296, 24: 334, 25: 293, 26: 300,
    27: 168, 28: 197, 29: 5, 30: 4, 31: 98, 32: 97, 33: 2, 34: 326, 35: 327,
    36: 33, 37: 160, 38: 158, 39: 133, 40: 153, 41: 144, 42: 362, 43: 385, 44: 387, 45: 263, 46: 373, 47: 380,
    48: 61, 49: 39, 50: 37, 51: 0, 52: 267, 53: 269, 54: 291, 55: 405, 56: 314, 57: 17, 58: 84, 59: 181,
    60: 78, 61: 82, 62: 13, 63: 312, 64: 308, 65: 317, 66: 14, 67: 87, 8: 152,
}  # fmt: skip
NOT_FACIAL = ("PupilDilate", "eyeLook")


@dataclass(frozen=True, eq=False)
class Ict:
    """neutral (V, 3) cm; identity (100, V, 3); expression (K, V, 3) with their names; landmarks (68,)."""

    neutral: Array
    identity: Array
    expression: Array
    names: tuple[str, ...]
    landmarks: Indices


def load(path: Path) -> Ict:
    """The skin of `ict_full_fp16.npz`."""
    with np.load(path, allow_pickle=False) as file:
        names = [str(name) for name in file["expr_names"]]
        facial = [k for k, name in enumerate(names) if not name.startswith(NOT_FACIAL)]
        return Ict(
            file["neutral"][:SKIN].astype(np.float64),
            file["id_delta"][:, :SKIN].astype(np.float64),
            file["expr_delta"][facial][:, :SKIN].astype(np.float64),
            tuple(names[k] for k in facial),
            file["landmarks68"],
        )


def carried(ict: Ict, mean: Array, parts: dict[str, Indices]) -> Array:
    """(K, 468, 3): the shapes' displacements at activation 1, in the model's space and unit."""
    from scipy.interpolate import RBFInterpolator

    ours, theirs = np.array(list(MULTI_PIE.values())), ict.landmarks[list(MULTI_PIE)]
    shape, scale, rotation = _fitted(ict, mean[ours], theirs)
    bend = RBFInterpolator(shape[theirs], mean[ours] - shape[theirs], smoothing=1e-4)
    bent = shape + bend(shape)
    weights = _weights(bent, mean, ict, parts)
    deltas = np.einsum("vw,kwc->kvc", weights, ict.expression) * scale @ rotation.T
    return deltas


def _fitted(ict: Ict, target: Array, theirs: Indices) -> tuple[Array, float, Array]:
    """(V, 3) the ICT face of the target's identity in the target's space, with the similarity that took it there."""
    coefficients = np.zeros(len(ict.identity))
    for _ in range(5):
        shape = ict.neutral + np.tensordot(coefficients, ict.identity, 1)
        a, b = shape[theirs] - shape[theirs].mean(0), target - target.mean(0)
        u, d, vt = np.linalg.svd(b.T @ a)
        rotation, scale = u @ vt, d.sum() / np.square(a).sum()
        gap = (b / scale) @ rotation - a
        basis = ict.identity[:, theirs] - ict.identity[:, theirs].mean(1, keepdims=True)
        rows = basis.reshape(len(basis), -1)
        ridge = ID_RIDGE * np.trace(rows @ rows.T) / len(rows) * np.eye(len(rows))
        coefficients += np.linalg.solve(rows @ rows.T + ridge, rows @ gap.ravel() - ridge @ coefficients)
    shape = ict.neutral + np.tensordot(coefficients, ict.identity, 1)
    placed = scale * (shape - shape[theirs].mean(0)) @ rotation.T + target.mean(0)
    return placed, float(scale), rotation


def _weights(bent: Array, mean: Array, ict: Ict, parts: dict[str, Indices]) -> Array:
    """(468, V): inverse distances to the nearest points of the same part."""
    from scipy.spatial import cKDTree

    labels, own = _labels(ict), _own_labels(parts)
    weights = np.zeros((468, len(bent)))
    for vertex in range(468):
        allowed = np.flatnonzero(labels[own[vertex]]) if vertex in own else np.arange(len(bent))
        distance, index = cKDTree(bent[allowed]).query(mean[vertex], NEAREST)
        near = 1 / (distance + 0.01) ** 2
        weights[vertex, allowed[index]] = near / near.sum()
    return weights


def _labels(ict: Ict) -> dict[str, NDArray[np.bool_]]:
    """Which ICT points belong to a part, told by how they move."""
    size = dict(zip(ict.names, np.linalg.norm(ict.expression, axis=2)))
    jaw = size["jawOpen"] > 0.55 * size["jawOpen"].max()
    found = {"upper": ~jaw, "lower": jaw}
    for side, name in (("L", "left"), ("R", "right")):
        moves = size[f"eyeBlink_{side}"]
        found[f"{name}_upper"] = moves > 0.35 * moves.max()
        found[f"{name}_lower"] = moves < 0.12 * moves.max()
    return found


def _own_labels(parts: dict[str, Indices]) -> dict[int, str]:
    return {int(v): label for label, vertices in parts.items() for v in vertices}


PARTS = {
    "upper": np.array([191, 80, 81, 82, 13, 312, 311, 310, 415, 40, 39, 37, 0, 267, 269, 270, 185, 409]),
    "lower": np.array([95, 88, 178, 87, 14, 317, 402, 318, 324, 91, 181, 84, 17, 314, 405, 321]),
    "left_upper": np.array([384, 385, 386, 387, 388]),
    "left_lower": np.array([381, 380, 374, 373, 390]),
    "right_upper": np.array([157, 158, 159, 160, 161]),
    "right_lower": np.array([154, 153, 145, 144, 163]),
}

"""The light on a head, by spherical harmonics of order 2 (Ramamoorthi and Hanrahan 2001), learnt from its own skin."""

from __future__ import annotations

import numpy as np

from app.engine.head.model import FloatArray

ROUNDS = 3
RIDGE = (
    0.0,
    0.02,
    0.02,
    0.02,
    0.1,
    0.1,
    0.1,
    0.1,
    0.1,
)  # of the samples, by harmonic: low orders explain first
RANGE = (0.4, 2.5)  # of what one direction may be lit against another


def harmonics(normals: FloatArray) -> FloatArray:
    """(N, 9) of unit normals (N, 3), each harmonic up to its factor."""
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)


def light_on(normals: FloatArray, brightness: FloatArray, weight: FloatArray) -> FloatArray:
    """(9,) light whose product with `harmonics` is nearest to (N,) brightness, spots and features left out."""
    basis, weight = harmonics(normals), weight.copy()
    light: FloatArray = np.zeros(9)
    for _ in range(ROUNDS):
        ridge = np.diag(RIDGE) * max(float(weight.sum()), 1e-6) + 1e-9 * np.eye(9)
        light = np.asarray(
            np.linalg.solve(basis.T @ (basis * weight[:, None]) + ridge, basis.T @ (weight * brightness)),
            float,
        )
        error = np.abs(basis @ light - brightness)
        weight = weight / (1 + (error / max(2 * float(np.median(error)), 1e-4)) ** 2)
    return np.asarray(light)


def lit(light: FloatArray, normals: FloatArray) -> FloatArray:
    """(N,) predicted brightness, never near 0."""
    return np.asarray(np.maximum(harmonics(normals) @ light, 0.2 * max(float(light[0]), 0.02)))

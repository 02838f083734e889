"""Estimates the light on a head from its own skin, by spherical harmonics of order 2 (Ramamoorthi and Hanrahan
2001).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from app.engine.head.model import FloatArray, HeadModel
from app.engine.imaging.colour import LUMINANCE

# Chosen by eye on sheets of turned heads (tools/head_sheets.py).
ROUNDS = 3  # rounds of solving and of leaving out samples that do not fit
# Ridge of each harmonic as a share of the samples: low orders are held back least, so they explain first.
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
)
RANGE = (0.4, 2.5)  # least and greatest ratio of light between two directions
# Least and greatest ratio of light between an unseen side and the other: one side says little about the light on the
# other.
UNSEEN = (0.88, 1.14)
# quantile of the skin's brightness that turned skin may reach: with a higher one five portraits glared
WELL_LIT = 0.9
HELD = 0.5  # weight of the known mirrored gain against its smoothness


def harmonics(normals: FloatArray) -> FloatArray:
    """Return the (N, 9) harmonics of unit normals (N, 3), each up to its constant factor."""
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)


def light_on(normals: FloatArray, brightness: FloatArray, weight: FloatArray) -> FloatArray:
    """The (9,) light whose product with `harmonics` is nearest to (N,) brightness; spots and features are left out."""
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
    """Predict the brightness (N,) of surfaces with these normals (N, 3); it never comes near 0."""
    return np.asarray(np.maximum(harmonics(normals) @ light, 0.2 * max(float(light[0]), 0.02)))


def mirror_gain(
    model: HeadModel, normals: FloatArray, confident: FloatArray, colours: FloatArray
) -> FloatArray:
    """Return (V, 3) this side's colour over the other's: the part due to light by its harmonics, the rest continued
    from places where both sides are seen.
    """
    skin = confident * model.face * (model.distance < 4.0)
    top = max(float(np.max(colours)), 1e-6)
    light = light_on(normals, colours @ LUMINANCE / top, skin)
    shade = lit(light, normals) / lit(light, normals[model.mirror])
    shade = np.log(np.clip(shade, *UNSEEN)) * np.clip(skin[model.mirror] + skin, 0, 1)
    both = confident * confident[model.mirror]
    floor = 0.02 * top
    rest = np.log((colours + floor) / (colours[model.mirror] + floor)) - shade[:, None]
    solver = splu((model.laplacian + diags(HELD * both + 1e-5)).tocsc())
    carried = solver.solve((HELD * both)[:, None] * rest)
    return np.asarray(np.exp(np.clip(carried + shade[:, None], *np.log(RANGE))))


def room_above(model: HeadModel, bright: FloatArray, kept: FloatArray, skin: FloatArray) -> FloatArray:
    """Return (V,) how many times brighter each place may become: no skin becomes brighter than the photo's
    brightest.

    bright: (V,) brightness in the photo; kept: (V,) share of a vertex' own colour, the rest is the other side's;
    skin: (V,) 1 on skin that is well seen.
    """
    there = bright[skin > 0.5]
    if not there.size:
        return np.ones_like(bright)
    now = kept * bright + (1 - kept) * bright[model.mirror]
    return np.asarray(np.maximum(np.quantile(there, WELL_LIT) / np.maximum(now, 1e-3), 1.0))

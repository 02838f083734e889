"""The light on a head, by spherical harmonics of order 2 (Ramamoorthi and Hanrahan 2001), learnt from its own skin."""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from app.engine.head.model import FloatArray, HeadModel
from app.engine.imaging.colour import LUMINANCE

# Chosen by eye on sheets of turned heads (tools/head_sheets.py).
ROUNDS = 3  # rounds of solving and leaving out what does not fit
# Share of the samples by which each harmonic is held back: low orders explain first.
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
RANGE = (0.4, 2.5)  # what one direction may be lit by, in parts of another's light
# What the unseen side may be lit by, in parts of the light's own ratio: one side says little of the other.
UNSEEN = (0.88, 1.14)
# quantile of the skin's brightness that turned skin may reach: beyond it five portraits glared
WELL_LIT = 0.9
HELD = 0.5  # weight of what is known of the mirrored gain against its smoothness


def harmonics(normals: FloatArray) -> FloatArray:
    """Return (N, 9) of unit normals (N, 3), each harmonic up to its factor."""
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
    """Predict the brightness (N,) of surfaces with these normals (N, 3); it never comes near 0."""
    return np.asarray(np.maximum(harmonics(normals) @ light, 0.2 * max(float(light[0]), 0.02)))


def mirror_gain(
    model: HeadModel, normals: FloatArray, confident: FloatArray, colours: FloatArray
) -> FloatArray:
    """Return (V, 3) this side's colour over the other's: the light's by its harmonics, the rest carried on from
    where both are seen.
    """
    skin = confident * model.face * (model.distance < 4.0)
    top = max(float(colours.max()), 1e-6)
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

    bright: (V,) of the photo; kept: (V,) what is its own colour, the rest is the other side's; skin: (V,) what is well
    seen of it.
    """
    there = bright[skin > 0.5]
    if not there.size:
        return np.ones_like(bright)
    now = kept * bright + (1 - kept) * bright[model.mirror]
    return np.asarray(np.maximum(np.quantile(there, WELL_LIT) / np.maximum(now, 1e-3), 1.0))

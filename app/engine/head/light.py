"""Estimates the light on a head from its own skin, by spherical harmonics of order 2.

Source: Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps, SIGGRAPH 2001.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from app.engine.head.model import FloatArray, HeadModel
from app.engine.imaging.colour import LUMINANCE

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py).
ROUNDS = 3  # rounds, each of which solves for the light and lowers the weight of samples that do not fit
# Ridge of each harmonic, as a share of the samples' total weight. Low orders are held back least, so that they explain
# the brightness before the others do.
RIDGE = (0.0, 0.02, 0.02, 0.02, 0.1, 0.1, 0.1, 0.1, 0.1)
RANGE = (0.4, 2.5)  # least and greatest ratio of one side's colour to the other side's
# Least and greatest part of that ratio that the light explains: one side shows little of the light on the other.
UNSEEN = (0.88, 1.14)
# Quantile of the skin's brightness that turned skin may reach: with a higher one, five portraits glared.
WELL_LIT = 0.9
# Cosine of normal and view at which a photo's colours end that are continued over a rim and beyond: made-up places
# have the light of this one, wherever they face.
ENDED = 0.55
# Standard deviation of the logarithm of the light on skin, below which its colours cannot be told from the skin's.
EVEN = 0.06
TINT_RANGE = (0.6, 1.4)  # least and greatest value of `tint_of`
HELD = 0.5  # weight of the ratios that both sides show, against smoothness


def harmonics(normals: FloatArray) -> FloatArray:
    """Return the (N, 9) harmonics of unit normals (N, 3), each up to its constant factor."""
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)


def light_on(normals: FloatArray, brightness: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the light (9,) whose product with `harmonics` is nearest to the brightness (N,).

    normals: (N, 3) unit; weight: (N,) how much each sample counts. Samples far off, such as highlights and features,
    lose their weight.
    """
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
    """Return the brightness (N,) of surfaces with these normals (N, 3) in a light (9,); it never comes near 0."""
    return np.asarray(np.maximum(harmonics(normals) @ light, 0.2 * max(float(light[0]), 0.02)))


def tilted(normals: FloatArray, share: FloatArray) -> FloatArray:
    """Return unit normals (V, 3) that are tilted towards the camera, to a cosine of ENDED, where share (V,) is 1."""
    across, towards = normals[:, :2], normals[:, 2]
    cosine = towards + share * np.maximum(ENDED - towards, 0)
    rest = np.sqrt(np.maximum(1 - cosine**2, 0) / np.maximum(1 - towards**2, 1e-6))
    return np.column_stack([across * rest[:, None], cosine])


def tint_of(normals: FloatArray, colours: FloatArray, weight: FloatArray, light: FloatArray) -> FloatArray:
    """Return (3,) how much more than all of the light the red, the green and the blue of it change from place to place.

    A lamp before a darker, warmer room gives less than 1 for red and more for blue; light of one colour gives 1 for
    all. colours: (V, 3) in [0, 1]; the others: as for `light_on`, whose light of the brightness is given.
    """
    known = weight > 0.5
    if not known.any():
        return np.ones(3)
    whole = np.log(lit(light, normals)[known])
    whole = whole - whole.mean()
    out = np.ones(3)
    for k in range(3):
        one = np.log(lit(light_on(normals, colours[:, k], weight), normals)[known]) - whole
        out[k] += whole @ (one - one.mean()) / (whole @ whole + len(whole) * EVEN**2)
    return np.clip(out, *TINT_RANGE)


def mirror_gain(
    model: HeadModel,
    normals: FloatArray,
    confident: FloatArray,
    colours: FloatArray,
    unlike: FloatArray,
) -> FloatArray:
    """Return (V, 3) ratios of this side's colour to the other side's.

    The light's harmonics explain one part of a ratio; the rest is continued from places where the photo shows both
    sides. normals: (V, 3) in pixels' axes; confident: (V,) 1 where the photo shows the vertex well; colours: (V, 3);
    unlike: (V,) of `Sides`, 1 where a ratio is not the light's.
    """
    skin = confident * model.face * (model.distance < 4.0)
    top = max(float(np.max(colours)), 1e-6)
    light = light_on(normals, colours @ LUMINANCE / top, skin)
    faces = tilted(normals, np.ones(len(normals)))
    shade = lit(light, faces) / lit(light, faces[model.mirror])
    shade = np.log(np.clip(shade, *UNSEEN)) * np.clip(skin[model.mirror] + skin, 0, 1)
    # On the middle line, where either side is the other, the ratio is 1.
    both = confident * confident[model.mirror] * (1 - unlike)
    both = np.maximum(both, model.mirror == np.arange(len(colours)))
    floor = 0.02 * top
    rest = np.log((colours + floor) / (colours[model.mirror] + floor)) - shade[:, None]
    solver = splu((model.laplacian + diags(HELD * both + 1e-5)).tocsc())
    carried = solver.solve((HELD * both)[:, None] * rest)
    return np.asarray(np.exp(np.clip(carried + shade[:, None], *np.log(RANGE))))


def room_above(bright: FloatArray, drawn: FloatArray, skin: FloatArray) -> FloatArray:
    """Return (V,) how many times brighter each place may become, 1 or more.

    No skin becomes brighter than the well-lit skin of the photo. bright: (V,) brightness in the photo; drawn: (V,)
    brightness of what is drawn where the photo does not show a place well; skin: (V,) 1 on skin that is well seen.
    """
    there = bright[skin > 0.5]
    if not there.size:
        return np.ones_like(bright)
    return np.asarray(np.maximum(np.quantile(there, WELL_LIT) / np.maximum(drawn, 1e-3), 1.0))

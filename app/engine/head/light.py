"""Estimates the light on a head from its own skin, by spherical harmonics of order 2.

Source: Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps, SIGGRAPH 2001.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import eased, smoothstep
from app.engine.imaging.colour import LUMINANCE

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py).
ROUNDS = 3  # rounds, each of which solves for the light and lowers the weight of samples that do not fit
# Ridge of each harmonic, as a share of the samples' total weight. Low orders are held back least, so that they explain
# the brightness before the others do.
RIDGE = (0.0, 0.02, 0.02, 0.02, 0.1, 0.1, 0.1, 0.1, 0.1)
# Greatest ratio of one side's colour to the other side's, in either direction: sunlit skin is 2 to 3.5 times as bright
# as skin in the shade (p15).
MOST = 3.0
# Least and greatest part of that ratio that a doubtful light explains: one side shows little of the light on the other.
UNSEEN = (0.88, 1.14)
# Share of what both sides show of that ratio which the light explains: doubtful beyond there to believed. Of 13 photos
# those lit from one side (p05, p08, p14, p15, p30) have 0.65 to 0.85; hair before a face, a beard, a painter's shade
# (p31) and a studio's even light leave 0.5 or less.
EXPLAINED = (0.45, 0.7)
# Standard deviation of the logarithm of that ratio, below which the sides are lit alike: 0.15 to 0.22 in a
# studio, whose people come no nearer to their true views by it, and 0.4 to 0.9 in the sun.
ALIKE = 0.15
# Quantile of the skin's brightness that turned skin may reach: with a higher one, five portraits glared.
WELL_LIT = 0.9
# Cosine of normal and view at which a photo's colours end that are continued over a rim and beyond: made-up places
# have the light of this one, wherever they face.
ENDED = 0.55
# Standard deviation of the logarithm of the light on skin, below which its colours cannot be told from the skin's.
EVEN = 0.06
TINT_RANGE = (0.6, 1.4)  # least and greatest value of `tint_of`
POWERS = (0.6, 1.6)  # least and greatest power of the light by which one of a face's colours changes
HELD = 0.5  # weight of the ratios that both sides show, against smoothness
# Difference of one colour's logarithm from that of the brightness, in what is left of such a ratio: another light to
# another thing. Light leaves 0.21 or less on six portraits lit from all sides; a collar beside a throat had 1.7, and
# the mirrored throat was orange (p22).
OTHER_HUE = (0.25, 0.45)


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
    skin: FloatArray,
    unlike: FloatArray,
) -> FloatArray:
    """Return (V, 3) ratios of this side's colour to the other side's.

    The light's harmonics explain one part of a ratio; the rest is continued from places where the photo shows both
    sides. normals: (V, 3) in pixels' axes; confident: (V,) 1 where the photo shows the vertex well; colours: (V, 3);
    skin: (V,) of `face_skin`; unlike: (V,) of `Sides`, 1 where a ratio is not the light's.
    """
    top, floor = max(float(np.max(colours)), 1e-6), 0.02
    whole = np.log((colours / top + floor) / (colours[model.mirror] / top + floor))
    shade = _shade(model, normals, colours / top, confident, skin, whole)
    # On the middle line, where either side is the other, the ratio is 1.
    both = confident * confident[model.mirror] * (1 - unlike) * _of_one_hue(whole - shade)
    both = np.maximum(both, model.mirror == np.arange(len(colours)))
    solver = splu((model.laplacian + diags(HELD * both + 1e-5)).tocsc())
    carried = solver.solve((HELD * both)[:, None] * (whole - shade))
    bright, well = colours @ LUMINANCE, confident * skin
    room = np.where(skin > 0.5, room_above(bright, bright[model.mirror], well), MOST)
    return np.asarray(np.exp(_held(carried + shade, np.log(room))))


def _of_one_hue(ratios: FloatArray) -> FloatArray:
    """Return (V,) 1 where logarithms of ratios (V, 3) may be the light's, 0 where the sides are different things."""
    apart = np.max(np.abs(ratios - (ratios @ LUMINANCE)[:, None]), axis=1)
    return 1 - smoothstep(*OTHER_HUE, apart)


def _shade(
    model: HeadModel,
    normals: FloatArray,
    colours: FloatArray,
    confident: FloatArray,
    skin: FloatArray,
    whole: FloatArray,
) -> FloatArray:
    """Return (V, 3) logarithms of the ratio of this side's light to the other side's, in red, green and blue.

    colours: (V, 3) in [0, 1]; whole: (V, 3) logarithms of the ratio of both sides' colours; the others: of
    `mirror_gain`. Off the skin, and where the light explains little of `whole`, a ratio is held to UNSEEN, and changes
    all colours alike.
    """
    weight, faces = confident * skin, tilted(normals, np.ones(len(normals)))
    light = light_on(normals, colours @ LUMINANCE, weight)
    ratio = np.log(lit(light, faces) / lit(light, faces[model.mirror]))
    seen = confident * model.face * (model.distance < 4.0)
    doubtful = (np.clip(ratio, *np.log(UNSEEN)) * np.clip(seen[model.mirror] + seen, 0, 1))[:, None]
    # A lamp before a room of another colour changes red, green and blue by different powers of the light, all of them
    # together by no more than the light itself.
    both = weight * weight[model.mirror]
    little = ALIKE**2 * float(both.sum()) + 1e-9
    powers = (both @ (whole * ratio[:, None]) + little) / (both @ np.square(ratio) + little)
    believed = ratio[:, None] * np.clip(powers / max(float(powers @ LUMINANCE), 1.0), *POWERS)
    known = _explained(believed @ LUMINANCE, whole @ LUMINANCE, both)
    sure = eased(*EXPLAINED, known) * skin[:, None]
    return np.asarray(doubtful + sure * (_held(believed, np.full(len(skin), np.log(MOST))) - doubtful))


def _held(ratios: FloatArray, room: FloatArray) -> FloatArray:
    """Return (V, 3) logarithms of ratios (V, 3) that are held to MOST, and their brightness to room (V,), 0 or more.

    Red, green and blue are held together: held one by one, sunlit skin that is made of skin in the shade became orange.
    """
    brighter, largest = ratios @ LUMINANCE, np.max(np.abs(ratios), axis=1)
    held = np.log(MOST) / np.maximum(largest, np.log(MOST))
    held = np.where(brighter * held > room, room / np.maximum(brighter, 1e-9), held)
    return np.asarray(ratios * held[:, None])


def _explained(found: FloatArray, true: FloatArray, weight: FloatArray) -> float:
    """Return the share of the logarithms of ratios (V,) that others (V,) explain, 1 at most; ratios of sides
    that are lit ALIKE tell little. weight: (V,) how much each counts.
    """
    there = max(float(weight @ np.square(true)), 1e-9)
    return (there - float(weight @ np.square(true - found))) / (there + ALIKE**2 * float(weight.sum()))


def room_above(bright: FloatArray, drawn: FloatArray, skin: FloatArray) -> FloatArray:
    """Return (V,) how many times brighter each place may become, 1 or more.

    No skin becomes brighter than the well-lit skin of the photo. bright: (V,) brightness in the photo; drawn: (V,)
    brightness of what is drawn where the photo does not show a place well; skin: (V,) 1 on skin that is well seen.
    """
    there = bright[skin > 0.5]
    if not there.size:
        return np.ones_like(bright)
    return np.asarray(np.maximum(np.quantile(there, WELL_LIT) / np.maximum(drawn, 1e-3), 1.0))

"""Separates a photographed eye into its parts: sclera, iris, reflections, and the shade of lids and lashes.

Shade is a factor: the photo is the eyeball with its iris and reflections, times the shade. Shadow and lashes can
therefore move with the lids, the iris with the gaze, and reflections with the light. Multiplied again without a
motion, the parts give the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE
from app.engine.warping.background import push_pull
from app.engine.warping.curves import Float32, FloatArray, fetch
from app.engine.warping.eye_kernels import IRIS_EDGE, SHADOW_REACH, STRIPS
from app.engine.warping.lid_frame import COLUMNS, ROWS, LidFrame

# These values were chosen by eye on sheets of eyes (tools/feature_sheets.py).
# Eye widths of the bands under the upper and over the lower lid that show lashes and the lid's rim.
EDGE = (0.035, 0.025)
GREY = LUMINANCE.astype(np.float32)
SHADOW = (
    0.1,
    0.35,
    0.6,
)  # share of light that the upper lid's shadow takes beside the lid: least, usual, greatest
ALONG = 0.04  # share of a lid's length: sigma of the blur that smooths the lid's shade
SHADE_RANGE = (0.12, 1.1)  # share of full light that a lid's shade leaves: least and greatest
# Radii of the landmarks' iris: how far from their centre the iris' centre may lie, and its least and greatest radius.
SEARCH = (0.22, 0.84, 1.2)
# (red - blue) over brightness, beyond the sclera's: sclera to a lid's rim or the flesh of the corner.
FLESH = (0.08, 0.25)
INNER_CORNER = 0.8  # share of the way from the outer to the inner corner
PRIOR = 0.02  # weight of a usual sclera's colour, which decides only where the photo shows hardly any sclera
GLINT = 0.16  # share of full brightness by which a reflection outshines its surroundings at least


@dataclass(frozen=True, eq=False)
class EyeParts:
    """The parts of one eye.

    sclera, iris, glint: (h, w, 3) on the photo's pixels, 0 to 255, each without the others and without shade; shadow:
    share of light, 0 to 1, that the upper lid's shadow takes beside the lid; strips: (ROWS, COLUMNS, 3) factors of
    the shade beside the upper and the lower lid.
    """

    sclera: Float32
    iris: Float32
    glint: Float32
    shadow: float
    strips: tuple[Float32, Float32]


def limbus(grey: Float32, known: Float32, centre: FloatArray, radius: float) -> tuple[FloatArray, float]:
    """Return the centre (2,) and the radius (px) of the circle across which brightness grows most: the iris' edge.

    grey: (h, w); known: (h, w) 1 between the lids, where alone pixels count; centre, radius: the landmarks' circle,
    near which the search stays. Source: Daugman, High Confidence Visual Recognition of Persons by a Test of
    Statistical Independence, 1993, equation 1.
    """
    reach, least, most = SEARCH
    steps = np.linspace(-reach, reach, 9) * radius
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    sizes = np.linspace(least, most, 13) * radius
    dx, dy = (a.ravel() for a in np.meshgrid(steps, steps))
    across, down = np.cos(angles), np.sin(angles)

    def ring(factor: float) -> tuple[Float32, Float32]:
        x = centre[0] + dx[:, None, None] + factor * sizes[None, :, None] * across
        y = centre[1] + dy[:, None, None] + factor * sizes[None, :, None] * down
        places = (x.reshape(len(dx), -1).astype(np.float32), y.reshape(len(dx), -1).astype(np.float32))
        shape = (len(dx), len(sizes), len(angles))
        return fetch(grey, *places).reshape(shape), fetch(known, *places).reshape(shape)

    (inner, seen_in), (outer, seen_out) = ring(0.88), ring(1.12)
    # Lids cut an iris above and below, so its sides count more.
    weight = seen_in * seen_out * (0.3 + np.abs(across))
    total = weight.sum(axis=2)
    rise = np.clip(np.tanh((outer - inner) / max(0.25 * float(np.max(grey)), 1e-3)), -0.2, 1)
    score = (weight * rise).sum(axis=2) / np.maximum(total, 6.0)
    held = (dx**2 + dy**2)[:, None] / (reach * radius) ** 2 + ((sizes / radius - 1) / 0.2)[None] ** 2
    score = np.where(total > 3.0, score, 0) - 0.06 * held
    k, j = np.unravel_index(int(np.argmax(score)), score.shape)
    return centre + np.array([dx[k], dy[k]]), float(sizes[j])


def take_apart(
    crop: Float32, frame: LidFrame, inside: Float32, distance: Float32, middle: FloatArray, usual: Float32
) -> EyeParts:
    """Return the parts of an eye in a crop (h, w, 3), 0 to 255.

    frame: the lids, in the crop's pixels; inside: (h, w) 1 between the lids; distance: (h, w) from the iris' centre,
    in its radii; middle: (2,) px, that centre; usual: (3,) colour of a usual sclera in the photo's light.
    """
    y, x = np.indices(inside.shape, np.float32) + np.float32(0.5)
    along, below, above = frame.coordinates(x, y)
    width = np.float32(frame.width)
    known = inside * (below > EDGE[0] * width) * (above > EDGE[1] * width)
    strength = _shadow(crop @ GREY, known * (distance > 1.2), along, below / width)
    lit = crop / _shadowed(strength, below / width)[..., None]
    sclera = _sclera(lit, known * (distance > 1.14), inside, usual, along, frame.width)
    iris, glint = _iris(lit, sclera, known, distance, middle, frame, x, y)
    parts = EyeParts(sclera, iris, glint, strength, plain_strips())
    whole = together(parts, distance) * _shadowed(strength, below / width)[..., None]
    strips = (_strip(crop, whole, frame, 0), _strip(crop, whole, frame, 1))
    return EyeParts(sclera, iris, glint, strength, strips)


def plain_strips() -> tuple[Float32, Float32]:
    """Return the strips (ROWS, COLUMNS, 3) of two lids that shade nothing: all factors are 1."""
    return np.ones((ROWS, COLUMNS, 3), np.float32), np.ones((ROWS, COLUMNS, 3), np.float32)


def together(parts: EyeParts, distance: Float32) -> Float32:
    """Return the eyeball (h, w, 3) of sclera, iris and reflections, without the lids' shade; distance: iris radii."""
    share = iris_share(distance)[..., None]
    return np.asarray(parts.sclera + share * (parts.iris - parts.sclera) + parts.glint, np.float32)


def iris_share(distance: Float32) -> Float32:
    """Return (h, w) 1 on the iris, 0 on the sclera; distance in iris radii."""
    return np.asarray(smoothstep(IRIS_EDGE[1], IRIS_EDGE[0], np.asarray(distance, float)), np.float32)


def _shadowed(strength: float, below: Float32) -> Float32:
    """Return the (h, w) factor of the upper lid's shadow; below: eye widths below that lid."""
    fall = np.exp(-np.maximum(below, 0) / np.float32(SHADOW_REACH))
    return np.asarray(1 - np.float32(strength) * fall, np.float32)


def _shadow(grey: Float32, white: Float32, along: Float32, below: Float32) -> float:
    """Return the share of light that the upper lid's shadow takes beside the lid, by least squares in columns of the
    eye.

    grey, white, along, below: (h, w) brightness, 1 on the sclera, place from corner to corner (0 to 1), and eye
    widths below the upper lid.
    """
    least, usual, most = SHADOW
    seen = white > 0.5
    if seen.sum() < 12:
        return usual
    column = np.clip((along[seen] * 12).astype(int), 0, 11)
    value = np.log(np.maximum(grey[seen], 1.0))
    fall = np.exp(-below[seen] / SHADOW_REACH)
    count = np.maximum(np.bincount(column, minlength=12), 1)
    v = value - (np.bincount(column, value, 12) / count)[column]
    f = fall - (np.bincount(column, fall, 12) / count)[column]
    slope = (float(f @ v) - 0.5 * usual) / (float(f @ f) + 0.5)  # a ridge keeps the slope near the usual one
    return float(np.clip(-slope, least, most))


def _sclera(
    lit: Float32, white: Float32, inside: Float32, usual: Float32, along: Float32, width: float
) -> Float32:
    """Return the eyeball without its iris (h, w, 3): the photo's sclera, filled smoothly where iris or lids hide it.

    lit: (h, w, 3) the photo without the upper lid's shadow; white: (h, w) 1 where the photo may show sclera.
    """
    grey = lit @ GREY
    seen = white > 0.5
    weight = white.copy()
    flesh = np.zeros_like(white)
    if seen.sum() > 8:
        middle, high = np.percentile(grey[seen], [50, 97])
        weight *= np.where(grey > 0.72 * middle, 1.0, 0.02)  # lashes and the iris' rim are no sclera
        weight *= np.where(grey > 1.25 * high, 0.1, 1.0)
        redness = _redness(lit)
        usual_red = float(np.percentile(redness[seen & (grey > middle)], 40))
        flesh = smoothstep(FLESH[0], FLESH[1], redness.astype(float) - usual_red).astype(np.float32)
        weight *= 1 - np.float32(0.95) * flesh
        own = (lit * weight[..., None]).sum(axis=(0, 1)) / max(float(weight.sum()), 1e-3)
        trust = min(1.0, float(weight.sum()) / (0.03 * width**2))
        usual = usual + np.float32(trust) * (own - usual)
    shape = np.float32(1.06) - np.float32(0.5) * (np.clip(along, 0, 1) - np.float32(0.5)) ** 2
    prior = usual * shape[..., None]
    mixed = (lit * weight[..., None] + PRIOR * prior) / (weight + PRIOR)[..., None]
    filled = push_pull(np.asarray(mixed, np.float32), np.asarray(np.minimum(1, weight + PRIOR), np.float32))
    filled = cv2.GaussianBlur(filled, (0, 0), max(0.6, 0.035 * width))
    # The flesh of the inner corner is red, but it belongs to the eye.
    weight = np.maximum(weight, white * flesh * (along > INNER_CORNER))
    keep = cv2.GaussianBlur(np.asarray(weight, np.float32), (0, 0), max(0.6, 0.012 * width))[..., None]
    keep = np.clip(1.6 * keep - 0.6, 0, 1)
    return np.asarray(filled + keep * (lit - filled), np.float32)


def _iris(
    lit: Float32,
    sclera: Float32,
    known: Float32,
    distance: Float32,
    middle: FloatArray,
    frame: LidFrame,
    x: Float32,
    y: Float32,
) -> tuple[Float32, Float32]:
    """Return the iris (h, w, 3) and the reflections on it (h, w, 3).

    Where lids hide the iris, it is reflected about the eye's line through the iris' centre; where they hide that
    reflection too, the iris has its mean colour at the same radius.
    """
    usual = _radial(lit, known, distance)
    height = (x - middle[0]) * frame.up[0] + (y - middle[1]) * frame.up[1]
    over_x = (x - 2 * height * frame.up[0]).astype(np.float32)
    over_y = (y - 2 * height * frame.up[1]).astype(np.float32)
    other, other_known = fetch(lit, over_x, over_y), fetch(np.ascontiguousarray(known), over_x, over_y)
    grey = lit @ GREY
    usual_grey = usual @ GREY
    top = max(float(np.max(sclera)), 1.0)
    shining = (known > 0.3) & (distance < 0.97) & (grey > usual_grey + GLINT * top)
    lid = shining & (
        _redness(lit) > _redness(sclera) + sum(FLESH) / 2
    )  # a lid's rim that landmarks passed over
    known = known * (1 - cv2.dilate(lid.astype(np.uint8), np.ones((3, 3), np.uint8)))
    bright = cv2.dilate((shining & ~lid).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    bright = cv2.GaussianBlur(bright, (0, 0), 0.7)[..., None] * (distance < 1.05)[..., None]
    dull = lit + bright * (usual - lit)
    glint = np.maximum(lit - dull, 0) * known[..., None]
    other = np.where((fetch(bright[..., 0], over_x, over_y) > 0.2)[..., None], usual, other)
    soft = cv2.GaussianBlur(known, (0, 0), max(0.6, 0.012 * frame.width))[..., None]
    soft_other = cv2.GaussianBlur(np.asarray(other_known, np.float32), (0, 0), 0.8)[..., None]
    hidden = usual + np.clip(1.5 * soft_other - 0.5, 0, 1) * (other - usual)
    return (
        np.asarray(hidden + np.clip(1.5 * soft - 0.5, 0, 1) * (dull - hidden), np.float32),
        np.asarray(glint, np.float32),
    )


def _redness(colours: Float32) -> Float32:
    """Return (h, w): (red - blue) over the brightness of each pixel."""
    return np.asarray(
        (colours[..., 0] - colours[..., 2]) / np.maximum(colours @ GREY, 1.0),
        np.float32,
    )


def _radial(lit: Float32, known: Float32, distance: Float32) -> Float32:
    """Return (h, w, 3): the usual colour at each pixel's distance from the iris' centre, which is the mean of the
    dimmer three quarters of the known pixels there.
    """
    bins = 14
    ring = np.clip((distance * 10).astype(int), 0, bins - 1)
    table = np.full((bins, 3), np.nan)
    for k in range(bins):
        colours = lit[(ring == k) & (known > 0.5)]
        if len(colours) >= 4:
            order = np.argsort(colours @ GREY)
            table[k] = colours[order[: max(2, 3 * len(order) // 4)]].mean(axis=0)
    good = ~np.isnan(table[:, 0])
    if not good.any():
        return np.broadcast_to(lit.reshape(-1, 3).min(axis=0), lit.shape).astype(np.float32)
    at = (np.arange(bins) + 0.5) / 10
    columns = [np.interp(distance, at[good], table[good, c]) for c in range(3)]
    return np.stack(columns, axis=-1).astype(np.float32)


def _strip(crop: Float32, whole: Float32, frame: LidFrame, lid: int) -> Float32:
    """Return the factors (ROWS, COLUMNS, 3) of the shade beside a lid, which go to 1 at the strip's far end.

    They are what the photo (crop) shows over what the eyeball alone (whole) would show; lid: 0 upper, 1 lower.
    """
    width = frame.width
    low, high = (limit * width for limit in STRIPS[lid])
    places = frame.places((low, high), lid)
    ratio = (fetch(crop, *places) + 2.0) / (fetch(whole, *places) + 2.0)
    # A lid's shade is better seen on the white sclera than on the dark iris.
    bright = fetch(np.ascontiguousarray(whole @ GREY), *places)
    bright = np.square(0.05 + bright / max(float(np.max(bright)), 1.0))
    ratio = _along_lid(np.log(np.clip(ratio, *SHADE_RANGE)) * bright[..., None])
    ratio = ratio / _along_lid(bright)[..., None]
    distance = np.linspace(low, high, ratio.shape[0]) / width
    fade = smoothstep(STRIPS[lid][1], 0.4 * STRIPS[lid][1], distance)
    return np.asarray(np.exp(ratio * fade[:, None, None].astype(np.float32)), np.float32)


def _along_lid(strip: Float32) -> Float32:
    """Return a strip (ROWS, COLUMNS, ...) smoothed along the lid by ALONG."""
    return np.asarray(cv2.GaussianBlur(strip, (0, 0), sigmaX=ALONG * COLUMNS, sigmaY=0.5), np.float32)

"""Moves lids that open, close and follow the eyeball: the lids' vertices meet, and skin follows as in ICT's shapes."""

from __future__ import annotations

from functools import cache

import numpy as np

from app.engine.face.fitting import EYEBALL, apertures_of
from app.engine.face.morphable_model import default_model
from app.engine.face.semantic import SHUT
from app.engine.files import ASSETS
from app.engine.head.skull import eased
from app.engine.warping.curves import FloatArray
from app.engine.warping.topology import BROWS, LOWER_LIDS, N_FACE, OVAL, UPPER_LIDS, joined_vertices

# These values were chosen by eye on sheets of eyes (tools/feature_sheets.py), except where a comment names another
# origin. ICT's shapes are those of ICT-FaceKit.
# Where lids meet, from the lower (0) to the upper lid (1) of the open eye: shut lids lie a little below the lower one.
MEETING = -0.1
# Apertures (gap between the lids over the eye's width): shut to open. A shut eye has 0.05, which is read as up to 0.1;
# the narrowest eyes of photos with open eyes measure 0.13.
SHUT_OR_OPEN = (0.1, 0.13)
WIDENING = 0.08  # share of the motion that the lower lid takes where an eye opens wider
FOLLOWS_UP, FOLLOWS_DOWN = (
    0.75,
    0.9,
)  # share of the iris' way up or down by which the upper lid's middle follows it
ASIDE = 40.0  # degrees of a look aside at which ICT's shapes are applied in full
SHAPES = ASSETS / "eyes" / "lids.npz"  # made by tools/build_lids.py
MOST_FOLLOWED = 1.2  # greatest motion of the skin over that of a harmonic skin
SKIN_RINGS = 2  # rings of vertices around the lids whose skin moves with the lids


def openness(source: float, target: float) -> float:
    """Return the factor on the gap between the lids that takes an eye from one aperture to another; 0: lids meet."""
    if target >= source:
        return target / max(source, SHUT)
    return max(0.0, (target - SHUT) / max(source - SHUT, 1e-3))


def opened_gap(gap: FloatArray, side: int, source: float, target: float) -> FloatArray:
    """Return the gaps (7, 3) between the lids of an eye that opens from one aperture to another.

    gap: (7, 3) the gaps before, in model space. An open eye opens in its own shape. The lids of a shut eye show no
    shape, so it opens in the usual one.
    """
    own = eased(*SHUT_OR_OPEN, source)
    return own * openness(source, target) * gap + (1 - own) * (gap + (target - source) * _usual_gap(side))


@cache
def _usual_gap(side: int) -> FloatArray:
    """Return the gaps (7, 3) between the lids of the face model's mean face, per unit of aperture."""
    mean = default_model().mean
    return np.asarray(lid_gap(mean, side) / apertures_of(mean)[side])


@cache
def lid_shapes(side: int) -> dict[str, FloatArray]:
    """Return by name ("blink", "up", "down", "inward", "outward", "wide") the offsets (468, 3), in model units, of
    ICT's movements of one eye's lids.
    """
    with np.load(SHAPES, allow_pickle=False) as data:
        left = {name: data[name].astype(float) for name in data.files}
    if side == 0:
        return left
    mirror = default_model().mirror
    return {name: shape[mirror] * (-1, 1, 1) for name, shape in left.items()}


def move_lids(
    points: FloatArray, side: int, source_gap: FloatArray, factor: float, spectacles: float = 0.0
) -> FloatArray:
    """Return offsets (468, 3) that bring the gaps between the lids of points (468, 3) to factor * source_gap (7, 3).

    side: 0 the person's left eye, 1 the right. The skin follows up to the brow: that of a widening eye as in ICT's
    shape, that of a closing one harmonically. Behind spectacles (0 without to 1 with them) it follows as in ICT's
    blink, which unfolds skin from under the lid's crease and leaves what is above, and so the rims, in place.
    """
    upper, lower = list(UPPER_LIDS[side][1:-1]), list(LOWER_LIDS[side][1:-1])
    gap = points[upper] - points[lower]
    change = factor * source_gap - gap
    offsets = np.zeros((N_FACE, 3))
    meeting = MEETING if factor < 1 else WIDENING
    offsets[upper] = (1 - meeting) * change
    offsets[lower] = -meeting * change
    lids, skin, extension = harmonic_skin(side)
    held = _followed(side, "wide") if change[:, 1].mean() > 0 else np.ones(len(skin))
    held = held + spectacles * (np.minimum(held, _followed(side, "blink")) - held)
    offsets[skin] = held[:, None] * (extension @ offsets[lids])
    return offsets


@cache
def _followed(side: int, name: str) -> FloatArray:
    """Return the share (N,) of the harmonic skin's motion that each skin vertex makes in one of ICT's shapes."""
    lids, skin, extension = harmonic_skin(side)
    shape = lid_shapes(side)[name][:, 1]
    usual = extension @ shape[lids]
    share = shape[skin] * usual / np.maximum(usual**2, (0.1 * np.abs(shape).max()) ** 2)
    return np.asarray(np.clip(share, 0, MOST_FOLLOWED))


def lids_follow(
    side: int, own: tuple[float, float], asked: tuple[float, float], spectacles: float = 0.0
) -> FloatArray:
    """Return offsets (468, 3) of the lids and the skin around an eye that turns from one gaze (degrees) to another.

    Behind spectacles (0 without to 1 with them) the skin follows less.
    """
    if own == asked:
        return np.zeros((N_FACE, 3))
    offsets = _with_gaze(side, asked) - _with_gaze(side, own)
    held = np.full(N_FACE, 1 - spectacles)
    lids, skin, _ = harmonic_skin(side)
    held[lids] = 1
    held[skin] = 1 + spectacles * (np.minimum(_followed(side, "blink"), 1) - 1)
    return np.asarray(held[:, None] * offsets)


def _with_gaze(side: int, gaze: tuple[float, float]) -> FloatArray:
    """Return offsets (468, 3) that lids and skin have at a gaze (degrees) against those of a look ahead."""
    shapes = lid_shapes(side)
    middle = UPPER_LIDS[side][len(UPPER_LIDS[side]) // 2]
    rise = EYEBALL * np.sin(np.radians(gaze[1]))
    up = FOLLOWS_UP * max(rise, 0.0) / shapes["up"][middle, 1]
    down = FOLLOWS_DOWN * max(-rise, 0.0) / -shapes["down"][middle, 1]
    outwards = gaze[0] / ASIDE * (1 if side == 0 else -1)
    aside = max(outwards, 0.0) * shapes["outward"] + max(-outwards, 0.0) * shapes["inward"]
    return np.asarray(up * shapes["up"] + down * shapes["down"] + aside)


def lid_gap(points: FloatArray, side: int) -> FloatArray:
    """Return the gaps (7, 3) between the lids of points (468, 3): from each lower vertex to the upper one."""
    return np.asarray(points[list(UPPER_LIDS[side][1:-1])] - points[list(LOWER_LIDS[side][1:-1])])


@cache
def harmonic_skin(side: int) -> tuple[list[int], list[int], FloatArray]:
    """Return the vertices of the lids (L), those of the skin around (N), and the matrix (N, L) that extends the lids'
    motion harmonically to the skin; the motion is 0 beyond.
    """
    around_of = joined_vertices()
    lids = sorted({*UPPER_LIDS[side], *LOWER_LIDS[side]})
    held = {v for row in BROWS for v in row} | set(OVAL)
    skin: set[int] = set()
    ring = set(lids)
    for _ in range(SKIN_RINGS):
        ring = {n for v in ring for n in around_of[v]} - held - set(lids) - skin
        skin |= ring
    free = sorted(skin)
    column = {v: k for k, v in enumerate(free)}
    laplacian = np.zeros((len(free), len(free)))
    border = np.zeros((len(free), len(lids)))
    for row, v in enumerate(free):
        around = around_of[v]
        laplacian[row, row] = len(around)
        for n in around:
            if n in column:
                laplacian[row, column[n]] -= 1
            elif n in lids:
                border[row, lids.index(n)] += 1
    return lids, free, np.asarray(np.linalg.solve(laplacian, border))

"""How lids open and close: pairs that meet, skin unrolled harmonically between lid and brow."""

from __future__ import annotations

from functools import cache

import numpy as np

from app.engine.warping.shell import FloatArray, smoothstep
from app.engine.warping.topology import BROWS, LOWER_LIDS, N_FACE, OVAL, UPPER_LIDS, topology

SHUT = 0.05  # aperture that a closed eye measures
MEETING = -0.1  # where the lids meet, from the lower (0) to the upper lid (1): shut lids lie a little below
# Apertures up to which eyes may be shut (0.05, read as up to 0.1), and from which they have a shape of their own; the
# open photos' narrowest eyes measure 0.13.
SHUT_OR_OPEN = (0.1, 0.13)
WIDENING = 0.08  # the lower lid's share where an eye is opened wider
UPPER_FOLLOWS, LOWER_FOLLOWS = 0.9, 0.55  # of the iris' rise or fall
SKIN_RINGS = 2  # rings of skin around the lids that unroll with them


def openness(source: float, target: float) -> float:
    """Factor on the lid gap that takes an eye from one aperture to another; 0 when the lids meet."""
    if target >= source:
        return target / max(source, SHUT)
    return max(0.0, (target - SHUT) / max(source - SHUT, 1e-3))


def opened_gap(gap: FloatArray, side: int, source: float, target: float) -> FloatArray:
    """(7, 3) lid gaps of an eye opened from one aperture to another; gap: (7, 3) as it is.

    An open eye opens in its own shape; the lids of a shut one tell none, so that it opens as eyes do.
    """
    own = float(smoothstep(*SHUT_OR_OPEN, np.array(source)))
    return own * openness(source, target) * gap + (1 - own) * (gap + (target - source) * _usual_gap(side))


@cache
def _usual_gap(side: int) -> FloatArray:
    """(7, 3) lid gaps of the model's mean face, per unit of aperture."""
    from app.engine.face.fitting import apertures_of
    from app.engine.face.morphable_model import default_model

    mean = default_model().mean
    return np.asarray(lid_gap(mean, side) / apertures_of(mean)[side])


def move_lids(points: FloatArray, side: int, source_gap: FloatArray, factor: float) -> FloatArray:
    """(468, 3) offsets that bring the lid gaps of `points` (468, 3) to `factor` times `source_gap` (7, 3).

    side: 0 for the person's left eye, 1 for the right. The skin follows up to the brow.
    """
    upper, lower = list(UPPER_LIDS[side][1:-1]), list(LOWER_LIDS[side][1:-1])
    gap = points[upper] - points[lower]
    change = factor * source_gap - gap
    offsets = np.zeros((N_FACE, 3))
    meeting = MEETING if factor < 1 else WIDENING
    offsets[upper] = (1 - meeting) * change
    offsets[lower] = -meeting * change
    lids, skin, extension = harmonic_skin(side)
    offsets[skin] = extension @ offsets[lids]
    return offsets


def lids_follow(side: int, look_up: float) -> FloatArray:
    """(468, 3) offsets of the lids of an eye whose iris rises by `look_up` IOD: lids go with the eyeball."""
    offsets = np.zeros((N_FACE, 3))
    arch = np.sin(np.linspace(0, np.pi, len(UPPER_LIDS[side])))[1:-1]
    offsets[list(UPPER_LIDS[side][1:-1]), 1] = UPPER_FOLLOWS * look_up * arch
    offsets[list(LOWER_LIDS[side][1:-1]), 1] = LOWER_FOLLOWS * look_up * arch
    lids, skin, extension = harmonic_skin(side)
    offsets[skin] = extension @ offsets[lids]
    return offsets


def lid_gap(points: FloatArray, side: int) -> FloatArray:
    """(7, 3) upper minus lower lid."""
    return np.asarray(points[list(UPPER_LIDS[side][1:-1])] - points[list(LOWER_LIDS[side][1:-1])])


@cache
def harmonic_skin(side: int) -> tuple[list[int], list[int], FloatArray]:
    """(lid vertices, skin vertices, (skin, lids) matrix): the harmonic extension of lid motion, 0 beyond."""
    neighbours = topology().neighbours
    lids = sorted({*UPPER_LIDS[side], *LOWER_LIDS[side]})
    held = {v for row in BROWS for v in row} | set(OVAL)
    skin: set[int] = set()
    ring = set(lids)
    for _ in range(SKIN_RINGS):
        ring = {n for v in ring for n in neighbours[v] if n < N_FACE} - held - set(lids) - skin
        skin |= ring
    free = sorted(skin)
    column = {v: k for k, v in enumerate(free)}
    laplacian = np.zeros((len(free), len(free)))
    border = np.zeros((len(free), len(lids)))
    for row, v in enumerate(free):
        around = [n for n in neighbours[v] if n < N_FACE]
        laplacian[row, row] = len(around)
        for n in around:
            if n in column:
                laplacian[row, column[n]] -= 1
            elif n in lids:
                border[row, lids.index(n)] += 1
    return lids, free, np.asarray(np.linalg.solve(laplacian, border))

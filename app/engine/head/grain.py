"""Gives filled skin and beard the grain of the photo's own: the finest detail of a cheek and of a beard that the photo
shows.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.model import HeadModel
from app.engine.head.texels import TEXELS

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance between the
# eyes.
CHEEKS = (50, 280, 36, 266, 118, 347)  # MediaPipe's vertices on cheeks where no beard grows
BEARDS = (
    136,
    365,
    169,
    394,
    170,
    395,
    32,
    262,
    194,
    418,
    199,
)  # MediaPipe's vertices where most beards are visible
FINE = 0.04  # IOD: what is finer than this is grain of skin
HAIRS = 0.08  # IOD: what is finer than this is grain of a beard
HALF = 0.14  # IOD: half the side of the tile that is taken from one place and repeated
MOST = 0.08  # natural logarithm of the strongest grain of skin: what is stronger is a hair or a mark
MOST_HAIRS = 0.5  # the same of a beard
PATCH = 256  # texels of a side of the patch of noise that is repeated
SEED = 5  # seed of that noise, so that grain is the same every time
MARK = 4.0  # times the median strength of a tile's grain: what is stronger is a mark
COVERED = 0.9  # share of a tile that the photo must show
KNOWN = 0.95  # share of a texel that the photo must give so that the texel shows the photo's grain
HAIRY = 0.6  # the same of a beard, whose hairline is a guess


def grain(own: NDArray[np.float32], skin: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (S, S, 1) factors by which grain makes each texel of filled skin brighter or darker than its colour.

    own: (S, S, 3) the photo's colours in [0, 1] on the atlas; skin: (S, S) share of a texel that is skin of the photo.
    All factors are 1 where the photo shows too little of both cheeks.
    """
    tiles = _tiles(own, skin > KNOWN, CHEEKS, FINE, MOST)
    # Where a cheek has a rim of spectacles or a wrinkle, another may have none: the calmest shows the grain alone.
    return _like(tiles and [min(tiles, key=np.std)], own.shape[0])


def stubble_grain(
    own: NDArray[np.float32], jaw: NDArray[np.float32], cheeks: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the same factors for skin where a beard may grow; jaw: (S, S) share of a texel of the photo there; cheeks:
    the factors of `grain`, which hold where the photo shows too little of a jaw.
    """
    tiles = _tiles(own, jaw > KNOWN, BEARDS, FINE, MOST_HAIRS)
    # A tile shows stubble, but may show hair that hangs there, or the mouth: the calmest shows the least of these.
    return _like([min(tiles, key=np.std)], own.shape[0]) if tiles else cheeks


def beard_grain(own: NDArray[np.float32], beard: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return (S, S, 1) factors by which single hairs make each texel of a filled beard brighter or darker than its
    colour, None where the photo shows too little of a beard; own: as for `grain`; beard: (S, S) share of a texel of the
    photo where a beard may grow.
    """
    tiles = _tiles(own, beard > HAIRY, BEARDS, HAIRS, MOST_HAIRS)
    return _like(tiles, own.shape[0]) if tiles else None


def beard_edge(
    tufts: NDArray[np.float32], hairs: NDArray[np.float32] | None, beard: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (S, S, 1) of standard deviation 1, by which hair reaches over its line: tufts (S, S, 1) do where it lies
    on the head, single hairs where a beard ends.

    A beard ends over some centimetres, and tufts made stripes of all of them (p03, p17). hairs: of `beard_grain`;
    beard: (S, S, 1) share of a texel where a beard may grow.
    """
    single = np.float32(0) if hairs is None else np.log(hairs) / max(float(np.log(hairs).std()), 1e-6)
    return np.asarray(tufts + beard * (single - tufts), np.float32)


def _tiles(
    own: NDArray[np.float32], shown: NDArray[np.bool_], places: tuple[int, ...], fine: float, most: float
) -> list[NDArray[np.float32]]:
    """Return the (h, w) logarithms of grain around those of MediaPipe's vertices `places` that the photo shows; own: as
    for `grain`; shown: (S, S); fine: IOD; most: the greatest logarithm.
    """
    side = own.shape[0]
    half = round(HALF * side / TEXELS)
    tiles: list[NDArray[np.float32]] = []
    for x, y in (HeadModel.load().weights[list(places)] @ HeadModel.load().base_atlas) * side:
        part = (slice(int(y) - half, int(y) + half), slice(int(x) - half, int(x) + half))
        if half < 3 or shown[part].mean() < COVERED:
            continue
        bright = np.log(own[part].mean(axis=2) + 0.01)
        found = bright - cv2.GaussianBlur(bright, (0, 0), fine * side / TEXELS)
        most = min(most, MARK * float(np.median(np.abs(found))))
        tiles.append(np.asarray(np.clip(found, -most, most), np.float32))
    return tiles


def _like(tiles: list[NDArray[np.float32]], side: int) -> NDArray[np.float32]:
    """Return (S, S, 1) the exponential of noise like most of some tiles (h, w), over a whole atlas; 1 of none.

    White noise that gets a tile's spectrum looks like it and has no order in which a mark could be seen to come again
    (“Random Phase Textures”, Galerne, Gousseau and Morel 2011, equation 5: asymptotic discrete spot noise). Of each
    frequency the median of all tiles is taken: the edge of a beard, or the mouth, which one of them shows, made stripes
    of all of a jaw (p03).
    """
    if not tiles:
        return np.ones((side, side, 1), np.float32)
    spectra = []
    for tile in tiles:
        spot = np.zeros((PATCH, PATCH), np.float32)
        spot[: tile.shape[0], : tile.shape[1]] = (tile - tile.mean())[:PATCH, :PATCH]
        spectra.append(np.abs(np.fft.rfft2(spot)) / np.sqrt(tile.size))
    white = np.random.default_rng(SEED).normal(size=(PATCH, PATCH))
    noise = np.fft.irfft2(np.fft.rfft2(white) * np.median(spectra, axis=0), white.shape)
    repeats = -(-side // PATCH)
    return np.asarray(np.exp(np.tile(noise, (repeats, repeats))[:side, :side, None]), np.float32)

"""Draws the skin of a moving upper lid behind spectacles: it slides under their rims and reflections, which stay.

The mesh moves all that the photo shows on the skin, rims included. Therefore the strip between lid and brow is drawn
again here: first the lid's edge in its new place, then the skin that unfolds behind that edge, and over both, in its
old place, whatever is no skin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.skull import smoothstep
from app.engine.warping.background import push_pull
from app.engine.warping.curves import Float32, fetch
from app.engine.warping.lid_frame import COLUMNS, LidFrame

# These values were chosen by eye on sheets of eyes that shut, with and without spectacles (tools/feature_sheets.py). A
# pair of values is a range over which something goes from none to all, where no comment says otherwise.
HOLD = 0.5  # eye widths above the lid up to which skin moves
# Eye widths above the lid: lashes, which move with the lid, to rims and the like, which stay.
NEAR_LID = (0.05, 0.15)
# Difference from the usual colour around the eye, as a share of full brightness: skin to no skin.
UNLIKE = (0.12, 0.24)
# Difference from the smooth colour of the skin around, as a share of full brightness: skin to rims, reflections, brows
# and lashes.
OTHER = (0.07, 0.16)
LASHES = 0.06  # eye widths from a lid up to which lashes and liner lie
TALL = 0.2  # eye widths over the lid up to which no lash reaches
SURE = 0.4  # certainty, 0 to 1, that a place is no skin, from which it may be a rim
ABOVE_LINE = (0.0, 0.16)  # eye widths above a lid's old line over which the things that stay begin
# Share of light that the crease takes where an unfolded lid begins, and eye widths over which that fades.
CREASE = (0.12, 0.07)
# Share of light that an unfolded lid lacks at its lashes, where the eyeball turns away, and eye widths over which that
# fades.
ROUND = (0.10, 0.10)
LEAST_LID = 0.75  # least brightness of a lid over that of the skin under the eye
# Eye widths under the lower lid from which skin looks as a lid's does: below lashes and their shadow.
UNDER = 0.12
# Levels of 255: the strongest texture that a lid takes from that skin; what is stronger is a fold, a rim or a
# reflection.
GRAIN = 12.0
ASIDE = (-0.12, 0.0)  # eye widths from the corners inwards, below 0 beyond them: no strip to the whole strip
MOVED = 0.03  # eye widths that a lid must move for all of the strip to be drawn


@dataclass(frozen=True, eq=False)
class LidSkin:
    """What the strip over one eye is drawn from, on the photo's pixels.

    skin: (h, w, 3) the skin alone, 0 to 255; smooth: (h, w, 3) its smooth colour, continued under lids and rims;
    photo: (h, w, 3); held: (h, w) 1 on what stays in place.
    """

    skin: Float32
    smooth: Float32
    photo: Float32
    held: Float32


def lid_skin(crop: Float32, frame: LidFrame, spectacles: float) -> LidSkin | None:
    """Return what the strip over one eye is drawn from; None without spectacles, or where too little skin is seen.

    crop: (h, w, 3), 0 to 255; frame: the lids in the crop's pixels; spectacles: 0 without to 1 with them.
    """
    if spectacles <= 0:
        return None
    y, x = np.indices(crop.shape[:2], np.float32) + np.float32(0.5)
    along, below, above = frame.coordinates(x, y)
    width = np.float32(frame.width)
    around = (below < -LASHES * width) | (above < -LASHES * width)
    around &= (above > -0.3 * width) & (below > -0.3 * width) & (along > -0.05) & (along < 1.05)
    if around.sum() < 20:
        return None
    level = _level(crop, around, above < 0)
    strange = smoothstep(*UNLIKE, np.abs(crop - level).max(axis=2) / 255)
    eye = ((below > -LASHES * width) & (above > -LASHES * width)).astype(np.uint8)
    no_skin = cv2.dilate(np.maximum((strange > 0.5).astype(np.uint8), eye), np.ones((3, 3), np.uint8))
    sure = np.asarray((1 - no_skin) * (1 - strange), np.float32)
    smooth = push_pull(crop, np.maximum(sure, 1e-5).astype(np.float32))
    smooth = cv2.GaussianBlur(smooth, (0, 0), max(0.6, 0.1 * frame.width))
    unlike = smoothstep(*OTHER, np.abs(crop - smooth).max(axis=2) / 255).astype(np.float32)
    other = np.asarray(cv2.GaussianBlur(unlike, (0, 0), 0.8), np.float32)
    over = -below.astype(float) / frame.width
    over_lid = np.maximum(smoothstep(*NEAR_LID, over), _rims(other, over, along)).astype(np.float32)
    skin = crop + other[..., None] * (smooth - crop)
    return LidSkin(np.asarray(skin, np.float32), smooth, crop, np.asarray(other * over_lid, np.float32))


def _rims(other: Float32, height: NDArray[np.float64], along: Float32) -> Float32:
    """Return (h, w) 1 on places that are no skin and reach higher over the lid than lashes do.

    other: (h, w) certainty that a place is no skin; height: (h, w) eye widths over the lid; along: (h, w) place from
    corner to corner. Lashes with make-up run into rims, so rims are sought above the lashes, and lower only where they
    cross the lid's edge.
    """

    def tall(floor: float) -> NDArray[np.bool_]:
        """Return the connected parts above `floor` times LASHES that reach beyond TALL."""
        seen = ((other > SURE) & (height > floor * LASHES)).astype(np.uint8)
        _, part = cv2.connectedComponents(seen, connectivity=4)
        found = np.unique(part[(seen > 0) & (height > TALL)])
        return np.isin(part, found[found > 0])

    clear, low = tall(1.3), tall(0.5)
    place = np.clip(along * COLUMNS, 0, COLUMNS - 1).astype(int)
    crossing = np.bincount(place[clear], minlength=COLUMNS) == 0
    rims = cv2.dilate((clear | (low & crossing[place])).astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(rims.astype(np.float32), (0, 0), 0.8), np.float32)


def _level(crop: Float32, around: NDArray[np.bool_], lower: NDArray[np.bool_]) -> Float32:
    """Return the usual colour (3,) around an eye: that under the eye, which rims and brows seldom cross, towards the
    darker one above it.
    """
    seen = crop[around & lower]
    below = np.median(seen if len(seen) > 10 else crop[around], axis=0)
    above = crop[around & ~lower]
    if len(above) < 10:
        return np.asarray(below, np.float32)
    return np.asarray(0.5 * (below + np.clip(np.median(above, axis=0), LEAST_LID * below, below)), np.float32)


def slid(
    colours: Float32, strip: LidSkin, own: LidFrame, target: LidFrame, x: Float32, y: Float32, scale: float
) -> Float32:
    """Return colours (h, w, 3) with the strip above the target's upper lid drawn again.

    A lid that sinks takes its lashes along and unfolds skin behind them; what lies above its old line stays. A lid
    that rises takes the skin over it along. own: the photo's lids in the crop's pixels; target: the target's lids;
    x, y: (h, w) px of the target; scale: px of the target per px of the photo.
    """
    along, below, _ = target.coordinates(x, y)
    top = np.interp(along, target.at, target.upper).astype(np.float32) / np.float32(scale)
    lid = np.interp(along, own.at, own.upper).astype(np.float32)
    width = np.float32(own.width)
    moved = float(np.abs(top - lid).max()) / own.width
    height = top - below / np.float32(scale)  # px of the photo above the corners' line
    sunk = np.maximum(lid - top, 0)
    end = lid + np.float32(HOLD) * width
    way = np.clip((height - top) / np.maximum(end - top, 1.0), 0, 1)
    risen = height + np.minimum(lid - top, 0) * (1 - way) ** 2

    def place(level: Float32) -> tuple[Float32, Float32]:
        """Return x and y in the crop of places `level` px above the line between the photo's corners."""
        u = np.float32(own.corner[0]) + along * width * np.float32(own.along[0])
        v = np.float32(own.corner[1]) + along * width * np.float32(own.along[1])
        across = level * np.float32(own.up[0]), level * np.float32(own.up[1])
        return (u + across[0]).astype(np.float32), (v + across[1]).astype(np.float32)

    still = place(height)
    held = cv2.remap(strip.held, still[0] - 0.5, still[1] - 0.5, cv2.INTER_LINEAR, borderValue=0)
    skin = fetch(strip.skin, *place(risen))
    over, gone = np.asarray(height - top, float), np.asarray(sunk, float)
    stays = smoothstep(*ABOVE_LINE, (over - gone) / own.width)
    lashes = smoothstep(LASHES, 0.3 * LASHES, over / own.width)
    unfolded = smoothstep(0, 2 * LASHES, gone / own.width)
    shading = 1 - CREASE[0] * np.exp(-np.abs(over - gone) / (CREASE[1] * own.width))
    shading -= ROUND[0] * np.exp(-np.maximum(over, 0) / (ROUND[1] * own.width))
    middle = _unfolded(strip, own, still, place, along, over) * shading.astype(np.float32)[..., None]
    middle = middle + (1 - unfolded)[..., None] * (skin - middle)
    near = np.minimum(fetch(strip.photo, *place(height + sunk)), middle)
    lid_drawn = middle + lashes[..., None] * (near - middle)
    drawn = lid_drawn + np.where(sunk > 0, stays, 1)[..., None] * (skin - lid_drawn)
    drawn = drawn + held[..., None] * (fetch(strip.photo, *still) - drawn)
    below_top, above_end = (np.asarray(gap / own.width, float) for gap in (height - top, end - height))
    inside = smoothstep(-0.02, 0.02, below_top) * smoothstep(0, 0.1, above_end)
    inside = inside * smoothstep(*ASIDE, np.minimum(along, 1 - along).astype(np.float64))
    share = (inside * min(moved / MOVED, 1.0)).astype(np.float32)[..., None]
    return np.asarray(colours + share * (drawn - colours), np.float32)


def _unfolded(
    strip: LidSkin,
    own: LidFrame,
    still: tuple[Float32, Float32],
    place: Callable[[Float32], tuple[Float32, Float32]],
    along: Float32,
    over: NDArray[np.float64],
) -> Float32:
    """Return skin (h, w, 3) that the photo hides in a lid's fold.

    Its colour is the mean of the skin around, which brows and rims shade, and of the skin equally far under the eye;
    its texture is that of the skin under the eye. still: x and y in the crop of the pixels' places; place: gives such
    x and y for a height; over: (h, w) px of the photo over the lid's edge.
    """
    lower = np.interp(along, own.at, own.lower).astype(np.float32)
    depth = np.clip(over, 0, HOLD * own.width).astype(np.float32)
    under = place(lower - np.float32(UNDER * own.width) - depth)
    tone = fetch(strip.smooth, *under)
    grain = np.clip(fetch(strip.skin, *under) - tone, -GRAIN, GRAIN)
    return np.asarray((fetch(strip.smooth, *still) + tone) / 2 + grain, np.float32)

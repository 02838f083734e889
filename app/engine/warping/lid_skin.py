"""The skin of a moving upper lid behind spectacles: it slides under their rims and reflections, which stay.

The mesh takes along whatever lies on the skin, so here the strip between lid and brow is drawn again: skin alone, as
far stretched as the lid went, and what is no skin over it in its old place.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from app.engine.warping.background import push_pull
from app.engine.warping.curves import Float32, fetch
from app.engine.warping.lid_frame import LidFrame
from app.engine.warping.shell import smoothstep

HOLD = 0.5  # eye widths above the lid up to which skin moves
NEAR_LID = (0.015, 0.05)  # eye widths above the lid: what is no skin there are lashes, which go with it
OTHER = (0.09, 0.2)  # of full brightness from the skin around: no skin
ASIDE = (-0.12, 0.0)  # eye widths beyond the corners over which the strip fades
MOVED = 0.03  # eye widths that a lid must move for all of the strip to be drawn


@dataclass(frozen=True, eq=False)
class LidSkin:
    """(h, w, 3) pictures on the photo's pixels, 0 to 255: skin alone, and the photo; held: (h, w) 1 on what stays."""

    skin: Float32
    photo: Float32
    held: Float32


def lid_skin(crop: Float32, frame: LidFrame, spectacles: float) -> LidSkin | None:
    """The strip over one eye of a (h, w, 3) crop in whose pixels `frame` lies; None without spectacles."""
    if spectacles <= 0:
        return None
    y, x = np.indices(crop.shape[:2], np.float32) + np.float32(0.5)
    along, below, above = frame.coordinates(x, y)
    width = np.float32(frame.width)
    around = (below < -NEAR_LID[1] * width) | (above < -NEAR_LID[0] * width)
    around &= (above > -0.25 * width) & (along > -0.1) & (along < 1.1)
    if around.sum() < 20:
        return None
    # Most of what is around an eye is skin, if the brow is left out.
    usual = (
        np.median(crop[around & (below < 0) & (above > 0)], axis=0) if (around & (above > 0)).any() else None
    )
    lower = crop[around & (above < 0)]
    level = np.median(lower if len(lower) > 10 else crop[around], axis=0)
    level = level if usual is None else 0.5 * (level + np.maximum(usual, 0.8 * level))
    other = smoothstep(2 * OTHER[0], 2 * OTHER[1], np.abs(crop - level).max(axis=2) / 255)
    eye = ((below > -NEAR_LID[0] * width) & (above > -0.02 * width)).astype(float)
    sure = np.asarray((1 - other) * (1 - eye), np.float32)
    smooth = push_pull(crop, np.maximum(sure**2, 1e-5).astype(np.float32))
    smooth = cv2.GaussianBlur(smooth, (0, 0), max(0.6, 0.05 * frame.width))
    other = smoothstep(*OTHER, np.abs(crop - smooth).max(axis=2) / 255)
    other = np.asarray(cv2.GaussianBlur(other.astype(np.float32), (0, 0), 0.8), np.float32)
    over_lid = smoothstep(NEAR_LID[0], NEAR_LID[1], -below.astype(float) / frame.width).astype(np.float32)
    held = other * over_lid
    skin = crop + held[..., None] * (smooth - crop)
    return LidSkin(np.asarray(skin, np.float32), crop, np.asarray(held, np.float32))


def slid(
    colours: Float32, strip: LidSkin, own: LidFrame, target: LidFrame, x: Float32, y: Float32, scale: float
) -> Float32:
    """(h, w, 3) colours with the strip above the target's upper lid drawn again; own: in the crop's pixels.

    x, y: px of the target; scale: px of the target per px of the photo.
    """
    along, below, _ = target.coordinates(x, y)
    top = np.interp(along, target.at, target.upper).astype(np.float32) / np.float32(scale)
    lid = np.interp(along, own.at, own.upper).astype(np.float32)
    moved = float(np.abs(top - lid).max()) / own.width
    end = lid + np.float32(HOLD * own.width)
    height = top - below / np.float32(scale)  # px of the photo above the corners' line
    way = np.clip((height - top) / np.maximum(end - top, 1.0), 0, 1)
    before = height + (lid - top) * (1 - way) ** 2

    def place(level: Float32) -> tuple[Float32, Float32]:
        across = along * np.float32(own.width)
        u = np.float32(own.corner[0]) + across * np.float32(own.along[0]) + level * np.float32(own.up[0])
        v = np.float32(own.corner[1]) + across * np.float32(own.along[1]) + level * np.float32(own.up[1])
        return u.astype(np.float32), v.astype(np.float32)

    skin = fetch(strip.skin, *place(before))
    still = place(height)
    held = cv2.remap(strip.held, still[0] - 0.5, still[1] - 0.5, cv2.INTER_LINEAR, borderValue=0)
    drawn = skin + held[..., None] * (fetch(strip.photo, *still) - skin)
    below_top, above_end = (np.asarray(gap / own.width, float) for gap in (height - top, end - height))
    inside = smoothstep(-0.02, 0.02, below_top) * smoothstep(0, 0.1, above_end)
    inside = inside * smoothstep(*ASIDE, np.minimum(along, 1 - along).astype(np.float64))
    share = (inside * min(moved / MOVED, 1.0)).astype(np.float32)[..., None]
    return np.asarray(colours + share * (drawn - colours), np.float32)

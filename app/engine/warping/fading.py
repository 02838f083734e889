"""From the fine warp's picture to the whole head's: no outline is half there, it moves from one's to the other's.

Both pictures show the same person, whose outlines lie apart where hair or a jaw's back is made up. Blended, each
would be seen through the other. So an outline between the two, whose signed distance is the mean of theirs, decides
what one of them shows as person and the other as background; only where both show the person are colours blended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.skull import smoothstep
from app.engine.warping.curves import Float32
from app.engine.warping.head_drawing import Box, HeadLook, View, draw_head, placed
from app.engine.warping.rendering import Layers, Motion, render

# Chosen by eye on sheets of turned heads (tools/head_sheets.py) against the milliseconds of a frame.
IOD = 26.0  # px between the eyes at which outlines are compared
SIDE = 512  # px: the longer side of the picture at which they are, at most
SOFT = 0.7  # px of its own to either side over which the outline between both is soft
ENDS = 8.0  # times faster than the rest an outline's pixels may leave the one picture and come to the other
KERNEL = np.ones((3, 3), np.uint8)
WHITE = np.full((2, 2, 3), 255, np.uint8)


@dataclass(frozen=True, eq=False)
class Outlines:
    """The coverage of one photo's person at a small size: 255 on the person, as its fine warp and its head have it.

    look, layers: like the photo's own, with coverage for colours; factor: from the photo's px to their own.
    """

    look: HeadLook
    layers: Layers
    factor: float


def outlines(look: HeadLook, layers: Layers) -> Outlines:
    shape = layers.zone.shape
    factor = min(1.0, IOD / layers.iod, SIDE / max(shape))
    size = (max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor)))

    def small(cover: NDArray[Any]) -> NDArray[np.uint8]:
        cover = cover if cover.dtype == np.uint8 else (cover >> 8).astype(np.uint8)
        return np.dstack([cv2.resize(cover, size, interpolation=cv2.INTER_AREA)] * 4)

    background = np.zeros((size[1], size[0], 3), np.uint8)
    zone = np.ones((size[1], size[0]), np.uint8)
    whole = Layers(
        small(layers.texture[..., 3]), background, zone, np.zeros((0, 0), np.uint8), (0, 0, *size),
        layers.iod * factor,
    )  # fmt: skip
    hung = look.sheet
    if hung is not None:
        cover = np.zeros(shape, hung.texture.dtype)
        (x, y), (h, w) = hung.corner, hung.texture.shape[:2]
        cover[y : y + h, x : x + w] = hung.texture[..., 3]
        hung = replace(hung, points=hung.points * factor, texture=small(cover), corner=(0, 0))
    fixed = look.fixed.copy()
    fixed[:, :2] = _scaled(fixed[:, :2], factor)
    plate = replace(whole, texture=small(look.plate.texture[..., 3]))
    own = replace(
        look,
        seen=replace(look.seen, inward=look.seen.inward * factor),
        atlas=WHITE,
        plate=plate,
        sheet=hung,
        fixed=fixed,
        light=np.eye(1, 9)[0],
        rim=np.ones_like(look.rim),
    )
    return Outlines(own, whole, factor)


def head_weights(of: Outlines, view: View, box: Box) -> Float32:
    """Return (h, w) share in [0, 1] that the head's picture has of each pixel of a box of the photo."""
    size = (of.layers.zone.shape[1], of.layers.zone.shape[0])
    everything = (0, 0, *size)
    body = None if view.body is None else _scaled_motion(view.body, of.factor, size)
    small = replace(view, points=view.points * of.factor, hair=view.hair * of.factor, body=body)
    head = placed(of.look.plate, of.look.plate, body, everything)
    draw_head(head, (0, 0), of.look, of.layers, small)
    flat = render(of.layers, _scaled_motion(view.moved, of.factor, size))
    head, flat = (np.asarray(cover[..., 0] / 255, np.float32) for cover in (head, flat))
    inside: Float32 = view.share * _inside(head) + (1 - view.share) * _inside(flat)
    person = smoothstep(-SOFT, SOFT, inside)
    # A little more than what lies between, so that no line of either background is seen along an outline.
    of_head, of_flat = (
        np.clip(cv2.dilate(a, KERNEL) - cv2.erode(b, KERNEL), 0, 1) for a, b in ((head, flat), (flat, head))
    )
    both = np.minimum(of_head, of_flat)
    of_head, of_flat = of_head - both, of_flat - both
    weight = view.share * (1 - of_head - of_flat) + of_head * person + of_flat * (1 - person)
    weight = np.clip(weight, 1 - ENDS * (1 - view.share), ENDS * view.share)
    return _part(np.asarray(weight, np.float32), of.factor, box)


def faded(head: NDArray[Any], flat: NDArray[Any], weight: Float32) -> NDArray[Any]:
    """Return (h, w, 3) of both pictures, the head's with its weight (h, w)."""
    if head.dtype == np.uint8:
        return np.asarray(cv2.blendLinear(head, flat, weight, 1 - weight))
    mixed = flat + weight[..., None] * (head.astype(np.float32) - flat)
    return np.asarray(mixed + 0.5, head.dtype)


def _inside(cover: Float32) -> Float32:
    """Return (h, w) px from the outline, below 0 outside of it."""
    solid = (cover > 0.5).astype(np.uint8)
    found = cv2.distanceTransform(solid, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - solid, cv2.DIST_L2, 3)
    return np.asarray(found, np.float32)


def _part(picture: Float32, factor: float, box: Box) -> Float32:
    """Return the box (x0, y0, x1, y1) of a small picture enlarged to the photo's px."""
    x0, y0, x1, y1 = box
    at = np.array([[factor, 0, (x0 + 0.5) * factor - 0.5], [0, factor, (y0 + 0.5) * factor - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(picture, at, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def _scaled(index: NDArray[Any], factor: float) -> NDArray[Any]:
    """Return the index coordinates (the centre of the first pixel is 0) at another size."""
    return (index + 0.5) * factor - 0.5


def _scaled_motion(moved: Motion, factor: float, size: tuple[int, int]) -> Motion:
    """Return the same motion of a smaller picture, all of it, in its own light."""
    source, target, mirrored = (
        np.ascontiguousarray(_scaled(points, factor), np.float32)
        for points in (moved.source, moved.target, moved.mirrored)
    )
    return Motion(source, target, mirrored, np.zeros_like(moved.light), moved.order, (0, 0, *size))

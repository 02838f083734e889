"""Goes over from the fine warp's picture to the whole head's by moving the person's outline from the one to the
other.

Both pictures show the same person, whose outlines lie apart where hair or a jaw's back is made up. If they were
blended, each outline would be seen through the other. Therefore one outline between the two, whose signed distance
is the mean of theirs, divides person from background where they differ; colours are blended only where both show the
person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.warping.curves import Float32
from app.engine.warping.head_drawing import Box, HeadLook, View, draw_head, placed
from app.engine.warping.head_kernels import GAIN, RIM
from app.engine.warping.rendering import Layers, Motion, render

# Chosen by eye on sheets of turned heads (tools/head_sheets.py) against the milliseconds of a frame.
IOD = 26.0  # px between the eyes at which outlines are compared
SIDE = 512  # px: the longer side of the picture at which outlines are compared, at most
SOFT = 0.7  # px of that picture, to either side, over which the outline between both is soft
ENDS = 8.0  # times as fast as the rest an outline's pixels may go from the one picture to the other
BESIDE = 16  # px of its own around what changes in which outlines are sought: they lie less apart
KERNEL = np.ones((3, 3), np.uint8)
WHITE = np.full((2, 2, 3), 255, np.uint8)


@dataclass(frozen=True, eq=False)
class Outlines:
    """Where one photo's person is, at a small size, in the fine warp and in the head: 255 on the person.

    look, layers: as those of the photo, with the coverage in place of colours; factor: from the photo's px to their
    px.
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

    background, free = np.zeros((size[1], size[0], 3), np.uint8), np.zeros((0, 0), np.uint8)

    def covered(cover: NDArray[Any]) -> Layers:
        texture = small(cover)
        # Nothing stands behind: what a spline reaches is drawn as if it were solid.
        zone = 2 * cv2.dilate((texture[..., 3] > 0).astype(np.uint8), np.ones((7, 7), np.uint8))
        return Layers(texture, background, zone, free, (0, 0, *size), layers.iod * factor)

    whole = covered(layers.texture[..., 3])
    hung = look.sheet
    if hung is not None:
        cover = np.zeros(shape, hung.texture.dtype)
        (x, y), (h, w) = hung.corner, hung.texture.shape[:2]
        cover[y : y + h, x : x + w] = hung.texture[..., 3]
        hung = replace(hung, points=hung.points * factor, texture=small(cover), corner=(0, 0))
    own = replace(look, atlas=WHITE, plate=covered(look.plate.texture[..., 3]), sheet=hung)
    return Outlines(own, whole, factor)


def head_weights(of: Outlines, view: View, box: Box, values: Float32) -> Float32:
    """Return (h, w) share in [0, 1] that the head's picture has of each pixel of a box of the photo; values: of
    `head_drawing.table` for the photo itself.
    """
    part = _around(box, of)
    body = None if view.body is None else _scaled_motion(view.body, of.factor, part)
    small = replace(view, points=view.points * of.factor, hair=view.hair * of.factor, body=body)
    head = placed(of.look.plate, of.look.plate, body, part)
    draw_head(head, part[:2], of.look, of.layers, small, _covering(values, of.factor))
    flat = render(of.layers, _scaled_motion(view.moved, of.factor, part))
    head, flat = (np.ascontiguousarray(cover[..., 0]) for cover in (head, flat))
    weight = np.empty(head.shape, np.float32)
    grown = [cv2.dilate(cover, KERNEL) for cover in (head, flat)]
    shrunk = [cv2.erode(cover, KERNEL) for cover in (head, flat)]
    mix_outlines(_inside(head), _inside(flat), *grown, *shrunk, np.float32(view.share), weight)
    return _part(weight, part, of.factor, box)


def _around(box: Box, of: Outlines) -> Box:
    """Return a box of the photo in an outlines' picture, with what is near it."""
    height, width = of.layers.zone.shape
    x0, y0 = (max(0, int(low * of.factor) - BESIDE) for low in box[:2])
    x1, y1 = (min(n, int(high * of.factor) + 1 + BESIDE) for high, n in zip(box[2:], (width, height)))
    return x0, y0, max(x0 + 1, x1), max(y0 + 1, y1)


def _covering(values: Float32, factor: float) -> Float32:
    """Return the values (A, 9) of `head_drawing.table` for coverage at another size: no light changes it."""
    own = values.copy()
    own[:, :2] = _scaled(values[:, :2], factor)
    own[:, GAIN], own[:, RIM] = 0, 1
    return own


@njit(cache=True, nogil=True, fastmath=True)
def mix_outlines(  # type: ignore[no-untyped-def]
    in_head, in_flat, head_grown, flat_grown, head_shrunk, flat_shrunk, share, out
):
    """Put the head's share of each pixel into out (h, w).

    in_head, in_flat: (h, w) px from either outline; grown, shrunk: (h, w) uint8 coverages: a little more than what lies
    between both, so that no line of either background is seen along an outline; share: of the head.
    """
    zero, one, soft = np.float32(0), np.float32(1), np.float32(SOFT)
    low, high = one - np.float32(ENDS) * (one - share), np.float32(ENDS) * share
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            t = (share * in_head[j, i] + (one - share) * in_flat[j, i] + soft) / (soft + soft)
            t = min(max(t, zero), one)
            person = t * t * (np.float32(3) - t - t)
            of_head = max(np.float32(head_grown[j, i]) - np.float32(flat_shrunk[j, i]), zero) / np.float32(
                255
            )
            of_flat = max(np.float32(flat_grown[j, i]) - np.float32(head_shrunk[j, i]), zero) / np.float32(
                255
            )
            both = min(of_head, of_flat)
            of_head, of_flat = of_head - both, of_flat - both
            weight = share * (one - of_head - of_flat) + of_head * person + of_flat * (one - person)
            out[j, i] = min(max(weight, low), high)


def warm_up() -> None:
    """Compile the kernel."""
    cover, inside = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.float32)
    mix_outlines(inside, inside, cover, cover, cover, cover, np.float32(0.5), inside.copy())


def faded(head: NDArray[Any], flat: NDArray[Any], weight: Float32) -> NDArray[Any]:
    """Return the (h, w, 3) mixture of both pictures; the weight (h, w) is that of the head's picture."""
    if head.dtype == np.uint8:
        return np.asarray(cv2.blendLinear(head, flat, weight, 1 - weight))
    mixed = flat + weight[..., None] * (head.astype(np.float32) - flat)
    return np.asarray(mixed + 0.5, head.dtype)


def _inside(cover: NDArray[np.uint8]) -> Float32:
    """Return (h, w) px from the outline, below 0 outside of it."""
    solid = (cover > 127).astype(np.uint8)
    found = cv2.distanceTransform(solid, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - solid, cv2.DIST_L2, 3)
    return np.asarray(found, np.float32)


def _part(picture: Float32, part: Box, factor: float, box: Box) -> Float32:
    """Return the box (x0, y0, x1, y1) of a small picture, of which this is a part, enlarged to the photo's px."""
    x0, y0, x1, y1 = box
    left, top = ((low + 0.5) * factor - 0.5 - start for low, start in zip((x0, y0), part[:2]))
    at = np.array([[factor, 0, left], [0, factor, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(picture, at, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def _scaled(index: NDArray[Any], factor: float) -> NDArray[Any]:
    """Return the index coordinates (the centre of the first pixel is 0) at another size."""
    return (index + 0.5) * factor - 0.5


def _scaled_motion(moved: Motion, factor: float, part: Box) -> Motion:
    """Return the same motion of a smaller picture, in a part of it, in its own light."""
    source, target, mirrored = (
        np.ascontiguousarray(_scaled(points, factor), np.float32)
        for points in (moved.source, moved.target, moved.mirrored)
    )
    return Motion(source, target, mirrored, np.zeros_like(moved.light), moved.order, part)

"""Tells what stands beside a head, such as hair, a hat or clothes, and how much of it turns with the head."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.skull import smoothstep
from app.engine.imaging.nearest import nearest_known
from app.engine.warping.curves import Float32
from app.engine.warping.edges import border_share
from app.engine.warping.hats import hat_of
from app.engine.warping.kinds import Kinds, blurred, kinds
from app.engine.warping.plate import Places

# These values were chosen by eye on sheets of turned heads with long hair, hats and scarves (tools/head_sheets.py).
# IOD is the distance between the eyes. A pair of values is a range over which something goes from none to all.
HANGS = 0.02  # IOD^2: the area of hair beside the jaw from which hair counts as hanging
BESIDE = (1.6, 2.4)  # IOD beside the head: hair moves with the head to with the body
SPREAD = 0.14  # IOD: sigma of the blur that smooths the share of the head's motion
TOUCHES_TO = (-0.6, 0.2)  # IOD below the chin over which TOUCHES stops applying
CLOTHES_BESIDE = 0.14  # IOD from clothes within which the person's edge is theirs
CLOTHES_EDGE = 0.4  # IOD: greatest width of the soft edge of clothes against the background
HANGING = (-0.4, 0.9)  # IOD below the chin: hair moves with the head to with the body
TOUCHES = 0.2  # IOD beside the head within which everything moves with the head
# IOD from the photo's edge: hair that the edge cuts off stays to moves with the head; other hair there moves with it.
BORDER = 0.6
# IOD from the edge, away from the head: the same. Over less, a wide head of curls was drawn out to strips (p10).
WIDE_BORDER = 1.8
LOW = (-0.8, -0.2)  # IOD below the chin over which hair and shoulders give way up to BORDER only
# IOD beside the face within which hair that hangs from nothing, and ends, is a beard that juts out.
TUFT = 0.4
TUFT_BELOW = 0.9  # height from the ears (0) to the chin (1) below which it lies
# Share of it whose nearest place of the head is face; clothes, and hair on a neck, have none.
FACE_SHARE = 0.3
TUFT_ROUND = 0.05  # IOD: width of the soft rim that goes with it
CLOSE = 0.5  # IOD beside the head within which hair goes along with it up to BORDER


@dataclass(frozen=True, eq=False)
class Beside:
    """What stands beside the head of one photo, as (h, w) fields of a small copy of the photo.

    where: the places of this copy, of which those of the neck that hair and clothes cover do not count as head; like: 1
    where the person is hair or hat rather than skin or clothes; bare: 1 where the person is skin rather than hair or
    hat; share: share of the head's motion that a place takes part in; clothes: 1 on clothes; stays: 1 on clothes, and
    on their soft edge, that surely do not move with the head; hat: of `hat_of`.
    """

    where: Places
    like: Float32
    bare: Float32
    share: Float32
    clothes: Float32
    stays: Float32
    hat: Float32
    tuft: Float32


def beside_head(where: Places, srgb: NDArray[np.uint8]) -> Beside:
    """Return what stands beside the head of one photo; srgb: (H, W, 3) uint8, the photo."""
    matte = where.matte
    size = (matte.shape[1], matte.shape[0])
    found = kinds(where, cv2.resize(srgb, size, interpolation=cv2.INTER_AREA))
    like, clothes, stays = found.hair, found.clothes, _to_the_edge(found.stays, where)
    hat = hat_of(where, found)
    where = _without_covered(where, found, hat)
    distance, below, iod = where.distance, where.below, where.iod
    near = (1 - smoothstep(*HANGING, below)) * (1 - smoothstep(*BESIDE, distance))
    goes = np.maximum(like, np.exp(-((distance / TOUCHES) ** 2)) * (1 - smoothstep(*TOUCHES_TO, below)))
    near, goes = np.maximum(near, hat), np.maximum(goes * (1 - clothes), hat)
    held = matte + 1e-3
    share = blurred(near * goes * held, SPREAD * iod) / blurred(held, SPREAD * iod) * (1 - stays)
    y, x = np.indices(matte.shape)
    points = np.column_stack([x.ravel() + 0.5, y.ravel() + 0.5])
    narrow, wide = (
        border_share(points, matte, margin * iod).reshape(matte.shape) for margin in (BORDER, WIDE_BORDER)
    )
    close = np.maximum(np.exp(-((distance / CLOSE) ** 2)), smoothstep(*LOW, below))
    tuft = _tuft(where, like, clothes)
    share = np.maximum(share, tuft) * (wide + close * (narrow - wide))
    return Beside(where, like, found.skin, share.astype(np.float32), clothes, stays, hat, tuft)


def _tuft(where: Places, like: Float32, clothes: Float32) -> Float32:
    """Return (h, w) 1 on a beard that juts out beyond the head's chin; like, clothes: (h, w) of `Beside`.

    It lay between what turns with the head and what stays with the body, and was left behind before the neck (p16).
    """
    face = where.skin.take(nearest_known(where.head > 0)[0])
    free = (where.head == 0) & (where.matte > 0.5) & (like > 0.5) & (clothes < 0.5)
    count, part = cv2.connectedComponents(free.astype(np.uint8))
    size = np.maximum(np.bincount(part.ravel(), minlength=count), 1)
    beyond = (where.level < TUFT_BELOW) | (where.distance > TUFT)
    hangs = np.bincount(part[beyond], minlength=count) > 0
    beard = ~hangs & (np.bincount(part[face], minlength=count) > FACE_SHARE * size)
    tuft = free & beard[part]
    width = 2 * max(1, round(TUFT_ROUND * where.iod)) + 1
    grown = cv2.dilate(tuft.astype(np.uint8), np.ones((width, width), np.uint8)) * (where.head == 0)
    return blurred(grown, 0.5 * TUFT_ROUND * where.iod)


def _to_the_edge(clothes: Float32, where: Places) -> Float32:
    """Return clothes (h, w) with the soft edge of the person beside them, which is wide where a photo is blurred: a
    place that is not solid is clothes where the nearest solid place is, or lies beside them.
    """
    solid = where.matte >= 0.95
    if not solid.any():
        return clothes
    nearest, away = nearest_known(solid)
    width = 2 * max(1, round(CLOTHES_BESIDE * where.iod)) + 1
    near = cv2.dilate(clothes, np.ones((width, width), np.uint8)).take(nearest) * (
        away < CLOTHES_EDGE * where.iod
    )
    return np.asarray(np.where(solid, clothes, np.maximum(clothes, near)), np.float32)


def _without_covered(where: Places, found: Kinds, hat: Float32) -> Places:
    """Return places where the parts of the neck that hair hangs over or clothes cover, and those of the head that a hat
    (h, w) covers, do not count as head: hair, clothes and hat are drawn there.
    """
    free = (where.head == 0) & (where.below < 0) & (where.level > 0)
    hair = (found.hair > 0.5) & (where.matte > 0.5) & (where.neck | free)
    count, label = cv2.connectedComponents(hair.astype(np.uint8))
    hangs = np.zeros(count, bool)
    sizes = np.bincount(label[free & hair], minlength=count)
    hangs[1:] = sizes[1:] > HANGS * where.iod**2
    covered = ((hangs[label] | (found.clothes > 0.5)) & where.neck) | (hat > 0.5)
    if not covered.any():
        return where
    head = where.head * ~covered
    distance = cv2.distanceTransform(1 - head, cv2.DIST_L2, 5) / where.iod
    return replace(where, head=head, distance=distance.astype(np.float32))

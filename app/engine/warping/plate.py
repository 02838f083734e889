"""Makes up what stands behind a head that turns, where the head is in the photo: the background, and the body before
the background.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head import Head, HeadModel, rasterised
from app.engine.head.atlas import scalp
from app.engine.imaging.colour import largest
from app.engine.imaging.nearest import mirror_image
from app.engine.warping.background import push_pull
from app.engine.warping.curves import Float32, FloatArray

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model, IOD
# is the distance between the eyes.
SIDE = 512  # px: the longer side at which the plate is filled; it is smooth, so a small picture is enough
MOVES = 0.2  # share of the head's motion from which a place of the head counts as moving
GROWN = 0.06  # IOD: width of the rim around the head that moves with the head
STRAY = 0.02  # share of the head's motion from which hair beside the head counts as moving with the head
JAW = 0.8  # height from the ears (0) to the chin (1): lower down there is body behind hair
BODY_EDGE = 2.0  # px over which the body's edge is soft where its matte is continued behind the head
CONTINUED = 0.5  # IOD over which the body's own pattern is continued behind the head
BESIDE_CLOTHES = 0.14  # IOD from clothes within which body goes on behind hair: a shoulder had a hole (p26)
STRAIGHTENED = 0.3  # of that reach: how far the border is straightened across which it is mirrored
FLATTEST = 0.01  # slope per px of such a matte below which the matte has no edge
NECK = 2.5  # cm of the model's height below which a place that is no face is neck, or an ear
FACE = 0.7  # cm from the face's landmarks within which a place is skin


@dataclass(frozen=True, eq=False)
class Places:
    """Where the parts of the head lie in the photo, as (h, w) fields of a small copy of the photo.

    head: 1 where the head moves; depth: the head's depth, in px of the copy, towards the viewer; scalp, skin, neck:
    whether a place is that part of the head; meshed: whether the depth is known, which it is beyond the neck's end
    too; distance: IOD from the head; level: 0 at the height of the ears to 1 at that of the chin; below: IOD below the
    chin; matte: the person's, 0 to 1; factor: px of the copy per px of the photo; iod: px of the copy between the eyes.
    """

    head: NDArray[np.uint8]
    depth: Float32
    scalp: NDArray[np.bool_]
    skin: NDArray[np.bool_]
    neck: NDArray[np.bool_]
    meshed: NDArray[np.bool_]
    distance: Float32
    level: Float32
    below: Float32
    matte: Float32
    factor: float
    iod: float


def places(head: Head, matte: Float32) -> Places:
    """Return where the parts of a head lie in its photo; matte: (H, W) in [0, 1] of the person."""
    model = HeadModel.load()
    factor = min(1.0, SIDE / max(matte.shape))
    size = (max(1, round(matte.shape[1] * factor)), max(1, round(matte.shape[0] * factor)))
    points = head.posed(head.camera) * factor
    ids, depth = rasterised(points, model.triangles, (0, 0, *size))

    def part(of: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(np.append(of[model.triangles].mean(axis=1) > 0.5, False)[ids])

    neck = (model.distance > FACE) & (model.points[:, 1] < NECK) & ~(model.ear & head.ears)
    moving = head.rigid[model.triangles].mean(axis=1) > MOVES
    covered = np.append(moving, False)[ids].astype(np.uint8)
    iod = head.camera.scale * factor
    down = _down(head)
    y, x = np.indices(covered.shape, np.float32)
    level = x * down[0] + y * down[1]
    ears = float(np.mean(points[model.ear][:, :2] @ down))
    chin = float((model.weights @ points)[152, :2] @ down)
    distance = cv2.distanceTransform(1 - covered, cv2.DIST_L2, 5) / iod
    small = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    return Places(
        covered,
        depth,
        part(scalp(model) > 0.5),
        part(model.distance < FACE),
        part(neck),
        ids >= 0,
        distance,
        ((level - ears) / max(chin - ears, 0.3 * iod)).astype(np.float32),
        ((level - chin) / iod).astype(np.float32),
        small,
        factor,
        iod,
    )


def _down(head: Head) -> FloatArray:
    """Return (2,) unit direction in the picture from the crown to the chin."""
    down = head.camera.rotation[:2, 1] * np.array([-1.0, 1.0])
    return np.asarray(down / max(float(np.linalg.norm(down)), 1e-6))


def behind(
    pixels: NDArray[Any], background: NDArray[Any], where: Places, share: Float32, clothes: Float32
) -> tuple[NDArray[Any], tuple[int, int, int, int]]:
    """Return the part of the picture that changes without head and hair, and its box (x, y, w, h) px.

    The part is (h, w, 4): the picture with the body's matte. pixels, background: (H, W, 3); share: a small (h, w)
    field of the share of the head's motion that things beside the head have; clothes: a small (h, w) field, 1 on
    clothes, which never move with the head.
    """
    height, width = pixels.shape[:2]
    grown = 2 * max(1, round(GROWN * where.iod)) + 1
    gone = cv2.dilate(where.head, np.ones((grown, grown), np.uint8)).astype(bool)
    stray = ((share > STRAY) & (where.matte > 0.01)).astype(np.uint8)
    stray = cv2.dilate(stray, np.ones((grown, grown), np.uint8)).astype(bool) & ~gone & (clothes < 0.5)
    near = 2 * max(1, round(BESIDE_CLOTHES * where.iod)) + 1
    worn = cv2.dilate((clothes >= 0.5).astype(np.uint8), np.ones((near, near), np.uint8)) > 0
    above = stray & (where.level < JAW) & ~worn
    matte = where.matte
    size = (matte.shape[1], matte.shape[0])
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = ~gone & ~stray
    alpha = np.where(above, 0, matte).astype(np.float32)[..., None]
    alpha = push_pull(alpha, (known | above).astype(np.float32))[..., 0]
    # A matte that is continued behind the head fades over a head's width. The line where it is 0.5 becomes the body's
    # edge, as sharp as a photo's.
    slope = np.hypot(*np.gradient(alpha))
    carried_on = np.clip((alpha - 0.5) / np.maximum(BODY_EDGE * slope, FLATTEST) + 0.5, 0, 1)
    alpha = np.where(gone | stray, np.where(above, 0, carried_on), matte)
    solid = (known & (matte > 0.97)).astype(np.float32)
    solid = cv2.erode(solid, np.ones((3, 3), np.uint8))
    body = _body_behind(small, solid, CONTINUED * where.iod) if solid.any() else small
    changed = (gone | stray).astype(np.uint8)
    reach = cv2.dilate(changed, np.ones((5, 5), np.uint8))
    share = cv2.GaussianBlur(changed.astype(np.float32), (0, 0), 1.2) * reach
    x, y, w, h = cv2.boundingRect(reach)
    scale = (width / size[0], height / size[1])
    low = (max(0, math.floor((x - 1) * scale[0])), max(0, math.floor((y - 1) * scale[1])))
    high = (min(width, math.ceil((x + w + 1) * scale[0])), min(height, math.ceil((y + h + 1) * scale[1])))
    box = (slice(low[1], high[1]), slice(low[0], high[0]))

    def part(picture: Float32) -> Float32:
        return enlarged(picture, (width, height), (*low, *high))

    top = largest(pixels.dtype)
    a, s = part(alpha.astype(np.float32))[..., None], part(share)[..., None]
    made = a * part(body) + (1 - a) * background[box]
    mixed = pixels[box] + s * (made - pixels[box])
    whole = s * a + (1 - s) * part(matte)[..., None]
    found = np.concatenate([mixed, whole * top], axis=2)
    return np.clip(found + 0.5, 0, top).astype(pixels.dtype), (*low, high[0] - low[0], high[1] - low[1])


def _body_behind(small: Float32, solid: Float32, reach: float) -> Float32:
    """Return a picture (h, w, 3) whose body (h, w), 1 where it is solid, is continued behind the head.

    A collar's edge goes on behind a jaw as its mirror image, which fades into smooth colours over `reach` px.
    """
    smooth = push_pull(small, solid)
    x, y, distance = mirror_image(solid > 0, STRAIGHTENED * reach)
    found = cv2.remap(np.dstack([small, solid]), x, y, cv2.INTER_LINEAR)
    share = found[..., 3:] * np.exp(-((distance[..., None] / max(reach, 1e-3)) ** 2))
    share = np.where(solid[..., None] > 0, 1, share)
    mirrored = np.where(solid[..., None] > 0, small, found[..., :3])
    return np.asarray(smooth + share * (mirrored - smooth), np.float32)


def enlarged(picture: Float32, size: tuple[int, int], box: tuple[int, int, int, int]) -> Float32:
    """Return the box (x0, y0, x1, y1) px of a picture (h, w) or (h, w, C) enlarged to `size` (width, height)."""
    height, width = picture.shape[:2]
    sx, sy = width / size[0], height / size[1]
    x = ((np.arange(box[0], box[2]) + 0.5) * sx - 0.5).astype(np.float32)
    y = ((np.arange(box[1], box[3]) + 0.5) * sy - 0.5).astype(np.float32)
    columns, rows = np.broadcast_to(x, (len(y), len(x))), np.broadcast_to(y[:, None], (len(y), len(x)))
    found = cv2.remap(
        picture, np.array(columns), np.array(rows), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.float32)

"""What stands behind a head that turns: the background, and the body before it, where the head was in the photo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head import Head, HeadModel, rasterised
from app.engine.head.skull import smoothstep
from app.engine.warping.background import push_pull
from app.engine.warping.curves import Float32, FloatArray

SIDE = 512  # px: what is filled is smooth, so it is made small
MOVES = 0.2  # share of the head's motion from which the head's place is made up anew
GROWN = 0.06  # IOD around the head that goes with it
STRAY = 0.5  # IOD beside and above the head in which what is the person's is hair or hat; less beside the jaw
JAW = 0.8  # of the way from the ears to the chin below which a person beside the head is body
BODY = (0.35, 0.65)  # of the carried-on matte: soft to sharp
BESIDE = (0.1, 0.42)  # IOD beside the jaw where long hair hangs
LEVELS = (0.25, 0.6)  # of the way from the ears to the chin
BRIM = 1.3  # IOD beside the head in which a hat's brim would stand out
STANDS_OUT = 0.09  # of the head's own area
HANGS = 0.35  # of that place that hair fills, where it is long
BALD = 45.0  # of 255 between scalp and skin
LIKE_HAIR = 70.0  # of 255 between a bald head's scalp, or a scarf, and what hangs


@dataclass(frozen=True, eq=False)
class Places:
    """At a small size: head: 1 where the head stands; stray: 1 where its hair may stand out; beside: (2, h, w) of the
    image's left and right, where long hair would hang; out: beside the head
    above the jaw; factor: from px to its own; matte: (h, w)."""

    head: NDArray[np.uint8]
    stray: NDArray[np.bool_]
    beside: NDArray[np.bool_]
    out: NDArray[np.bool_]
    factor: float
    matte: Float32


def places(head: Head, matte: Float32) -> Places:
    model = HeadModel.load()
    factor = min(1.0, SIDE / max(matte.shape))
    size = (max(1, round(matte.shape[1] * factor)), max(1, round(matte.shape[0] * factor)))
    points = head.posed(head.camera) * factor
    moving = head.rigid[model.triangles].mean(axis=1) > MOVES
    ids, _ = rasterised(points, model.triangles, (0, 0, *size))
    covered = np.append(moving, False)[ids].astype(np.uint8)
    iod = head.camera.scale * factor
    down = _down(head)
    y, x = np.indices(covered.shape, np.float32)
    level = x * down[0] + y * down[1]
    ears = float(np.mean(points[model.ear][:, :2] @ down))
    chin = float((model.weights @ points)[152, :2] @ down)
    share = (level - ears) / max(chin - ears, 0.3 * iod)
    distance = cv2.distanceTransform(1 - covered, cv2.DIST_L2, 5) / iod
    near = STRAY * (1 - 0.7 * smoothstep(0.0, 0.4, share))
    stray = (covered == 0) & (distance < near) & (share < JAW)
    out = (covered == 0) & (distance > GROWN) & (distance < BRIM) & (share < LEVELS[0])
    middle = points[model.ear][:, :2].mean(axis=0)
    right = (x - middle[0]) * down[1] - (y - middle[1]) * down[0] > 0
    ring = (distance > BESIDE[0]) & (distance < BESIDE[1]) & (share > LEVELS[0]) & (share < LEVELS[1])
    small = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    return Places(covered, stray, np.stack([ring & ~right, ring & right]), out, factor, small)


def _down(head: Head) -> FloatArray:
    """(2,) unit direction in the picture from the crown to the chin."""
    down = head.camera.rotation[:2, 1] * np.array([-1.0, 1.0])
    return np.asarray(down / max(float(np.linalg.norm(down)), 1e-6))


def hangs(where: Places, picture: NDArray[np.uint8], hair: FloatArray | None, skin: FloatArray) -> bool:
    """Whether hair hangs beside the jaw (or a hand or a flap is there), or a brim stands out: no head's own shape.

    picture: (H, W, 3); hair, skin: (3,) their colours of 255. What stands beside a bald head's jaw is a collar.
    """
    size = (where.matte.shape[1], where.matte.shape[0])
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    solid = where.matte > 0.9
    for side in where.beside:
        if side.any() and float(solid[side].mean()) > HANGS:
            colour = np.median(small[side & solid], axis=0)
            bald = hair is not None and float(np.linalg.norm(hair - skin)) < BALD
            if not bald or hair is None or float(np.linalg.norm(colour - hair)) < LIKE_HAIR:
                return True
    return bool(float(solid[where.out].sum()) > STANDS_OUT * where.head.sum())


def behind(
    pixels: NDArray[Any], background: NDArray[Any], where: Places, iod: float
) -> tuple[NDArray[Any], tuple[int, int, int, int]]:
    """(h, w, 4) picture without the head, and the body's matte, of the box (x, y, w, h) in which they change."""
    height, width = pixels.shape[:2]
    small_iod = iod * where.factor
    grown = 2 * max(1, round(GROWN * small_iod)) + 1
    gone = cv2.dilate(where.head, np.ones((grown, grown), np.uint8)).astype(bool)
    stray = where.stray & ~gone
    matte = where.matte
    size = (matte.shape[1], matte.shape[0])
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = ~gone
    alpha = np.where(stray, 0, matte).astype(np.float32)[..., None]
    alpha = push_pull(alpha, known.astype(np.float32))[..., 0]
    alpha = np.where(gone, np.clip((alpha - BODY[0]) / (BODY[1] - BODY[0]), 0, 1), np.where(stray, 0, matte))
    solid = (known & ~stray & (matte > 0.97)).astype(np.float32)
    solid = cv2.erode(solid, np.ones((3, 3), np.uint8))
    body = push_pull(small, solid) if solid.any() else small
    changed = (gone | stray).astype(np.uint8)
    reach = cv2.dilate(changed, np.ones((5, 5), np.uint8))
    share = cv2.GaussianBlur(changed.astype(np.float32), (0, 0), 1.2) * reach
    x, y, w, h = cv2.boundingRect(reach)
    scale = (width / size[0], height / size[1])
    low = (max(0, math.floor((x - 1) * scale[0])), max(0, math.floor((y - 1) * scale[1])))
    high = (min(width, math.ceil((x + w + 1) * scale[0])), min(height, math.ceil((y + h + 1) * scale[1])))
    box = (slice(low[1], high[1]), slice(low[0], high[0]))

    def part(picture: Float32) -> Float32:
        return _enlarged(picture, (width, height), (*low, *high))

    top = 65535 if pixels.dtype == np.uint16 else 255
    a, s = part(alpha.astype(np.float32))[..., None], part(share)[..., None]
    made = a * part(body) + (1 - a) * background[box]
    mixed = pixels[box] + s * (made - pixels[box])
    whole = s * a + (1 - s) * part(matte)[..., None]
    found = np.concatenate([mixed, whole * top], axis=2)
    return np.clip(found + 0.5, 0, top).astype(pixels.dtype), (
        low[0],
        low[1],
        high[0] - low[0],
        high[1] - low[1],
    )


def _enlarged(picture: Float32, size: tuple[int, int], box: tuple[int, int, int, int]) -> Float32:
    """The box (x0, y0, x1, y1) of a picture resized to `size` (width, height)."""
    height, width = picture.shape[:2]
    sx, sy = width / size[0], height / size[1]
    x = ((np.arange(box[0], box[2]) + 0.5) * sx - 0.5).astype(np.float32)
    y = ((np.arange(box[1], box[3]) + 0.5) * sy - 0.5).astype(np.float32)
    columns, rows = np.broadcast_to(x, (len(y), len(x))), np.broadcast_to(y[:, None], (len(y), len(x)))
    found = cv2.remap(
        picture, np.array(columns), np.array(rows), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.float32)

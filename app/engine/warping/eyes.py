"""Eyeballs: an iris that moves over a rebuilt sclera inside the target's lids, and the lash line of a closing lid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.warping.background import push_pull
from app.engine.warping.curves import (
    Float32,
    FloatArray,
    box_around,
    catmull_rom,
    distance_to,
    fetch,
    ring,
    soft_inside,
)
from app.engine.warping.topology import LOWER_LIDS, UPPER_LIDS

IRIS = (473, 468)  # centres; the four rim points follow
IRIS_EDGE = (0.92, 1.12)  # of the radius: where the iris fades into the sclera
EDGE_BLUR = 0.012  # eye widths: softness of the lid's edge over the eyeball
LASH_WIDTH = 0.08  # eye widths
LASH_FALL = 2.2  # how much further lashes reach below the lid's line than above
LASH_STRENGTH = 0.95  # of their colour where they are thickest
PARTED = (0.01, 0.05)  # eye widths by which shut lids part before the eyeball shows
EYE_MARGIN = 0.15  # eye widths drawn around the lids


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of the photo.

    origin: (x, y) of the pictures in the photo; sclera, iris: (h, w, 3) float32, the eyeball without its iris and
    the iris completed under the lids; centre, radius: of the iris, px; middle: (3,) of the lids, px with depth;
    width: px between the corners; lash: (3,) colour of the lash line; shown: 1 where the photo shows the eyeball, 0
    where it is shut and the eyeball given (`eyeballs`); gap: between such lids, eye widths.
    """

    side: int
    origin: tuple[int, int]
    sclera: Float32
    iris: Float32
    centre: FloatArray
    radius: float
    middle: FloatArray
    width: float
    lash: Float32
    shown: float = 1.0
    gap: float = 0.0

    def gap_of(self, lids: FloatArray) -> float:
        """Mean gap in eye widths of (16, 2) px of lids, as `contour_vertices` orders them."""
        upper = len(UPPER_LIDS[self.side])
        return float(np.linalg.norm(lids[1 : upper - 1] - lids[: upper - 1 : -1], axis=1).mean() / self.width)


@dataclass(frozen=True, eq=False)
class EyePose:
    """One eye of the target.

    contour: (16, 2) px of the lids; affine: (2, 2) of the eyeball's plane, source to target; middle: (2,) px;
    shift: (2,) source px the iris moved; closure: 0 as in the photo, 1 shut.
    """

    contour: FloatArray
    affine: FloatArray
    middle: FloatArray
    shift: FloatArray
    closure: float


def contour_vertices(side: int) -> list[int]:
    return ring(UPPER_LIDS[side], LOWER_LIDS[side])


def eye_source(pixels: NDArray[Any], landmarks: FloatArray, side: int) -> Eye | None:
    """The parts of one eye; None where it is too small or outside the photo. landmarks: (478, 3) px."""
    points = landmarks[contour_vertices(side)]
    width = float(np.linalg.norm(landmarks[UPPER_LIDS[side][0]] - landmarks[UPPER_LIDS[side][-1]]))
    height, width_px = pixels.shape[:2]
    x0, y0, x1, y1 = box_around(points[:, :2], 0.45 * width, (width_px, height))
    if x1 - x0 < 6 or y1 - y0 < 4 or len(landmarks) < 478:
        return None
    crop = pixels[y0:y1, x0:x1].astype(np.float32)
    centre = landmarks[IRIS[side], :2]
    rim = landmarks[IRIS[side] + 1 : IRIS[side] + 5, :2]
    radius = float(np.linalg.norm(rim - centre, axis=1).max())
    inside = soft_inside(catmull_rom(points[:, :2]), (x0, y0), crop.shape[:2], 0)
    y, x = np.indices(crop.shape[:2], np.float32) + np.float32(0.5)
    distance = np.hypot(x + x0 - centre[0], y + y0 - centre[1]) / max(radius, 1e-3)
    known = _eroded(inside, 0.02 * width)
    sclera = _sclera(crop, known * (distance > 1.15), inside * (distance > 1.08))
    iris = _iris(crop, known, (centre[0] - x0, centre[1] - y0), x, y)
    return Eye(
        side,
        (x0, y0),
        sclera,
        iris,
        centre,
        radius,
        points.mean(axis=0),
        width,
        _lash_colour(crop, points, (x0, y0)),
    )


def _eroded(inside: Float32, pixels: float) -> Float32:
    size = 2 * max(0, round(pixels)) + 1
    return np.asarray(
        cv2.erode(inside, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.float32
    )


def _sclera(crop: Float32, known: Float32, own: Float32) -> Float32:
    """The eyeball without its iris: the photo's own sclera, filled in where iris or lid hide it."""
    if known.sum() < 4:
        white = np.percentile(crop.reshape(-1, 3), 75, axis=0).astype(np.float32)
        return np.broadcast_to(white, crop.shape).copy()
    grey = crop.mean(axis=2)
    bright = grey > np.percentile(grey[known > 0.5], 50) if (known > 0.5).sum() > 8 else grey > 0
    filled = push_pull(
        crop, np.asarray(known * np.where(bright, 1.0, 0.02), np.float32)
    )  # lashes are no sclera
    filled = cv2.GaussianBlur(filled, (0, 0), max(0.5, 0.03 * crop.shape[1]))
    keep = cv2.GaussianBlur(own, (0, 0), 0.8)[..., None]
    return np.asarray(keep * crop + (1 - keep) * filled, np.float32)


def _iris(crop: Float32, known: Float32, centre: tuple[float, float], x: Float32, y: Float32) -> Float32:
    """The iris, completed under the lids by reflection about its centre, then by what is near."""
    flipped_y = (2 * centre[1] - y).astype(np.float32)
    flipped = fetch(crop, x, flipped_y)
    flipped_known = fetch(np.ascontiguousarray(known), x, flipped_y)
    both = np.maximum(known, flipped_known * (known < 0.5))
    merged = np.where((known >= 0.5)[..., None], crop, flipped)
    return push_pull(np.asarray(merged, np.float32), both)


def _lash_colour(crop: Float32, points: FloatArray, origin: tuple[int, int]) -> Float32:
    """A dark colour of the eye's rim."""
    band = soft_inside(catmull_rom(points[:, :2]), origin, crop.shape[:2], 2.0)
    rim = crop[(band > 0.15) & (band < 0.85)]
    rim = rim if len(rim) > 8 else crop.reshape(-1, 3)
    order = np.argsort(rim.sum(axis=1))
    return np.asarray(rim[order[: max(1, len(order) // 12)]].mean(axis=0) * 0.8, np.float32)


def draw_eye(out: NDArray[Any], origin: tuple[int, int], eye: Eye, pose: EyePose) -> None:
    """Draw eyeball and lashes into out (h, w, 3), the patch at `origin`, in place."""
    size = (out.shape[1], out.shape[0])
    contour = catmull_rom(pose.contour)
    x0, y0, x1, y1 = box_around(contour - np.array(origin), EYE_MARGIN * eye.width, size)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    view = out[y0:y1, x0:x1]
    corner = (origin[0] + x0, origin[1] + y0)
    colours = view.astype(np.float32)
    cover = soft_inside(contour, corner, view.shape[:2], EDGE_BLUR * eye.width)
    cover *= np.float32(_visible(eye, pose))
    if pose.closure < 1:
        ball = _eyeball(eye, pose, corner, view.shape[:2])
        colours += cover[..., None] * (ball - colours)
    if pose.closure > 0:
        colours = _lashes(colours, eye, pose, corner)
    top = 65535 if out.dtype == np.uint16 else 255
    view[:] = np.clip(colours + 0.5, 0, top).astype(out.dtype)


def _visible(eye: Eye, pose: EyePose) -> float:
    """How much of an eyeball shows: of one that the photo does not show nothing before its lids part."""
    parted = np.clip((eye.gap_of(pose.contour) - eye.gap - PARTED[0]) / (PARTED[1] - PARTED[0]), 0, 1)
    return float(max(eye.shown, parted))


def _eyeball(eye: Eye, pose: EyePose, corner: tuple[int, int], shape: tuple[int, ...]) -> Float32:
    y, x = np.indices(shape, np.float32) + np.float32(0.5)
    back = np.linalg.inv(pose.affine)
    u, v = x + corner[0] - pose.middle[0], y + corner[1] - pose.middle[1]
    qx = (back[0, 0] * u + back[0, 1] * v + eye.middle[0]).astype(np.float32)
    qy = (back[1, 0] * u + back[1, 1] * v + eye.middle[1]).astype(np.float32)
    sclera = fetch(eye.sclera, qx - eye.origin[0], qy - eye.origin[1])
    ix, iy = qx - np.float32(pose.shift[0]), qy - np.float32(pose.shift[1])
    iris = fetch(eye.iris, ix - eye.origin[0], iy - eye.origin[1])
    distance = np.hypot(ix - eye.centre[0], iy - eye.centre[1]) / max(eye.radius, 1e-3)
    share = np.clip((IRIS_EDGE[1] - distance) / (IRIS_EDGE[1] - IRIS_EDGE[0]), 0, 1)[..., None]
    return np.asarray(sclera + share * (iris - sclera), np.float32)


def _lashes(colours: Float32, eye: Eye, pose: EyePose, corner: tuple[int, int]) -> Float32:
    """A soft dark stroke along the upper lid, growing as it closes; lashes hang, so it fades slowly downwards."""
    n = len(UPPER_LIDS[eye.side])
    lid = catmull_rom(pose.contour)[: 6 * (n - 1) + 1 : 2] - np.array(corner)
    y, x = np.indices(colours.shape[:2], np.float32) + np.float32(0.5)
    distance, along = distance_to(lid, x, y)
    taper = np.clip(np.sin(np.pi * np.clip(along * 0.96 + 0.02, 0, 1)), 0, 1) ** 0.5
    thick = LASH_WIDTH * eye.width * (0.35 + 0.65 * taper) * 0.5
    thick = np.where(_below(lid, pose.affine, along, x, y), LASH_FALL * thick, thick)
    strength = LASH_STRENGTH * pose.closure**2 * taper
    share = (strength * np.exp(-((distance / np.maximum(thick, 0.5)) ** 2)))[..., None]
    return np.asarray(colours + share * (eye.lash - colours), np.float32)


def _below(lid: FloatArray, affine: FloatArray, along: Float32, x: Float32, y: Float32) -> NDArray[np.bool_]:
    """(h, w) where a point lies on the lower side of the lid, (N, 2) from corner to corner, in the turned eye."""
    place = np.clip(along, 0, 1) * (len(lid) - 1)
    steps = np.arange(len(lid))
    u, v = x - np.interp(place, steps, lid[:, 0]), y - np.interp(place, steps, lid[:, 1])
    across = lid[-1] - lid[0]
    down = np.array([-across[1], across[0]])
    down = down if down @ affine[:, 1] > 0 else -down
    return np.asarray(u * down[0] + v * down[1] > 0)

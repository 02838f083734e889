"""Tells where hair grows on most people, and whether a person has any."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import eased

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py), except where a comment names
# another origin.

# The outline, in cm (z, y), of where hair grows in a view from the side: from the forehead's middle round the temple,
# down the sideburn, over the ear, behind the ear, and along the nape. It was drawn by hand on the template after
# people with short hair, and round the ear it passes under the ear, which is smaller on most people than the
# template's: hair reaches up to it from above and from behind.
HAIRLINE = (
    (9.6, 10.2), (7.6, 9.2), (6.6, 7.6), (6.0, 5.8), (4.9, 4.4), (4.3, 2.6), (4.1, 0.6), (3.1, 0.4), (2.6, 2.4),
    (1.6, 3.2), (0.4, 3.6), (-0.8, 3.2), (-1.5, 2.0), (-2.0, 0.4), (-2.6, -1.2), (-3.8, -3.0), (-5.2, -4.8),
    (-7.2, -6.0), (-14.0, -6.0), (-14.0, 20.0), (9.6, 20.0),
)  # fmt: skip
# The same outline for heads whose ears are hidden by hair.
OVER_EAR = (
    (9.6, 10.2), (7.6, 9.2), (6.6, 7.6), (6.0, 5.8), (4.9, 4.4), (4.3, 2.6), (4.0, 0.0), (3.2, -2.6), (0.0, -3.4),
    (-3.8, -4.4), (-7.2, -6.0), (-14.0, -6.0), (-14.0, 20.0), (9.6, 20.0),
)  # fmt: skip


@cache
def inside_hairline(ears: bool) -> FloatArray:
    """Return (V,) cm by which a vertex lies inside the template's hairline in a view from the side, less than 0 outside
    it; ears: whether ears are visible.
    """
    return within(HeadModel.load().points[:, [2, 1]], np.array(HAIRLINE if ears else OVER_EAR))


def within(at: FloatArray, corners: FloatArray) -> FloatArray:
    """Return the (N,) distances of (N, 2) points from the edge of a polygon (M, 2), below 0 outside it."""
    nearest = np.full(len(at), np.inf)
    inside = np.zeros(len(at), bool)
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        along = b - a
        t = np.clip((at - a) @ along / (along @ along), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(at - a - t[:, None] * along, axis=1))
        crosses = (a[1] > at[:, 1]) != (b[1] > at[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (at[:, 0] < a[0] + (at[:, 1] - a[1]) * along[0] / along[1])
    return np.where(inside, nearest, -nearest)


# These values tell the shaved heads among 51 frontal people (037, 042, 105, 172) from those with hair.
FINE = 60.0  # px between the eyes of the picture in which texture is looked for
# px of that picture: sigmas of camera noise, of texture, and of its mean.
GRAIN, TEXTURE, AROUND = 1.0, 5.0, 3.0
DARK = 0.02  # share of the largest pixel value below which differences are the camera's noise
INSIDE = 0.12  # IOD inside the person's end from which a crown is looked at: nearer, background shows through
CROWN = 1.5  # cm inside the template's hairline, from which a place is crown
FOREHEAD = 5.5  # cm of height from which the face's skin is forehead
SEEN = 0.2  # cosine of normal and view from which a crown is seen
LEAST = 16  # number of vertices from which a crown is seen well enough
SKIN = 0.03  # least texture of skin, as the deviation of the logarithm of brightness
ROUGHER = (1.3, 1.9)  # times the forehead's texture: skin to hair
DARKER = (0.25, 0.45)  # logarithm of the face's brightness over the crown's: skin to hair


def haired(
    model: HeadModel,
    points: FloatArray,
    camera: Camera,
    matte: NDArray[np.float32],
    srgb: NDArray[np.uint8],
    ears: bool,
) -> float:
    """Return 1 where hair is seen on a crown, which is rougher or darker than the face's skin, 0 on a shaved head, and
    1 where no crown is seen.

    points: (V, 3) in model space; matte: (H, W) in [0, 1]; srgb: (H, W, 3); ears: whether ears are visible.
    """
    factor = min(1.0, FINE / camera.scale)
    iod = factor * camera.scale
    size = max(1, round(matte.shape[1] * factor)), max(1, round(matte.shape[0] * factor))
    grey = cv2.cvtColor(cv2.resize(srgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    bright = np.log(grey.astype(np.float32) + np.float32(255 * DARK))
    bright = cv2.GaussianBlur(bright, (0, 0), GRAIN)
    rough = cv2.GaussianBlur(np.square(bright - cv2.GaussianBlur(bright, (0, 0), TEXTURE)), (0, 0), AROUND)
    width = 2 * max(1, round(INSIDE * iod)) + 1
    person = cv2.erode(
        cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.ones((width, width), np.uint8)
    )
    at = camera.project(points)[:, :2] * factor
    x, y = (np.clip(at[:, k].astype(int), 0, size[k] - 1) for k in (0, 1))
    inside = (at >= 0).all(axis=1) & (at < size).all(axis=1) & (person[y, x] > 0.9)
    facing = model.normals(points) @ camera.rotation[2]
    face = (model.distance < 1) & (facing > 0.5)
    forehead = face & (model.points[:, 1] > FOREHEAD)
    crown = inside & (facing > SEEN) & (inside_hairline(ears) > CROWN) & (model.points[:, 1] > 4) & ~model.ear
    crown &= model.distance > 2
    if crown.sum() < LEAST or not forehead.any():
        return 1.0
    rougher = np.sqrt(np.median(rough[y, x][crown]) / max(float(np.median(rough[y, x][forehead])), SKIN**2))
    darker = np.median(bright[y, x][face]) - np.median(bright[y, x][crown])
    return max(eased(*ROUGHER, rougher), eased(*DARKER, darker))

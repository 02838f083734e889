"""Eyeballs where the photo shows none: a shut eye that opens gets the other eye's, or one that is made.

What an eye looks like that nobody saw is a guess; the made one is brown, as most are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.eyes import Eye, contour_vertices, eye_source
from app.engine.warping.lids import SHUT_OR_OPEN
from app.engine.warping.light import Light
from app.engine.warping.shell import smoothstep
from app.engine.warping.topology import UPPER_LIDS

AHEAD = 0.04  # eye widths: how far above the corners' line an iris lies that looks ahead
RADIUS = 0.2  # eye widths, of an iris
# Of white things in the photo's light: on 89 portraits the sclera has 0.72 of the teeth's brightness.
WHITE = 0.62
BROWN = np.array([0.36, 0.23, 0.16], np.float32)
RIM, PUPIL = 0.35, 0.4  # brightness of the iris' dark rim; radius of the pupil in iris radii
GLINT = (-0.3, -0.35, 0.14)  # iris radii: where the light is reflected, and how large


def eyes_of(
    pixels: NDArray[Any], landmarks: FloatArray, apertures: tuple[float, float], light: Light
) -> tuple[Eye, ...]:
    """The eyes to draw; those outside the photo or too small are left out. landmarks: (478, 3) px."""
    own = [eye_source(pixels, landmarks, side) for side in (0, 1)]
    shown = [float(smoothstep(*SHUT_OR_OPEN, np.array(aperture))) for aperture in apertures]
    found = []
    for side, eye in enumerate(own):
        other = own[1 - side]
        if eye is None:
            continue
        if shown[side] == 1:
            found.append(eye)
            continue
        if other is not None and shown[1 - side] == 1:
            given = _borrowed(eye, other, landmarks)
        else:
            given = _made(eye, landmarks, light, 65535 if pixels.dtype == np.uint16 else 255)
        found.append(_mixed(eye, given, shown[side], landmarks))
    return tuple(found)


def _corners(landmarks: FloatArray, side: int) -> FloatArray:
    return landmarks[[UPPER_LIDS[side][0], UPPER_LIDS[side][-1]], :2]


def _mixed(eye: Eye, given: Eye, shown: float, landmarks: FloatArray) -> Eye:
    """As much of the photo's own eye as it shows."""
    share = np.float32(shown)
    lids = landmarks[contour_vertices(eye.side), :2]
    return replace(
        given,
        sclera=given.sclera + share * (eye.sclera - given.sclera),
        iris=given.iris + share * (eye.iris - given.iris),
        centre=given.centre + shown * (eye.centre - given.centre),
        radius=given.radius + shown * (eye.radius - given.radius),
        shown=shown,
        gap=eye.gap_of(lids),
    )


def _borrowed(eye: Eye, other: Eye, landmarks: FloatArray) -> Eye:
    """The other eye's white, mirrored, and its iris, which looks the same way and is lit from the same side."""
    here, there = _corners(landmarks, eye.side), _corners(landmarks, other.side)
    scale = eye.width / max(other.width, 1e-3)
    centre = here.mean(axis=0) + scale * (other.centre - there.mean(axis=0))

    def brought(picture: Float32, start: FloatArray, end: FloatArray, side: float) -> Float32:
        x, y = start - np.array(other.origin)
        to_x, to_y = end - np.array(eye.origin)
        matrix = np.array([[side * scale, 0, to_x - side * scale * x], [0, scale, to_y - scale * y]])
        size = (eye.sclera.shape[1], eye.sclera.shape[0])
        moved = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32)

    return replace(
        eye,
        sclera=brought(other.sclera, there.mean(axis=0), here.mean(axis=0), -1.0),
        iris=brought(other.iris, other.centre, centre, 1.0),
        centre=centre,
        radius=scale * other.radius,
    )


def _made(eye: Eye, landmarks: FloatArray, light: Light, top: int) -> Eye:
    """An eyeball that looks ahead, in the photo's light."""
    corners = _corners(landmarks, eye.side)
    line = corners[1] - corners[0]
    up = np.array([line[1], -line[0]]) / max(float(np.linalg.norm(line)), 1e-6)
    up = up if up[1] < 0 else -up
    centre = corners.mean(axis=0) + AHEAD * eye.width * up
    y, x = np.indices(eye.sclera.shape[:2], np.float32) + np.float32(0.5)
    x, y = x + np.float32(eye.origin[0] - centre[0]), y + np.float32(eye.origin[1] - centre[1])
    across = (x * line[0] + y * line[1]) / max(float(line @ line), 1e-6)
    height = (x * up[0] + y * up[1]) / eye.width
    shade = (1 - 1.2 * across**2) * (1 - 1.6 * np.clip(height, 0, 0.3))  # round, under a lid with lashes
    shade = np.clip(shade, 0.3, 1)[..., None] * np.float32(top * light.exposure)
    white = light.coloured(np.float32(WHITE) * light.white * shade)
    iris = light.coloured(_iris(x / (RADIUS * eye.width), y / (RADIUS * eye.width)) * light.tint * shade)
    return replace(eye, sclera=white, iris=iris, centre=centre, radius=RADIUS * eye.width)


def _iris(x: Float32, y: Float32) -> Float32:
    """(h, w, 3) in [0, 1]: brown, with a dark rim, a pupil and a reflection; x, y in radii from its centre."""
    distance = np.hypot(x, y)
    brown = BROWN * (0.8 + 0.35 * smoothstep(0.4, 0.7, distance))[..., None]
    brown = brown * (1 - (1 - RIM) * smoothstep(0.75, 1.0, distance))[..., None]
    brown = brown * (0.1 + 0.9 * smoothstep(PUPIL - 0.06, PUPIL + 0.06, distance))[..., None]
    glint = 0.8 * np.exp(-((np.hypot(x - GLINT[0], y - GLINT[1]) / GLINT[2]) ** 2))
    return np.asarray(brown + glint[..., None] * (1 - brown), np.float32)

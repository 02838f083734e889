"""Gives an eyeball to a shut eye that opens: that of the other eye, or one that is made up.

What a photo does not show is a guess: a made-up iris is brown, as most are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.fitting import EYEBALL
from app.engine.face.parameters import FaceParams
from app.engine.head.skull import eased, smoothstep
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.eye_parts import SHADOW, EyeParts, plain_strips
from app.engine.warping.eyes import Eye, eye_source, usual_white
from app.engine.warping.lids import SHUT_OR_OPEN
from app.engine.warping.light import Light
from app.engine.warping.topology import UPPER_LIDS

# These values were chosen by eye on sheets of eyes (tools/feature_sheets.py).
AHEAD = (
    0.04  # eye widths by which the iris of an eye that looks ahead lies above the line between the corners
)
RADIUS = 0.2  # eye widths: the radius of an iris
BROWN = np.array([0.36, 0.23, 0.16], np.float32)  # red, green and blue of a usual iris in full light, 0 to 1
RIM = 0.35  # brightness of the iris' dark rim over that of the rest
PUPIL = 0.4  # iris radii: the radius of the pupil
GLINT = (-0.3, -0.35, 0.14)  # iris radii: x and y of the light's reflection, and its radius


def eyes_of(
    pixels: NDArray[Any], landmarks: FloatArray, params: FaceParams, light: Light, spectacles: float = 0.0
) -> tuple[Eye, ...]:
    """Return the eyes to draw; eyes outside the photo, or too small, are left out.

    pixels: (H, W, 3) uint8 or uint16; landmarks: (478, 3) px; spectacles: 0 without to 1 with them.
    """
    own = [eye_source(pixels, landmarks, side, params, light, spectacles) for side in (0, 1)]
    shown = [eased(*SHUT_OR_OPEN, open_) for open_ in params.expression.aperture]
    found = []
    for side, eye in enumerate(own):
        other = own[1 - side]
        if eye is None:
            continue
        if shown[side] == 1:
            found.append(eye)
            continue
        if other is not None and shown[1 - side] == 1:
            given = _mirrored_eye(eye, other, landmarks)
        else:
            given = _made_up_eye(eye, landmarks, light)
        found.append(_mixed(eye, _with_ball(given, params), shown[side]))
    return tuple(found)


def _corners(landmarks: FloatArray, side: int) -> FloatArray:
    """Return the outer and the inner corner (2, 2) px of an eye."""
    return landmarks[[UPPER_LIDS[side][0], UPPER_LIDS[side][-1]], :2]


def _with_ball(eye: Eye, params: FaceParams) -> Eye:
    """Return the same eye with its ball placed behind its iris."""
    lever = EYEBALL * params.camera.scale
    return replace(
        eye, ball=eye.iris - lever * eye.axis[:2], sphere=float(np.hypot(lever, max(eye.reach, 1.0)))
    )


def _mixed(eye: Eye, given: Eye, shown: float) -> Eye:
    """Return an eye that mixes the photo's own, by the share (0 to 1) that the photo shows, with the given one."""
    share = np.float32(shown)
    mine, theirs = eye.parts, given.parts
    parts = EyeParts(
        theirs.sclera + share * (mine.sclera - theirs.sclera),
        theirs.iris + share * (mine.iris - theirs.iris),
        theirs.glint + share * (mine.glint - theirs.glint),
        theirs.shadow + shown * (mine.shadow - theirs.shadow),
        (
            theirs.strips[0] + share * (mine.strips[0] - theirs.strips[0]),
            theirs.strips[1] + share * (mine.strips[1] - theirs.strips[1]),
        ),
    )
    return replace(
        given,
        parts=parts,
        iris=given.iris + shown * (eye.iris - given.iris),
        reach=given.reach + shown * (eye.reach - given.reach),
        ball=given.ball + shown * (eye.ball - given.ball),
        sphere=given.sphere + shown * (eye.sphere - given.sphere),
        shown=shown,
        gap=eye.gap_of(eye.contour),
    )


def _mirrored_eye(eye: Eye, other: Eye, landmarks: FloatArray) -> Eye:
    """Return the eye with the other eye's sclera, mirrored, and with its iris, not mirrored: both irises look the same
    way and are lit from the same side.
    """
    here, there = _corners(landmarks, eye.side), _corners(landmarks, other.side)
    scale = eye.width / max(other.width, 1e-3)
    centre = here.mean(axis=0) + scale * (other.iris - there.mean(axis=0))

    def brought(picture: Float32, start: FloatArray, end: FloatArray, side: float) -> Float32:
        """Return a picture of the other eye moved so that `start` lies at `end`; side: -1 to mirror it, else 1."""
        x, y = start - np.array(other.origin)
        to_x, to_y = end - np.array(eye.origin)
        matrix = np.array([[side * scale, 0, to_x - side * scale * x], [0, scale, to_y - scale * y]])
        size = (eye.parts.sclera.shape[1], eye.parts.sclera.shape[0])
        moved = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32)

    parts = EyeParts(
        brought(other.parts.sclera, there.mean(axis=0), here.mean(axis=0), -1.0),
        brought(other.parts.iris, other.iris, centre, 1.0),
        brought(other.parts.glint, other.iris, centre, 1.0),
        other.parts.shadow,
        other.parts.strips,
    )
    return replace(eye, parts=parts, iris=centre, reach=scale * other.reach)


def _made_up_eye(eye: Eye, landmarks: FloatArray, light: Light) -> Eye:
    """Return the eye with a made-up eyeball that looks ahead, in the photo's light."""
    corners = _corners(landmarks, eye.side)
    line = corners[1] - corners[0]
    up = np.array([line[1], -line[0]]) / max(float(np.linalg.norm(line)), 1e-6)
    up = up if up[1] < 0 else -up
    centre = corners.mean(axis=0) + AHEAD * eye.width * up
    y, x = np.indices(eye.parts.sclera.shape[:2], np.float32) + np.float32(0.5)
    x, y = x + np.float32(eye.origin[0] - centre[0]), y + np.float32(eye.origin[1] - centre[1])
    across = (x * line[0] + y * line[1]) / max(float(line @ line), 1e-6)
    shade = np.clip(1 - 1.2 * across**2, 0.3, 1)[..., None]  # an eyeball is round
    white = usual_white(light) * shade
    brown, glint = _iris(x / (RADIUS * eye.width), y / (RADIUS * eye.width))
    lit = np.float32(255 * light.exposure) * shade
    parts = EyeParts(
        np.asarray(white, np.float32),
        light.coloured(brown * light.tint * lit),
        light.coloured(glint * light.tint * lit),
        SHADOW[1],
        plain_strips(),
    )
    return replace(eye, parts=parts, iris=centre, reach=RADIUS * eye.width)


def _iris(x: Float32, y: Float32) -> tuple[Float32, Float32]:
    """Return a brown iris (h, w, 3) in [0, 1] with a dark rim and a pupil, and the reflection on it (h, w, 3).

    x, y: (h, w) iris radii from the iris' centre.
    """
    distance = np.hypot(x, y)
    brown = BROWN * (0.8 + 0.35 * smoothstep(0.4, 0.7, distance))[..., None]
    brown = brown * (1 - (1 - RIM) * smoothstep(0.75, 1.0, distance))[..., None]
    brown = brown * (0.1 + 0.9 * smoothstep(PUPIL - 0.06, PUPIL + 0.06, distance))[..., None]
    glint = 0.8 * np.exp(-((np.hypot(x - GLINT[0], y - GLINT[1]) / GLINT[2]) ** 2))
    return np.asarray(brown, np.float32), np.asarray(glint[..., None] * (1 - brown), np.float32)

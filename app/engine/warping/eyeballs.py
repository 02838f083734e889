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

# eye widths by which the iris of an eye that looks ahead lies above the line between the corners, chosen by eye
AHEAD = 0.04
# What follows but the glint is the median of 44 open eyes of 22 portraits of ../shared/portraits, whose colours were
# divided by their photo's light.
RADIUS = 0.214  # eye widths: the radius of an iris
IRIS = np.array(
    [0.25, 0.185, 0.145], np.float32
)  # red, green and blue in full light, 0 to 1: most irises are brown
PUPIL = (0.3, 0.55)  # iris radii over which the pupil becomes the iris
DARK = 0.45  # brightness of the pupil over the iris'
RIM = 0.9  # brightness of the iris' rim over that of the rest
EDGE = (0.92, 1.12)  # iris radii over which the iris becomes the sclera
GLINT = (-0.3, -0.35, 0.14)  # iris radii: x and y of the light's reflection, and its radius, chosen by eye
# aperture by which lashes are read as a gap: three of 13 portraits that were drawn with shut eyes had one eye read so,
# as 0.12 to 0.16 open
LASHES = 0.06
SHARPEST = 0.02  # share of the eye region's pixels whose edges tell how sharp the photo is
# px, and eye widths: the least blur that is drawn, and the greatest, beyond which an edge is no eye's
LEAST_BLUR, MOST_BLUR = 0.4, 0.06


def eyes_of(
    pixels: NDArray[Any], landmarks: FloatArray, params: FaceParams, light: Light, spectacles: float = 0.0
) -> tuple[Eye, ...]:
    """Return the eyes to draw; eyes outside the photo, or too small, are left out.

    pixels: (H, W, 3) uint8 or uint16; landmarks: (478, 3) px; spectacles: 0 without to 1 with them.
    """
    own = [eye_source(pixels, landmarks, side, params, light, spectacles) for side in (0, 1)]
    shown = _shown(params.expression.aperture)
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
            given = _made_up_eye(eye, pixels, landmarks, light)
        found.append(_mixed(eye, _with_ball(given, params), shown[side]))
    return tuple(found)


def _shown(apertures: tuple[float, float]) -> tuple[float, float]:
    """Return by eye 1 where the photo shows the eyeball to 0 where the lids are shut.

    Lashes over a shut eye may be read as a gap, so an eye beside a shut one counts as open from a wider gap on.
    """
    alone = [eased(*SHUT_OR_OPEN, aperture) for aperture in apertures]
    (shut, wide), lashes = SHUT_OR_OPEN, [LASHES * (1 - other) for other in reversed(alone)]
    left, right = (eased(shut + gap, wide + gap, aperture) for gap, aperture in zip(lashes, apertures))
    return left, right


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


def _made_up_eye(eye: Eye, pixels: NDArray[Any], landmarks: FloatArray, light: Light) -> Eye:
    """Return the eye with a made-up eyeball that looks ahead, in the photo's light and as sharp as the photo."""
    corners = _corners(landmarks, eye.side)
    line = corners[1] - corners[0]
    up = np.array([line[1], -line[0]]) / max(float(np.linalg.norm(line)), 1e-6)
    up = up if up[1] < 0 else -up
    centre = corners.mean(axis=0) + AHEAD * eye.width * up
    y, x = np.indices(eye.parts.sclera.shape[:2], np.float32) + np.float32(0.5)
    x, y = x + np.float32(eye.origin[0] - centre[0]), y + np.float32(eye.origin[1] - centre[1])
    across = (x * line[0] + y * line[1]) / max(float(line @ line), 1e-6)
    shade = np.clip(1 - 1.2 * across**2, 0.3, 1)[..., None]  # an eyeball is round
    white = np.asarray(usual_white(light) * shade, np.float32)
    x, y = x / np.float32(RADIUS * eye.width), y / np.float32(RADIUS * eye.width)
    lit = np.float32(255 * light.exposure) * shade
    distance = np.hypot(x, y)
    iris = light.coloured(_iris(distance) * light.tint * lit)
    eyeball = iris + smoothstep(*EDGE, distance)[..., None] * (white - iris)
    glint = 0.8 * np.exp(-((np.hypot(x - GLINT[0], y - GLINT[1]) / GLINT[2]) ** 2))[..., None]
    glint = light.coloured(np.asarray(glint * light.tint * lit, np.float32))
    blur = _blur(pixels, corners, eye.width)
    soft = [np.asarray(cv2.GaussianBlur(one, (0, 0), blur), np.float32) for one in (eyeball, glint)]
    parts = EyeParts(white, soft[0], soft[1], SHADOW[1], plain_strips())
    return replace(eye, parts=parts, iris=centre, reach=RADIUS * eye.width)


def _iris(distance: Float32) -> Float32:
    """Return a brown iris (h, w, 3) in [0, 1] with a pupil; distance: (h, w) iris radii from its centre."""
    rim = 1 - (1 - RIM) * smoothstep(0.7, 0.85, distance)
    pupil = DARK + (1 - DARK) * smoothstep(*PUPIL, distance)
    return np.asarray(IRIS * (rim * pupil)[..., None], np.float32)


def _blur(pixels: NDArray[Any], corners: FloatArray, width: float) -> float:
    """Return px, the standard deviation of the blur of a photo's sharpest edges around an eye.

    corners: (2, 2) px of the eye, width: px between them. An edge of blur s loses its gradient by a factor of
    sqrt(1 + 1 / s^2) when it is blurred by one more pixel (Zhuo and Sim 2011, equation 6).
    """
    x, y = corners.mean(axis=0)
    top, left = max(0, round(y - width)), max(0, round(x - width))
    crop = (
        pixels[top : max(0, round(y + width)), left : max(0, round(x + width))]
        .astype(np.float32)
        .mean(axis=2)
    )

    def slope(picture: Float32) -> Float32:
        across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
        return np.asarray(np.hypot(across, down))

    once, twice = slope(crop), slope(cv2.GaussianBlur(crop, (0, 0), 1.0))
    strong = once >= max(float(np.quantile(once, 1 - SHARPEST)), 1e-3)
    if not strong.any():
        return LEAST_BLUR
    ratio = float(np.median(once[strong] / np.maximum(twice[strong], 1e-6)))
    return float(np.clip(1 / np.sqrt(max(ratio**2 - 1, 1e-6)), LEAST_BLUR, MOST_BLUR * width))

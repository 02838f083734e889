"""Draws eyeballs: spheres in the sockets that carry the photo's iris and sclera and are seen between the target's
lids.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.face.fitting import EYEBALL
from app.engine.face.parameters import FLIP, Expression, FaceParams
from app.engine.warping.curves import (
    Float32,
    FloatArray,
    box_around,
    catmull_rom,
    ring,
    soft_inside,
)
from app.engine.warping.eye_kernels import FLATTEST, draw_eyeball, draw_lashes
from app.engine.warping.eye_parts import EyeParts, limbus, take_apart
from app.engine.warping.lid_frame import LidFrame
from app.engine.warping.lid_skin import HOLD, LidSkin, lid_skin, slid
from app.engine.warping.light import Light
from app.engine.warping.topology import LOWER_LIDS, UPPER_LIDS

# Chosen by eye on sheets of eyes (tools/feature_sheets.py), where no comment says more.
# MediaPipe's vertices of the irises' centres, the person's left one first; the four rim points follow each
IRIS = (473, 468)
TO_PIXELS = np.diag(FLIP)
# Model units from the middle of an eye's corners to the eyeball's centre, as in ICT-FaceKit.
DEPTH = -0.14
# Share of the iris' motion by which a reflection moves: the cornea's own centre lies 5.7 mm before the eyeball's,
# the rim of the iris 10.4 mm (Guestrin and Eizenman 2006, table 1).
REFLECTION = 0.55
# Of white things in the photo's light: on 89 portraits the sclera has 0.72 of the teeth's brightness.
WHITE = 0.62
EDGE_BLUR = 0.012  # eye widths: softness of the lid's edge over the eyeball
LASH_WIDTH = 0.08  # eye widths; of the band of lashes along a lid
LASH_STRENGTH = 0.95  # share of their colour that lashes have where they are thickest
PARTED = (0.01, 0.05)  # eye widths between shut lids over which the eyeball comes to show
EYE_MARGIN = 0.15  # eye widths drawn around the lids
# Eye distances between an eye's corners in the picture: a narrower eye lies behind the nose (it measures 0.16 at 48
# degrees of yaw, while photos that show both eyes have 0.3 and more, and 0.53 from the front).
BEHIND_NOSE = 0.22


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of the photo.

    origin: (x, y) of the parts' pictures in the photo; contour: (16, 2) px of its lids; iris: (2,) px, the centre of
    its rim, and reach, that rim's radius, px; ball: (2,) px, the eyeball's centre; sphere: px, its radius; axis:
    (3,) the unit vector of its look (pixels' axes, z to the viewer); width: px between the corners; lash: (3,)
    colour of the lash line; shown: 1 where the photo shows the eyeball, 0 where the lids are shut and `eyeballs`
    gave one; gap: eye widths between shut lids; skin: the lid's skin that slides behind spectacles.
    """

    side: int
    origin: tuple[int, int]
    parts: EyeParts
    contour: FloatArray
    iris: FloatArray
    reach: float
    ball: FloatArray
    sphere: float
    axis: FloatArray
    width: float
    lash: Float32
    shown: float = 1.0
    gap: float = 0.0
    skin: LidSkin | None = None

    @cached_property
    def frame(self) -> LidFrame:
        """Return the frame of the photo's lids, in the photo's own pixels."""
        return LidFrame.of(self.contour, self.side)

    def gap_of(self, lids: FloatArray) -> float:
        """Mean gap in eye widths of (16, 2) px of lids, as `contour_vertices` orders them."""
        upper = len(UPPER_LIDS[self.side])
        return float(np.linalg.norm(lids[1 : upper - 1] - lids[: upper - 1 : -1], axis=1).mean() / self.width)


@dataclass(frozen=True, eq=False)
class EyePose:
    """One eye of the target.

    contour: (16, 2) px of the lids; ball: (2,) px, the eyeball's centre; scale: px of the target per px of the
    photo; head: (3, 3) from the target's axes (px, z to the viewer) to the photo's, as the head turns; look: (3, 3)
    in the photo's axes, from the eyeball as it looks in the target to as it looks in the photo; slip: (2,) px of the
    photo that the iris moves; closure: 0 as in the photo, 1 shut; change: 0 when the eye is as in the photo, 1 when
    all of it must be drawn anew.
    """

    contour: FloatArray
    ball: FloatArray
    scale: float
    head: FloatArray
    look: FloatArray
    slip: FloatArray
    closure: float
    change: float = 1.0


def contour_vertices(side: int) -> list[int]:
    return ring(UPPER_LIDS[side], LOWER_LIDS[side])


def look_axis(gaze: tuple[float, float]) -> FloatArray:
    """Return (3,) unit vector in model space of a gaze (degrees in the head's frame), as `face.fitting.gaze_of`
    reads it.
    """
    x, y = np.sin(np.radians(gaze))
    length = max(1.0, float(np.hypot(x, y)) / 0.98)
    x, y = x / length, y / length
    return np.array([x, y, np.sqrt(1 - x * x - y * y)])


def looking(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return (3, 3) the shortest turn that takes one unit vector to another (Listing's law: eyes do not roll)."""
    (a, b, c), (u, v, w), cosine = start.tolist(), end.tolist(), float(start @ end)
    x, y, z = b * w - c * v, c * u - a * w, a * v - b * u  # their cross product
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + k + k @ k / (1 + cosine))


def eye_source(
    pixels: NDArray[Any],
    landmarks: FloatArray,
    side: int,
    params: FaceParams,
    light: Light,
    spectacles: float = 0.0,
) -> Eye | None:
    """Return the parts of one eye; None where it is too small, behind the nose or outside the photo.

    landmarks: (478, 3) px.
    """
    points = landmarks[contour_vertices(side)]
    width = float(np.linalg.norm(landmarks[UPPER_LIDS[side][0]] - landmarks[UPPER_LIDS[side][-1]]))
    height, width_px = pixels.shape[:2]
    x0, y0, x1, y1 = box_around(points[:, :2], (0.6 if spectacles else 0.45) * width, (width_px, height))
    corners = landmarks[[UPPER_LIDS[side][0], UPPER_LIDS[side][-1]], :2]
    hidden = float(np.linalg.norm(corners[0] - corners[1])) < BEHIND_NOSE * params.camera.scale
    if hidden or x1 - x0 < 6 or y1 - y0 < 4 or len(landmarks) < 478:
        return None
    crop = pixels[y0:y1, x0:x1] * np.float32(1 / (257 if pixels.dtype == np.uint16 else 1))
    frame = LidFrame.of(points[:, :2] - (x0, y0), side)
    inside = soft_inside(catmull_rom(points[:, :2]), (x0, y0), crop.shape[:2], 0)
    centre = landmarks[IRIS[side], :2] - (x0, y0)
    rim = landmarks[IRIS[side] + 1 : IRIS[side] + 5, :2] - (x0, y0)
    radius = max(float(np.max(np.linalg.norm(rim - centre, axis=1))), 1.0)
    centre, radius = limbus(crop.mean(axis=2), inside, centre, radius)
    axis = TO_PIXELS @ params.camera.rotation @ look_axis(params.expression.gaze)
    lever = EYEBALL * params.camera.scale
    ball, sphere = centre - lever * axis[:2], float(np.hypot(lever, radius))
    y, x = np.indices(crop.shape[:2], np.float32) + np.float32(0.5)
    distance = _from_axis(_directions(x - ball[0], y - ball[1], sphere), axis, radius / sphere)
    parts = take_apart(crop, frame, inside, distance, centre, usual_white(light))
    lash = _lash_colour(crop, points, (x0, y0))
    corner = np.array([x0, y0])
    where = (centre + corner, radius, ball + corner, sphere, axis)
    skin = lid_skin(crop, frame, spectacles)
    return Eye(side, (x0, y0), parts, points[:, :2], *where, width, lash, skin=skin)


def usual_white(light: Light) -> Float32:
    """Return (3,) a sclera's colour in this light, 0 to 255."""
    return np.asarray(light.coloured(np.float32(WHITE * light.exposure * 255) * light.white), np.float32)


def _directions(x: Float32, y: Float32, sphere: float) -> Float32:
    """Return (h, w, 3) unit vectors from the centre of a sphere to its front, at px from its centre; beyond its
    outline the surface is taken to go on smoothly.
    """
    u, v = x / np.float32(sphere), y / np.float32(sphere)
    z = np.sqrt(np.maximum(1 - u * u - v * v, FLATTEST))
    return np.asarray(np.stack([u, v, z], axis=-1), np.float32)


def _from_axis(directions: Float32, axis: FloatArray, rim: float) -> Float32:
    """Return (h, w) distances on the sphere from the point of its look, in iris radii; rim: the iris' radius over
    the sphere's.
    """
    gap = np.linalg.norm(directions - axis.astype(np.float32), axis=-1)
    return np.asarray(gap / np.float32(2 * np.sin(np.arcsin(min(rim, 0.95)) / 2)), np.float32)


def _lash_colour(crop: Float32, points: FloatArray, origin: tuple[int, int]) -> Float32:
    """Find the colour of the lashes: a dark colour of the eye's rim."""
    band = soft_inside(catmull_rom(points[:, :2]), origin, crop.shape[:2], 2.0)
    rim = crop[(band > 0.15) & (band < 0.85)]
    rim = rim if len(rim) > 8 else crop.reshape(-1, 3)
    order = np.argsort(rim.sum(axis=1))
    return np.asarray(rim[order[: max(1, len(order) // 12)]].mean(axis=0) * 0.8, np.float32)


def eye_turn(own: Expression, asked: Expression, rotation: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (look, slip over scale) of an `EyePose` for a photo whose head has this (3, 3) rotation."""
    before, after = look_axis(own.gaze), look_axis(asked.gaze)
    to_px = TO_PIXELS @ rotation
    return to_px @ looking(after, before) @ to_px.T, EYEBALL * (to_px @ (after - before))[:2]


def margin(eye: Eye) -> float:
    """Return the width in px of the photo around the lids that may be drawn."""
    return eye.width * (EYE_MARGIN if eye.skin is None else EYE_MARGIN + HOLD)


def draw_eye(out: NDArray[Any], origin: tuple[int, int], eye: Eye, pose: EyePose) -> None:
    """Draw eyeball and lashes into out (h, w, 3), the patch at `origin`, in place."""
    size = (out.shape[1], out.shape[0])
    contour = catmull_rom(pose.contour)
    x0, y0, x1, y1 = box_around(contour - np.array(origin), margin(eye) * pose.scale, size)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    view = out[y0:y1, x0:x1]
    corner = (origin[0] + x0, origin[1] + y0)
    steps = np.float32(257 if out.dtype == np.uint16 else 1)  # of the picture in one of the parts
    colours = np.divide(view, steps, dtype=np.float32)
    if eye.skin is not None:
        colours = _slid(colours, eye, eye.skin, pose, corner)
    cover = soft_inside(contour, corner, view.shape[:2], EDGE_BLUR * eye.width)
    cover *= np.float32(_visible(eye, pose) * pose.change)
    if pose.closure < 1:
        _draw_eyeball(colours, cover, eye, pose, corner)
    if 255 * steps * LASH_STRENGTH * pose.closure**2 > 0.5:  # of a level
        _draw_lashes(colours, contour, eye, pose, corner)
    view[:] = np.clip(colours * steps + 0.5, 0, 255 * steps).astype(out.dtype)


def _slid(colours: Float32, eye: Eye, skin: LidSkin, pose: EyePose, corner: tuple[int, int]) -> Float32:
    y, x = np.indices(colours.shape[:2], np.float32) + np.float32(0.5)
    own = LidFrame.of(eye.contour - eye.origin, eye.side)
    target = LidFrame.of(pose.contour - corner, eye.side)
    return slid(colours, skin, own, target, x, y, pose.scale)


def _visible(eye: Eye, pose: EyePose) -> float:
    """Return how much of an eyeball shows; an eyeball that the photo does not show stays hidden until the lids part."""
    parted = np.clip((eye.gap_of(pose.contour) - eye.gap - PARTED[0]) / (PARTED[1] - PARTED[0]), 0, 1)
    return float(max(eye.shown, parted))


def _draw_eyeball(colours: Float32, cover: Float32, eye: Eye, pose: EyePose, corner: tuple[int, int]) -> None:
    frame, parts = LidFrame.of(pose.contour, eye.side), eye.parts
    rim = 2 * np.sin(np.arcsin(min(eye.reach / eye.sphere, 0.95)) / 2)
    line = [*frame.corner, *frame.along, *frame.up, frame.width]
    turns = (pose.head, pose.look, eye.axis, eye.sphere, rim, eye.ball - eye.origin, REFLECTION * pose.slip)
    lids = (line, (frame.upper, frame.lower), eye.frame.width, parts.shadow)
    placed = [_single(value) for value in (corner, pose.ball, 1 / pose.scale, *turns)]
    between = [_single(value) for value in lids]
    pictures = (parts.sclera, parts.iris, parts.glint)
    draw_eyeball(colours, cover, *placed, *pictures, *between, *parts.strips)


def _single(value: Any) -> Any:
    """A number or an array in single precision."""
    return np.float32(value) if np.ndim(value) == 0 else np.array(value, np.float32)


def _draw_lashes(
    colours: Float32, contour: FloatArray, eye: Eye, pose: EyePose, corner: tuple[int, int]
) -> None:
    """Draw a soft dark stroke along the upper lid, growing as it closes; lashes hang, so it fades slowly downwards."""
    n = len(UPPER_LIDS[eye.side])
    lid = contour[: 6 * (n - 1) + 1 : 2] - np.array(corner)
    up = TO_PIXELS @ pose.head.T @ TO_PIXELS @ np.array([0.0, 1.0, 0.0])
    across = lid[-1] - lid[0]
    down = np.array([-across[1], across[0]])
    down = down if down @ (up[0], -up[1]) < 0 else -down
    thick, strength = LASH_WIDTH * eye.width * pose.scale * 0.5, LASH_STRENGTH * pose.closure**2
    draw_lashes(colours, *(_single(value) for value in (lid, down, thick, strength, eye.lash)))

"""Draws eyeballs: spheres that carry the photo's iris and sclera and show between the target's lids."""

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

# These values were chosen by eye on sheets of eyes (tools/feature_sheets.py), except where a comment names another
# origin.
# MediaPipe's vertices of the irises' centres, the person's left one first; four points of the rim follow each centre.
IRIS = (473, 468)
TO_PIXELS = np.diag(FLIP)  # (3, 3) from model space to pixels' axes (y down)
# Model units from the middle of an eye's corners to the eyeball's centre, as in ICT-FaceKit.
DEPTH = -0.14
# Share of the iris' motion by which a reflection moves: the cornea's centre lies 5.7 mm before the eyeball's centre,
# the rim of the iris 10.4 mm (Guestrin and Eizenman 2006, table 1).
REFLECTION = 0.55
# Brightness of a sclera over that of white things in the same light: on 89 portraits it has 0.72 of the teeth's.
WHITE = 0.62
EDGE_BLUR = 0.012  # eye widths: sigma of the blur of the lid's edge over the eyeball
LASH_WIDTH = 0.08  # eye widths: width of the band of lashes along a lid
LASH_STRENGTH = 0.95  # share of the lashes' colour where lashes are thickest
PARTED = (0.01, 0.05)  # eye widths by which shut lids have parted: no eyeball to the whole eyeball
EYE_MARGIN = 0.15  # eye widths around the lids that are drawn
# IOD between an eye's corners in the picture: an eye that is narrower lies behind the nose. It measures 0.16 at 48
# degrees of yaw, while photos that show both eyes have 0.3 and more, and 0.53 from the front.
BEHIND_NOSE = 0.22


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of the photo.

    side: 0 the person's left eye, 1 the right; origin: (x, y) px of the parts' pictures in the photo; contour: (16, 2)
    px of the lids; iris: (2,) px, the centre of the iris; reach: px, its radius; ball: (2,) px, the eyeball's centre;
    sphere: px, the eyeball's radius; axis: (3,) unit vector of the look (pixels' axes, z to the viewer); width: px
    between the corners; lash: (3,) colour of the lashes, 0 to 255; shown: 1 where the photo shows the eyeball to 0
    where the lids are shut and `eyeballs` gave one; gap: eye widths between the shut lids; skin: the upper lid's skin
    that slides behind spectacles, None without them.
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
        """Return the mean gap, in eye widths, between lids of (16, 2) px in the order of `contour_vertices`."""
        upper = len(UPPER_LIDS[self.side])
        return float(np.linalg.norm(lids[1 : upper - 1] - lids[: upper - 1 : -1], axis=1).mean() / self.width)


@dataclass(frozen=True, eq=False)
class EyePose:
    """One eye of the target.

    contour: (16, 2) px of the lids; ball: (2,) px, the eyeball's centre; scale: px of the target per px of the
    photo; head: (3, 3) rotation from the target's axes (pixels' axes, z to the viewer) to the photo's, by the head's
    turn; look: (3, 3) rotation in the photo's axes, from the eyeball's direction in the target to that in the photo;
    slip: (2,) px of the photo by which the iris moves; closure: 0 as in the photo to 1 shut; change: 0 where the eye
    is as in the photo to 1 where all of it must be drawn anew.
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
    """Return the 16 vertices of an eye's lids, from the outer corner along the upper lid and back along the lower."""
    return ring(UPPER_LIDS[side], LOWER_LIDS[side])


def look_axis(gaze: tuple[float, float]) -> FloatArray:
    """Return the unit vector (3,) in model space of a gaze: degrees to the side and up in the head's frame, as
    `face.fitting.gaze_of` reads them.
    """
    x, y = np.sin(np.radians(gaze))
    length = max(1.0, float(np.hypot(x, y)) / 0.98)
    x, y = x / length, y / length
    return np.array([x, y, np.sqrt(1 - x * x - y * y)])


def shortest_turn(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the rotation (3, 3) by the least angle that takes one unit vector to another.

    Eyes turn so because they do not roll (Listing's law).
    """
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
    """Return one eye of a photo; None where it is too small, behind the nose or outside the photo.

    pixels: (H, W, 3) uint8 or uint16; landmarks: (478, 3) px; side: 0 the person's left eye, 1 the right; spectacles:
    0 without to 1 with them.
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
    """Return the colour (3,) of a usual sclera in this light, 0 to 255."""
    return np.asarray(light.coloured(np.float32(WHITE * light.exposure * 255) * light.white), np.float32)


def _directions(x: Float32, y: Float32, sphere: float) -> Float32:
    """Return unit vectors (h, w, 3) from a sphere's centre to its front, at x, y (h, w) px from that centre.

    sphere: px, its radius. Beyond the sphere's outline the surface is taken to go on smoothly.
    """
    u, v = x / np.float32(sphere), y / np.float32(sphere)
    z = np.sqrt(np.maximum(1 - u * u - v * v, FLATTEST))
    return np.asarray(np.stack([u, v, z], axis=-1), np.float32)


def _from_axis(directions: Float32, axis: FloatArray, rim: float) -> Float32:
    """Return the distances (h, w) of directions from the eyeball's axis, in iris radii; rim: the iris' radius over the
    sphere's.
    """
    gap = np.linalg.norm(directions - axis.astype(np.float32), axis=-1)
    return np.asarray(gap / np.float32(2 * np.sin(np.arcsin(min(rim, 0.95)) / 2)), np.float32)


def _lash_colour(crop: Float32, points: FloatArray, origin: tuple[int, int]) -> Float32:
    """Return the colour of the lashes (3,), 0 to 255: a dark colour of the eye's rim.

    crop: (h, w, 3); points: (16, 3) px of the lids in the photo; origin: (x, y) of the crop in the photo.
    """
    band = soft_inside(catmull_rom(points[:, :2]), origin, crop.shape[:2], 2.0)
    rim = crop[(band > 0.15) & (band < 0.85)]
    rim = rim if len(rim) > 8 else crop.reshape(-1, 3)
    order = np.argsort(rim.sum(axis=1))
    return np.asarray(rim[order[: max(1, len(order) // 12)]].mean(axis=0) * 0.8, np.float32)


def eye_turn(own: Expression, asked: Expression, rotation: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `look` of an `EyePose`, and its `slip` in units of eye distances.

    own, asked: the photo's and the target's expression; rotation: (3, 3) of the photo's head.
    """
    before, after = look_axis(own.gaze), look_axis(asked.gaze)
    to_px = TO_PIXELS @ rotation
    return to_px @ shortest_turn(after, before) @ to_px.T, EYEBALL * (to_px @ (after - before))[:2]


def margin(eye: Eye) -> float:
    """Return how far around the lids an eye is drawn, in px of the photo."""
    return eye.width * (EYE_MARGIN if eye.skin is None else EYE_MARGIN + HOLD)


def draw_eye(out: NDArray[Any], origin: tuple[int, int], eye: Eye, pose: EyePose) -> None:
    """Draw eyeball and lashes into out (h, w, 3), uint8 or uint16, in place; origin: (x, y) px of its first pixel."""
    size = (out.shape[1], out.shape[0])
    contour = catmull_rom(pose.contour)
    x0, y0, x1, y1 = box_around(contour - np.array(origin), margin(eye) * pose.scale, size)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    view = out[y0:y1, x0:x1]
    corner = (origin[0] + x0, origin[1] + y0)
    steps = np.float32(
        257 if out.dtype == np.uint16 else 1
    )  # levels of the picture in one level of the parts
    colours = np.divide(view, steps, dtype=np.float32)
    if eye.skin is not None:
        colours = _slid(colours, eye, eye.skin, pose, corner)
    cover = soft_inside(contour, corner, view.shape[:2], EDGE_BLUR * eye.width)
    cover *= np.float32(_visible(eye, pose) * pose.change)
    if pose.closure < 1:
        _draw_eyeball(colours, cover, eye, pose, corner)
    if (
        255 * steps * LASH_STRENGTH * pose.closure**2 > 0.5
    ):  # the lashes change a pixel by half a level or more
        _draw_lashes(colours, contour, eye, pose, corner)
    view[:] = np.clip(colours * steps + 0.5, 0, 255 * steps).astype(out.dtype)


def _slid(colours: Float32, eye: Eye, skin: LidSkin, pose: EyePose, corner: tuple[int, int]) -> Float32:
    """Return colours (h, w, 3) with the upper lid's skin slid behind spectacles; corner: (x, y) of the first pixel."""
    y, x = np.indices(colours.shape[:2], np.float32) + np.float32(0.5)
    own = LidFrame.of(eye.contour - eye.origin, eye.side)
    target = LidFrame.of(pose.contour - corner, eye.side)
    return slid(colours, skin, own, target, x, y, pose.scale)


def _visible(eye: Eye, pose: EyePose) -> float:
    """Return how much of an eyeball is drawn, 0 to 1; one that the photo does not show is hidden until lids part."""
    parted = np.clip((eye.gap_of(pose.contour) - eye.gap - PARTED[0]) / (PARTED[1] - PARTED[0]), 0, 1)
    return float(max(eye.shown, parted))


def _draw_eyeball(colours: Float32, cover: Float32, eye: Eye, pose: EyePose, corner: tuple[int, int]) -> None:
    """Draw the eyeball into colours (h, w, 3) in place, with the coverage (h, w); corner: (x, y) of the first pixel."""
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
    """Return a number or an array in single precision."""
    return np.float32(value) if np.ndim(value) == 0 else np.array(value, np.float32)


def _draw_lashes(
    colours: Float32, contour: FloatArray, eye: Eye, pose: EyePose, corner: tuple[int, int]
) -> None:
    """Draw the upper lid's lashes into colours (h, w, 3), in place: a soft dark stroke that grows as the lid closes.

    Lashes hang, so the stroke fades slowly downwards. contour: (N, 2) px of the lids' curve.
    """
    n = len(UPPER_LIDS[eye.side])
    lid = contour[: 6 * (n - 1) + 1 : 2] - np.array(corner)
    up = TO_PIXELS @ pose.head.T @ TO_PIXELS @ np.array([0.0, 1.0, 0.0])
    across = lid[-1] - lid[0]
    down = np.array([-across[1], across[0]])
    down = down if down @ (up[0], -up[1]) < 0 else -down
    thick, strength = LASH_WIDTH * eye.width * pose.scale * 0.5, LASH_STRENGTH * pose.closure**2
    draw_lashes(colours, *(_single(value) for value in (lid, down, thick, strength, eye.lash)))

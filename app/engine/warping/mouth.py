"""The open mouth: a dark cavity, the head's teeth, gums and tongue, and the photo's own mouth where it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE
from app.engine.warping.curves import Float32, FloatArray, box_around, catmull_rom, fetch, ring, soft_inside
from app.engine.warping.light import Light
from app.engine.warping.teeth import MouthLight, arch, drawn
from app.engine.warping.topology import LOWER_LIP, UPPER_LIP

# Chosen by eye on sheets of mouths (tools/feature_sheets.py), where no comment says more.
GREY = LUMINANCE.astype(np.float32)
LIP_BLUR = 0.010  # IOD: softness of the lips over what is inside
# Of full light, as measured on the a_* clips and on 89 of the portraits that smile: between lips hardly apart tongue
# and teeth lie near and have 0.4 to 0.6 of the skin's brightness and a lip's colour; only wide mouths are dark.
CAVITY = np.array([46.0, 22.0, 24.0], np.float32)
LIGHT_ENTERS = (0.05, 0.25)  # IOD that a mouth is open and drawn wide
TEETH_LIT = (0.55, 1.1)  # light that teeth get then, in parts of full light
BETWEEN_LIPS = np.array([1.12, 0.95, 0.94], np.float32)  # colour of the light between lips hardly apart
CORNERS = (0.5, 0.9)  # from a mouth's middle to its corner: where lips hardly apart touch again
APART = (0.15, 0.3)  # IOD of gap and drawn width from which they part up to the corners
INNER = ring(UPPER_LIP, LOWER_LIP)
OPPOSITE = [*LOWER_LIP, *UPPER_LIP[-2:0:-1]]  # of each of these the vertex on the other lip
TOOTH_BEHIND_LIP = 0.055  # IOD: how far the upper incisors' edge lies below the lip's line at rest
OPEN = 0.012  # IOD of lip gap from which the inside shows
OWN_TEETH = (0.05, 0.09)  # IOD of the photo's lip gap over which its own upper teeth take the sprite's place
TOOTH_FRINGE = 0.025  # IOD: where the photo's teeth meet its lower lip, the warp takes some of them along
TURNED_SEAM = 0.016  # IOD: by how much the head's lips may end inside the landmarks' own
ABOVE_TEETH = np.arange(0, 0.055, 0.01)  # IOD that the photo's upper teeth are continued upwards
SOFTER = 0.012  # IOD of blur of what is continued, so that no detail is drawn out to streaks
HIGH_ABOVE = np.arange(0.06, 0.2, 0.02)  # IOD above which the head's own gum goes on from them
WHOLE_MOUTH = (0.22, 0.35)  # IOD of the photo's lip gap from which its own tongue and lower teeth are seen
UPPER_SHARE = 0.45  # share of such a mouth that keeps its size; the rest stretches as the jaw drops
BRIGHT_TOOTH = np.array([0.9, 0.86, 0.79], np.float32)  # colour of the brightest of the head's teeth
UPPER_LIP_MIDDLE = (11, 12, 72, 302, 38, 268)  # MediaPipe's vertices
TEETH_OVER_LIP = (1.1, 1.22)  # brightness: on 26 photos and clips lips measure up to 1.10, teeth 1.22 to 4
DARK_OVER_LIP = (0.5, 0.7)  # brightness of all between the lips: an open mouth, a shut one
MOST_SHUT = 0.12  # IOD of lip gap up to which an asked mouth counts as shut


@dataclass(frozen=True, eq=False)
class Mouth:
    """The mouth of the photo.

    contour: (20, 2) px of the inner lips; gap: IOD between the lips; light: the photo's; own_teeth: (3,)
    colour in [0, 1] of those it shows; iod: px; teeth: 1 where the photo shows teeth between
    the lips, 0 where it does not; shut: IOD of the gap that is lip in truth (landmarks lie off the seam of some
    closed mouths); toward: (3,) where the photo's light comes from (`Surface.light` over its mean).
    """

    contour: FloatArray
    gap: float
    light: Light
    own_teeth: Float32
    iod: float
    teeth: float
    shut: float
    toward: FloatArray = field(default_factory=lambda: np.zeros(3))


@dataclass(frozen=True, eq=False)
class MouthPose:
    """The mouth of the target.

    contour: (20, 2) px of the inner lips; axes, own_axes: (3, 3) from model units to px of the target and of the
    photo (x right, y down, z to the viewer); edge: (2,) px of the middle of the upper incisors' edge; drop: how far
    the lower ones drop, model units; at, lip: (2,) px of the upper lip in the target and in the photo, as its teeth go
    with it; narrower: (2, 2) in the photo's px, how teeth widen with the lips; down: (2,) the photo's unit vector from
    lip to lip; gap: IOD; drawn: IOD wider than at rest; change: 0 when the mouth is as in the photo, 1 when what shows
    must be made; turned: 0 to 1 as the head turns away from the photo's own view, where the head's own mesh closes
    the lips.
    """

    contour: FloatArray
    axes: FloatArray
    own_axes: FloatArray
    edge: FloatArray
    drop: float
    at: FloatArray
    lip: FloatArray
    narrower: FloatArray
    down: FloatArray
    gap: float
    drawn: float
    change: float
    turned: float = 0.0


@dataclass(frozen=True, eq=False)
class OwnMouth:
    """The photo about its own mouth.

    corner: (x, y) of what is cut out; crop, soft: (h, w, 3) float32 of it as it is and blurred; opening: (h, w) 1 where
    it lies between the lips.
    """

    corner: tuple[int, int]
    crop: Float32
    soft: Float32
    opening: Float32


def own_mouth(photo: NDArray[Any], mouth: Mouth) -> OwnMouth | None:
    """Cut out the photo's own mouth; it gives None where the lips are shut."""
    if mouth.gap < OPEN:
        return None
    x0, y0, x1, y1 = box_around(mouth.contour, 0.1 * mouth.iod + 2, (photo.shape[1], photo.shape[0]))
    crop = photo[y0:y1, x0:x1].astype(np.float32)
    opening = soft_inside(catmull_rom(mouth.contour), (x0, y0), crop.shape[:2], 0)
    size = 2 * max(1, round(0.012 * mouth.iod)) + 1
    opening = cv2.erode(opening, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    opening = cv2.GaussianBlur(opening, (0, 0), max(0.6, 0.012 * mouth.iod))
    soft = cv2.GaussianBlur(crop, (0, 0), max(0.6, SOFTER * mouth.iod))
    return OwnMouth((x0, y0), crop, np.asarray(soft, np.float32), np.asarray(opening, np.float32))


def mouth_source(
    pixels: NDArray[Any],
    landmarks: FloatArray,
    iod: float,
    gap: float,
    light: Light,
    toward: FloatArray | None = None,
) -> Mouth:
    """Return what lies between the photo's lips. landmarks: (478, 3) px; gap: IOD."""
    top = 65535 if pixels.dtype == np.uint16 else 255
    seen, dark, colour = 0.0, 0.0, np.zeros(3, np.float32)
    if gap >= OPEN:
        seen, dark, colour = _between_lips(pixels, landmarks)
    shut = min(max(gap, 0.0), MOST_SHUT) * (1 - seen) * (1 - dark)
    toward = np.zeros(3) if toward is None else toward
    return Mouth(landmarks[INNER, :2], gap, light, colour / np.float32(top), iod, seen, shut, toward)


def _between_lips(pixels: NDArray[Any], landmarks: FloatArray) -> tuple[float, float, Float32]:
    """Return (teeth, dark, colour): 1 where the brightest part outshines the upper lip, as teeth do; 1 where the
    whole is darker; (3,) the brightest part's colour.
    """
    x0, y0, x1, y1 = box_around(landmarks[INNER, :2], 2, (pixels.shape[1], pixels.shape[0]))
    crop = pixels[y0:y1, x0:x1].astype(np.float32)
    colours = crop[soft_inside(landmarks[INNER, :2], (x0, y0), crop.shape[:2], 0) > 0.5]
    if len(colours) < 4:
        return 0.0, 0.0, np.zeros(3, np.float32)
    inside = colours @ GREY
    brightest = colours[np.argsort(inside)[-max(1, inside.size * 3 // 10) :]].mean(axis=0)
    at = np.round(landmarks[list(UPPER_LIP_MIDDLE), :2]).astype(int)
    x = np.clip(at[:, 0], 0, pixels.shape[1] - 1)
    y = np.clip(at[:, 1], 0, pixels.shape[0] - 1)
    lip = max(float(np.median(pixels[y, x].astype(np.float32) @ GREY)), 1e-3)
    bright = float(brightest @ GREY) / lip
    low, high = DARK_OVER_LIP
    teeth = (bright - TEETH_OVER_LIP[0]) / (TEETH_OVER_LIP[1] - TEETH_OVER_LIP[0])
    dark = (high - float(inside.mean()) / lip) / (high - low)
    return float(np.clip(teeth, 0, 1)), float(np.clip(dark, 0, 1)), brightest


def draw_mouth(
    out: NDArray[Any], origin: tuple[int, int], photo: OwnMouth | None, mouth: Mouth, pose: MouthPose
) -> None:
    """Draw what shows between the target's lips into out (h, w, 3), the patch at `origin`, in place."""
    contour = catmull_rom(pose.contour)
    x0, y0, x1, y1 = box_around(
        contour - np.array(origin), 0.03 * mouth.iod + 2, (out.shape[1], out.shape[0])
    )
    if pose.change <= 0 or x1 - x0 < 3 or y1 - y0 < 2:
        return
    view = out[y0:y1, x0:x1]
    corner = (origin[0] + x0, origin[1] + y0)
    shape = view.shape[:2]
    top = 65535 if out.dtype == np.uint16 else 255
    blur = LIP_BLUR * mouth.iod
    cover = soft_inside(_over_fringe(mouth, pose), corner, shape, blur) * np.float32(pose.change)
    y, x = np.indices(shape, np.float32) + np.float32(0.5)
    x, y = x + corner[0], y + corner[1]
    cover *= _parted(pose, x, y)
    own, seen, above = _own(photo, mouth, pose, x, y)
    inside = _made(mouth, pose, x, y, contour, corner, above) * np.float32(top / 255)
    colours = view.astype(np.float32)
    inside += np.float32(_stretches_well(mouth, pose)) * (colours - inside)
    inside += seen[..., None] * (own - inside)
    colours += cover[..., None] * (inside - colours)
    view[:] = np.clip(colours + 0.5, 0, top).astype(out.dtype)


def _over_fringe(mouth: Mouth, pose: MouthPose) -> FloatArray:
    """Return the target's lips; the lower one is moved down by as much as teeth of the photo stick to its edge."""
    upper, points = len(UPPER_LIP), pose.contour.copy()
    gape = points[upper + upper // 2 - 1] - points[upper // 2]
    teeth_shown = mouth.teeth * np.clip(mouth.gap / OWN_TEETH[0], 0, 1)
    along = gape / max(float(np.linalg.norm(gape)), 1e-6)
    points[upper:] += TOOTH_FRINGE * mouth.iod * teeth_shown * along
    seam = TURNED_SEAM * mouth.iod * pose.turned * along
    points[upper:] += seam
    points[:upper] -= seam
    return catmull_rom(points)


def _stretches_well(mouth: Mouth, pose: MouthPose) -> float:
    """1 where the mouth was open already and opens little more: around its teeth the warped photo serves."""
    was_open = np.clip((mouth.gap - OWN_TEETH[0]) / (OWN_TEETH[1] - OWN_TEETH[0]), 0, 1)
    wider = pose.gap / max(mouth.gap - mouth.shut, OPEN)
    return float(was_open * np.clip((1.35 + 0.65 * _whole(mouth) - wider) / 0.25, 0, 1))


def _whole(mouth: Mouth) -> float:
    """Return how much of tongue and lower teeth the photo shows, 0 to 1."""
    return float(np.clip((mouth.gap - WHOLE_MOUTH[0]) / (WHOLE_MOUTH[1] - WHOLE_MOUTH[0]), 0, 1))


def _made(
    mouth: Mouth,
    pose: MouthPose,
    x: Float32,
    y: Float32,
    contour: FloatArray,
    corner: tuple[int, int],
    above: Float32,
) -> Float32:
    """Paint cavity and teeth, 0 to 255, in the photo's light."""
    light = mouth.light
    exposure = np.float32(light.exposure)
    cavity = np.asarray(CAVITY * exposure * light.tint, np.float32)
    made = np.broadcast_to(cavity, (*x.shape, 3)).copy()
    shown = float(mouth.teeth * np.clip((mouth.gap - OWN_TEETH[0]) / (OWN_TEETH[1] - OWN_TEETH[0]), 0, 1))
    low, high = LIGHT_ENTERS
    enters = float(np.clip((pose.gap + pose.drawn - low) / (high - low), 0, 1))
    lit = MouthLight(_enamel(mouth, enters, shown), exposure * light.tint, mouth.toward, enters, cavity)
    start = pose.edge - np.array(corner)
    made = drawn(made, start, pose.axes, pose.drop, lit, 1 - np.float32(shown) * (1 - above))
    return _shadowed(made, mouth, pose, contour, corner)


def _enamel(mouth: Mouth, enters: float, shown: float) -> Float32:
    """Return (3,) factors of the teeth's colours: for white ones in the light that enters, or for the photo's own
    where it shows them.
    """
    lit = mouth.light.exposure * (TEETH_LIT[0] + enters * (TEETH_LIT[1] - TEETH_LIT[0]))
    made = (
        np.float32(lit * (BRIGHT_TOOTH @ GREY)) * mouth.light.teeth * BETWEEN_LIPS ** np.float32(1 - enters)
    )
    return np.asarray((made + np.float32(shown) * (mouth.own_teeth - made)) / BRIGHT_TOOTH, np.float32)


def _parted(pose: MouthPose, x: Float32, y: Float32) -> Float32:
    """Return (h, w) 1 where the lips are apart, fading towards the corners of a mouth that is hardly open."""
    left, right = pose.contour[0], pose.contour[len(UPPER_LIP) - 1]
    half = (right - left) / 2
    middle = left + half
    along = np.abs((x - middle[0]) * half[0] + (y - middle[1]) * half[1]) / max(float(half @ half), 1e-6)
    touching = 1 - np.clip((pose.gap + pose.drawn - APART[0]) / (APART[1] - APART[0]), 0, 1)
    return np.asarray(1 - touching * smoothstep(*CORNERS, along), np.float32)


def _shadowed(
    made: Float32, mouth: Mouth, pose: MouthPose, contour: FloatArray, corner: tuple[int, int]
) -> Float32:
    """Darker under the lips and in the corners; lips hardly apart leave little room for shadow."""
    deep = soft_inside(contour, corner, made.shape[:2], min(0.035, 0.15 * pose.gap) * mouth.iod)
    shade = np.clip(deep * 1.35, 0.8, 1)
    return np.asarray(mouth.light.coloured(made) * shade[..., None], np.float32)


def _own(
    photo: OwnMouth | None, mouth: Mouth, pose: MouthPose, x: Float32, y: Float32
) -> tuple[Float32, Float32, Float32]:
    """Return the photo's own mouth inside, how much of it was seen, and 1 where its upper teeth lie below a place."""
    if photo is None:
        none = np.zeros(x.shape, np.float32)
        return np.zeros((*x.shape, 3), np.float32), none, none
    qx, qy = in_photo(pose, x, y)
    qx, qy = _stretched(mouth, pose, qx, qy)
    (x0, y0), opening = photo.corner, photo.opening
    at_x, at_y, seen, far = _continued(mouth, pose, opening, qx - x0, qy - y0)
    above = np.zeros_like(seen)
    for step in HIGH_ABOVE:
        further = step * mouth.iod * pose.down
        there = (qx - x0 + np.float32(further[0] - 0.5), qy - y0 + np.float32(further[1] - 0.5))
        above = np.maximum(above, cv2.remap(opening, *there, cv2.INTER_LINEAR, borderValue=0))
    own = fetch(photo.crop, at_x, at_y)
    soft = fetch(photo.soft, at_x, at_y)
    own += np.clip(far / np.float32(2 * SOFTER), 0, 1)[..., None] * (soft - own)
    return own, seen * np.float32(max(mouth.teeth, _whole(mouth))), above * (1 - seen)


def in_photo(pose: MouthPose, x: Float32, y: Float32) -> tuple[Float32, Float32]:
    """Return where the photo shows the place of a row of teeth that the target shows at a pixel: it is an arch."""
    axes = pose.axes.astype(np.float32)
    back = np.linalg.inv(axes[:2, :2])
    u, v = x - np.float32(pose.at[0]), y - np.float32(pose.at[1])
    z = np.zeros_like(u)
    for _ in range(3):
        p, q = u - axes[0, 2] * z, v - axes[1, 2] * z
        across, up = back[0, 0] * p + back[0, 1] * q, back[1, 0] * p + back[1, 1] * q
        z = arch(across)
    to = (pose.narrower @ pose.own_axes[:2]).astype(np.float32)
    return (
        to[0, 0] * across + to[0, 1] * up + to[0, 2] * z + np.float32(pose.lip[0]),
        to[1, 0] * across + to[1, 1] * up + to[1, 2] * z + np.float32(pose.lip[1]),
    )


def _continued(
    mouth: Mouth, pose: MouthPose, opening: Float32, qx: Float32, qy: Float32
) -> tuple[Float32, Float32, Float32, Float32]:
    """Return where to look in the crop, how much was seen there, and how far that is (IOD): above the photo's teeth
    their first row goes on.

    A lip that rises shows more tooth, and never a dark gap over it.
    """
    seen, far = np.zeros_like(qx), np.zeros_like(qx)
    x, y = qx.copy(), qy.copy()
    for step in ABOVE_TEETH:
        at_x = qx + np.float32(step * mouth.iod * pose.down[0])
        at_y = qy + np.float32(step * mouth.iod * pose.down[1])
        here = cv2.remap(opening, at_x - 0.5, at_y - 0.5, cv2.INTER_LINEAR, borderValue=0)
        better = (seen < 0.9) & (here > seen + 0.02)
        x, y = np.where(better, at_x, x), np.where(better, at_y, y)
        far = np.where(better, np.float32(step), far)
        seen = np.maximum(seen, here)
    return x, y, seen, far


def _stretched(mouth: Mouth, pose: MouthPose, qx: Float32, qy: Float32) -> tuple[Float32, Float32]:
    """Return the lower part of a mouth photographed wide open goes with the lower lip."""
    share = _whole(mouth)
    wider = pose.gap / max(mouth.gap, OPEN)
    if share == 0 or wider <= 1:
        return qx, qy
    height = mouth.gap * mouth.iod
    t = ((qx - pose.lip[0]) * pose.down[0] + (qy - pose.lip[1]) * pose.down[1]) / height
    squeezed = UPPER_SHARE + (t - UPPER_SHARE) * (1 - UPPER_SHARE) / (wider - UPPER_SHARE)
    move = np.where(t > UPPER_SHARE, squeezed - t, 0) * share * height
    return (qx + move * pose.down[0]).astype(np.float32), (qy + move * pose.down[1]).astype(np.float32)

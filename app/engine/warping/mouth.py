"""Draws an open mouth: a dark cavity, ICT-FaceKit's teeth, gums and tongue, and the photo's own where it shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE, largest
from app.engine.warping import mouth_kernels
from app.engine.warping.curves import Float32, FloatArray, box_around, catmull_rom, ring, soft_inside
from app.engine.warping.light import Light
from app.engine.warping.teeth import MouthLight, drawn, opened_by
from app.engine.warping.topology import LOWER_LIP, UPPER_LIP

# These values were chosen by eye on sheets of mouths (tools/feature_sheets.py), except where a comment names another
# origin. IOD is the distance between the eyes. A pair of values is a range: at the first value something begins, at the
# second it is complete. The head's teeth, gum and tongue are those of ICT-FaceKit's head, not the photo's.
GREY = LUMINANCE.astype(np.float32)
LIP_BLUR = 0.010  # IOD: sigma of the blur of the lips' edge over what is inside
# (r, g, b) of the cavity in full light, 0 to 255, measured on the a_* clips and on 89 portraits that smile. Between
# lips that are hardly apart, tongue and teeth lie near, with 0.4 to 0.6 of the skin's brightness and the colour of a
# lip; only wide mouths are dark.
CAVITY = np.array([46.0, 22.0, 24.0], np.float32)
LIGHT_ENTERS = (0.05, 0.25)  # IOD, gap and drawn width together: no light enters the mouth to all of it
TEETH_LIT = (0.55, 1.1)  # light on teeth over full light, in a mouth that is hardly open and in a wide one
BETWEEN_LIPS = np.array(
    [1.12, 0.95, 0.94], np.float32
)  # (r, g, b) factors of the light between lips hardly apart
CORNERS = (
    0.5,
    0.9,
)  # places from a mouth's middle (0) to its corner (1): lips hardly apart are parted to touch
APART = (0.15, 0.3)  # IOD, gap and drawn width together: lips touch beside the corners to part up to them
INNER = ring(UPPER_LIP, LOWER_LIP)
OPPOSITE = [*LOWER_LIP, *UPPER_LIP[-2:0:-1]]  # for each vertex of the contour the vertex on the other lip
TOOTH_BEHIND_LIP = 0.055  # IOD by which the upper incisors' edge lies below the upper lip's line at rest
OPEN = 0.012  # IOD between the lips from which the inside shows
AROUND = 0.03  # IOD by which a mouth may be further open than the landmarks of its lips say
OWN_TEETH = (0.05, 0.09)  # IOD between the photo's lips: the head's upper teeth to the photo's
# IOD: width of the edge of the photo's teeth, which the warp moves along with the lower lip that touches it
TOOTH_FRINGE = 0.025
TURNED_SEAM = 0.016  # IOD by which the head's lips may end inside the landmarks' contour
ABOVE_TEETH = np.arange(0, 0.055, 0.01)  # IOD above the photo's upper teeth up to which these are continued
SOFTER = 0.012  # IOD: sigma of the blur of the continued teeth, so that no detail is drawn out to streaks
HIGH_ABOVE = np.arange(
    0.06, 0.2, 0.02
)  # IOD above the photo's upper teeth over which the head's gum takes over
WHOLE_MOUTH = (0.22, 0.35)  # IOD between the photo's lips: the head's tongue and lower teeth to the photo's
UPPER_SHARE = 0.45  # share of such a mouth that keeps its size; the rest stretches as the jaw drops
BRIGHT_TOOTH = np.array(
    [0.9, 0.86, 0.79], np.float32
)  # (r, g, b) of the brightest of the head's teeth, 0 to 1
UPPER_LIP_MIDDLE = (11, 12, 72, 302, 38, 268)  # MediaPipe's vertices
# Brightness over that of the upper lip: no teeth to teeth. On 26 photos and clips lips measure up to 1.10, teeth 1.22
# to 4.
TEETH_OVER_LIP = (1.1, 1.22)
# Mean brightness between the lips over that of the upper lip: an open mouth's to a shut mouth's.
DARK_OVER_LIP = (0.5, 0.7)
MOST_SHUT = 0.12  # IOD between the landmarks of lips that are shut in truth, at most


@dataclass(frozen=True, eq=False)
class Mouth:
    """The mouth of the photo.

    contour: (20, 2) px of the inner lips; gap: IOD between the lips; light: the photo's light; own_teeth: (3,)
    colour in [0, 1] of the teeth that the photo shows; iod: px between the eyes; teeth: 0 to 1, whether the photo
    shows teeth between the lips; shut: IOD of the gap that is lip in truth, because the landmarks of some closed
    mouths lie off their seam; toward: (3,) direction from which the photo's light comes (of `light_direction`); learnt:
    factors on the colours of what is drawn inside (of `mouth_completion`), None where there are no weights.
    """

    contour: FloatArray
    gap: float
    light: Light
    own_teeth: Float32
    iod: float
    teeth: float
    shut: float
    toward: FloatArray = field(default_factory=lambda: np.zeros(3))
    learnt: Float32 | None = None


@dataclass(frozen=True, eq=False)
class MouthPose:
    """The mouth of the target.

    contour: (20, 2) px of the inner lips; axes, own_axes: (3, 3) from model units to px of the target and of the
    photo (x right, y down, z to the viewer); edge: (2,) px, the middle of the upper incisors' edge; drop: model
    units by which the lower incisors drop; at, lip: (2,) px of the upper lip in the target and in the photo, with
    which the photo's teeth move; narrower: (2, 2) map of the photo's px by which teeth widen with the lips; down:
    (2,) the photo's unit vector from upper to lower lip; gap: IOD between the lips; drawn: IOD by which the mouth is
    wider than at rest; change: 0 where the mouth is as in the photo to 1 where all inside it must be drawn; turned: 0
    in the photo's own view to 1 after a turn from which on the whole head's mesh draws the lips; same: 1 where the
    lips are as far apart as in the photo, so that what lies between them is the photo's own, to 0.
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
    same: float = 0.0


@dataclass(frozen=True, eq=False)
class OwnMouth:
    """The part of the photo around its mouth.

    corner: (x, y) px of the picture in the photo; picture: (h, w, 6) float32: in channels 0 to 2 the photo's colours,
    with its upper teeth continued upwards; in 3 how much of a place then lies between the lips; in 4 whether a place
    lies higher above the photo's upper teeth; in 5 how much of it lies between the lips of the photo itself.
    """

    corner: tuple[int, int]
    picture: Float32


def own_mouth(photo: NDArray[Any], mouth: Mouth, down: FloatArray) -> OwnMouth | None:
    """Return the part of a photo (H, W, 3) around its mouth; None where the lips are shut.

    down: (2,) unit vector from the upper to the lower lip. Upper teeth are continued upwards, so that a lip that rises
    shows more tooth, and never a dark gap above it.
    """
    if mouth.gap < OPEN:
        return None
    margin = (HIGH_ABOVE[-1] + 0.02) * mouth.iod + 2
    x0, y0, x1, y1 = box_around(mouth.contour, margin, (photo.shape[1], photo.shape[0]))
    crop = photo[y0:y1, x0:x1].astype(np.float32)
    opening = soft_inside(catmull_rom(mouth.contour), (x0, y0), crop.shape[:2], 0)
    grown = 2 * max(1, round(AROUND * mouth.iod)) + 1
    between = cv2.dilate(opening, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grown, grown)))
    between = cv2.GaussianBlur(between, (0, 0), max(0.6, LIP_BLUR * mouth.iod))
    size = 2 * max(1, round(0.012 * mouth.iod)) + 1
    opening = cv2.erode(opening, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    opening = cv2.GaussianBlur(opening, (0, 0), max(0.6, 0.012 * mouth.iod))
    soft = cv2.GaussianBlur(crop, (0, 0), max(0.6, SOFTER * mouth.iod))
    y, x = np.indices(opening.shape, np.float32)

    def at(step: float) -> tuple[Float32, Float32]:
        """Return x and y of all places, `step` IOD further down."""
        further = np.float32(step * mouth.iod) * down.astype(np.float32)
        return x + further[0], y + further[1]

    seen, far, above = np.zeros_like(opening), np.zeros_like(opening), np.zeros_like(opening)
    for step in ABOVE_TEETH:
        here = cv2.remap(opening, *at(step), cv2.INTER_LINEAR, borderValue=0)
        far[(seen < 0.9) & (here > seen + 0.02)] = step
        seen = np.maximum(seen, here)
    for step in HIGH_ABOVE:
        above = np.maximum(above, cv2.remap(opening, *at(step), cv2.INTER_LINEAR, borderValue=0))
    way = far * np.float32(mouth.iod)
    places = (x + way * np.float32(down[0]), y + way * np.float32(down[1]))
    own, dull = (
        cv2.remap(colours, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for colours in (crop, soft)
    )
    own += np.clip(far / np.float32(2 * SOFTER), 0, 1)[..., None] * (dull - own)
    inner = np.zeros_like(opening)
    inner[1:-1, 1:-1] = 1  # beyond the picture's edge nothing is known
    return OwnMouth((x0, y0), np.dstack([own, inner * seen, inner * above * (1 - seen), inner * between]))


def mouth_source(
    pixels: NDArray[Any],
    landmarks: FloatArray,
    iod: float,
    gap: float,
    light: Light,
    toward: FloatArray | None = None,
) -> Mouth:
    """Return the mouth of a photo.

    pixels: (H, W, 3) uint8 or uint16; landmarks: (478, 3) px; iod: px; gap: IOD between the lips; toward: (3,) of
    `Mouth`, None where the light has no direction.
    """
    top = largest(pixels.dtype)
    seen, dark, colour = 0.0, 0.0, np.zeros(3, np.float32)
    if gap >= OPEN:
        seen, dark, colour = _between_lips(pixels, landmarks)
    shut = min(max(gap, 0.0), MOST_SHUT) * (1 - seen) * (1 - dark)
    toward = np.zeros(3) if toward is None else toward
    return Mouth(landmarks[INNER, :2], gap, light, colour / np.float32(top), iod, seen, shut, toward)


def _between_lips(pixels: NDArray[Any], landmarks: FloatArray) -> tuple[float, float, Float32]:
    """Return (teeth, dark, colour) of what lies between a photo's lips.

    teeth: 1 where the brightest part is brighter than the upper lip, as teeth are; dark: 1 where the mean is darker
    than the lip; colour: (3,) of the brightest part, in the photo's range.
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


@dataclass(frozen=True, eq=False)
class MouthPicture:
    """What shows between a target's lips.

    corner: (x, y) px of its first pixel in the photo; cover: (h, w) its opacity, 0 to 1; made: (h, w, 3) of the head's
    inside, 0 to 255; deep: (h, w) that shades its edges; own: (h, w, 6) of the photo's own mouth; colourful, warped,
    teeth: of `mouth_kernels.blend_mouth`.
    """

    corner: tuple[int, int]
    cover: Float32
    made: Float32
    deep: Float32
    own: Float32
    colourful: float
    warped: float
    teeth: float
    same: float

    def draw(self, out: NDArray[Any], origin: tuple[int, int]) -> None:
        """Draw it into out (h, w, 3), in place, as far as it lies in there; origin: (x, y) px of out's first pixel."""
        height, width = self.cover.shape
        left, top = (at - first for at, first in zip(self.corner, origin))
        rows = slice(max(0, -top), max(0, min(height, out.shape[0] - top)))
        columns = slice(max(0, -left), max(0, min(width, out.shape[1] - left)))
        view = out[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
        cover, made, deep, own = (
            np.ascontiguousarray(part[rows, columns]) for part in (self.cover, self.made, self.deep, self.own)
        )
        steps, *shares = (
            np.float32(v)
            for v in (largest(out.dtype) / 255, self.colourful, self.warped, self.teeth, self.same)
        )
        colourful, warped, teeth, same = shares
        mouth_kernels.blend_mouth(view, cover, made, deep, colourful, steps, warped, own, teeth, same)


def mouth_picture(
    photo: OwnMouth | None, mouth: Mouth, pose: MouthPose, size: tuple[int, int]
) -> MouthPicture | None:
    """Return what shows between the target's lips, None where nothing does; size: (width, height) px of the photo."""
    contour = catmull_rom(pose.contour)
    x0, y0, x1, y1 = box_around(contour, 0.03 * mouth.iod + 2, size)
    if pose.change <= 0 or x1 - x0 < 3 or y1 - y0 < 2:
        return None
    corner, shape = (x0, y0), (y1 - y0, x1 - x0)
    blur = LIP_BLUR * mouth.iod
    cover = soft_inside(_over_fringe(mouth, pose), corner, shape, blur) * np.float32(pose.change)
    y, x = np.indices(shape, np.float32) + np.float32(0.5)
    cover *= _parted(pose, x + x0, y + y0)
    own = _own(photo, mouth, pose, cover, corner)
    made = _made(mouth, pose, corner, cover, own[..., 4])
    deep = lips_shade(contour, corner, shape, pose.gap, mouth.iod)
    warped, teeth = _stretches_well(mouth, pose), max(mouth.teeth, _whole(mouth))
    same = 0.0 if photo is None else pose.same
    return MouthPicture(corner, cover, made, deep, own, mouth.light.colourful, warped, teeth, same)


def lips_shade(
    contour: FloatArray, corner: tuple[int, int], shape: tuple[int, int], gap: float, iod: float
) -> Float32:
    """Return (h, w) 0.8 under the lips (N, 2) px and in their corners to 1; lips hardly apart leave little room for
    shadow.
    """
    deep = soft_inside(contour, corner, shape, min(0.035, 0.15 * gap) * iod)
    return np.asarray(np.clip(deep * np.float32(1.35), np.float32(0.8), np.float32(1)), np.float32)


def _over_fringe(mouth: Mouth, pose: MouthPose) -> FloatArray:
    """Return the curve (N, 2) px inside which the mouth is drawn: the inner lips, with the lower lip moved down by
    TOOTH_FRINGE and, in a turned head, both lips moved apart by TURNED_SEAM.
    """
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
    """Return 1 where the photo's mouth is open and opens little more, so that the warped photo serves around its teeth,
    to 0 where it opens much more.
    """
    was_open = np.clip((mouth.gap - OWN_TEETH[0]) / (OWN_TEETH[1] - OWN_TEETH[0]), 0, 1)
    wider = pose.gap / max(mouth.gap - mouth.shut, OPEN)
    return float(was_open * np.clip((1.35 + 0.65 * _whole(mouth) - wider) / 0.25, 0, 1))


def _whole(mouth: Mouth) -> float:
    """Return how much of tongue and lower teeth the photo shows, 0 to 1."""
    return float(np.clip((mouth.gap - WHOLE_MOUTH[0]) / (WHOLE_MOUTH[1] - WHOLE_MOUTH[0]), 0, 1))


def _made(mouth: Mouth, pose: MouthPose, corner: tuple[int, int], cover: Float32, above: Float32) -> Float32:
    """Return the cavity with the head's teeth, gums and tongue (h, w, 3), 0 to 255, in the photo's light.

    cover: (h, w) above 0 where they are needed; above: (h, w) channel 4 of `OwnMouth.picture`.
    """
    shown = shown_teeth(mouth.teeth, mouth.gap)
    lit = mouth_light(mouth.light, mouth.own_teeth, shown, enters(pose.gap, pose.drawn), mouth.toward)
    made = np.broadcast_to(lit.dark, (*above.shape, 3))
    start = pose.edge - np.array(corner)
    seen = np.asarray(cover > 0, np.float32)
    learnt = None if mouth.learnt is None else opened_by(mouth.learnt, pose.gap, pose.drawn)
    return drawn(made, start, pose.axes, pose.drop, lit, seen, 1 - np.float32(shown) * (1 - above), learnt)


def enters(gap: float, drawn: float) -> float:
    """Return how much light enters a mouth, 0 between lips hardly apart to 1 in a wide mouth; IOD of `MouthPose`."""
    low, high = LIGHT_ENTERS
    return float(np.clip((gap + drawn - low) / (high - low), 0, 1))


def shown_teeth(teeth: float, gap: float) -> float:
    """Return how much of its own teeth a photo shows, 0 to 1; teeth, gap: of `Mouth`."""
    return float(teeth * np.clip((gap - OWN_TEETH[0]) / (OWN_TEETH[1] - OWN_TEETH[0]), 0, 1))


def mouth_light(
    light: Light, own_teeth: Float32, shown: float, entering: float, toward: FloatArray
) -> MouthLight:
    """Return the light in a mouth; own_teeth, toward: of `Mouth`; shown: of `shown_teeth`; entering: of `enters`.

    Its factors of teeth give the photo's own colour of teeth as far as these are shown, and else that of white teeth in
    the light that enters the mouth.
    """
    exposure = np.float32(light.exposure)
    lit = light.exposure * (TEETH_LIT[0] + entering * (TEETH_LIT[1] - TEETH_LIT[0]))
    made = np.float32(lit * (BRIGHT_TOOTH @ GREY)) * light.teeth * BETWEEN_LIPS ** np.float32(1 - entering)
    enamel = np.asarray((made + np.float32(shown) * (own_teeth - made)) / BRIGHT_TOOTH, np.float32)
    cavity = np.asarray(CAVITY * exposure * light.tint, np.float32)
    return MouthLight(enamel, exposure * light.tint, toward, entering, cavity)


def _parted(pose: MouthPose, x: Float32, y: Float32) -> Float32:
    """Return (h, w) 1 where the lips are apart, fading towards the corners of a mouth that is hardly open."""
    left, right = pose.contour[0], pose.contour[len(UPPER_LIP) - 1]
    half = (right - left) / 2
    middle = left + half
    along = np.abs((x - middle[0]) * half[0] + (y - middle[1]) * half[1]) / max(float(half @ half), 1e-6)
    touching = 1 - np.clip((pose.gap + pose.drawn - APART[0]) / (APART[1] - APART[0]), 0, 1)
    return np.asarray(1 - touching * smoothstep(*CORNERS, along), np.float32)


def _own(
    photo: OwnMouth | None, mouth: Mouth, pose: MouthPose, cover: Float32, corner: tuple[int, int]
) -> Float32:
    """Return (h, w, 6) the photo's own mouth at the target's pixels, in the channels of `OwnMouth.picture`."""
    own = np.zeros((*cover.shape, 6), np.float32)
    if photo is not None:
        start, cut = np.array(corner, np.float32), np.array(photo.corner, np.float32)
        places = (*in_photo(pose), _stretch(mouth, pose))
        mouth_kernels.fetch_own(start, cover, *places, photo.picture, cut, own)
    return own


def in_photo(pose: MouthPose) -> tuple[Float32, Float32, Float32, Float32]:
    """Return the arguments axes, at, to and lip of `mouth_kernels.in_photo`."""
    axes, at, lip = (np.array(part, np.float32) for part in (pose.axes[:2], pose.at, pose.lip))
    return axes, at, (pose.narrower @ pose.own_axes[:2]).astype(np.float32), lip


def _stretch(mouth: Mouth, pose: MouthPose) -> Float32:
    """Return the argument `stretch` (6,) of `mouth_kernels.fetch_own`: where the photo's mouth is wide open, its lower
    part moves with the lower lip.
    """
    share, wider = _whole(mouth), pose.gap / max(mouth.gap, OPEN)
    if share == 0 or wider <= 1:
        return np.zeros(6, np.float32)
    squeezed = (1 - UPPER_SHARE) / (wider - UPPER_SHARE)
    return np.array([*pose.down, mouth.gap * mouth.iod, UPPER_SHARE, squeezed, share], np.float32)

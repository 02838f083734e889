"""Holds the outline of a head that turns a little: what the photo does not show stays behind the outline.

A turn of some degrees bares a crown or the flat side of a head by a fifth of an eye distance, and no photo shows that
part. While the turn is too small to make it up, what lies behind the photo's outline moves with the middle of the head
instead of turning. So the outline remains the photo's own, with its loose hair. As the turn grows, the hidden part
comes out from behind; what the photo shows turns from the beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from app.engine.face.parameters import FLIP, Camera
from app.engine.head import Head, HeadModel
from app.engine.head.atlas import Seen
from app.engine.head.fill import relief
from app.engine.head.skull import eased, smoothstep
from app.engine.warping.curves import FloatArray

# These values were chosen by eye on sheets of heads turned by 5 to 20 degrees (tools/head_sheets.py). A pair of values
# is a range: at the first value something begins, at the second it is complete.
COMES_OUT = (7.0, 16.0)  # degrees of turn: what the photo does not show is behind the outline to has come out
FADES = (11.0, 16.0)  # degrees of turn: the photo is drawn to not drawn where it shows too little of a place
# Degrees of turn: what the photo has beyond the drawn head (`own_view`) is added to no longer added. It belongs to
# edges, which a turn stretches.
LASTS = (1.0, 4.0)
# Degrees up to which a head that only looks up keeps the photo's outline: of the jaw's underside, throat and ears the
# head makes up too much (seen on four people turned by 12 and 18 degrees).
LOOKED_UP = 20.0
# Degrees of a photo's own yaw over which its far side comes to lie behind the nose. A turn back towards the front then
# counts PROFILE_COUNTS times: with a held outline, the profile would be drawn twice.
PROFILE = (32.0, 42.0)
PROFILE_COUNTS = 3.5  # times
BEHIND = (-0.05, 0.3)  # cosine of normal and view in the photo: a place behind the outline to one before it
OFF_FACE = (
    0.3,
    1.5,
)  # cm from the face's landmarks: a place is never held (as a nose's far side) to may be held
DOWNWARDS = (
    0.35,
    0.7,
)  # downward part of a normal in the photo: a jaw's side or the throat to the jaw's underside
LOW = (-1.5, -3.0)  # cm of the head model's height: face to what may be the jaw's underside
SOFTENED = 2  # rounds that smooth the outline's hold over the mesh
# Share of the outline that is held: an ear that the photo does not show is opaque to transparent.
EAR_COMES = (0.6, 0.95)
# IOD of the outline's motion below which the fit's error is the likelier cause. To hold that motion back gave the full
# crop of filmed heads 0.4 dB (docs/measured.md).
STEADY = 0.16
# Greatest share of the outline's motion that is held back. With all of it two heads that hardly turn were 0.45 levels
# further from their frames (a_grid_bbaf2n, a_grid_swiz3n); with none of it b_lp_d6 was 0.3 levels further.
STEADY_MOST = 0.5
# IOD: half axes of a head's outline as it is seen from the front, and how far it lies behind the middle of the face.
OUTLINE, OUTLINE_DEPTH = (1.85, 2.2), 1.5
OUTLINE_FROM = (
    -30.0,
    210.0,
)  # degrees of that ellipse that count: from a jaw over the crown to the other jaw


@dataclass(frozen=True, eq=False)
class Hidden:
    """What a held outline does to a head's vertices.

    unseen: (V,) 1 where a vertex lies behind the photo's outline, 0 where the photo shows it; outline: (V,) 1 at the
    photo's outline and behind it, 0 where the head faces the viewer; ear: (V,) 1 on an ear whose colours are not the
    photo's; flat: (V, 3) model units that bring such an ear flat against the head; under: (V,) 1 on the jaw's
    underside, which a look up uncovers.
    """

    unseen: FloatArray
    outline: FloatArray
    ear: FloatArray
    flat: FloatArray
    under: FloatArray

    def mixed(self, off: float, under: float) -> FloatArray:
        """Return (V,) one value off the jaw's underside and another on it."""
        return off + self.under * (under - off)


def hidden(head: Head, own: Seen, ears: FloatArray) -> Hidden:
    """Return what a held outline does to the vertices of one photo's head; ears: (V,) of `atlas.Shares`."""
    model = HeadModel.load()
    off = smoothstep(*OFF_FACE, model.distance)
    unseen = (1 - smoothstep(*BEHIND, own.normals[:, 2])) * off
    for _ in range(SOFTENED):
        unseen = model.averaging @ np.maximum(unseen, model.ear)
    unseen = np.maximum(unseen, relief())
    outline = (1 - np.clip(own.normals[:, 2], 0, 1)) * off
    for _ in range(SOFTENED):
        outline = model.averaging @ outline
    ear = relief() * (1 - ears * relief() * own.person) * float(head.ears)
    # An ear that the photo shows lies as a whole where it does: a rim beyond the matte, brought against the head by
    # itself, came through the ear's hollow as a wedge (p20).
    flat = (1 - ears)[:, None] * (model.without_ears(head.points) - head.points)
    return Hidden(unseen, outline, ear, flat, _under(own.normals))


def _under(normals: FloatArray) -> FloatArray:
    """Return (V,) 1 on the jaw's underside by the normals (V, 3) that the photo sees, in pixels' axes."""
    model = HeadModel.load()
    under = smoothstep(*DOWNWARDS, normals[:, 1]) * smoothstep(*LOW, model.points[:, 1]) * ~model.ear
    for _ in range(SOFTENED):
        under = model.averaging @ under
    return np.asarray(under)


def turn(before: Camera, after: Camera) -> float:
    """Return the degrees between the two directions from which the head is seen; a roll alone gives 0."""
    cosine = float(before.rotation[2] @ after.rotation[2])
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


@lru_cache(maxsize=8)  # a frame asks for two values, eight times
def uncovering(before: Camera, after: Camera, under: bool = False) -> float:
    """Return the degrees of a turn, as they count for COMES_OUT and FADES.

    A look up counts from LOOKED_UP on, but under a jaw at once; from a profile, a turn back to the front counts more.
    under: whether the degrees are those for the jaw's underside.
    """
    yaw, pitch = after.yaw - before.yaw, after.pitch - before.pitch
    up = max(pitch - LOOKED_UP, 0.0) if pitch > 0 and not under else pitch
    degrees = min(turn(before, after), math.hypot(yaw, up))
    towards = -yaw if before.yaw > 0 else yaw
    back = min(max(towards / max(abs(yaw), abs(pitch), 1e-6), 0.0), 1.0)
    return degrees * (1 + (PROFILE_COUNTS - 1) * back * eased(*PROFILE, abs(before.yaw)))


def photo_lasts(before: Camera, after: Camera) -> float:
    """Return how much of what the photo has beyond the drawn head a turn keeps: 1 in the photo's own view."""
    return 1 - eased(*LASTS, turn(before, after))


def held(before: Camera, after: Camera, under: bool = False) -> float:
    """Return how much a turn holds the photo's outline: 1 for a small turn, 0 for a large one; under: of
    `uncovering`.
    """
    return 1 - eased(*COMES_OUT, uncovering(before, after, under))


def edge_shown(before: Camera, after: Camera, under: bool = False) -> float:
    """Return how much of the photo is drawn at its outline: 1 after a small turn, 0 after a large one; under: of
    `uncovering`.
    """
    return 1 - eased(*FADES, uncovering(before, after, under))


def posed(
    head: Head, of: Hidden, camera: Camera, moved: FloatArray | None, shift: FloatArray, steady: float = 0.0
) -> FloatArray:
    """Return (V, 3) px of a head under another camera as `Head.posed` does, but with the photo's outline held.

    steady: share, 0 to 1, of the outline's motion that is not drawn.
    """
    keeps = of.mixed(held(head.camera, camera), held(head.camera, camera, under=True))
    along = np.zeros((4, 3))
    if keeps.any():
        along[3] = carried_along(head, camera, np.zeros((1, 3)))
        along[:3] = carried_along(head, camera, np.eye(3)) - along[3]
    moved = np.zeros((0, 3)) if moved is None else moved
    out = np.empty_like(head.points)
    _placed(
        head.points, moved, of.flat, head.rigid, of.unseen, of.outline, _affine(camera), _affine(head.camera), along,
        shift, keeps, steady, out,
    )  # fmt: skip
    return out


def _affine(camera: Camera) -> FloatArray:
    """Return the camera's projection as a matrix (4, 3): v goes to v @ the first three rows + the last row."""
    out = camera.project(np.concatenate([np.eye(3), np.zeros((1, 3))]))
    out[:3] -= out[3]
    return out


@njit(cache=True, nogil=True)
def _placed(points, moved, flat, rigid, unseen, outline, after, before, along, shift, keeps, steady, out):  # type: ignore[no-untyped-def]
    """Write what `posed` returns into out (V, 3).

    moved: (V, 3) offsets, or (0, 3) for none; after, before: (4, 3) of `_affine` of the target's and of the photo's
    camera; along: (4, 3) of `carried_along`; keeps: (V,) of `held`; the others: of `Head`, `Hidden` and `posed`.
    """
    p = np.zeros(3)
    for v in range(len(points)):
        own, held_back = rigid[v], keeps[v] * unseen[v] * rigid[v]
        for k in range(3):
            p[k] = points[v, k] + keeps[v] * flat[v, k] + (moved[v, k] if len(moved) else 0.0)
        for k in range(3):
            turned = p[0] * after[0, k] + p[1] * after[1, k] + p[2] * after[2, k] + after[3, k]
            still = p[0] * before[0, k] + p[1] * before[1, k] + p[2] * before[2, k] + before[3, k]
            still += shift[k] if k < 2 else 0.0
            out[v, k] = own * turned + (1 - own) * still
            if held_back > 0:
                carried = p[0] * along[0, k] + p[1] * along[1, k] + p[2] * along[2, k] + along[3, k]
                out[v, k] += held_back * (carried - turned)
        if steady > 0:
            for k in range(2):
                motion = after[3, k] - before[3, k]
                for i in range(3):
                    motion += points[v, i] * (after[i, k] - before[i, k])
                out[v, k] -= steady * outline[v] * own * motion


def carried_along(head: Head, camera: Camera, points: FloatArray) -> FloatArray:
    """Return (N, 3) px of points (N, 3) in model space that take part only in the motion of the head's middle, in its
    size and in its roll.
    """
    before, after = head.camera.rotation, camera.rotation
    turned = after @ before.T
    angle = math.atan2(turned[1, 0] - turned[0, 1], turned[0, 0] + turned[1, 1])
    c, s = math.cos(angle), math.sin(angle)
    roll = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    about = camera.scale * (points - head.centre) @ (roll @ before).T * FLIP
    return np.asarray(about + camera.project(head.centre[None]))


def steadiness(middle: FloatArray, before: Camera, after: Camera) -> float:
    """Return the share of the outline's motion to hold back as a fit's error: STEADY_MOST for a small motion, 0 for a
    large one.

    A filmed face's landmarks fix the face to a pixel, but turn and scale only to some degrees and per cent (an open
    mouth reads as 4 degrees of pitch), which the outline, far behind the face, shows as motion. Over 16 clips keeping
    it where it was gains 0.4 dB in the full crop; one of them, with wide curly hair, loses as much. middle: (3,) of the
    face in model space.
    """
    angle = np.radians(np.linspace(*OUTLINE_FROM, 24))
    ring = np.column_stack(
        [OUTLINE[0] * np.cos(angle), OUTLINE[1] * np.sin(angle), np.full(24, -OUTLINE_DEPTH)]
    )
    motion = (after.project(middle + ring) - before.project(middle + ring))[:, :2]
    square = float(np.square(motion).sum(axis=1).mean()) / before.scale**2
    return STEADY_MOST * STEADY**4 / (square**2 + STEADY**4)

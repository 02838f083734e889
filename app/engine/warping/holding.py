"""The outline of a head that turns a little: what the photo does not show stays behind it.

A turn of some degrees bares a crown or the flat side of a head by a fifth of an eye distance, which nobody
photographed. Until the turn is large enough to make that up, what lies behind the photo's outline goes with the
middle of the head instead of turning, so that the outline remains the photo's own, loose hair and all. As the turn
grows it comes out from behind, and what the photo shows turns as it is from the beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from app.engine.face.parameters import FLIP, Camera
from app.engine.head import Head, HeadModel
from app.engine.head.atlas import Seen
from app.engine.head.fill import relief
from app.engine.head.skull import smoothstep
from app.engine.warping.curves import FloatArray

# Chosen by eye on sheets of heads turned by 5 to 20 degrees (tools/head_sheets.py).
COMES_OUT = (7.0, 16.0)  # degrees of turn over which what the photo does not show comes out from behind
FADES = (
    11.0,
    16.0,
)  # degrees of turn over which the photo stops being drawn where it shows too little of a place
# Degrees up to which a head that only looks up keeps the photo's outline: of the jaw's underside, throat and ears the
# head makes up too much (four people at 12 and 18 degrees, beside each other).
LOOKED_UP = 20.0
# Degrees of a photo's own yaw from which its far side lies behind the nose, and how many times more a turn back
# towards the front then counts: held back, the profile would be drawn twice.
PROFILE = (32.0, 42.0)
PROFILE_COUNTS = 3.5  # times, at the end of PROFILE
BEHIND = (
    -0.05,
    0.3,
)  # towards the viewer in the photo: normals over which a place comes to lie before the outline
OFF_FACE = (
    0.3,
    1.5,
)  # cm from the face's landmarks over which a place may be held: a nose's far side may not
SOFTENED = 2  # rounds of evening this out over the mesh
EAR_COMES = (
    0.6,
    0.95,
)  # share of the outline kept, over which an ear that the photo does not show is transparent


@dataclass(frozen=True, eq=False)
class Hidden:
    """What a held outline does to a head's vertices.

    unseen: (V,) 1 where one lies behind the photo's outline, 0 where the photo shows it; outline: (V,) 1 at the photo's
    outline and behind it, 0 where the head faces the viewer; ear: (V,) 1 on an ear whose colours are not the photo's;
    flat: (V, 3) model units by which that ear lies against the head.
    """

    unseen: FloatArray
    outline: FloatArray
    ear: FloatArray
    flat: FloatArray


def hidden(head: Head, own: Seen, kept: FloatArray) -> Hidden:
    """Return what one photo's outline holds; kept: (V,) share of a vertex' colour that the photo has at all angles."""
    model = HeadModel.load()
    off = smoothstep(*OFF_FACE, model.distance)
    unseen = (1 - smoothstep(*BEHIND, own.normals[:, 2])) * off
    for _ in range(SOFTENED):
        unseen = model.averaging @ np.maximum(unseen, model.ear)
    unseen = np.maximum(unseen, relief())
    outline = (1 - np.clip(own.normals[:, 2], 0, 1)) * off
    for _ in range(SOFTENED):
        outline = model.averaging @ outline
    ear = relief() * (1 - kept) * float(head.ears)
    flat = (1 - kept)[:, None] * (model.without_ears(head.points) - head.points)
    return Hidden(unseen, outline, ear, flat)


def turn(before: Camera, after: Camera) -> float:
    """Return the degrees between the two directions from which the head is seen; a roll alone gives 0."""
    return float(np.degrees(np.arccos(np.clip(before.rotation[2] @ after.rotation[2], -1, 1))))


def uncovering(before: Camera, after: Camera) -> float:
    """Return the degrees of a turn as they count for what comes out from behind the outline."""
    yaw, pitch = (float(v) for v in np.subtract(after.angles, before.angles)[:2])
    up = max(pitch - LOOKED_UP, 0.0) if pitch > 0 else pitch
    degrees = min(turn(before, after), float(np.hypot(yaw, up)))
    back = float(np.clip(-yaw * np.sign(before.yaw) / max(abs(yaw), abs(pitch), 1e-6), 0, 1))
    return degrees * (
        1 + (PROFILE_COUNTS - 1) * back * float(smoothstep(*PROFILE, np.array(abs(before.yaw))))
    )


def held(before: Camera, after: Camera) -> float:
    """Return how much of the photo's outline a turn keeps: 1 for a small one, 0 for a large one."""
    return float(1 - smoothstep(*COMES_OUT, np.array(uncovering(before, after))))


def edge_shown(before: Camera, after: Camera) -> float:
    """Return how much of the photo is drawn at its outline: 1 after a small turn, 0 after a large one."""
    return float(1 - smoothstep(*FADES, np.array(uncovering(before, after))))


def posed(
    head: Head, of: Hidden, camera: Camera, moved: FloatArray | None, shift: FloatArray, steady: float = 0.0
) -> FloatArray:
    """Return (V, 3) px of a head under another camera as `Head.posed` does, its outline held.

    steady: share of the outline's motion that is not drawn.
    """
    keeps = held(head.camera, camera)
    along = np.zeros((4, 3))
    if keeps > 0:
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
    """Return (4, 3): the camera projects v to v @ the first three rows + the last."""
    out = camera.project(np.concatenate([np.eye(3), np.zeros((1, 3))]))
    out[:3] -= out[3]
    return out


@njit(cache=True, nogil=True)
def _placed(points, moved, flat, rigid, unseen, outline, after, before, along, shift, keeps, steady, out):  # type: ignore[no-untyped-def]
    """Write what `posed` returns into out (V, 3); moved: (V, 3) or none; after, before, along: (4, 3) of the target's
    camera, the photo's, and of what goes with the middle of the head.
    """
    p = np.zeros(3)
    for v in range(len(points)):
        own, held_back = rigid[v], keeps * unseen[v] * rigid[v]
        for k in range(3):
            p[k] = points[v, k] + keeps * flat[v, k] + (moved[v, k] if len(moved) else 0.0)
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


def warm_up() -> None:
    """Compile what `posed` runs."""
    one, vector, map_ = np.ones(1), np.ones((1, 3)), np.ones((4, 3))
    _placed(vector, vector, vector, one, one, one, map_, map_, map_, np.ones(2), 0.0, 0.0, vector.copy())


def carried_along(head: Head, camera: Camera, points: FloatArray) -> FloatArray:
    """Return (N, 3) px of points (N, 3) in model space that go with the middle of the head, its size and roll alone."""
    before, after = head.camera.rotation, camera.rotation
    turned = after @ before.T
    angle = math.atan2(turned[1, 0] - turned[0, 1], turned[0, 0] + turned[1, 1])
    c, s = math.cos(angle), math.sin(angle)
    roll = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    about = camera.scale * (points - head.centre) @ (roll @ before).T * FLIP
    return np.asarray(about + camera.project(head.centre[None]))

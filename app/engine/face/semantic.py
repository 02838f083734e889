"""What a user asks for, as parameters: semantic controls, frontalise, neutralise; and the way back.

A control is the most probable expression with given changes of the face's indices (`indices`): with
p ~ N(0, 1) in sigmas and C the indices' Jacobian, dp = C^T (C C^T)^-1 dg, the conditional mean. Indices a
control does not name and does not hold follow as they do in faces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from app.engine.face import indices
from app.engine.face.controls import BY_NAME
from app.engine.face.fitting import pose_features
from app.engine.face.morphable_model import MorphableModel, default_model
from app.engine.face.parameters import (
    N_EXPRESSION,
    N_VERTICES,
    Camera,
    Expression,
    FaceEdit,
    FaceParams,
    FittedFace,
    FloatArray,
    rotation_matrix,
)

# What no comment gives another origin for was set by fresh fits of edited photos (tools/edit_accuracy.py).
SHUT = 0.05  # aperture of a closed eye
WIDE = 0.08  # what eyes_wide 1 adds to an aperture, of a natural most of 0.11 (ICT-FaceKit)
EYE_WIDTH = 0.43  # lid gap over aperture, model units
NECK_PIVOT = np.array([0.0, -0.75, -1.3])  # model space; the head turns about it (docs/mesh-warp.md, “Pose”)
REGULARISER = 1e-6  # share of the mean variance, against a singular system
# Eye distances by which a held index may move: held exactly, it would bend the rest of the face.
HELD_WITHIN = 0.006
LIKENESS = 0.011  # eye distances that a vertex may differ from the person's own rest and still count as it
LID_LIMIT = 1.5  # sigmas: components shut an eye only partly, apertures say the rest
_BROWS, _EYES = ("brow_left", "brow_right", "brow_gap"), ("eye_left", "eye_right")
_LIPS = ("mouth_gap", "mouth_width", "lift_left", "lift_right", "mouth_side", "protrusion")


@dataclass(frozen=True)
class Movement:
    """One natural full movement: index changes in eye distances as the landmark network reads them of people
    (`response` converts them to true ones), and the indices that must not change.

    unseen: indices that a photo from the front does not show, so that the control is not read on them. The jaw moves
    as far as people move it in the a_* clips (95th percentile of what the landmarks measure), the frown two thirds as
    far as theirs: beyond that, brows without the skin's own folds bunch.
    """

    changes: Mapping[str, float]
    held: tuple[str, ...]
    unseen: tuple[str, ...] = ()


MOVEMENTS: dict[str, Movement] = {
    "smile": Movement(
        {"mouth_width": 0.12, "lift_left": 0.06, "lift_right": 0.06}, (*_BROWS, "mouth_gap", "mouth_side")
    ),
    "smile_left": Movement(
        {"out_left": 0.06, "lift_left": 0.06}, (*_BROWS, "out_right", "lift_right", "mouth_gap", "jaw_side")
    ),
    "smile_right": Movement(
        {"out_right": 0.06, "lift_right": 0.06}, (*_BROWS, "out_left", "lift_left", "mouth_gap", "jaw_side")
    ),
    "width_left": Movement(
        {"out_left": 0.06}, (*_BROWS, *_EYES, "out_right", "lift_left", "lift_right", "jaw_side")
    ),
    "width_right": Movement(
        {"out_right": 0.06}, (*_BROWS, *_EYES, "out_left", "lift_left", "lift_right", "jaw_side")
    ),
    "mouth_open": Movement({"mouth_gap": 0.25}, (*_BROWS, *_EYES, "mouth_side")),
    "mouth_width": Movement(
        {"mouth_width": 0.12}, (*_BROWS, *_EYES, "lift_left", "lift_right", "mouth_side")
    ),
    "corner_left": Movement({"lift_left": 0.06}, (*_BROWS, *_EYES, "lift_right", "mouth_gap", "jaw_side")),
    "corner_right": Movement({"lift_right": 0.06}, (*_BROWS, *_EYES, "lift_left", "mouth_gap", "jaw_side")),
    "pucker": Movement(
        {"mouth_width": -0.14, "protrusion": 0.04},
        (*_BROWS, *_EYES, "mouth_gap", "mouth_side", "lift_left", "lift_right"),
        unseen=("protrusion",),
    ),
    "jaw_side": Movement({"jaw_side": 0.041}, (*_BROWS, *_EYES, "mouth_gap", "lift_left", "lift_right")),
    "brow_left": Movement({"brow_left": 0.08}, (*_LIPS, *_EYES, "brow_right", "jaw_side")),
    "brow_right": Movement({"brow_right": 0.08}, (*_LIPS, *_EYES, "brow_left", "jaw_side")),
    "brows_together": Movement({"brow_gap": -0.021}, (*_LIPS, *_EYES)),
    "cheeks": Movement({"cheek_left": 0.04, "cheek_right": 0.04}, (*_LIPS, *_BROWS)),
}
BLINKS = ("blink_left", "blink_right")
# The controls in which Neutralise says what a face wears, and how reluctantly (sigmas a full movement).
SAYING = ("smile", "mouth_open", "pucker", "brow_left", "brow_right", "brows_together")
SAYING_RIDGE = 0.5  # ridge in the units of SAYING
LEAST_SAID = 0.005  # share of a movement below which a slider shows nothing


def resolve(edit: FaceEdit, face: FittedFace, model: MorphableModel) -> FaceParams:
    """Return the parameters an edit asks of a face. An edit of nothing gives the face's own parameters."""
    if edit.is_identity:
        return face.params
    expression = _expression(edit, face.params.expression, model)
    return replace(face.params, expression=expression, camera=_camera(edit, face.params.camera))


def measure_controls(before: FittedFace, after: FittedFace, model: MorphableModel) -> dict[str, float]:
    """Return what the semantic and pose controls would have to be to lead from one fit to the other, in their own
    units.

    Each control is read on its own indices: of two controls that share one, each reads the sum.
    """
    start, end = (indices.read(observed(f, model)) for f in (before, after))
    found = {
        name: float(
            np.mean(
                [(end[k] - start[k]) / u for k, u in movement.changes.items() if k not in movement.unseen]
            )
        )
        for name, movement in MOVEMENTS.items()
    }
    was, now = before.params.expression.aperture, after.params.expression.aperture
    for k, name in enumerate(BLINKS):
        found[name] = (was[k] - now[k]) / max(was[k] - SHUT, 1e-3)
    found["eyes_wide"] = (sum(now) - sum(was)) / (2 * WIDE)
    camera = after.params.camera
    yaw, pitch, roll = camera.angles
    gaze = after.params.expression.gaze
    found |= {"yaw": yaw, "pitch": pitch, "roll": roll, "gaze_x": gaze[0], "gaze_y": gaze[1]}
    return found | {"scale": camera.scale, "tx": camera.translation[0], "ty": camera.translation[1]}


def observed(face: FittedFace, model: MorphableModel) -> FloatArray:
    """Return (468, 3) in model space: the landmarks themselves, less what the landmarker adds with the pose."""
    camera = face.params.camera
    bias = np.tensordot(pose_features(camera), model.pose_bias, 1)
    return np.asarray(camera.unproject(face.landmarks[:N_VERTICES]) - bias)


def frontalise(face: FittedFace, strength: float = 1.0) -> dict[str, float]:
    """Return control values that turn the head towards the viewer: 0 as it is, 1 straight ahead.

    The eyes keep looking into the camera if they did: gaze is counted in the head's frame.
    """
    yaw, pitch, roll = face.params.camera.angles
    keep = 1 - strength
    gaze_x, gaze_y = face.params.expression.gaze
    contact = math.hypot(gaze_x + yaw, gaze_y + pitch) < 12 and math.hypot(yaw, pitch) > 5
    values = {"yaw": keep * yaw, "pitch": keep * pitch, "roll": keep * roll}
    if contact:
        values |= {"gaze_x": gaze_x + strength * yaw, "gaze_y": gaze_y + strength * pitch}
    return values


def neutralise(face: FittedFace, strength: float = 1.0) -> dict[str, float]:
    """Return control values that take the expression back: 0 as it is, 1 the model's closed-mouth neutral.

    Lips between which the components leave a gap are closed too. The named controls say as much of it as they can, so
    that they show what was done; the components say the rest. Whoever applies it leaves other movements alone again.
    """
    model, worn = default_model(), face.params.expression
    rest = indices.read(observed(face, model) - model.expression_offset(worn))
    gap = max(0.0, rest["mouth_gap"]) / MOVEMENTS["mouth_open"].changes["mouth_gap"]
    back = -np.array(worn.coefficients) - gap * directions(model)["mouth_open"]
    named = {name: amount for name, amount in _named(back, model).items() if abs(amount) >= LEAST_SAID}
    left = back - sum(amount * directions(model)[name] for name, amount in named.items())
    values = {name: strength * amount for name, amount in named.items()}
    return values | {f"exp{k + 1}": strength * float(value) for k, value in enumerate(left)}


def _named(change: FloatArray, model: MorphableModel) -> dict[str, float]:
    """Return how much of a change of expression (28 sigmas) the controls of `SAYING` say, within their ranges."""
    from scipy.optimize import lsq_linear

    known = directions(model)
    columns = np.stack([known[name] for name in SAYING], axis=1)
    ridge = SAYING_RIDGE * np.eye(len(SAYING))
    bounds = np.array([(BY_NAME[name].lower, BY_NAME[name].upper) for name in SAYING]).T
    rows = np.concatenate([columns, ridge])
    found = lsq_linear(rows, np.concatenate([change, np.zeros(len(SAYING))]), (bounds[0], bounds[1]))
    return {name: float(value) for name, value in zip(SAYING, found.x)}


def identity_similarity(before: FittedFace, after: FittedFace, model: MorphableModel) -> float:
    """Return the likeness of two faces' shapes with pose and expression removed, in [0, 1]; 1 for the same
    landmarks.

    exp(-(d / 0.011)^2), d the weighted mean vertex distance in eye distances. Measured: frames of one person's
    clip differ by 0.006 (median; likeness 0.73), two people by 0.010 to 0.012 (0.42 to 0.30).
    """
    rows = model.expression_basis.reshape(len(model.expression_basis), -1)
    weights = model.stiffness
    change = (observed(after, model) - observed(before, model)).ravel()
    rest = (change - (change @ rows.T) @ rows).reshape(-1, 3)
    distance = float((np.linalg.norm(rest, axis=1) * weights).sum() / weights.sum())
    return math.exp(-((distance / LIKENESS) ** 2))


@lru_cache(maxsize=4)
def directions(model: MorphableModel) -> dict[str, FloatArray]:
    """Return by control the (28,) sigmas of its full movement; for lids, per unit of aperture."""
    matrix = indices.rows(model)

    def direction(changes: Mapping[str, float], held: tuple[str, ...]) -> FloatArray:
        rows = np.stack([matrix[name] for name in (*changes, *held)])
        slack = np.array([0.0] * len(changes) + [HELD_WITHIN] * len(held))
        return _conditional(rows, np.array([*changes.values(), *(0.0 for _ in held)]), slack)

    found = {name: direction(m.changes, m.held) for name, m in MOVEMENTS.items()}
    for eye, other, lid in (("eye_left", "eye_right", "lid_left"), ("eye_right", "eye_left", "lid_right")):
        found[lid] = direction({eye: EYE_WIDTH}, (*_LIPS, *_BROWS, "jaw_side", other))
    return found


def _conditional(rows: FloatArray, changes: FloatArray, slack: FloatArray | float = 0.0) -> FloatArray:
    """Return the mean of x ~ N(0, 1) given rows @ x = changes, each within its `slack` (a standard deviation)."""
    gram = rows @ rows.T
    noise = np.broadcast_to(np.square(slack) + REGULARISER * np.trace(gram), len(gram))
    return np.asarray(rows.T @ np.linalg.solve(gram + np.diag(noise), changes))


def _expression(edit: FaceEdit, worn: Expression, model: MorphableModel) -> Expression:
    known, amount = directions(model), edit.strength
    aperture = _apertures(edit, worn.aperture)
    raw = np.array([edit.get(f"exp{k + 1}") or 0.0 for k in range(N_EXPRESSION)])
    asked = {name: value for name in MOVEMENTS if (value := edit.get(name))}
    carried = np.zeros(N_EXPRESSION)
    for name, value in asked.items():
        carried = carried + value * known[name]
    for k, lid in enumerate(("lid_left", "lid_right")):
        lids = (aperture[k] - worn.aperture[k]) * known[lid]
        carried = carried + lids * min(1.0, LID_LIMIT / max(float(np.abs(lids).max()), 1e-9))
    gaze = (edit.get("gaze_x"), edit.get("gaze_y"))
    return Expression(
        tuple(float(v) for v in np.array(worn.coefficients) + amount * (raw + carried)),
        _pair(_faded(own, asked, amount) for own, asked in zip(worn.gaze, gaze)),
        _pair(_faded(own, asked, amount) for own, asked in zip(worn.aperture, aperture)),
        tuple((name, amount * value) for name, value in asked.items()),
        tuple(float(v) for v in amount * carried) if carried.any() else (),
    )


def _apertures(edit: FaceEdit, worn: tuple[float, float]) -> tuple[float, float]:
    """Return (left, right) as asked: blink 1 shuts, below 0 opens; eyes_wide adds to both."""
    wide = WIDE * (edit.get("eyes_wide") or 0.0)
    blinks = [edit.get(name) or 0.0 for name in BLINKS]
    return _pair(max(SHUT, own + wide - (own - SHUT) * blink) if wide or blink else own
                 for own, blink in zip(worn, blinks))  # fmt: skip


def _pair(values: Iterable[float]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)


def _faded(own: float, asked: float | None, strength: float) -> float:
    return own if asked is None else own + strength * (asked - own)


def _camera(edit: FaceEdit, own: Camera) -> Camera:
    """Pose and scale as asked about the neck, which stays where it is unless tx or ty say otherwise."""
    names = ("yaw", "pitch", "roll", "scale", "tx", "ty")
    if all(edit.get(name) is None for name in names):
        return own
    angles = [_faded(value, edit.get(name), edit.strength) for name, value in zip(names, own.angles)]
    scale = _faded(own.scale, edit.get("scale"), edit.strength)
    turned = any(edit.get(name) is not None for name in names[:3])
    rotation = rotation_matrix(*angles) if turned else own.rotation
    neck = own.project(NECK_PIVOT[None])[0]
    moved = Camera.from_matrix(rotation, scale, (0.0, 0.0)).project(NECK_PIVOT[None])[0]
    at = {"tx": neck[0] - moved[0], "ty": neck[1] - moved[1]}
    origin = dict(zip(("tx", "ty"), own.translation))
    placed = [
        at[name] if edit.get(name) is None else _faded(origin[name], edit.get(name), edit.strength)
        for name in at
    ]
    return Camera.from_matrix(rotation, scale, (placed[0], placed[1]))

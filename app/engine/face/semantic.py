"""Converts what a user asks (controls, frontalise, neutralise) to parameters, and measured faces to controls.

A control is the most probable expression with given changes dg of the face's indices (`face.indices`): with p ~ N(0, 1)
in sigmas and C the indices' Jacobian, the conditional mean is dp = C^T (C C^T)^-1 dg. Indices that a control neither
names nor holds change along as they do in people's faces.
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

# These values were set by fresh fits of edited photos (tools/edit_accuracy.py), except where a comment names another
# origin.
SHUT, OPEN = 0.05, 0.28  # apertures of a closed eye and of a usual open one
WIDE = 0.08  # what eyes_wide 1 adds to an aperture; ICT-FaceKit's widest eyes add 0.11
EYE_WIDTH = 0.43  # model units: gap between the lids over the aperture
NECK_PIVOT = np.array([0.0, -0.75, -1.3])  # model space; the head turns about it (docs/mesh-warp.md, “Pose”)
REGULARISER = 1e-6  # share of the mean variance, against a singular system
# Eye distances: standard deviation of a held index' change. An index that is held exactly would bend the rest of the
# face.
HELD_WITHIN = 0.006
LIKENESS = 0.011  # eye distances: mean difference between two faces at which their likeness is 1/e
LID_LIMIT = 1.5  # sigmas by which components move for a blink at most; apertures shut the eye for the rest
_BROWS, _EYES = ("brow_left", "brow_right", "brow_gap"), ("eye_left", "eye_right")
_LIPS = ("mouth_gap", "mouth_width", "lift_left", "lift_right", "mouth_side", "protrusion")


@dataclass(frozen=True)
class Movement:
    """One natural full movement.

    changes: of indices, in eye distances as the landmark network reads them of people (`face.response` converts them
    to true ones); held: indices that must not change; unseen: indices that a frontal photo does not show, by which the
    control is therefore not measured. The jaw moves as far as people move it in the a_* clips (95th percentile of what
    the landmarks measure), the frown two thirds as far: beyond that, brows bunch, because the skin has no folds.
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
# The controls that Neutralise sets as far as they explain a face's expression.
NEUTRALISING = ("smile", "mouth_open", "pucker", "brow_left", "brow_right", "brows_together")
NEUTRALISING_RIDGE = 0.5  # sigmas that a full movement of one of these controls costs
LEAST_SET = 0.005  # share of a full movement below which such a control is not set


def resolve(edit: FaceEdit, face: FittedFace, model: MorphableModel) -> FaceParams:
    """Return the parameters that an edit asks of a face; an edit of nothing gives the face's own parameters."""
    if edit.is_identity:
        return face.params
    expression = _expression(edit, face.params.expression, model)
    return replace(face.params, expression=expression, camera=_camera(edit, face.params.camera))


def measure_controls(before: FittedFace, after: FittedFace, model: MorphableModel) -> dict[str, float]:
    """Return, by name, the values of the semantic and pose controls that lead from one fit to the other.

    Each control is measured by its own indices: two controls that share an index measure the sum of both.
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
        found[name] = (was[k] - now[k]) / (max(was[k] - SHUT, 1e-3) if now[k] < was[k] else _opening(was[k]))
    found["eyes_wide"] = (sum(now) - sum(was)) / (2 * WIDE)
    camera = after.params.camera
    yaw, pitch, roll = camera.angles
    gaze = after.params.expression.gaze
    found |= {"yaw": yaw, "pitch": pitch, "roll": roll, "gaze_x": gaze[0], "gaze_y": gaze[1]}
    return found | {"scale": camera.scale, "tx": camera.translation[0], "ty": camera.translation[1]}


def observed(face: FittedFace, model: MorphableModel) -> FloatArray:
    """Return the landmarks (468, 3) in model space, without the errors that the landmark network makes by the pose."""
    camera = face.params.camera
    bias = np.tensordot(pose_features(camera), model.pose_bias, 1)
    return np.asarray(camera.unproject(face.landmarks[:N_VERTICES]) - bias)


def frontalise(face: FittedFace, strength: float = 1.0) -> dict[str, float]:
    """Return values of controls that turn the head towards the viewer; strength: from 0 as it is to 1 straight ahead.

    Eyes that look into the camera keep looking there, so gaze, which is counted in the head's frame, changes too.
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
    """Return values of controls that take the expression back; strength: from 0 as it is to 1 for the face model's
    neutral face with a closed mouth.

    Lips between which the components leave a gap are closed too. The controls of NEUTRALISING take as much of the
    change as they can, so that sliders show what was done; the components take the rest. The caller unsets all other
    movements.
    """
    model, worn = default_model(), face.params.expression
    rest = indices.read(observed(face, model) - model.expression_offset(worn))
    gap = max(0.0, rest["mouth_gap"]) / MOVEMENTS["mouth_open"].changes["mouth_gap"]
    back = -np.array(worn.coefficients) - gap * directions(model)["mouth_open"]
    named = {name: amount for name, amount in _named(back, model).items() if abs(amount) >= LEAST_SET}
    left = back - sum(amount * directions(model)[name] for name, amount in named.items())
    values = {name: strength * amount for name, amount in named.items()}
    return values | {f"exp{k + 1}": strength * float(value) for k, value in enumerate(left)}


def _named(change: FloatArray, model: MorphableModel) -> dict[str, float]:
    """Return values of the NEUTRALISING controls, within their ranges, that come nearest to a change (28,) sigmas."""
    from scipy.optimize import lsq_linear

    known = directions(model)
    columns = np.stack([known[name] for name in NEUTRALISING], axis=1)
    ridge = NEUTRALISING_RIDGE * np.eye(len(NEUTRALISING))
    bounds = np.array([(BY_NAME[name].lower, BY_NAME[name].upper) for name in NEUTRALISING]).T
    rows = np.concatenate([columns, ridge])
    found = lsq_linear(rows, np.concatenate([change, np.zeros(len(NEUTRALISING))]), (bounds[0], bounds[1]))
    return {name: float(value) for name, value in zip(NEUTRALISING, found.x)}


def identity_similarity(before: FittedFace, after: FittedFace, model: MorphableModel) -> float:
    """Return the likeness in [0, 1] of two faces' shapes without pose and expression; the same landmarks have 1.

    It is exp(-(d / LIKENESS)^2), where d is the weighted mean distance of the vertices in eye distances. Frames of one
    person's clip differ by 0.006 (median; likeness 0.73), two people by 0.010 to 0.012 (0.42 to 0.30).
    """
    rows = model.expression_basis.reshape(len(model.expression_basis), -1)
    weights = model.stiffness
    change = (observed(after, model) - observed(before, model)).ravel()
    rest = (change - (change @ rows.T) @ rows).reshape(-1, 3)
    distance = float((np.linalg.norm(rest, axis=1) * weights).sum() / weights.sum())
    return math.exp(-((distance / LIKENESS) ** 2))


@lru_cache(maxsize=4)
def directions(model: MorphableModel) -> dict[str, FloatArray]:
    """Return by control the sigmas (28,) of its full movement, and for "lid_left" and "lid_right" those per unit of
    aperture.
    """
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
    """Return the mean (28,) of x ~ N(0, 1) where rows @ x = changes, each up to a standard deviation `slack`."""
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
    """Return the (left, right) apertures that an edit asks: a blink of 1 shuts, one below 0 opens; eyes_wide adds to
    both.
    """
    wide = WIDE * (edit.get("eyes_wide") or 0.0)
    blinks = [edit.get(name) or 0.0 for name in BLINKS]
    return _pair(
        max(SHUT, own + wide - (own - SHUT if blink > 0 else _opening(own)) * blink) if wide or blink else own
        for own, blink in zip(worn, blinks)
    )


def _opening(own: float) -> float:
    """Return by how much a blink of -1 would open an eye of an aperture: by as much as it is open, and at least so far
    that half of it opens a shut eye as usual.
    """
    return max(own - SHUT, 2 * (OPEN - own))


def _pair(values: Iterable[float]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)


def _faded(own: float, asked: float | None, strength: float) -> float:
    return own if asked is None else own + strength * (asked - own)


def _camera(edit: FaceEdit, own: Camera) -> Camera:
    """Return the camera that an edit asks: pose and scale change about the neck, which tx and ty move."""
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

"""Compares an edit's target values with what a fresh fit of the result measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.engine.contract import Measurement
from app.engine.face.controls import BY_NAME
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FaceEdit, FaceParams, FittedFace
from app.engine.face.response import response
from app.engine.face.semantic import SHUT, identity_similarity, measure_controls

# How the landmark network reads drawn lids: medians over the photos of ../shared/media/images (tools/edit_accuracy.py).
WIDE_READ = 0.47  # share of a lid's drawn rise that is read
# Power of the share of an eye's opening that is left: eyes half shut are read as 0.66 open.
CLOSING_READ = 0.59
POSE_AND_GAZE = ("yaw", "pitch", "roll", "gaze_x", "gaze_y")


def readings(params: FaceParams) -> dict[str, float]:
    """Return the parameters' values by control: pose and gaze in degrees, scale and translation in px, apertures."""
    camera, expression = params.camera, params.expression
    yaw, pitch, roll = camera.angles
    return {
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "scale": camera.scale,
        "tx": camera.translation[0],
        "ty": camera.translation[1],
        "gaze_x": expression.gaze[0],
        "gaze_y": expression.gaze[1],
        "aperture_left": expression.aperture[0],
        "aperture_right": expression.aperture[1],
    }


def asked_of(target: FaceParams, edit: FaceEdit) -> dict[str, float]:
    """Return, by control, the values that an edit asks: pose, gaze and apertures always, scale and place where set."""
    wanted = readings(target)
    placed = (name for name in ("scale", "tx", "ty") if edit.get(name) is not None)
    absolute = {name: wanted[name] for name in (*POSE_AND_GAZE, *placed, "aperture_left", "aperture_right")}
    return absolute | {
        name: value * edit.strength
        for name, value in edit.values
        if name in BY_NAME and not BY_NAME[name].absolute
    }


def compare(
    before: FittedFace,
    target: FaceParams,
    after: FittedFace,
    edit: FaceEdit,
    model: MorphableModel,
    turned: FittedFace | None = None,
) -> Measurement:
    """Return what was asked of a face and what was measured; all faces are in the same picture's pixels.

    turned: the face of a picture in which the edit's pose alone was drawn, None where the pose is the photo's.
    Expressions are measured by the change from it, because a turned face's are read with errors by the pose: with it
    the mean error of 45 controls asked on turned heads is 0.18 instead of 0.26.
    """
    asked = asked_of(target, edit)
    start = turned or before
    drawn = [replace(after, params=_lids_corrected(one.params, after.params)) for one in (start, before)]
    found = (
        measure_controls(start, drawn[0], model) | readings(drawn[1].params) | gaze_by_change(before, after)
    )
    known = {**response().uncertainty, **response().change_uncertainty}
    return Measurement(
        asked=asked,
        measured={name: found[name] for name in asked if name in found},
        expression_asked=target.expression.coefficients,
        expression_measured=after.params.expression.coefficients,
        identity=identity_similarity(before, after, model),
        uncertainty={name: value for name, value in known.items() if name in asked},
    )


def _lids_corrected(before: FaceParams, after: FaceParams) -> FaceParams:
    """Return the result's parameters with the apertures that were drawn, of which the network reads only a part."""
    pairs = zip(before.expression.aperture, after.expression.aperture)
    left, right = (_drawn_aperture(own, read) for own, read in pairs)
    return replace(after, expression=replace(after.expression, aperture=(left, right)))


def _drawn_aperture(own: float, read: float) -> float:
    if read >= own:
        return own + (read - own) / WIDE_READ
    open_ = max(own - SHUT, 1e-3)
    return float(SHUT + open_ * (max(0.0, read - SHUT) / open_) ** (1 / CLOSING_READ))


def gaze_by_change(before: FittedFace, after: FittedFace) -> dict[str, float]:
    """Return the result's gaze by control: the photo's own plus the turn of its eyes, which is surer than a new
    reading.
    """
    own = before.params.expression.gaze
    x, y = response().gaze_change(own, after.params.expression.gaze)
    return {"gaze_x": own[0] + x, "gaze_y": own[1] + y}


def nearest_face(faces: Sequence[FittedFace], centre: tuple[float, float]) -> FittedFace | None:
    """Return the face whose camera's translation is nearest to a point (px), None where there is no face."""

    def distance(face: FittedFace) -> float:
        tx, ty = face.params.camera.translation
        return float(np.hypot(tx - centre[0], ty - centre[1]))

    return min(faces, key=distance, default=None)

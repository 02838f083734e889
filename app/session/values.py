"""Says which values controls have, and writes values as the window shows them."""

from __future__ import annotations

from string import Formatter
from typing import Any

from PySide6.QtCore import QLocale

from app.engine.face.controls import BY_NAME, CONTROLS
from app.engine.face.parameters import FaceEdit, FittedFace


def pair_of(name: str) -> str | None:
    """Return the name of the pair that a control belongs to, which is its left control's name; None without a
    mirror.
    """
    control = BY_NAME[name]
    return min(name, control.mirror) if control.mirror else None


PAIRS = tuple(c.name for c in CONTROLS if pair_of(c.name) == c.name)


def localised(number: str) -> str:
    """Return a number with the decimal point of the system's language."""
    return number.replace(".", QLocale().decimalPoint())


class _Numbers(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        return localised(text) if format_spec.endswith("f") else text


def filled(template: str, *values: object) -> str:
    """Return a sentence with its values in their places; "{:.1f}" becomes a number as the system's language
    writes it.
    """
    return _Numbers().format(template, *values)


def percent(share: float) -> str:
    """Return a share in whole percent, written as everywhere in the window: "40 %"."""
    return f"{100 * share:.0f} %"


def own_value(face: FittedFace | None, name: str) -> float:
    """Return the photo's own value of a control, which an untouched slider shows (0 for relative controls)."""
    control = BY_NAME.get(name)
    if face is None or control is None or not control.absolute:
        return 0.0
    camera, (gaze_x, gaze_y) = face.params.camera, face.params.expression.gaze
    own = dict(zip(("yaw", "pitch", "roll"), camera.angles))
    own |= {"scale": camera.scale, "tx": camera.translation[0], "ty": camera.translation[1]}
    own |= {"gaze_x": gaze_x, "gaze_y": gaze_y}
    return own[name]


def shown_value(face: FittedFace | None, edit: FaceEdit, name: str) -> float:
    """Return what the slider of a control shows: the value asked for, else the photo's own."""
    asked = edit.get(name)
    return own_value(face, name) if asked is None else asked

"""What values a control has, and how a step of the history is named."""

from __future__ import annotations

from app.engine.face.controls import BY_NAME, Control
from app.engine.face.parameters import FaceEdit, FittedFace


def own_value(face: FittedFace | None, name: str) -> float:
    """The photo's own value of a control: what an untouched slider shows (0 for relative controls)."""
    control = BY_NAME.get(name)
    if face is None or control is None or not control.absolute:
        return 0.0
    camera, (gaze_x, gaze_y) = face.params.camera, face.params.expression.gaze
    own = dict(zip(("yaw", "pitch", "roll"), camera.angles))
    own |= {"scale": camera.scale, "tx": camera.translation[0], "ty": camera.translation[1]}
    own |= {"gaze_x": gaze_x, "gaze_y": gaze_y}
    return own[name]


def shown_value(face: FittedFace | None, edit: FaceEdit, name: str) -> float:
    """What the slider of a control shows: what is asked, else the photo's own value."""
    asked = edit.get(name)
    return own_value(face, name) if asked is None else asked


def number(control: Control, value: float) -> str:
    """A value as the history writes it, without its unit: whole degrees and pixels, else two digits."""
    digits = 0 if control.unit in ("°", "px") else 2
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def describe(before: FaceEdit, after: FaceEdit, face: FittedFace | None) -> str:
    """The name of the step from one edit to another: "Yaw 0 → 12°"; several controls are listed by title."""
    names = sorted(
        {n for n, _ in before.values + after.values if before.get(n) != after.get(n)},
        key=list(BY_NAME).index,
    )
    controls = [BY_NAME[name] for name in names]
    if len(controls) == 2 and controls[0].mirror == controls[1].name:
        return _change(
            controls[0].title.replace(" left", "s").replace("ss", "s"), controls[0], before, after, face
        )
    if len(controls) == 1:
        return _change(controls[0].title, controls[0], before, after, face)
    if controls:
        return ", ".join(c.title for c in controls[:3]) + (" …" if len(controls) > 3 else "")
    if before.strength != after.strength:
        return f"Strength {before.strength:.0%} → {after.strength:.0%}"
    latents = [name for name, value in after.latents if dict(before.latents).get(name) != value]
    return " ".join(latents) or "Edit"


def _change(title: str, control: Control, before: FaceEdit, after: FaceEdit, face: FittedFace | None) -> str:
    old, new = (number(control, shown_value(face, edit, control.name)) for edit in (before, after))
    return f"{title} {old} → {new}{control.unit if control.unit == '°' else ' ' + control.unit}".rstrip()

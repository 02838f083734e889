"""Names the steps of the history."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication

from app.engine.contract import GeneratorInfo
from app.engine.face.controls import BY_NAME, Control
from app.engine.face.handles import Handle
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session.values import localised, percent, shown_value


def title(control: Control) -> str:
    """Return a control's name in the user's language."""
    return QCoreApplication.translate("Control", control.title)


def generator(english: str) -> str:
    """Return a generator's title in the user's language; names of methods, such as HeadGAN, stay, and so does a
    person's name behind a colon.
    """
    kind, colon, name = english.partition(": ")
    return QCoreApplication.translate("Generators", kind) + colon + name


def number(control: Control, value: float, more: int = 0) -> str:
    """Return a value as the history writes it: whole degrees and pixels, else two digits; `more` adds digits
    to either.
    """
    digits = (0 if control.unit in ("°", "px") else 2) + more
    text = f"{value:.{digits}f}"
    return localised(text.removeprefix("-") if float(text) == 0 else text.replace("-", "−"))


def describe(before: FaceEdit, after: FaceEdit, face: FittedFace | None) -> str:
    """Return the name of the step from one edit to another: "Yaw 0 → 12°"; several controls are listed by title."""
    changed = {n for n, _ in before.values + after.values if before.get(n) != after.get(n)}
    controls = [control for name, control in BY_NAME.items() if name in changed]
    if len(controls) == 1:
        return _change(title(controls[0]), controls[0], before, after, face)
    if len(controls) == 2 and controls[0].mirror == controls[1].name:
        both = f"{title(controls[0])} + {title(controls[1])}"
        return _change(both, controls[0], before, after, face)
    if controls:
        return ", ".join(title(c) for c in controls[:3]) + (" …" if len(controls) > 3 else "")
    if before.strength != after.strength:
        words = QCoreApplication.translate("Control", "Strength")
        return f"{words} {percent(before.strength)} → {percent(after.strength)}"
    latents = [name for name, _ in set(before.latents) ^ set(after.latents)]
    return ", ".join(sorted(set(latents))) or QCoreApplication.translate("Control", "Edit")


def pulled(handle: Handle, before: FaceEdit, after: FaceEdit, face: FittedFace | None) -> str:
    """Return the name of a pull: the handle, and by how much its controls changed: "Brow left +0.42"."""
    words, changes = QCoreApplication.translate("Handle", handle.title), []
    for name in (*handle.controls, *handle.turned):
        control = BY_NAME[name]
        by = shown_value(face, after, name) - shown_value(face, before, name)
        amount = number(control, by)
        if amount.strip("0.,"):
            changes.append((title(control), f"{'+' if by > 0 else ''}{amount}{control.unit}"))
    if len(changes) == 1 and changes[0][0] == words:
        return f"{words} {changes[0][1]}"
    return f"{words}: {', '.join(f'{control} {amount}' for control, amount in changes)}" if changes else words


def _change(words: str, control: Control, before: FaceEdit, after: FaceEdit, face: FittedFace | None) -> str:
    for more in range(4):  # as many digits more as make the two values differ
        old, new = (number(control, shown_value(face, edit, control.name), more) for edit in (before, after))
        if old != new:
            break
    unit = control.unit if control.unit in ("", "°") else f" {control.unit}"
    return f"{words} {old} → {new}{unit}"


def offered(infos: Iterable[GeneratorInfo]) -> tuple[GeneratorInfo, ...]:
    """Return the generators without twins: the newest personal model also stands under its own name."""
    infos = tuple(infos)
    last = {info.title: info for info in infos}
    return tuple(info for info in infos if last[info.title] is info)

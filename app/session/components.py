"""Says what the semantic controls put into each raw component, so that both kinds of slider stay in step."""

from __future__ import annotations

from dataclasses import replace

from app.engine.face.controls import COMPONENTS, SEMANTIC
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import N_EXPRESSION, FaceEdit, FittedFace

_SEMANTIC = frozenset(control.name for control in SEMANTIC)
_COMPONENTS = dict.fromkeys(control.name for control in COMPONENTS)


def carried(face: FittedFace | None, edit: FaceEdit) -> tuple[float, ...]:
    """Return (28,) sigmas that the edit's semantic controls add to the photo's own expression."""
    if face is None or _SEMANTIC.isdisjoint(name for name, _ in edit.values):
        return (0.0,) * N_EXPRESSION
    from app.engine.face.semantic import resolve

    alone = replace(edit.with_values(_COMPONENTS), strength=1.0)
    asked = resolve(alone, face, default_model()).expression.coefficients
    return tuple(a - own for a, own in zip(asked, face.params.expression.coefficients))

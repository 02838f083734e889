"""Lists every kind of checkpoint that Mien knows, from the module of each paper."""

from __future__ import annotations

from app.engine.checkpoints import (
    feature_files,
    head2head_files,
    headgan_files,
    live_portrait_files,
    speech_files,
    stylegan_files,
)
from app.engine.checkpoints.kinds import Kind
from app.engine.errors import EngineError

FILES = (
    headgan_files,
    head2head_files,
    stylegan_files,
    feature_files,
    speech_files,
    live_portrait_files,
)


def all_kinds() -> tuple[Kind, ...]:
    """Return every kind, in the order in which they are tried."""
    return tuple(kind for module in FILES for kind in module.KINDS)


def kind_named(name: str) -> Kind:
    for kind in all_kinds():
        if kind.name == name:
            return kind
    raise EngineError(
        f"This version of Mien does not know models of the kind “{name}”.", "Import the model again."
    )

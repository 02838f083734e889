"""Defines what shall be shown of the document, and one thing that the engine is asked for because of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.contract import Portrait
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit
from app.session.document import DEFAULT_GENERATOR
from app.session.worker import Crash

# The longer side in px of a render during a gesture: large enough to see, and quick enough to follow a hand on two
# cores (docs/measured.md, “Speed”).
PREVIEW_SIDE = 1024
# Pixels of a photo from which the picture at full size takes seconds on two cores, so that it is drafted at the
# preview's size; 64 megapixels took 36 s beside other work.
HUGE_PIXELS = 24_000_000


@dataclass(frozen=True, eq=False)
class Shown:
    """What shall be shown.

    max_side: a preview's size in px while a gesture runs, None for the full size; slow: whether the generator
    must have encoded a face before its edit can be rendered.
    """

    portrait: Portrait | None = None
    edits: Mapping[int, FaceEdit] = field(default_factory=dict)
    active: int = 0
    generator: str = DEFAULT_GENERATOR
    slow: bool = False
    max_side: int | None = None
    moving: bool = False  # whether a gesture runs
    nmfc: tuple[int, bool] | None = None  # (size, mesh) of the NMFC preview, None while it is hidden
    flow: bool = False  # whether the render's dense flow is wanted

    @property
    def edit(self) -> FaceEdit:
        """Return the active face's edit."""
        return self.edits.get(self.active, FaceEdit())

    @property
    def has_face(self) -> bool:
        """Return whether there is an active face."""
        return self.portrait is not None and self.active < len(self.portrait.faces)

    @property
    def is_huge(self) -> bool:
        """Return whether an edit is asked of a photo whose picture takes seconds at the size that shall be shown."""
        asked = any(not edit.is_identity for edit in self.edits.values())
        size = (0, 0) if self.portrait is None or self.max_side is not None else self.portrait.photo.size
        return asked and size[0] * size[1] > HUGE_PIXELS

    def render_key(self) -> tuple[Any, ...]:
        """Return the values that a render is made of."""
        return self.portrait, dict(self.edits), self.generator, self.max_side


@dataclass(frozen=True, eq=False)
class Want:
    """One thing that shall be shown.

    name: which thing it is; key: the values that it is made of, for which it is asked once; call: makes it on
    the engine's thread; take: receives what was made; fail: receives the error; generator: as in `Task`.
    """

    name: str
    key: Any
    call: Callable[[EngineLike], Any]
    take: Callable[[Any], None]
    fail: Callable[[EngineError | Crash], None]
    generator: str | None = None
    stop: threading.Event | None = None  # ends a long render

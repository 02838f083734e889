"""Makes small pictures of one face, for presets and for the rows that the pointer rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np

from app.engine.contract import Portrait, Rendered
from app.engine.engine_like import EngineLike
from app.engine.face.parameters import FaceEdit
from app.engine.imaging.colour import on_white
from app.engine.imaging.photo import Photo


class Motif(Enum):
    """What a small picture shows."""

    RENDER = auto()  # the edited photo, cropped to the face
    NMFC = auto()
    MEAN_FACE = auto()  # a slow generator's mean face under its own sliders


@dataclass(frozen=True)
class PictureWish:
    """A small picture of one face; size: px."""

    face: int
    edit: FaceEdit
    motif: Motif
    size: int


def picture_call(portrait: Portrait, wish: PictureWish) -> Callable[[EngineLike], Any]:
    """Return what makes the picture, (size, size, 3) uint8, on the engine's thread."""

    def make_picture(engine: EngineLike) -> Any:
        if wish.motif is Motif.MEAN_FACE:
            return engine.latent_picture(dict(wish.edit.latents), wish.size)
        if wish.motif is Motif.NMFC:
            return engine.nmfc(portrait, wish.face, wish.edit, wish.size)
        x, y, w, h = portrait.faces[wish.face].box
        width, height = portrait.photo.size
        reach = 1.6 * max(w, h)
        side = min(max(width, height), max(64, round(wish.size / reach * max(width, height))))
        rendered = engine.render(portrait, {wish.face: wish.edit}, side)
        return _square(rendered, (x + w / 2, y + h / 2), reach, wish.size)

    return make_picture


def _square(rendered: Rendered, centre: tuple[float, float], reach: float, size: int) -> Any:
    """Return the square of side `reach` (photo's pixels) around a point, resampled to (size, size, 3) uint8."""
    pixels = rendered.pixels
    half = reach * rendered.scale / 2
    grid = (np.arange(size) + 0.5) / size * 2 * half - half
    columns = np.clip(np.floor(centre[0] * rendered.scale + grid), 0, pixels.shape[1] - 1).astype(int)
    rows = np.clip(np.floor(centre[1] * rendered.scale + grid), 0, pixels.shape[0] - 1).astype(int)
    at = rows[:, None], columns[None, :]
    return on_white(Photo(pixels[at], None if rendered.alpha is None else rendered.alpha[at]))

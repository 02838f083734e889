"""The patch that a network's square of the photo becomes, and the square around the head that HeadGAN sees (HeadGAN,
section 3.1).

Training, sliders and drivers all come through here, so a network meets in use what it was trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Origin, Patch, SourceImage, Target
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.squares.blend import backward_flow, blended, follow, window
from app.engine.squares.crop import FloatPicture, Square, cut, spread_flow, to_depth, unit_range

MARGIN = 256 / 156  # side of the square over that of the face box: the released detector's margin of 100


@dataclass(frozen=True, eq=False)
class Painted:
    """A square as edited: picture (side, side, 3) and alpha (side, side) in [0, 1], None where the photo's alpha stays;
    ms: by stage."""

    picture: FloatPicture
    alpha: FloatPicture | None = None
    ms: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class CutOut:
    """A square of a photo. photo: (side, side, 3), matte: (side, side), in [0, 1]."""

    source: SourceImage
    square: Square
    photo: FloatPicture
    matte: FloatPicture

    @classmethod
    def of(cls, source: SourceImage, square: Square) -> CutOut:
        return cls(source, square, cut(unit_range(source.pixels), square), cut(source.matte, square))

    def painted(
        self,
        before: FloatPicture,
        edited: FloatPicture,
        flow: NDArray[np.float32] | None = None,
        after: FloatPicture | None = None,
    ) -> Painted:
        """Return the square with what a network made of it, (h, h, 3) in [0, 1] unedited and edited, at the photo's
        own size.

        flow: (h, h, 2), edited(x) looks like before(x + flow), else it is looked for; after: (h, h) where the person is
        in `edited`, else the matte is moved.
        """
        if flow is None:
            flow = backward_flow(edited, before)
        turn = self.square.turn
        picture = blended(self.photo, self.matte, before, edited, flow, after, turn)
        if self.source.alpha is None:
            return Painted(picture)
        own, side = cut(unit_range(self.source.alpha), self.square), self.square.side
        moved = follow(own, spread_flow(flow, side, turn))
        return Painted(picture, np.asarray(own + window(side, turn) * (moved - own), np.float32))


def square_patch(cut_out: CutOut, target: Target, paint: Callable[[], Painted]) -> Patch:
    """Return what `paint` makes of a square; the photo's own pixels where nothing is asked."""
    unchanged = target.params == cut_out.source.face.params and target.origin is Origin.ASKED
    return patch_of(cut_out, None if unchanged else paint())


def patch_of(cut_out: CutOut, painted: Painted | None) -> Patch:
    """Return the part of a painted square that lies in the photo; the photo's own pixels without one."""
    source, square = cut_out.source, cut_out.square
    height, width = source.pixels.shape[:2]
    x0, y0, x1, y1 = square.inside(width, height)
    own = np.s_[y0:y1, x0:x1]
    alpha: NDArray[Any] | None = None if source.alpha is None else source.alpha[own]
    if painted is None:
        return Patch(source.pixels[own], x0, y0, alpha)
    box = np.s_[y0 - square.y : y1 - square.y, x0 - square.x : x1 - square.x]
    if source.alpha is not None and painted.alpha is not None:
        alpha = to_depth(painted.alpha[box], source.alpha.dtype)
    return Patch(to_depth(painted.picture[box], source.pixels.dtype), x0, y0, alpha, painted.ms)


def head_square(face: FittedFace) -> Square:
    """Return the square the released preprocessing cuts: the face's box, widened to a square, with its margin."""
    x, y, w, h = face.box
    side = max(round(MARGIN * max(w, h)), 8)
    return Square(round(x + w / 2 - side / 2), round(y + h / 2 - side / 2), side)


def in_square(params: FaceParams, square: Square, size: int) -> FaceParams:
    """Return the same face in the square resized to (size, size)."""
    camera = params.camera
    tx, ty = camera.translation
    moved = replace(camera, translation=(tx - square.x, ty - square.y))
    return replace(params, camera=moved.scaled(size / square.side))

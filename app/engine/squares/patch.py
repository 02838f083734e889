"""Makes a patch of a network's square of the photo, and cuts the square around the head that HeadGAN sees (HeadGAN,
section 3.1).

Training, sliders and drivers all use this module, so a network gets in use what it was trained on.
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

# Side of the square over that of the face's box: the released detector's margin is 100 of 256 px.
MARGIN = 256 / 156


@dataclass(frozen=True, eq=False)
class Painted:
    """An edited square.

    picture: (side, side, 3) in [0, 1]; alpha: (side, side) in [0, 1], None where the photo's alpha stays; ms: (stage,
    milliseconds).
    """

    picture: FloatPicture
    alpha: FloatPicture | None = None
    ms: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class CutOut:
    """A square of a photo. source: the photo; photo: (side, side, 3) and matte: (side, side) in [0, 1], its pixels."""

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
        """Return the square with a network's edit, at the photo's own size.

        before, edited: (h, h, 3) in [0, 1], the network's pictures of the photo and of the edit; flow: (h, h, 2) px by
        which edited(x) looks like before(x + flow), None to find it; after: (h, h) the edited person's matte, None to
        move the photo's.
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
    """Return the patch that `paint` makes of a square; where nothing is asked, that of the photo's own pixels."""
    unchanged = target.params == cut_out.source.face.params and target.origin is Origin.ASKED
    return patch_of(cut_out, None if unchanged else paint())


def patch_of(cut_out: CutOut, painted: Painted | None) -> Patch:
    """Return the part of a painted square that lies in the photo; for None, the photo's own pixels."""
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
    """Return the square that the released preprocessing cuts: around the face's box, with MARGIN."""
    x, y, w, h = face.box
    side = max(round(MARGIN * max(w, h)), 8)
    return Square(round(x + w / 2 - side / 2), round(y + h / 2 - side / 2), side)


def in_square(params: FaceParams, square: Square, size: int) -> FaceParams:
    """Return the parameters of the same face in a square that is resized to (size, size)."""
    camera = params.camera
    tx, ty = camera.translation
    moved = replace(camera, translation=(tx - square.x, ty - square.y))
    return replace(params, camera=moved.scaled(size / square.side))

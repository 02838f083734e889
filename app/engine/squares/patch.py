"""What HeadGAN sees of a face: the square around the head and its NMFCs (HeadGAN, section 3.1), and the patch that
its painted square becomes.

Training, sliders and drivers all come through here, so the network meets in use what it was trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Origin, Patch, SourceImage, Target
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.squares.crop import FloatPicture, Square, to_depth

MARGIN = 256 / 156  # side of the square over that of the face box: the released detector's margin of 100
N_AUDIO = 300


@dataclass(frozen=True, eq=False)
class Painted:
    """A square as edited: picture (side, side, 3) and alpha (side, side) in [0, 1], None where the photo's alpha stays;
    ms: by stage."""

    picture: FloatPicture
    alpha: FloatPicture | None = None
    ms: tuple[tuple[str, float], ...] = ()


def square_patch(source: SourceImage, square: Square, target: Target, paint: Callable[[], Painted]) -> Patch:
    """The part of a painted square that lies in the photo; the photo's own where nothing is asked."""
    height, width = source.pixels.shape[:2]
    x0, y0, x1, y1 = square.inside(width, height)
    own = np.s_[y0:y1, x0:x1]
    alpha: NDArray[Any] | None = None if source.alpha is None else source.alpha[own]
    if target.params == source.face.params and target.origin is Origin.ASKED:
        return Patch(source.pixels[own], x0, y0, alpha)
    painted = paint()
    box = np.s_[y0 - square.y : y1 - square.y, x0 - square.x : x1 - square.x]
    if source.alpha is not None and painted.alpha is not None:
        alpha = to_depth(painted.alpha[box], source.alpha.dtype)
    return Patch(to_depth(painted.picture[box], source.pixels.dtype), x0, y0, alpha, painted.ms)


def head_square(face: FittedFace) -> Square:
    """The square the released preprocessing cuts: the face's box, widened to a square, with its margin."""
    x, y, w, h = face.box
    side = max(round(MARGIN * max(w, h)), 8)
    return Square(round(x + w / 2 - side / 2), round(y + h / 2 - side / 2), side)


def in_square(params: FaceParams, square: Square, size: int) -> FaceParams:
    """The same face in the square resized to (size, size)."""
    camera = params.camera
    tx, ty = camera.translation
    moved = replace(camera, translation=(tx - square.x, ty - square.y))
    return replace(params, camera=moved.scaled(size / square.side))

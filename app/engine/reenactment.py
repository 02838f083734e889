"""What HeadGAN sees of a face: the square around the head and its NMFCs (HeadGAN, section 3.1), and the patch that
its painted square becomes.

Training, sliders and drivers all come through here, so the network meets in use what it was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.face.dense import DenseFace
from app.engine.face.fitting import apertures_of
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FaceParams, FittedFace, FloatArray
from app.engine.generators import Patch, SourceImage, Target
from app.engine.latent.crop import FloatPicture, Square, to_depth
from app.engine.rendering.nmfc import NmfcRenderer
from app.engine.warping.lids import lid_gap, move_lids, openness

MARGIN = 256 / 156  # side of the square over that of the face box: the released detector's margin of 100
N_WINDOW = 3  # NMFCs at t-2, t-1, t
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
    if target.params == source.face.params and not target.history:
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


def head_mesh(params: FaceParams, model: MorphableModel) -> FloatArray:
    """(468, 3) pixels: the model's vertices with the lids opened to the aperture, which p_exp does not fix."""
    shape = model.shape(params.identity, params.expression)
    own = apertures_of(shape)
    offsets = np.zeros_like(shape)
    for side, (has, asked) in enumerate(zip(own, params.expression.aperture)):
        offsets += move_lids(shape, side, lid_gap(shape, side), openness(has, asked))
    return params.camera.project(shape + offsets)


def nmfc_window(
    frames: Sequence[FaceParams], mesh: MorphableModel | DenseFace, renderer: NmfcRenderer, size: int
) -> NDArray[np.float32]:
    """(9, size, size) in [0, 1] of the newest three frames, oldest first; too few repeat the first.

    Parameters are in the square's pixels (`in_square`). Each NMFC is RGB = normalised (x, y, z) of the mean
    face, one colour per triangle, background 0. mesh: the one that the renderer draws.
    """

    def points(params: FaceParams) -> FloatArray:
        return mesh.project(params) if isinstance(mesh, DenseFace) else head_mesh(params, mesh)

    recent = list(frames[-N_WINDOW:])
    recent = [recent[0]] * (N_WINDOW - len(recent)) + recent
    planes = {id(p): renderer.nmfc(points(p), (size, size)).transpose(2, 0, 1) for p in recent}
    return np.ascontiguousarray(np.concatenate([planes[id(p)] for p in recent]), np.float32)

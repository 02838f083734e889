"""Draws the NMFCs that HeadGAN is conditioned on (HeadGAN, section 3.1).

Training, sliders and drivers all use this module, so the network gets in use what it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.engine.face.dense import DenseFace
from app.engine.face.fitting import apertures_of
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FaceParams, FloatArray
from app.engine.rendering.nmfc import NmfcRenderer
from app.engine.warping.lids import lid_gap, move_lids, openness

N_WINDOW = 3  # NMFCs at t-2, t-1, t; as in the papers


def head_mesh(params: FaceParams, model: MorphableModel) -> FloatArray:
    """Return the face model's vertices (468, 3) px with the lids opened to the aperture, which p_exp does not set."""
    shape = model.shape(params.identity, params.expression)
    own = apertures_of(shape)
    offsets = np.zeros_like(shape)
    for side, (has, asked) in enumerate(zip(own, params.expression.aperture)):
        offsets += move_lids(shape, side, lid_gap(shape, side), openness(has, asked))
    return params.camera.project(shape + offsets)


def nmfc_window(
    frames: Sequence[FaceParams], mesh: MorphableModel | DenseFace, renderer: NmfcRenderer, size: int
) -> NDArray[np.float32]:
    """Return the NMFCs (9, size, size) in [0, 1] of the newest three frames, oldest first; fewer repeat the first.

    frames: parameters in the square's pixels (`in_square`); mesh: the one that the renderer draws. Each NMFC has as
    red, green and blue the normalised x, y and z of the mean face, one colour a triangle, on a background of 0.
    """

    def points(params: FaceParams) -> FloatArray:
        return mesh.project(params) if isinstance(mesh, DenseFace) else head_mesh(params, mesh)

    recent = list(frames[-N_WINDOW:])
    recent = [recent[0]] * (N_WINDOW - len(recent)) + recent
    planes = {id(p): renderer.nmfc(points(p), (size, size)).transpose(2, 0, 1) for p in recent}
    return np.ascontiguousarray(np.concatenate([planes[id(p)] for p in recent]), np.float32)

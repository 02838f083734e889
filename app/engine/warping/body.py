"""Lets the body follow a head that moves far: shoulders, and what stands near them, are shifted as the photo shows
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.face.semantic import NECK_PIVOT
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import largest
from app.engine.warping.beside import BORDER
from app.engine.warping.body_kernels import shifted_band, shifts
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.edges import border_share
from app.engine.warping.hair import BODY
from app.engine.warping.layers import STILL, Box, Layers, in_bands
from app.engine.warping.plate import Places

# Chosen by eye on sheets and films (tools/sheets.py, tools/flicker.py).
FOLLOWS = 0.5  # share by which the body follows the neck's motion beyond DEAD_ZONE
DEAD_ZONE = 0.1  # IOD that the neck may move before the body follows


@dataclass(frozen=True, eq=False)
class Body:
    """How much of the body's motion each place of a photo has.

    share: (h, w) in [0, 1], over a small copy of the photo; factor: from px of the photo to px of the copy; box: around
    all that moves.
    """

    share: Float32
    factor: float
    box: Box


def body_of(where: Places, shape: tuple[int, ...]) -> Body:
    """Return what the body's motion carries along in a photo of this shape (H, W)."""
    y, x = np.indices(where.matte.shape)
    points = np.column_stack([x.ravel() + 0.5, y.ravel() + 0.5])
    border = border_share(points, where.matte, BORDER * where.iod).reshape(where.matte.shape)
    share = ((1 - smoothstep(*BODY, where.distance)) * border).astype(np.float32)
    left, top, w, h = cv2.boundingRect((share > 0).astype(np.uint8))
    x0, y0 = (max(0, int((low - 1) / where.factor)) for low in (left, top))
    x1, y1 = (
        min(end, int(np.ceil((high + 1) / where.factor)))
        for high, end in ((left + w, shape[1]), (top + h, shape[0]))
    )
    return Body(share, where.factor, (x0, y0, x1, y1))


def body_shift(middle: FloatArray, before: Camera, after: Camera) -> FloatArray:
    """Return (2,) px by which the body follows the neck's pivot; middle: (3,) of the face in model space."""
    pivot = (middle + NECK_PIVOT)[None]
    moved = (after.project(pivot) - before.project(pivot))[0, :2]
    length = float(np.hypot(*moved))
    far = max(0.0, length - DEAD_ZONE * before.scale)
    return np.asarray(moved * (FOLLOWS * far / max(length, 1e-9)))


def moves(shift: FloatArray) -> bool:
    """Return whether a shift (2,) px of the body is seen."""
    return bool(np.abs(shift).max() > STILL)


def shifted(picture: Layers, body: Body, shift: FloatArray, box: Box) -> NDArray[Any]:
    """Return the (h, w, 3) pixels of a box with the body shifted by (2,) px; a copy of the photo's where it is not."""
    x0, y0, x1, y1 = box
    part = picture.texture[y0:y1, x0:x1]
    # A copy, quicker than NumPy's, which knows no empty pictures.
    out: NDArray[Any] = (
        np.asarray(cv2.cvtColor(part, cv2.COLOR_RGBA2RGB)) if part.size else part[..., :3].copy()
    )
    if moves(shift):
        top = np.float32(largest(out.dtype))
        dx, dy, factor = np.float32(shift[0]), np.float32(shift[1]), np.float32(body.factor)

        def band(start: int, end: int) -> None:
            shifted_band(
                start, end, x0, picture.texture, picture.background, picture.zone, picture.hold, body.share, factor,
                dx, dy, top, out[start - y0 : end - y0],
            )  # fmt: skip

        in_bands(band, y0, y1)
    return out


def shift_flow(hold: NDArray[np.uint8], body: Body, shift: FloatArray, box: Box) -> Float32:
    """Return (h, w, 2) px from each pixel of a box to where `shifted` takes its colour from."""
    x0, y0, x1, y1 = box
    flow = np.zeros((y1 - y0, x1 - x0, 2), np.float32)
    if moves(shift):
        dx, dy = np.float32(shift[0]), np.float32(shift[1])
        shifts(x0, y0, hold, body.share, np.float32(body.factor), dx, dy, flow)
    return flow

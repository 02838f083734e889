"""Makes low-pass colours of a person: a small picture without the background, and a colour of each vertex.

The picture is blurred as the eye sees it. The face's vertices are blurred over the head's surface instead: where a
surface turns away, a blur across the picture brings in places that are far off on the head. A rim in the shade counted
as bright, and a temple as half hair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.hair_colour import sampled
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). IOD is the distance between the
# eyes.
LOW_PASS = 0.12  # IOD: sigma of the blur that makes the picture's low-pass colours
FINE = 0.03  # IOD: sigma of the blur before vertices take their colours
SMALL_IOD = 32.0  # px between the eyes at which low-pass colours are made
INSIDE = 0.06  # IOD inside the matte's edge from which the background tints no colour
# cm from the face's landmarks: blurred over the surface to across the picture. Fur and loose hair on the outline
# have no surface, and the crown of a fur hat became grey (p07 of the portraits).
FACE = (2.0, 4.0)
STEPS = 4  # smoothing steps over the mesh, which are a blur of about LOW_PASS on the face
HARDLY = 0.02  # weight of a colour that the photo does not show, against one that it shows frontally


@dataclass(frozen=True, eq=False)
class Low:
    """Low-pass colours of the person.

    picture: (h, w, 3) small picture in the photo's range of values; fine: the same, hardly blurred; factor: their px
    per px of the photo; vertices: (V, 3) colours at the head's vertices.
    """

    picture: NDArray[np.float32]
    fine: NDArray[np.float32]
    factor: float
    vertices: FloatArray


def low_colours(
    pixels: NDArray[Any], matte: NDArray[np.float32], iod: float, at: FloatArray, facing: FloatArray
) -> Low:
    """Return the person's low-pass colours.

    pixels: (H, W, 3) uint8 or uint16; matte: (H, W) in [0, 1] of the person; iod: px between the eyes; at: (V, 2) px of
    the head's vertices; facing: (V,) cosine of normal and view where the photo shows a vertex, 0 elsewhere.
    """
    factor = min(1.0, SMALL_IOD / iod)
    height, width = matte.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    grown = 2 * max(1, round(INSIDE * iod * factor)) + 1
    weight = cv2.erode(np.where(weight > 0.9, weight, 0), np.ones((grown, grown), np.uint8)).astype(
        np.float32
    )
    picture = _blurred(small, weight, LOW_PASS * iod * factor)
    fine = _blurred(small, weight, FINE * iod * factor)
    face = smoothstep(FACE[1], FACE[0], HeadModel.load().distance)[:, None]
    across, along = sampled(picture, at * factor), _over_surface(sampled(fine, at * factor), facing)
    return Low(picture, fine, factor, across + face * (along - across))


def _blurred(small: NDArray[np.float32], weight: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a picture (h, w, 3) blurred within its weight (h, w), and continued beyond that; sigma: px."""
    found, held = small * weight[..., None], weight
    out, sure = np.zeros_like(small), np.zeros_like(weight)
    for wider in (1.0, 3.0, 9.0):
        blur = max(0.5, wider * sigma)
        c, w = cv2.GaussianBlur(found, (0, 0), blur), cv2.GaussianBlur(held, (0, 0), blur)
        share = np.clip(4 * w, 0, 1) * (1 - sure)
        out += share[..., None] * c / np.maximum(w, 1e-6)[..., None]
        sure += share
    return np.asarray(out + (1 - sure)[..., None] * small, np.float32)


def _over_surface(colours: FloatArray, facing: FloatArray) -> FloatArray:
    """Return colours (V, 3) blurred over the head's mesh; facing: (V,) of `low_colours`, their weights."""
    model = HeadModel.load()
    weight = np.maximum(facing, HARDLY)[:, None]
    for _ in range(STEPS):
        colours = (model.averaging @ (weight * colours)) / (model.averaging @ weight)
    return np.asarray(colours)

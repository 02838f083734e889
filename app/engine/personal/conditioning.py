"""Draws the conditions of Head2Head++ and Head2HeadFS: NMFC and eyes of a face's parameters, at the network's size.

Training, sliders and drivers all make them from `FaceParams` alone, so the network gets the same conditions in use as
in training. Therefore pupils come from the tracker's irises (as gaze), not from the picture's intensities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.face.fitting import EYEBALL, IRIS_REST
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import Camera, FaceParams, FloatArray
from app.engine.face.response import response
from app.engine.rendering.eye_sketch import OUTLINES, eye_sketch
from app.engine.rendering.nmfc import NmfcRenderer


@dataclass(frozen=True)
class Frame2Frame:
    """A similarity without rotation from px of one picture to px of another: x' = scale x + offset."""

    scale: float
    offset: tuple[float, float]

    @classmethod
    def of_cameras(cls, source: Camera, target: Camera) -> Frame2Frame:
        """Return the similarity that brings a face's scale and place in a picture to those of another camera."""
        scale = target.scale / source.scale
        (sx, sy), (tx, ty) = source.translation, target.translation
        return cls(scale, (tx - scale * sx, ty - scale * sy))

    @classmethod
    def of_square(cls, x: float, y: float, side: float, size: int) -> Frame2Frame:
        """Return the similarity that takes a square of the first picture to the whole second picture (size, size)."""
        scale = size / side
        return cls(scale, (-x * scale, -y * scale))

    def camera(self, camera: Camera) -> Camera:
        """Return a camera of the first picture converted to the second."""
        x, y = camera.translation
        moved = (self.scale * x + self.offset[0], self.scale * y + self.offset[1])
        return Camera(camera.scale * self.scale, camera.quaternion, moved)

    def square(self, size: int) -> tuple[float, float, float]:
        """Return (x, y, side) in the first picture of the second one's (size, size) square."""
        return -self.offset[0] / self.scale, -self.offset[1] / self.scale, size / self.scale


def eye_marks(params: FaceParams, model: MorphableModel) -> NDArray[np.float64]:
    """Return the points (14, 2) px of `eye_sketch`: lids that are opened to the apertures, and pupils by the gaze."""
    shape = model.shape(params.identity, params.expression)
    left, right = params.expression.aperture
    marks, pupils = [], []
    for outline, aperture in zip(OUTLINES, (right, left)):  # the image's left eye is the person's right
        points = _opened(shape[list(outline)], aperture)
        marks.append(points)
        pupils.append(_pupil(points, params.expression.gaze))
    return params.camera.project(np.concatenate([*marks, np.array(pupils)]))[:, :2]


def _opened(points: FloatArray, aperture: float) -> FloatArray:
    """Return six points of an eye (corner, two upper, corner, two lower) with lids that have this aperture."""
    upper, lower = points[[1, 2]], points[[5, 4]]
    width = np.linalg.norm(points[0] - points[3])
    gap = np.linalg.norm(upper - lower, axis=1).mean() / width
    middle, half = (upper + lower) / 2, (upper - lower) / 2 * aperture / max(float(gap), 1e-3)
    result = points.copy()
    result[[1, 2]], result[[5, 4]] = middle + half, middle - half
    return result


def _pupil(points: FloatArray, gaze: tuple[float, float]) -> FloatArray:
    read = response().read_gaze(gaze)  # the network is trained with the gaze that the tracker reads
    x, y = (rest + EYEBALL * math.sin(math.radians(angle)) for rest, angle in zip(IRIS_REST, read))
    return np.asarray((points[0] + points[3]) / 2 + (x, y, 0.0))


def condition(
    params: FaceParams, model: MorphableModel, renderer: NmfcRenderer, size: int, eyes: bool
) -> NDArray[np.float32]:
    """Return the NMFC (3, size, size) in [0, 1] or, with `eyes`, NMFC and eyes (6, size, size).

    params: in the square's pixels.
    """
    points = params.camera.project(model.shape(params.identity, params.expression))
    planes = [renderer.nmfc(points, (size, size))]
    if eyes:
        planes.append(eye_sketch(eye_marks(params, model), (size, size)).astype(np.float32) / np.float32(255))
    return np.ascontiguousarray(np.concatenate(planes, axis=2).transpose(2, 0, 1), np.float32)


def windows(conditions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return conditions (T, C, H, W) as windows (T, 3 C, H, W): each frame with the two before it, oldest first.

    The first frame is repeated.
    """
    padded = np.concatenate([conditions[:1], conditions[:1], conditions])
    return np.concatenate([padded[:-2], padded[1:-1], padded[2:]], axis=1)

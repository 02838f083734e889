"""Measures what the landmark network reads of ICT-FaceKit's expressions when they are put on real faces.

The clips show few movements. The others are added with open portraits, which are warped by the carried-over
shapes and measured again. They are added as the network reads them, because it answers with what it finds
plausible and not with the geometry that was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.face.landmarks import FaceTracker
from tools import face_model_data as data
from tools import face_model_stats as stats

Array = NDArray[np.float64]
SIDE = 256  # px of the warped crop
# Landmarks of the lips' inner outline, in order.
LIPS_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
MOUTH_COLOUR = (48, 22, 24)  # levels of an opened mouth


def measured(
    paths: Sequence[Path], shapes: Array, mean: Array, weights: Array, per_photo: int, seed: int = 7
) -> list[stats.Frames]:
    """Return for each picture the frames of its face with `per_photo` random mixtures of the (K, 468, 3)
    shapes.
    """
    rng = np.random.default_rng(seed)
    found = []
    with FaceTracker(video=True) as tracker:
        for path in paths:
            mixtures = np.tensordot(_activations(rng, per_photo, len(shapes)), shapes, 1)
            points = _answers(tracker, path, mixtures, mean, weights)
            if len(points) > per_photo // 2:
                found.append(stats.frames_of(stats.upright(points), mean, weights))
    return found


def _activations(rng: np.random.Generator, count: int, shapes: int) -> Array:
    """Return (count, shapes) weights: one to four shapes act at once, each up to its full movement."""
    active = np.zeros((count, shapes))
    for row in active:
        chosen = rng.choice(shapes, rng.integers(1, 5), replace=False)
        row[chosen] = rng.uniform(0.3, 1.0, len(chosen))
    return active


def _answers(tracker: FaceTracker, path: Path, mixtures: Array, mean: Array, weights: Array) -> Array:
    """Return (N, 478, 3) landmarks of the face itself, then of each warped version that still shows a face."""
    crop, points = _crop(tracker, data.picture(path))
    if crop is None:
        return np.zeros((0, 478, 3))
    own = stats.upright(points[None])[0]
    _, rotation = stats.align(own[None], mean, weights)
    scale = stats.eye_distance(own)
    found = [points]
    for offsets in mixtures:
        moved = scale * offsets @ rotation[0].T * (1.0, -1.0, 1.0)
        tracker.reset()
        faces = tracker.detect(_warped(crop, points[:468, :2], moved[:, :2]))
        found += [faces[0].landmarks] if faces else []
    return np.array(found)


def _crop(tracker: FaceTracker, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8] | None, Array]:
    """Return (SIDE, SIDE, 3) around the largest face, twice the face's size, and the face's landmarks there."""
    import cv2

    tracker.reset()
    faces = tracker.detect(pixels)
    if not faces:
        return None, np.zeros((0, 3))
    x, y, w, h = faces[0].box
    half = max(w, h)
    scale = SIDE / (2 * half)
    matrix = np.array([[scale, 0, -scale * (x + w / 2 - half)], [0, scale, -scale * (y + h / 2 - half)]])
    crop = cv2.warpAffine(pixels, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    tracker.reset()
    again = tracker.detect(crop)
    return (crop, again[0].landmarks) if again else (None, np.zeros((0, 3)))


def _warped(crop: NDArray[np.uint8], points: Array, offsets: Array) -> NDArray[np.uint8]:
    """Return the crop with its (468, 2) points moved: linear between them, unmoved at its border, an opened
    mouth dark.
    """
    import cv2
    from scipy.interpolate import LinearNDInterpolator

    edge = np.linspace(0, SIDE, 5)
    border = np.array([(x, y) for x in edge for y in edge if {x, y} & {0.0, float(SIDE)}])
    sites = np.concatenate([points + offsets, border])
    back = np.concatenate([-offsets, np.zeros((len(border), 2))])
    grid = np.stack(np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5), axis=-1)
    field = LinearNDInterpolator(sites, back, fill_value=0.0)(grid) + grid - 0.5
    picture = cv2.remap(
        crop, field.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    lips = list(LIPS_INNER)
    if _area(points[lips] + offsets[lips]) > 1.3 * _area(points[lips]) + 20:
        outline = np.round((points[lips] + offsets[lips]) * 16).astype(np.int32)
        cv2.fillPoly(picture, [outline], MOUTH_COLOUR, lineType=cv2.LINE_AA, shift=4)
    return picture


def _area(outline: Array) -> float:
    x, y = outline.T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)

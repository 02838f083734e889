"""Draws the eyes image of Head2Head++ (section 3.3): lid outlines in white, pupils as red discs, on black.

Points 36 to 47 of the 68 and two pupils are taken from MediaPipe's mesh: each outline runs from a corner along the
upper lid to the other corner and back along the lower lid. Strokes and discs follow the authors' drawing to the pixel:
a stroke is two pixels wide (offsets -1 and 0), and a disc has the mean half diagonal of its outline as radius.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Landmarks 36..41 (the eye on the image's left) and 42..47, in MediaPipe's numbers.
OUTLINES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))
RED = (255, 0, 0)  # red, green and blue of pupils, 0 to 255, as the authors draw them


def eye_sketch(points: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the eyes image (h, w, 3) of points (14, 2) px: the six of each of OUTLINES and the two pupils.

    size: (w, h).
    """
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    whole = points.astype(np.int32)
    for outline in (whole[:6], whole[6:12]):
        for start, end in zip(outline, np.roll(outline, -1, axis=0)):
            _stroke(picture, start, end)
    for pupil, outline in zip(whole[12:], (points[:6], points[6:12])):
        _disc(picture, pupil, _radius(outline))
    return picture


def _radius(outline: NDArray) -> int:
    return int((np.linalg.norm(outline[1] - outline[4]) + np.linalg.norm(outline[2] - outline[5])) / 4)


def _stroke(picture: NDArray[np.uint8], start: NDArray, end: NDArray) -> None:
    """Draw a stroke: one sample for each pixel of the longer axis, painted at offsets -1 and 0 in x and y."""
    count = int(np.abs(end - start).max())
    if count == 0:
        return
    path = np.linspace(start, end, count).astype(int)
    offsets = np.array([(x, y) for x in (-1, 0) for y in (-1, 0)])
    _paint(picture, (path[:, None] + offsets).reshape(-1, 2), (255, 255, 255))


def _disc(picture: NDArray[np.uint8], centre: NDArray, radius: int) -> None:
    steps = np.arange(-radius, radius)
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    _paint(picture, centre + offsets[np.hypot(*offsets.T) < radius], RED)


def _paint(picture: NDArray[np.uint8], places: NDArray, colour: tuple[int, int, int]) -> None:
    height, width = picture.shape[:2]
    x, y = places[((places >= 0) & (places < (width, height))).all(axis=1)].T
    picture[y, x] = colour

"""Computes where faces are sought: tiles of a picture, upright crops of it, and overlaps of boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.face_networks import CROP, Found

# Factor on MediaPipe's depth, which is too shallow: without it the turn of heads is measured 20 % too small (measured
# on turned heads, docs/mesh-warp.md, “Fit”).
DEPTH_SCALE = 1.2
CROP_SCALE = 1.5  # side of the network's crop over the face's larger side, as in MediaPipe's own graph
# px of the picture per px of the crop, above which the picture is halved first. A larger value is quicker, a smaller
# one calmer: still faces tremble by 0.17 % of the eye distance at 1.5, 0.16 % at 1, 0.15 % at 0.75.
SHARPNESS = 1.5
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263  # MediaPipe's vertices
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Region:
    """A square crop of a picture. centre, side: px; angle: degrees by which the crop's upwards is turned clockwise."""

    centre: tuple[float, float]
    side: float
    angle: float

    @classmethod
    def of_points(cls, points: NDArray[np.float64], eyes: NDArray[np.float64]) -> Region:
        """Return the region around points (N, 2), with the line of the eyes (2, 2), left one first, level in it."""
        dx, dy = eyes[1] - eyes[0]
        angle = float(np.arctan2(dy, dx))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        upright = points @ turn
        low, high = upright.min(axis=0), upright.max(axis=0)
        centre = turn @ ((low + high) / 2)
        side = float((high - low).max()) * CROP_SCALE
        return cls((float(centre[0]), float(centre[1])), max(side, 1.0), float(np.degrees(angle)))

    @classmethod
    def of_landmarks(cls, landmarks: NDArray[np.float64]) -> Region:
        """Return the region around a face's landmarks (468 or more, 2 or 3) px, with the face upright."""
        return cls.of_points(landmarks[:468, :2], landmarks[[RIGHT_EYE_OUTER, LEFT_EYE_OUTER], :2])

    @classmethod
    def of_box(cls, box: Box, angle: float = 0.0) -> Region:
        """Return the region around a box (x, y, w, h) px, turned by an angle in degrees."""
        x, y, w, h = box
        return cls((x + w / 2, y + h / 2), max(w, h) * CROP_SCALE, angle)

    def to_picture(self) -> NDArray[np.float64]:
        """Return the affine map (2, 3) from crop coordinates in [0, CROP] to px of the picture."""
        angle, scale = np.radians(self.angle), self.side / CROP
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = np.array(self.centre) - turn @ np.full(2, CROP / 2)
        return np.column_stack([turn, offset])

    def to_crop(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (N, 2) px of the picture in crop coordinates, which lie in [0, CROP] inside the crop."""
        matrix = self.to_picture()
        return np.asarray((points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T)

    def placed(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (N, 3) that the network gave in the crop as landmarks of the picture (z to the viewer)."""
        matrix = self.to_picture()
        flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        return np.column_stack([flat, -points[:, 2] * self.side / CROP * DEPTH_SCALE])

    def crop(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the crop (CROP, CROP, 3) of a picture, resampled without aliasing; beyond it the border is repeated.

        The crop follows the region without steps, so that landmarks of a still face do not tremble with the region's
        last digits: the picture is halved on its own grid, wherever the region lies, and two neighbouring sizes are
        mixed.
        """
        level = max(0.0, math.log2(self.side / CROP / SHARPNESS))
        share = level % 1
        crop = self._sampled(pixels, int(level))
        if share > 0:
            crop = cv2.addWeighted(crop, 1 - share, self._sampled(pixels, int(level) + 1), share, 0)
        return np.asarray(crop)

    def _sampled(self, pixels: NDArray[np.uint8], halvings: int) -> Any:
        """Return the crop of the picture that was halved this many times."""
        step = 2**halvings
        reach = self.side * 0.75 + 2 * step
        (x0, x1), (y0, y1) = (
            (int(max(0, min(c - reach, n - 1)) // step * step), int(min(n, max(c + reach, 0) + 1)))
            for c, n in zip(self.centre, pixels.shape[1::-1])
        )
        part: Any = pixels[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        if step > 1:
            height, width = part.shape[:2]
            more = -height % step, -width % step
            if any(more):
                part = cv2.copyMakeBorder(part, 0, more[0], 0, more[1], cv2.BORDER_REPLICATE)
            size = part.shape[1] // step, part.shape[0] // step
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        matrix = self.to_picture()
        matrix[:, 2] -= (x0, y0)
        matrix /= step
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # cv2 measures from pixel centres
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(part, matrix, (CROP, CROP), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes (x, y, w, h)."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def covered(a: Box, b: Box) -> float:
    """Return the intersection of two boxes over the smaller one."""
    both, areas = overlap(a, b), (a[2] * a[3], b[2] * b[3])
    return both / (1 + both) * sum(areas) / max(min(areas), 1e-9)


def corners(box: Box) -> NDArray[np.float64]:
    """Return the four corners (4, 2) of a box (x, y, w, h)."""
    x, y, w, h = box
    return np.array([[x, y], [x + w, y], [x, y + h], [x + w, y + h]])


def tiles(width: int, height: int, levels: int) -> list[tuple[int, int, int]]:
    """Return squares (x, y, side) px: the whole picture, then those of 1/2, 1/4 and 1/8 of its larger side, which
    overlap by 30 %.
    """
    tiles = [(0, 0, max(width, height))]
    for level in range(1, levels):
        side = max(width, height) // 2**level
        if side < 160:
            break
        xs, ys = (_starts(n, side) for n in (width, height))
        tiles += [(x, y, side) for y in ys for x in xs]
    return tiles


def _starts(length: int, side: int) -> list[int]:
    """Return where tiles of this side start along a length (px)."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (0.7 * side))) + 1
    return [round(k * (length - side) / (count - 1)) for k in range(count)]


def at_most(pixels: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], float]:
    """Return a picture whose longer side is at most `side` px, and its px per px of the given picture."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1:
        return pixels, 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), scale


def turn_back(found: Found, width: int, height: int, quarter: int) -> Found:
    """Return a find in a picture (width, height) that np.rot90(., quarter) turned, in px of the picture before."""
    points = np.concatenate([corners(found.box), found.points])
    for _ in range(quarter):
        points = np.column_stack([height - points[:, 1], points[:, 0]])
        width, height = height, width
    low, high = points[:4].min(axis=0), points[:4].max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return Found(box, points[4:], found.score)


def placed(found: Found, scale: float, x: int, y: int) -> Found:
    """Return a find in a tile at (x, y) that was resized by scale, in px of the picture."""
    bx, by, bw, bh = (value / scale for value in found.box)
    return Found((bx + x, by + y, bw, bh), found.points / scale + (x, y), found.score)

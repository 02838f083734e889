"""Cuts the square in which the papers' pixel metrics are taken, and makes the 2-D baseline to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FittedFace

CROP_SIZE = 256  # px of the papers' pictures' side
CROP_FACES = 1.6  # side of the crop in face sizes, as in docs/mesh-warp.md, “Measured”


@dataclass(frozen=True)
class Crop:
    """A square of a picture, by centre and side in pixels; parts of it may lie outside the picture."""

    x: float
    y: float
    side: float

    @classmethod
    def around(cls, face: FittedFace) -> Crop:
        x, y, w, h = face.box
        return cls(x + w / 2, y + h / 2, CROP_FACES * max(w, h))

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the square of the picture as (256, 256, ...), area-filtered."""
        side = max(1, round(self.side))
        left, top = round(self.x - side / 2), round(self.y - side / 2)
        height, width = picture.shape[:2]
        pad = max(0, -left, -top, left + side - width, top + side - height)
        padded = cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else picture
        square = padded[top + pad : top + pad + side, left + pad : left + pad + side]
        filtering = cv2.INTER_AREA if side >= CROP_SIZE else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(square, (CROP_SIZE, CROP_SIZE), interpolation=filtering), np.uint8)

    def valid(self, height: int, width: int) -> NDArray[np.bool_]:
        """Return (256, 256), which of the crop's pixels lie inside a picture of that height and width."""
        steps = (np.arange(CROP_SIZE) + 0.5) / CROP_SIZE - 0.5
        xs, ys = self.x + steps * self.side, self.y + steps * self.side
        inside: NDArray[np.bool_] = ((ys >= 0) & (ys < height))[:, None] & ((xs >= 0) & (xs < width))[None]
        return inside

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (N, 2) in pixels of the picture as pixels of the crop."""
        return np.asarray((points - (self.x, self.y)) / self.side * CROP_SIZE + CROP_SIZE / 2)

    def face_mask(self, face: FittedFace) -> NDArray[np.bool_]:
        """Return (256, 256), which is true within the convex hull of the face's landmarks."""
        hull = cv2.convexHull(self.points(face.landmarks[:468, :2]).astype(np.float32))
        mask = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
        cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1)
        return mask.astype(bool)


def thin_plate_warp(
    picture: NDArray[np.uint8], source: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the 2-D baseline: a thin-plate spline through the *true* landmarks of the target frame.

    source, target: (N, 2) pixels of the same landmarks; the picture's border stays in place.
    It is the baseline of docs/mesh-warp.md, “Measured”.
    """
    from scipy.interpolate import RBFInterpolator

    height, width = picture.shape[:2]
    rim = np.array([(x, y) for x in np.linspace(0, width, 5) for y in np.linspace(0, height, 5)])
    rim = rim[(rim[:, 0] % width == 0) | (rim[:, 1] % height == 0)]
    spline = RBFInterpolator(
        np.vstack([target, rim]), np.vstack([source, rim]) - np.vstack([target, rim]),
        kernel="thin_plate_spline", smoothing=1e-3,
    )  # fmt: skip
    xs, ys = np.meshgrid(np.linspace(0.5, width - 0.5, 65), np.linspace(0.5, height - 0.5, 65))
    shift = spline(np.stack([xs.ravel(), ys.ravel()], axis=1)).reshape(65, 65, 2).astype(np.float32)
    grid_x, grid_y = np.meshgrid(np.linspace(0, 64, width), np.linspace(0, 64, height))
    flow = cv2.remap(shift, grid_x.astype(np.float32), grid_y.astype(np.float32), cv2.INTER_LINEAR)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(
        cv2.remap(
            picture,
            columns + flow[..., 0],
            rows + flow[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )

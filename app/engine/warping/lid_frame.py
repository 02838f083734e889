"""Gives coordinates to the opening between two lids: along the eye from corner to corner, and away from either lid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.engine.warping.curves import Float32, FloatArray, catmull_rom
from app.engine.warping.topology import UPPER_LIDS

# These values were chosen by eye on sheets of eyes (tools/feature_sheets.py).
STEPS = 6  # steps of the lids' curves between two vertices
COLUMNS = 48  # columns of a strip along a lid
ROWS = 16  # rows of a strip, from its first to its last distance


@dataclass(frozen=True, eq=False)
class LidFrame:
    """The lids of one eye in a picture.

    corner: (2,) px of the outer corner; along, up: (2,) unit vectors to the inner corner and to the upper lid;
    width: px between the corners; at: (N,) places from the outer corner (0) to the inner corner (1); upper, lower:
    (N,) px by which the lids lie above the line between the corners at these places.
    """

    corner: FloatArray
    along: FloatArray
    up: FloatArray
    width: float
    at: FloatArray
    upper: FloatArray
    lower: FloatArray

    @classmethod
    def of(cls, contour: FloatArray, side: int) -> LidFrame:
        """Return the frame of a contour (16, 2) px in the order of `eyes.contour_vertices`.

        side: 0 the person's left eye, 1 the right.
        """
        corners = contour[0], contour[len(UPPER_LIDS[side]) - 1]
        line = corners[1] - corners[0]
        width = max(float(np.linalg.norm(line)), 1e-3)
        along = line / width
        up = np.array([-along[1], along[0]]) if side == 0 else np.array([along[1], -along[0]])
        curve = catmull_rom(contour, STEPS) - corners[0]
        half = (len(UPPER_LIDS[side]) - 1) * STEPS
        at = np.linspace(0, 1, 2 * COLUMNS)
        rows = (curve[: half + 1], np.concatenate([curve[half:], curve[:1]])[::-1])
        heights = [np.interp(at, np.maximum.accumulate(row @ along / width), row @ up) for row in rows]
        return cls(corners[0], along, up, width, at, heights[0], heights[1])

    def coordinates(self, x: Float32, y: Float32) -> tuple[Float32, Float32, Float32]:
        """Return three coordinates (h, w) of pixels at x, y (h, w) px.

        They are the place along the eye (0 to 1 between the corners), px below the upper lid and px above the lower
        lid; the latter two are above 0 inside the eye.
        """
        u, v = x - np.float32(self.corner[0]), y - np.float32(self.corner[1])
        a = (u * np.float32(self.along[0]) + v * np.float32(self.along[1])) / np.float32(self.width)
        h = u * np.float32(self.up[0]) + v * np.float32(self.up[1])
        place = np.clip(a, 0, 1) * np.float32(len(self.at) - 1)
        k = np.minimum(place.astype(np.int32), len(self.at) - 2)
        f = place - k.astype(np.float32)
        upper, lower = self.upper.astype(np.float32), self.lower.astype(np.float32)
        top = upper[k] + f * (upper[k + 1] - upper[k])
        bottom = lower[k] + f * (lower[k + 1] - lower[k])
        return np.asarray(a, np.float32), np.asarray(top - h, np.float32), np.asarray(h - bottom, np.float32)

    def places(self, below: tuple[float, float], lid: int) -> tuple[Float32, Float32]:
        """Return x and y (ROWS, COLUMNS) px of a strip along a lid.

        below: px from the lid towards the other one, of the strip's first and last row; lid: 0 upper, 1 lower.
        """
        a = (np.arange(COLUMNS) + 0.5) / COLUMNS
        edge = np.interp(a, self.at, self.lower if lid else self.upper)
        d = np.linspace(*below, ROWS)[:, None] * (1 if lid else -1)
        x = self.corner[0] + a * self.width * self.along[0] + (edge + d) * self.up[0]
        y = self.corner[1] + a * self.width * self.along[1] + (edge + d) * self.up[1]
        return x.astype(np.float32), y.astype(np.float32)

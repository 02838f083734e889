"""Whether somebody wears spectacles: a bridge that crosses the nose level, which skin does not."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE
from app.engine.warping.curves import FloatArray

NOSE = (8, 168, 6, 197)  # from between the brows down
HALF_WIDTH = 0.1  # IOD to both sides
ROWS, COLUMNS = 64, 15  # of the strip down the nose that is looked at
BLUR = 0.008  # IOD
# Brightness over skin's per IOD down the nose, the same over its width: 6 wearers among 34 photos measure 7.6 to 31,
# the others up to 5.0 (a wrinkle in hard light).
STEEP = (5.2, 7.4)


def spectacles(pixels: NDArray[Any], landmarks: FloatArray, camera: Camera) -> float:
    """0 without spectacles to 1 with them. pixels: (H, W, 3); landmarks: (468 or more, 3) px."""
    iod = camera.scale
    middle = landmarks[list(NOSE), :2]
    place, steps = np.linspace(0, len(NOSE) - 1, ROWS), np.arange(len(NOSE))
    x, y = (np.interp(place, steps, middle[:, k]) for k in (0, 1))
    across = camera.rotation[:2, 0] * (1, -1) * iod * HALF_WIDTH
    low, high = np.floor(middle.min(axis=0) - 2 * iod * HALF_WIDTH), middle.max(axis=0) + 2 * iod * HALF_WIDTH
    x0, y0 = np.maximum(low, 0).astype(int)
    crop = pixels[y0 : max(int(high[1]), 0), x0 : max(int(high[0]), 0)].astype(np.float32)
    if min(crop.shape[:2]) < 4:
        return 0.0
    grey = cv2.GaussianBlur(crop @ LUMINANCE.astype(np.float32), (0, 0), max(0.5, BLUR * iod))
    aside = np.linspace(-1, 1, COLUMNS)
    at_x = (x[:, None] + aside * across[0] - x0 - 0.5).astype(np.float32)
    at_y = (y[:, None] + aside * across[1] - y0 - 0.5).astype(np.float32)
    seen = cv2.remap(grey, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    step = float(np.hypot(x[-1] - x[0], y[-1] - y[0])) / (ROWS - 1) / iod
    slope = np.gradient(seen.mean(axis=1)) / max(step, 1e-4)
    skin = float(np.median(seen)) + 0.02 * float(np.iinfo(pixels.dtype).max)
    return float(smoothstep(*STEEP, np.sort(np.abs(slope))[-3] / skin))

"""Finds out whether a person wears spectacles, by a bridge that crosses the nose level or by dark glasses, and in which
surface.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.skull import eased, smoothstep
from app.engine.imaging.colour import LUMINANCE, largest
from app.engine.warping.curves import FloatArray
from app.engine.warping.topology import EYE_CORNERS, N_FACE

NOSE = (8, 168, 6, 197)  # MediaPipe's vertices along the nose, from between the brows down
HALF_WIDTH = 0.1  # IOD: half the width of the strip along that line
ROWS, COLUMNS = 64, 15  # samples down and across the strip
BLUR = 0.008  # IOD: sigma of the blur before the samples are taken
# Change of brightness down the nose (over the skin's brightness, per IOD) that runs level over the strip's width or
# over its nearer half: no spectacles to spectacles. 6 wearers among 34 photos measure 6.2 to 31; the other 28, and 51
# people without spectacles who are turned by 33 to 47 degrees, measure up to 5.0 (wrinkles).
STEEP = (5.0, 6.2)
ASIDE = (
    12.0  # degrees of yaw from which the nose's far half may show the nose's outline before the background
)
LEVEL = 0.25  # quantile of the change over the strip's width that must be large as well
LEVEL_COUNTS = 1.5  # factor with which that quantile is compared with the mean
# Degrees of yaw: a bridge is distinguishable from the nose's outline to is not. Eight people without spectacles at 36
# to 60 degrees measure up to 4.9, eight renderings of five wearers at 37 to 49 degrees 8.8 to 20; p28, whose rims are
# thin, 3.8 and 3.9.
UNKNOWN = (50.0, 58.0)

# MediaPipe's vertices under an eye, and on the cheek of its side
UNDER_EYES, CHEEKS = ((229, 230, 231), (449, 450, 451)), ((50, 205), (280, 425))
EYE_HALF = 0.06  # IOD: half the side of the squares over which the brightness of these places is taken
# Brightness under the brighter eye over that of its side's cheek: dark glasses to none. Two wearers among 66 faces of
# ../shared/media measure 0.17 and 0.40; the others, 0.70 and more.
DARK = (0.45, 0.6)

# The surface in which they stand, in eye distances: chosen by eye on sheets of six wearers (tools/head_sheets.py).
BRIDGE = (168, 6)  # vertices under the bridge
OFF_BRIDGE = 0.04  # eye distances by which the bridge stands before the skin
WRAP = 0.3  # per eye distance: how strongly a front bends back towards the temples (z = -WRAP x^2)
TILT = 0.12  # how much nearer to the face it is per eye distance further down
SIDES = (0.98, 1.14)  # eye distances from the middle of the face over which a front ends
ABOVE, BELOW = (0.2, 0.36), (-0.8, -0.5)  # eye distances above and below the eyes' level over which it ends
MOST_RAISED = 0.5  # eye distances by which skin is brought forward at most: further back it is a temple
# Degrees of the photo's yaw over which the surface is given up. Further aside its far half lies behind the face's
# outline, so that brought forward it is drawn from the background, and the far rims of three wearers at 27 to 34
# degrees broke when they were frontalised.
ASIDE_GIVES_UP = (16.0, 24.0)
LEAST_FACING = (
    0.5  # cosine of a face's and the camera's directions: below it, near a profile, nothing is known
)


def spectacles(pixels: NDArray[Any], landmarks: FloatArray, camera: Camera) -> float:
    """Return 0 without spectacles to 1 with them. pixels: (H, W, 3) uint8 or uint16; landmarks: (468 or more, 3) px."""
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
    skin = float(np.median(seen)) + 0.02 * largest(pixels.dtype)
    near = (aside * camera.yaw <= 0) | (abs(camera.yaw) <= ASIDE)
    every = np.gradient(seen, axis=0)
    slopes = (every.mean(axis=1), every[:, near].mean(axis=1))
    level = LEVEL_COUNTS * np.quantile(np.abs(every[:, near]), LEVEL, axis=1)
    steep = min(float(np.sort(np.abs(slope))[-3]) for slope in (*slopes, level)) / max(step, 1e-4) / skin
    worn = max(eased(*STEEP, steep), dark_glasses(pixels, landmarks, iod))
    return worn * eased(*UNKNOWN[::-1], abs(camera.yaw))


def dark_glasses(pixels: NDArray[Any], landmarks: FloatArray, iod: float) -> float:
    """Return 0 without dark glasses to 1 with them: what surrounds both eyes is much darker than the cheeks.

    pixels, landmarks: as in `spectacles`; iod: eye distance, px.
    """
    half = max(1.0, EYE_HALF * iod)

    def bright(vertices: tuple[int, ...]) -> float:
        seen = []
        for x, y in landmarks[list(vertices), :2]:
            left, top = (max(0, int(value - half)) for value in (x, y))
            part = pixels[top : max(0, int(y + half) + 1), left : max(0, int(x + half) + 1)]
            seen.append(float((part @ LUMINANCE).mean()) if part.size else math.nan)
        return float(np.mean(seen))

    shares = [bright(under) / max(bright(cheek), 1e-6) for under, cheek in zip(UNDER_EYES, CHEEKS)]
    return 0.0 if math.isnan(sum(shares)) else eased(*DARK[::-1], max(shares))


@dataclass(frozen=True)
class Front:
    """The surface in which worn spectacles lie, in the photo's model space.

    bridge: (3,) the place of the bridge, on the eyes' level; view: (3,) unit vector to the photo's camera; worn: 0
    without spectacles to 1 with them.
    """

    bridge: FloatArray
    view: FloatArray
    worn: float

    @classmethod
    def of(cls, landmarks: FloatArray, camera: Camera, worn: float) -> Front:
        """Return the front of spectacles over a face with these landmarks (468 or more, 3) px."""
        points = camera.unproject(landmarks[:N_FACE])
        level = points[list(EYE_CORNERS), 1].mean()
        bridge = np.array(
            [points[list(BRIDGE), 0].mean(), level, points[list(BRIDGE), 2].mean() + OFF_BRIDGE]
        )
        return cls(bridge, camera.rotation[2], worn)

    def raised(self, points: FloatArray) -> FloatArray:
        """Return the points (N, 3) of a face, with those behind the spectacles brought forward into their surface.

        Points move along the photo's view, which therefore stays as it is. In other views the frame, the glass and the
        eye behind it then move as one rigid thing before the face; otherwise they would be stretched over nose and
        temple. In a photo taken from the side nothing moves (ASIDE_GIVES_UP).
        """
        x, y = points[:, 0] - self.bridge[0], points[:, 1] - self.bridge[1]
        surface = self.bridge[2] - WRAP * x * x + TILT * y
        within = smoothstep(SIDES[1], SIDES[0], np.abs(x))
        within = within * smoothstep(*BELOW, y) * smoothstep(ABOVE[1], ABOVE[0], y)
        yaw = math.degrees(math.atan2(abs(self.view[0]), self.view[2]))
        share = self.worn * eased(*ASIDE_GIVES_UP[::-1], yaw)
        lift = np.clip(surface - points[:, 2], 0, MOST_RAISED) * within * share
        return np.asarray(points + (lift / max(float(self.view[2]), LEAST_FACING))[:, None] * self.view)

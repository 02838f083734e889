"""Separates the person from the background by a segmentation network, refined along the photo's edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.face_networks import person_mask
from app.engine.face.parameters import FittedFace

# These values were chosen by eye on the mattes of the portraits of ../shared/media/images.
CROP_FACES = 4.2  # face heights: side of the close crop
# Px of the longer side of pictures that are given to the network, which sees 256 px of them.
SHRUNK_SIDE = 640
# Share of the close crop's half side over which it fades into what was found in the whole picture.
FADE = 0.12
SURE = (0.25, 0.75)  # probabilities of a person that count as 0 and as 1
REFINE_SIDE = 768  # px of the longer side at which the guided filter runs
RADIUS = 0.12  # eye distances: radius of the filter's windows
EDGE = 0.02  # change of brightness in [0, 1] from which the filter keeps an edge; its square is the paper's epsilon
CLEAN = (0.08, 0.92)  # values of the filtered matte that become 0 and 1
SOFT = 0.02  # eye distances: sigma of the blur of the face's own outline


def _raw(srgb: NDArray[np.uint8], face: FittedFace) -> NDArray[np.float32]:
    """Return the probability (H, W) of a person: by a close crop around the face, by the whole picture beyond."""
    height, width = srgb.shape[:2]
    whole = cv2.resize(person_mask(_shrunk(srgb)), (width, height), interpolation=cv2.INTER_LINEAR)
    x, y, w, h = face.box
    half = CROP_FACES * max(w, h) / 2
    cx, cy = x + w / 2, y + h * 0.75
    x0, x1 = max(0, int(cx - half)), min(width, int(cx + half))
    y0, y1 = max(0, int(cy - half)), min(height, int(cy + half))
    if x1 - x0 < 8 or y1 - y0 < 8:
        return np.asarray(whole, np.float32)
    crop = srgb[y0:y1, x0:x1]
    close = cv2.resize(person_mask(_shrunk(crop)), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    fade = np.ones(close.shape, np.float32)
    band = max(2, int(FADE * half))
    ramp = np.linspace(0, 1, band, dtype=np.float32)
    if x0 > 0:
        fade[:, :band] *= ramp[: fade.shape[1]]
    if x1 < width:
        fade[:, -band:] *= ramp[::-1][-fade.shape[1] :]
    if y0 > 0:
        fade[:band] *= ramp[: fade.shape[0], None]
    if y1 < height:
        fade[-band:] *= ramp[::-1][-fade.shape[0] :, None]
    whole[y0:y1, x0:x1] = fade * close + (1 - fade) * whole[y0:y1, x0:x1]
    return np.asarray(whole, np.float32)


def _shrunk(srgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = SHRUNK_SIDE / max(srgb.shape[:2])
    if scale >= 1:
        return srgb
    size = (max(1, round(srgb.shape[1] * scale)), max(1, round(srgb.shape[0] * scale)))
    return np.asarray(cv2.resize(srgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _stretched(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Return values with `low` and less as 0, `high` and more as 1, and linear between."""
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)


def guided_filter(
    guide: NDArray[np.float32], value: NDArray[np.float32], radius: int, eps: float
) -> NDArray[np.float32]:
    """Return the value (H, W), filtered along the edges of a grey guide (H, W).

    radius: px of the windows; eps: the filter's regularisation. Source: He et al., Guided Image Filtering, 2010,
    equations 5, 6 and 8.
    """

    def mean(a: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(a, (2 * radius + 1, 2 * radius + 1)), np.float32)

    mean_guide, mean_value = mean(guide), mean(value)
    a = (mean(guide * value) - mean_guide * mean_value) / (mean(guide * guide) - mean_guide**2 + eps)
    b = mean_value - a * mean_guide
    return np.asarray(mean(a) * guide + mean(b), np.float32)


def person_matte(srgb: NDArray[np.uint8], face: FittedFace) -> NDArray[np.float32]:
    """Return the matte (H, W) of a picture (H, W, 3) sRGB: float32, 1 on the person; the face itself is always 1."""
    height, width = srgb.shape[:2]
    iod = max(2.0, face.params.camera.scale)
    raw = _stretched(_raw(srgb, face), *SURE)
    scale = min(1.0, REFINE_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    guide = cv2.resize(cv2.cvtColor(srgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(raw, size, interpolation=cv2.INTER_AREA)
    radius = max(1, round(RADIUS * iod * scale))
    refined = guided_filter(guide.astype(np.float32) / 255, small, radius, EDGE**2)
    matte = _stretched(cv2.resize(refined, (width, height), interpolation=cv2.INTER_LINEAR), *CLEAN)
    hull = cv2.convexHull(np.round(face.landmarks[:468, :2]).astype(np.int32))
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, hull, 255)
    soft = cv2.GaussianBlur(inside, (0, 0), max(0.6, SOFT * iod)).astype(np.float32) / 255
    return np.asarray(np.maximum(matte, soft), np.float32)

"""Makes the background that the person hides: it continues the photo under the matte."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.imaging.colour import largest
from app.engine.imaging.nearest import mirror_image

# These values were chosen by eye on the sheets that tools/sheets.py draws. IOD is the distance between the eyes.
FILL_SIDE = 512  # px: the longer side at which the fill is made; it is smooth, so a small picture is enough
# A colour is continued at most this many times as far along the background's structure as across it.
LONGEST = 4.0
REACH = 0.3  # IOD behind the person's edge over which the texture beside the person fades


def push_pull(colours: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return colours (H, W, C), filled smoothly where their weight (H, W) in [0, 1] is small.

    Source: Gortler et al., The Lumigraph, SIGGRAPH 1996, section 3.4.
    """
    levels = [(colours * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        c, w = levels[-1]
        size = ((w.shape[1] + 1) // 2, (w.shape[0] + 1) // 2)
        smaller = cv2.resize(c, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
        w = cv2.resize(w, size, interpolation=cv2.INTER_AREA)
        # A pixel has its full weight once a quarter of it is covered: so near samples decide, and far ones only fill
        # what these leave.
        boost = np.minimum(1, 4 * w) / np.maximum(w, 1e-6)
        levels.append((smaller * boost[..., None], w * boost))
    c, w = levels[-1]
    mean = c.sum(axis=(0, 1)) / max(float(w.sum()), 1e-6)
    filled = np.broadcast_to(mean, c.shape).astype(np.float32)
    for c, w in reversed(levels):
        filled = cv2.resize(filled, (w.shape[1], w.shape[0]), interpolation=cv2.INTER_LINEAR)
        filled = c + (1 - w)[..., None] * filled.reshape(c.shape)
    return np.asarray(filled, np.float32)


def reflected_detail(
    small: NDArray[np.float32], smooth: NDArray[np.float32], hidden: NDArray[np.bool_], reach: float
) -> NDArray[np.float32]:
    """Return the fine texture (H, W, C) of a picture, mirrored across the border of what is hidden, 0 elsewhere.

    small: (H, W, C) the picture; smooth: (H, W, C) its low-pass; hidden: (H, W); reach: px over which the texture
    fades.
    """
    x, y, distance = mirror_image(~hidden)
    detail = small - smooth
    detail[hidden] = 0
    mirrored = cv2.remap(detail, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).reshape(small.shape)
    fade = np.exp(-((distance / reach) ** 2))
    return np.asarray(mirrored * (fade * hidden)[..., None], np.float32)


def smoothed(small: NDArray[np.float32], known: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Return a picture (H, W, C) blurred by sigma px, in which only its known pixels (H, W) count."""
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
    blurred = cv2.GaussianBlur(small * known[..., None], (0, 0), sigma).reshape(small.shape)
    return np.asarray(blurred / np.maximum(weight, 1e-4)[..., None], np.float32)


def _continued(small: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the picture (H, W, C), filled where known (H, W) is 0.

    `push_pull` fills a copy that is squeezed along the picture's structure, so that a horizon is continued sideways
    and a curtain downwards.
    """
    height, width = known.shape
    longer = _levelness(small, known)
    size = (max(1, round(width / max(longer, 1))), max(1, round(height * min(longer, 1))))
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    narrow = cv2.resize(small * known[..., None], size, interpolation=cv2.INTER_AREA)
    narrow = narrow.reshape(*weight.shape, -1) / np.maximum(weight, 1e-6)[..., None]
    base = push_pull(narrow, weight)
    return np.asarray(cv2.resize(base, (width, height), interpolation=cv2.INTER_LINEAR).reshape(small.shape))


def _levelness(small: NDArray[np.float32], known: NDArray[np.float32]) -> float:
    """Return how many times as much the known part changes up and down as sideways, 1 / LONGEST to LONGEST.

    Above 1 the structure is level, as a horizon is; below 1 it is upright, as a curtain is.
    """
    across = np.square(np.diff(small, axis=1)).mean(axis=2)[known[:, 1:] * known[:, :-1] > 0]
    down = np.square(np.diff(small, axis=0)).mean(axis=2)[known[1:] * known[:-1] > 0]
    if not across.size or not down.size:
        return 1.0
    return float(np.clip((down.mean() + 1e-3) / (across.mean() + 1e-3), 1 / LONGEST, LONGEST))


def fill(pixels: NDArray[Any], hidden: NDArray[np.bool_], iod: float) -> NDArray[Any]:
    """Return the picture (H, W, C) with its hidden pixels (H, W) filled from around; all others stay bit-equal.

    iod: px between the eyes, which give the scale of the texture.
    """
    if not hidden.any() or hidden.all():
        return pixels.copy()
    height, width, channels = pixels.shape
    scale = min(1.0, FILL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small = small.reshape(size[1], size[0], channels)
    mask = cv2.resize(hidden.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if mask.all():
        return pixels.copy()
    base = _continued(small, (~mask).astype(np.float32))
    sigma = max(1.0, 0.08 * iod * scale)
    smooth = smoothed(small, ~mask, sigma)
    made = base + reflected_detail(small, smooth, mask, max(2.0, REACH * iod * scale))
    made = np.where(mask[..., None], made, small)
    large = cv2.resize(made, (width, height), interpolation=cv2.INTER_LINEAR).reshape(pixels.shape)
    top = largest(pixels.dtype)
    out = pixels.copy()
    out[hidden] = np.clip(large[hidden] + 0.5, 0, top).astype(pixels.dtype)
    return out

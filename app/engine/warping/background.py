"""Makes the background that the person hides: it continues the photo under the matte."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.imaging.colour import largest
from app.engine.imaging.nearest import mirror_image, nearest_known

# These values were chosen by eye on the sheets that tools/sheets.py draws. IOD is the distance between the eyes.
FILL_SIDE = 512  # px: the longer side at which the fill is made; it is smooth, so a small picture is enough
# A colour is continued at most this many times as far along the background's structure as across it.
LONGEST = 4.0
STRAIGHTENED = 0.3  # of a texture's reach: how far the border is straightened across which it is mirrored
REACH = 0.3  # IOD behind the person's edge over which the texture beside the person fades
ALIKE = (
    0.16  # IOD around a place beyond the rim within which the background's colours tell what the rim may show
)
SOME = 0.1  # matte from which a place shows the person
HALO = (
    0.03,
    0.06,
)  # IOD from the person within which light of the person lies on the rim, and from which none does


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
    x, y, distance = mirror_image(~hidden, STRAIGHTENED * reach)
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


def _limits(
    small: NDArray[np.float32], hidden: NDArray[np.bool_], reach: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the least and the greatest colours (H, W, C) of what is known within `reach` px of each pixel's nearest
    known one.
    """
    nearest, _ = nearest_known(~hidden)
    window = np.ones((2 * max(1, round(reach)) + 1,) * 2, np.uint8)

    def found(widened: Any, none: float) -> NDArray[np.float32]:
        known = widened(np.where(hidden[..., None], np.float32(none), small), window)
        return np.asarray(known.reshape(-1, small.shape[2])[nearest])

    return found(cv2.erode, np.inf), found(cv2.dilate, -np.inf)


def fill(
    pixels: NDArray[Any], hidden: NDArray[np.bool_], matte: NDArray[np.float32], iod: float
) -> NDArray[Any]:
    """Return the picture (H, W, C) with its hidden pixels (H, W) filled from around; all others stay bit-equal.

    matte: (H, W) in [0, 1] of the person; iod: px between the eyes, which give the scale. Beside the person the
    picture's own colours stay as far as the background beyond shows such colours, so that its texture stays, and hair
    that the matte missed goes.
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
    low, high = _limits(small, mask, ALIKE * iod * scale)
    bare = _bare(matte, size, iod * scale)
    beside = mask & (bare > 0.5)
    small = np.where(beside[..., None], np.clip(small, low, high), small)
    made = np.clip(_made(small, mask & ~beside, iod * scale), 0, largest(pixels.dtype))
    large = cv2.resize(made, (width, height), interpolation=cv2.INTER_LINEAR).reshape(-1, channels)
    own, out = pixels.reshape(-1, channels), pixels.copy()
    flat = out.reshape(-1, channels)
    away = np.flatnonzero(hidden)
    flat[away] = (large[away] + 0.5).astype(pixels.dtype)
    share = cv2.resize(bare, (width, height), interpolation=cv2.INTER_LINEAR).ravel()[away]
    rim, share = away[share > 0], share[share > 0][:, None]
    ends = (cv2.resize(end.astype(pixels.dtype), (width, height)) for end in (low, high))
    seen = np.clip(own[rim], *(end.reshape(-1, channels)[rim] for end in ends))
    mixed = large[rim] + share * (seen - large[rim])
    flat[rim] = (mixed + 0.5).astype(pixels.dtype)
    return out


def _bare(matte: NDArray[np.float32], size: tuple[int, int], iod: float) -> NDArray[np.float32]:
    """Return a small (h, w) field, 0 where the person's light lies on the picture to 1 beside the person.

    matte: (H, W); size: (w, h); iod: px of the field between the eyes.
    """
    there = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) > SOME
    apart = cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, 5) / max(iod, 1)
    return np.asarray(np.clip((apart - HALO[0]) / (HALO[1] - HALO[0]), 0, 1), np.float32)


def _made(small: NDArray[np.float32], hidden: NDArray[np.bool_], iod: float) -> NDArray[np.float32]:
    """Return a small picture (H, W, C) with its hidden pixels (H, W) made up; iod: px of it between the eyes."""
    base = _continued(small, (~hidden).astype(np.float32))
    smooth = smoothed(small, ~hidden, max(1.0, 0.08 * iod))
    made = base + reflected_detail(small, smooth, hidden, max(2.0, REACH * iod))
    return np.where(hidden[..., None], made, small)

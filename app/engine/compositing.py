"""Puts generators' patches back into the photo; what no patch changes stays bit-equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Patch


def composite(
    pixels: NDArray[Any], alpha: NDArray[Any] | None, patches: Sequence[Patch]
) -> tuple[NDArray[Any], NDArray[Any] | None, float]:
    """Return (pixels, alpha, share of pixels changed, 0 to 1) of the photo with all patches in place.

    pixels: (H, W, 3) uint8 or uint16; alpha: (H, W) of the same type or None. Where the patches of two faces overlap,
    each gives only the pixels that it changed, and the later patch wins.
    """
    if not patches:
        return pixels, alpha, 0.0
    out = pixels.copy()
    out_alpha = None if alpha is None else alpha.copy()
    touched = np.zeros(pixels.shape[:2], bool)
    for patch in patches:
        box = np.s_[patch.y : patch.y + patch.pixels.shape[0], patch.x : patch.x + patch.pixels.shape[1]]
        changed = differs(patch.pixels, pixels[box])
        if alpha is not None and out_alpha is not None and patch.alpha is not None:
            changed |= patch.alpha != alpha[box]
        if len(patches) == 1:
            out[box] = patch.pixels
        else:
            out[box][changed] = patch.pixels[changed]
        if out_alpha is not None and patch.alpha is not None:
            out_alpha[box][changed] = patch.alpha[changed]
        touched[box] |= changed
    return out, out_alpha, float(np.count_nonzero(touched)) / touched.size


def differs(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (h, w): where two (h, w, 3) pictures differ in any channel."""
    different: NDArray[np.bool_] = a[..., 0] != b[..., 0]
    different |= a[..., 1] != b[..., 1]
    different |= a[..., 2] != b[..., 2]
    return different

"""Finds the cuts of a clip, at which the picture changes at once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.sources.opening import open_source

# Mean change of a thumbnail's brightness (in [0, 1]) between two frames from which there is a cut; chosen on clips with
# and without cuts.
CUT = 0.12


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the brightness (32, 32) in [0, 1] of a small copy of a picture (H, W, 3)."""
    import cv2

    small = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    return np.asarray(small.mean(axis=2) / 255, np.float32)


def longest_shot(path: Path) -> range:
    """Return the indices of the frames of a clip's longest part without a cut; EngineError where it cannot be read."""
    starts, count, before = [0], 0, None
    with closing(open_source(path)) as source:
        while (frame := source.take(1.0)) is not None:
            if frame.pixels is not None:
                now = thumbnail(frame.pixels)
                if before is not None and np.abs(now - before).mean() > CUT:
                    starts.append(count)
                before = now
            count += 1
    shots = [range(start, end) for start, end in zip(starts, [*starts[1:], count])]
    return max(shots, key=len)

"""Draws the dense flow of a render as a picture to be laid over the photo."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Flow

# These values were chosen by eye on photos of all sizes.
STILL_PX = 0.25  # px of the working resolution: shorter displacements are not drawn
OPAQUE = 0.75  # opacity of the longest displacement's colour
ARROWS_APART = 40  # number of arrows along the longer side


def flow_picture(displacement: NDArray[np.float32], corner: tuple[int, int], scale: float) -> Flow:
    """Return a `Flow` of the displacement (h, w, 2) px of the box at `corner`, at `scale` of the photo's resolution.

    displacement: from each pixel to where its colour was in the photo, which is opposite to the motion. The hue shows
    the motion's direction, the opacity its length over the longest (the colour wheel of Baker et al. 2011, A Database
    and Evaluation Methodology for Optical Flow).
    """
    motion = -displacement
    length, angle = cv2.cartToPolar(motion[..., 0], motion[..., 1], angleInDegrees=True)
    longest = max(float(length.max(initial=0.0)), STILL_PX)
    share = np.where(length < STILL_PX, 0, length / longest).astype(np.float32)
    hue = (angle / 2).astype(np.uint8)
    colour = cv2.cvtColor(np.dstack([hue, *[np.full_like(hue, 255)] * 2]), cv2.COLOR_HSV2RGB)
    rgba = np.dstack([colour, np.round(share * OPAQUE * 255).astype(np.uint8)])
    height, width = length.shape
    step = max(4, max(height, width) // ARROWS_APART)
    ends = np.mgrid[step // 2 : height : step, step // 2 : width : step].reshape(2, -1)
    moved = ends[:, length[ends[0], ends[1]] >= 2 * STILL_PX]
    to = moved[::-1].T + 0.5 + np.asarray(corner)
    arrows = np.hstack([to + displacement[moved[0], moved[1]], to]) / scale
    x, y = corner
    return Flow(rgba, (x / scale, y / scale, width / scale, height / scale), arrows, longest / scale)

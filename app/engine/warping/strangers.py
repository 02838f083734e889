"""Finds people behind a head whose own faces are not found, by the skin that they show above it.

Such a person's hair looks like the head's own hair beside it and turned along with it. Their skin does not: from the
head's middle outwards, hair gives way to skin only where somebody else begins. So skin that no gentle step of colour
joins to the head is theirs, and so is what lies behind it as seen from the head.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.kinds import skin_hue

# Chosen on four groups and 36 portraits: of these only a hidden man's forehead is found. IOD is the distance between
# the eyes of the face that is edited.
HEAD = 1.2  # IOD: radius around the skull's middle within which everything is the head's
REACHES = 2.2  # IOD: radius within which strangers are looked for
ABOVE = -0.2  # IOD above the skull's middle from which they are: lower down ears and hands are skin too
SOLID = 0.85  # matte from which somebody surely is
APART = 50  # levels of L*a*b* within 3 px: a step that no way to the head avoids, from which a place is not the head's
BRIGHT = 0.7  # of the face's median lightness: skin in the same light is brighter
ENOUGH = 0.1  # IOD^2 of skin from which it is a person: scattered lights in hair cover less
ANGLES = 120  # directions around the head in which something may be behind skin


def strangers(
    small: NDArray[np.uint8],
    own: Float32,
    face: NDArray[np.bool_],
    centre: FloatArray,
    up: FloatArray,
    iod: float,
) -> NDArray[np.bool_]:
    """Return (h, w) True on skin of people whose faces are not found, and on what lies behind it.

    small: (h, w, 3); own: (h, w) matte of the edited person, in which the strangers still are; face: (h, w) where their
    face is; centre: (2,) px of the skull's middle; up: (2,) unit direction of its crown; iod: px.
    """
    y, x = np.indices(own.shape)
    away = np.stack([x - centre[0], y - centre[1]], axis=2) / iod
    radius = np.linalg.norm(away, axis=2)
    here = (own > SOLID) & (away @ up > ABOVE) & (radius < REACHES)
    lab = cv2.cvtColor(cv2.medianBlur(small, 3), cv2.COLOR_RGB2LAB)
    light = lab[..., 0]
    if not face.any():
        return np.zeros(own.shape, bool)
    skin = skin_hue(small, face) & (light > BRIGHT * np.median(light[face]))
    seed = (here & skin & _apart(lab, here, radius < HEAD)).astype(np.uint8)
    seed = cv2.morphologyEx(seed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, found, sizes, _ = cv2.connectedComponentsWithStats(seed)
    large = sizes[:, cv2.CC_STAT_AREA] > ENOUGH * iod**2
    large[0] = False
    surely = large[found]
    direction = (np.arctan2(away[..., 1], away[..., 0]) * (ANGLES / (2 * np.pi))).astype(int) % ANGLES
    begins = np.full(ANGLES, np.inf)
    np.minimum.at(begins, direction[surely], radius[surely])
    return np.asarray(here & (radius >= begins[direction]))


def _apart(lab: NDArray[np.uint8], here: NDArray[np.bool_], head: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (h, w) where every way to the head crosses a step of at least APART levels; lab: (h, w, 3)."""
    kernel = np.ones((3, 3), np.uint8)
    steps = cv2.dilate(lab, kernel).astype(np.float32) - cv2.erode(lab, kernel)
    step = np.linalg.norm(steps, axis=2)
    reached = here & (head | (step < APART))
    _, part = cv2.connectedComponents(reached.astype(np.uint8), connectivity=4)
    joined = np.zeros(part.max() + 1, bool)
    joined[part[reached & head]] = True
    joined[0] = False
    return np.asarray(here & ~joined[part])

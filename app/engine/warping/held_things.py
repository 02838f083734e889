"""Finds a dark thing that is held before one cheek, such as a telephone: it does not turn with the face.

Its cheek is much darker than the other one, far into the face. Beards are dark on both sides, light from aside changes
a cheek by less, locks of hair and misfits lie along the face's rim.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.morphable_model import default_model
from app.engine.warping.curves import FloatArray
from app.engine.warping.topology import EYE_CORNERS, N_FACE, OVAL

# Chosen on four groups and 36 other photos, of which one has such a thing. IOD is the distance between the eyes;
# brightness is the natural logarithm of levels.
FRONTAL = 15.0  # degrees of yaw up to which both cheeks are seen alike
FLOOR = 8.0  # levels added before the logarithm is taken: noise in black counts little
DARKER = 1.2  # of brightness by which a thing is darker than the other cheek
DARK = 0.9  # of brightness by which it is darker than most of both cheeks
ENOUGH = 4  # number of a cheek's vertices that a thing covers
DEEP = 0.25  # IOD inside the face's outline to which it reaches at least
AROUND = 0.3  # IOD around such a vertex within which dark pixels are surely the thing's
LOW = 0.3  # share of the way from the eyes to the chin from which a cheek begins
ASIDE = 0.25  # model units beside the middle from which it does
LIPS = (1.3, 0.8)  # half axes of the mouth's ellipse, in parts of half its width: no cheek


@cache
def _cheeks() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the vertices of the cheeks off the face's outline, and those that mirror them."""
    mean = np.asarray(default_model().mean, float).reshape(-1, 3)[:N_FACE]
    x, y = mean[:, 0], mean[:, 1]
    eyes, chin = y[list(EYE_CORNERS)].mean(), y[152]
    mouth, half = mean[[61, 291, 13, 14]].mean(axis=0), abs(x[61])
    off = np.hypot((x - mouth[0]) / (LIPS[0] * half), (y - mouth[1]) / (LIPS[1] * half)) > 1
    cheek = off & ((y - eyes) / (chin - eyes) > LOW) & (np.abs(x) > ASIDE)
    cheek[list(OVAL)] = False
    found = np.flatnonzero(cheek)
    apart = np.linalg.norm(mean[None, :] - (mean[found] * [-1, 1, 1])[:, None], axis=2)
    return found, apart.argmin(axis=1)


def held_before(small: NDArray[np.uint8], at: FloatArray, yaw: float, iod: float) -> NDArray[np.bool_]:
    """Return (h, w) True where a thing surely is before a face; small: (h, w, 3); at: (468, 2) px of the face's
    vertices; yaw: degrees; iod: px.
    """
    none = np.zeros(small.shape[:2], bool)
    if abs(yaw) > FRONTAL:
        return none
    bright = np.log(cv2.blur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (3, 3)).astype(np.float32) + FLOOR)
    place = np.clip(np.round(at).astype(int), 0, [small.shape[1] - 1, small.shape[0] - 1])
    here = bright[place[:, 1], place[:, 0]]
    cheeks, mirrored = _cheeks()
    dark = float(np.median(here[cheeks])) - DARK
    covered = cheeks[(here[mirrored] - here[cheeks] > DARKER) & (here[cheeks] < dark)]
    outline = np.zeros(small.shape[:2], np.uint8)
    cv2.fillConvexPoly(outline, cv2.convexHull(place.astype(np.int32)), 1)
    inside = cv2.distanceTransform(outline, cv2.DIST_L2, 5)
    if len(covered) < ENOUGH or inside[place[covered, 1], place[covered, 0]].max() < DEEP * iod:
        return none
    near = np.zeros(small.shape[:2], np.uint8)
    for x, y in place[covered]:
        cv2.circle(near, (int(x), int(y)), round(AROUND * iod), 1, -1)
    return np.asarray((near > 0) & (bright < dark))

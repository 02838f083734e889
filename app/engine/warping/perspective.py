"""Tells where the parts of a turned face lie besides a rigid turn: photos are taken from near by.

`Camera` is a scaled orthographic camera, in whose model space a photo's face is kept as it was taken: with a nose that
is larger, and cheeks that are smaller, than they are. A turn takes this out and puts it in again in the new view.
Without it the near eye of a head frontalised from 40 degrees stands 1.3 % of the eye distance too high, and the far one
too low.
"""

from __future__ import annotations

import numpy as np

from app.engine.face.parameters import Camera
from app.engine.warping.curves import FloatArray

# Eye distances between camera and face, 1.6 m: with it the landmarks of 51 people, each photographed from three sides,
# agree best, and portraits are rarely taken from farther away (docs/measured.md, “Heads turned between true views”).
DISTANCE = 25.0


def seen_from_near(points: FloatArray, middle: FloatArray, before: Camera, after: Camera) -> FloatArray:
    """Return the offsets (N, 3), in model space, by which a camera from near by sees turned points (N, 3) elsewhere
    than a rigid turn puts them.

    middle: (3,) of the face, which lies on the camera's axis and keeps its size; before: the photo's camera, under
    which the points lie where the photo shows them; after: the turned one.
    """
    true = _nearer(points - middle, before, -1)
    return np.asarray(_nearer(true, after, 1) - (points - middle))


def _nearer(about: FloatArray, camera: Camera, power: int) -> FloatArray:
    """Return places about the middle (N, 3), larger the nearer they are to a camera (power 1), or the inverse (-1)."""
    turned = about @ camera.rotation.T
    turned[:, :2] /= (1 - turned[:, 2:] / DISTANCE) ** power
    return np.asarray(turned @ camera.rotation)

"""What a photo does not show of a turned head, in words: the places that a user has to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.face.controls import POSE
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.warping.spectacles import spectacles

# Set by eye on sheets of turned heads (tools/head_sheets.py): where one begins to see that something is made
# up.
HALF_SEEN = 35.0  # degrees of a photo's own yaw from which it hardly shows the far half of a face
TOWARDS = 12.0  # degrees back to the front from which that half is drawn
SIDE_SEEN = 20.0  # degrees of yaw that bring a side into view which the photo does not show
RIMS_TURNED = 24.0  # degrees of yaw from which spectacles' rims and arms are no longer the photo's


def beyond_safe(face: FittedFace, target: FaceParams) -> list[str]:
    """The pose angles that leave what holds: it is the turn from the photo's own pose that counts."""
    turns = np.subtract(target.camera.angles, face.params.camera.angles)
    return [c.name for c, turn in zip(POSE, turns) if not c.safe[0] <= turn <= c.safe[1]]


def doubts(pixels: NDArray[Any], face: FittedFace, target: FaceParams) -> list[str]:
    """What will be made up or wrong of a face turned so, each a part of a sentence; pixels: (H, W, 3) of the photo."""
    own, asked = face.params.camera, target.camera
    turned = asked.yaw - own.yaw
    found = []
    if abs(own.yaw) > HALF_SEEN and abs(own.yaw) - abs(asked.yaw) > TOWARDS:
        found.append("the far half of the face, which is mostly the near one mirrored")
    elif abs(turned) > SIDE_SEEN:
        found.append("the ear and hair of the side that turns into view, which are made up")
    if abs(turned) > RIMS_TURNED and spectacles(pixels, face.landmarks, own) > 0.5:
        found.append("the spectacles, whose outer rims widen and whose arms are made up")
    beyond = beyond_safe(face, target)
    if "pitch" in beyond:
        found.append("crown, throat and nostrils, which the photo does not show")
    if "yaw" in beyond:
        found.append("cheeks, which stretch")
    return found

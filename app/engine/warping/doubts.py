"""Writes sentences about what a photo does not show of a turned head, so that the user looks at these places."""

from __future__ import annotations

import numpy as np

from app.engine.errors import Remark
from app.engine.face.controls import POSE
from app.engine.face.parameters import FaceParams

# These values were set by eye on sheets of turned heads (tools/head_sheets.py): from each on one begins to see that
# something is made up.
HALF_SEEN = 35.0  # degrees of yaw in the photo itself, from which it hardly shows the far half of the face
TOWARDS = 12.0  # degrees of a turn back to the front, from which that far half is drawn
FAR_LENS = 20.0  # degrees of yaw in the photo itself, from which the far lens is mirrored when it turns back
SIDE_SEEN = 20.0  # degrees of a turn from which a side comes into view that the photo does not show
ARMS_TURNED = 24.0  # degrees of a turn from which the arms of spectacles are no longer the photo's
WORN = 0.5  # value of `spectacles.spectacles` from which the person surely wears spectacles


def beyond_safe(own: FaceParams, target: FaceParams) -> list[str]:
    """Return the names of the pose angles whose change from the photo's own pose goes beyond their safe range."""
    turns = np.subtract(target.camera.angles, own.camera.angles)
    return [c.name for c, turn in zip(POSE, turns) if not c.safe[0] <= turn <= c.safe[1]]


def doubts(own: FaceParams, target: FaceParams, spectacles: float) -> tuple[Remark, ...]:
    """Return sentences that say what will be made up or wrong in the picture of a target.

    own: the photo's own parameters; spectacles: 0 without spectacles to 1 with them.
    """
    before, after = own.camera.yaw, target.camera.yaw
    turned, worn = after - before, spectacles > WORN
    found = []
    back = abs(before) - abs(after) > TOWARDS
    if worn and abs(before) > FAR_LENS and back:
        found.append(Remark("The spectacles' far half is made up: their rims may stand double."))
    if abs(before) > HALF_SEEN and back:
        found.append(Remark("The far half of the face is mostly the near one mirrored."))
    elif abs(turned) > SIDE_SEEN:
        found.append(Remark("The ear and hair of the side that turns into view are made up."))
    if abs(turned) > ARMS_TURNED and worn:
        found.append(Remark("The spectacles' arms are made up."))
    beyond = beyond_safe(own, target)
    if "pitch" in beyond:
        found.append(Remark("Crown, throat and nostrils are made up: the photo does not show them."))
    if "yaw" in beyond:
        found.append(Remark("The cheeks stretch."))
    return tuple(found)

"""What the landmark network makes of a true turn, gaze and movement, and the way back.

Heads of known shape drawn at known poses are read as turned too far, eyes as turned too little. The numbers are
measured by `tools/build_reading.py` and kept in assets/face_model/reading.json; a fit (`fitting`), and so tracking and
the read-out, has them divided out.

Movements of lips, brows, jaw and cheeks are given in the network's own units, in which people's movements were measured
and the face model was made. The network reads only a share of what is drawn (`tools/edit_accuracy.py`, medians over
shared/media/images). The movement of a control or a component is therefore converted from those units to the true one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from app.engine.face.parameters import Camera, FloatArray, rotation_matrix
from app.engine.files import ASSETS

ASSET = ASSETS / "face_model" / "reading.json"
# Rounds of the fixed point that inverts the turn's curve. Each divides the error by five or more, so that
# twelve reach single precision.
ROUNDS = 12
Pair = tuple[float, float]


@dataclass(frozen=True)
class Seen:
    """How a movement of a face index is read. seen: share of a small one; reach: eye distances (as read) up to which
    people make it, beyond which a true one hardly grows; 0 where it goes on as it began."""

    seen: float
    reach: float

    def true(self, read: float) -> float:
        """Return the eye distances of true movement where `read` of them are read."""
        hidden = 1 / self.seen - 1
        return read + hidden * (self.reach * math.tanh(read / self.reach) if self.reach else read)


@dataclass(frozen=True)
class Response:
    """yaw_over: degrees that a head turned far is read beyond its yaw, reached as tanh(yaw / yaw_knee); pitch_over:
    degrees that a head that looks far down is read beyond its pitch, reached as tanh(pitch / pitch_knee) squared
    (heads that look up are read as they are); gaze_slope:
    degrees of gaze (across, up) read for one degree that the same eyes turn; gaze_likely: degrees of true gaze most
    likely for one degree read of a stranger's eyes, whose shape shifts the reading too; gaze_rest: what is read of eyes
    that look straight ahead.

    uncertainty: standard deviations in degrees of yaw, pitch, roll, gaze_x and gaze_y of one photo; change_uncertainty:
    of gaze_x and gaze_y between two pictures of one face. movements: by index of `face.indices`.
    """

    yaw_over: float
    yaw_knee: float
    pitch_over: float
    pitch_knee: float
    gaze_slope: Pair
    gaze_likely: Pair
    gaze_rest: Pair
    uncertainty: Mapping[str, float]
    change_uncertainty: Mapping[str, float]
    movements: Mapping[str, Seen]

    def read_yaw(self, yaw: float) -> float:
        """Return the degrees read of a head turned by `yaw` degrees."""
        return yaw + self.yaw_over * math.tanh(yaw / self.yaw_knee)

    def true_yaw(self, read: float) -> float:
        """Return the inverse of `read_yaw`."""
        yaw = read
        for _ in range(ROUNDS):
            yaw = read - self.yaw_over * math.tanh(yaw / self.yaw_knee)
        return yaw

    def read_pitch(self, pitch: float) -> float:
        """Return the degrees read of a head that looks `pitch` degrees up."""
        return pitch - self.pitch_over * math.tanh(min(pitch, 0.0) / self.pitch_knee) ** 2

    def true_pitch(self, read: float) -> float:
        """Return the inverse of `read_pitch`."""
        pitch = read
        for _ in range(ROUNDS):
            pitch = read + self.pitch_over * math.tanh(min(pitch, 0.0) / self.pitch_knee) ** 2
        return pitch

    def true_gaze(self, read: Pair) -> Pair:
        """Return the most likely gaze of eyes about which nothing else is known (degrees)."""
        x, y = (k * (v - rest) for k, v, rest in zip(self.gaze_likely, read, self.gaze_rest))
        return x, y

    def read_gaze(self, gaze: Pair) -> Pair:
        """Return the inverse of `true_gaze`."""
        x, y = (v / k + rest for k, v, rest in zip(self.gaze_likely, gaze, self.gaze_rest))
        return x, y

    def gaze_change(self, before: Pair, after: Pair) -> Pair:
        """Return by how much one face's eyes turned between two fits: their shape, which does not change, cancels
        out.
        """
        x, y = ((b - a) / (s * k) for a, b, s, k in zip(before, after, self.gaze_slope, self.gaze_likely))
        return x, y

    def true_movement(self, index: str, read: float) -> float:
        """Return the eye distances by which an index changes in truth where the network reads such a change."""
        known = self.movements.get(index)
        return read if known is None else known.true(read)

    def true_rotation(self, read: Camera) -> Camera:
        """Return the camera turned as the head is in truth."""
        yaw, pitch, roll = read.angles
        turned = rotation_matrix(self.true_yaw(yaw), self.true_pitch(pitch), roll)
        return Camera.from_matrix(turned, read.scale, read.translation)

    def read_rotation(self, true: Camera) -> FloatArray:
        """Return (3, 3): the inverse of `true_rotation`."""
        yaw, pitch, roll = true.angles
        return rotation_matrix(self.read_yaw(yaw), self.read_pitch(pitch), roll)


@cache
def response() -> Response:
    """Return what was measured of the landmark network that ships."""
    kept = json.loads(ASSET.read_text(encoding="utf-8"))
    pairs = {name: tuple(kept[name]) for name in ("gaze_slope", "gaze_likely", "gaze_rest")}
    movements = {index: Seen(**known) for index, known in kept["movements"].items()}
    return Response(**{**kept, **pairs, "movements": movements})

"""Converts what the landmark network reads of a turn, a gaze and a movement to the true one, and back.

The network reads heads of known shape at known poses as turned too far, and eyes as turned too little.
`tools/build_reading.py` measured by how much, in assets/face_model/reading.json; a fit (`face.fitting`) takes these
errors out, and so do tracking and the read-out, which fit.

Movements of lips, brows, jaw and cheeks stay in the network's own units, in which people's movements were measured and
the face model was made. The network reads only a share of what is drawn (`tools/edit_accuracy.py`, medians over
../shared/media/images). Therefore the movement of a control or a component is converted to the true one when it is
drawn.
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
# Rounds of the fixed-point iteration that inverts the curve of a turn. Each divides the error by 2.5 or more, so twenty
# reach single precision.
ROUNDS = 20
TILTED = 30.0  # degrees of pitch up to which `yaw_tilt` was measured and grows
Pair = tuple[float, float]


@dataclass(frozen=True)
class MovementReading:
    """How the network reads a movement of a face index.

    seen: share of a small true movement that is read; reach: eye distances, as read, up to which people move, beyond
    which the part that is not read hardly grows; 0 where that part grows on.
    """

    seen: float
    reach: float

    def true(self, read: float) -> float:
        """Return the eye distances of the true movement of which `read` eye distances are read."""
        hidden = 1 / self.seen - 1
        return read + hidden * (self.reach * math.tanh(read / self.reach) if self.reach else read)


@dataclass(frozen=True)
class Response:
    """The measured errors of the landmark network.

    yaw_over: degrees by which a head turned far is read beyond its yaw, approached as tanh(yaw / yaw_knee); yaw_tilt:
    by how many degrees this grows for every degree by which the head looks up; pitch_over: degrees by which a head that
    looks far down is read beyond its pitch, approached as tanh(pitch / pitch_knee) squared (heads that look up are read
    as they are); gaze_slope: degrees of gaze (across, up) that are read for one degree by which the same eyes turn;
    gaze_likely: most likely degrees of true gaze for one degree read of a stranger's eyes, whose shape shifts the
    reading too; gaze_rest: degrees that are read of eyes that look straight ahead; uncertainty: standard deviations in
    degrees of yaw, pitch, roll, gaze_x and gaze_y of one photo; change_uncertainty: those of gaze_x and gaze_y between
    two pictures of one face; movements: by the names of `face.indices`.
    """

    yaw_over: float
    yaw_knee: float
    yaw_tilt: float
    pitch_over: float
    pitch_knee: float
    gaze_slope: Pair
    gaze_likely: Pair
    gaze_rest: Pair
    uncertainty: Mapping[str, float]
    change_uncertainty: Mapping[str, float]
    movements: Mapping[str, MovementReading]

    def read_yaw(self, yaw: float, pitch: float) -> float:
        """Return the yaw (degrees) that is read of a head with this true yaw and pitch."""
        return yaw + self._yaw_beyond(pitch) * math.tanh(yaw / self.yaw_knee)

    def true_yaw(self, read: float, pitch: float) -> float:
        """Return the inverse of `read_yaw`; pitch: the true one."""
        yaw, beyond = read, self._yaw_beyond(pitch)
        for _ in range(ROUNDS):
            yaw = read - beyond * math.tanh(yaw / self.yaw_knee)
        return yaw

    def _yaw_beyond(self, pitch: float) -> float:
        """Return the degrees of `yaw_over` for a head with this true pitch."""
        return self.yaw_over + self.yaw_tilt * min(max(pitch, -TILTED), TILTED)

    def read_pitch(self, pitch: float) -> float:
        """Return the pitch (degrees) that is read of a head with this true pitch."""
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
        """Return the degrees by which one face's eyes turned between two fits.

        before, after: `true_gaze` of both. The shape of the eyes does not change, so its error cancels out.
        """
        x, y = ((b - a) / (s * k) for a, b, s, k in zip(before, after, self.gaze_slope, self.gaze_likely))
        return x, y

    def true_movement(self, index: str, read: float) -> float:
        """Return the eye distances by which an index changes in truth where the network reads a change of `read`."""
        known = self.movements.get(index)
        return read if known is None else known.true(read)

    def true_rotation(self, read: Camera) -> Camera:
        """Return a camera with the head's true turn, of one with the turn that the network reads."""
        yaw, pitch, roll = read.angles
        pitch = self.true_pitch(pitch)
        turned = rotation_matrix(self.true_yaw(yaw, pitch), pitch, roll)
        return Camera.from_matrix(turned, read.scale, read.translation)

    def read_rotation(self, true: Camera) -> FloatArray:
        """Return the rotation (3, 3) that the network reads of a camera with the head's true turn."""
        yaw, pitch, roll = true.angles
        return rotation_matrix(self.read_yaw(yaw, pitch), self.read_pitch(pitch), roll)


@cache
def response() -> Response:
    """Return the measured errors of the landmark network that ships with Mien."""
    kept = json.loads(ASSET.read_text(encoding="utf-8"))
    pairs = {name: tuple(kept[name]) for name in ("gaze_slope", "gaze_likely", "gaze_rest")}
    movements = {index: MovementReading(**known) for index, known in kept["movements"].items()}
    return Response(**{**kept, **pairs, "movements": movements})

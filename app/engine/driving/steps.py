"""Defines what the steps of driven work say besides how far it is. Nothing here imports a heavy library."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.errors import EngineError

if TYPE_CHECKING:
    from app.engine.driving.live import Driven
    from app.engine.face.parameters import FaceParams
    from app.engine.film.recorder import Recording
    from app.engine.sources.performance import Performance


@dataclass(frozen=True)
class RecordingState:
    """A film that is being recorded. seconds: its length so far; dropped: pictures it has lost; disk_left: bytes;
    error: why it cannot go on."""

    seconds: float
    dropped: int
    disk_left: float
    error: EngineError | None = None


@dataclass(frozen=True, eq=False)
class LiveStep(Step):
    """A step of a driven portrait; `picture` and `driven` are None while it is paused or its source gives no frame.

    nmfc: (S, S, 3) uint8, where it is asked for; fps: frames per second over the last second or so; latency_ms: from
    the frame's capture to now, for a live source; rate: the source's frames per second, where it has a fixed rate;
    level: the microphone's in dBFS, None without one; recording: None while nothing is recorded; notice: what the
    user should know about the device; sigma: (28,) how strongly each expression component moves the face.
    """

    driven: Driven | None = None
    nmfc: NDArray[np.uint8] | None = None
    fps: float = 0.0
    latency_ms: float | None = None
    rate: Fraction | None = None
    level: float | None = None
    recording: RecordingState | None = None
    notice: EngineError | None = None
    sigma: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class RestStep(Step):
    """The face that was taken as the driver's face at rest.

    seconds: into the clip, of the frame that shows it, None where a performance brings it; sure: [0, 1], None where it
    was chosen or brought; face: (96, 96, 3) uint8 of that frame, None of a performance; length: seconds of the clip.
    """

    seconds: float | None = None
    sure: float | None = None
    face: NDArray[np.uint8] | None = None
    length: float = 0.0


@dataclass(frozen=True, eq=False)
class FilmedStep(Step):
    """The last step of a film: what was recorded, and the driver's face at rest that it was made with."""

    recording: Recording | None = None
    rest: RestStep | None = None


@dataclass(frozen=True, eq=False)
class TrackedStep(Step):
    """A step of tracking a clip. driver: the face of this frame, None where none was seen; performance: on the last
    step, what was written."""

    driver: FaceParams | None = None
    performance: Performance | None = None


@dataclass(frozen=True, eq=False)
class CompressedStep(Step):
    """The last step of compressing a clip. size: bytes that were written."""

    size: int = 0

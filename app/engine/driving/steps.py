"""Defines the steps of driven work, which report more than its progress. Nothing here imports a heavy library."""

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
    """A film that is being recorded.

    seconds: its length so far; dropped: the number of pictures that were lost; disk_left: bytes of free space; error:
    why the recording cannot go on, None where it can.
    """

    seconds: float
    dropped: int
    disk_left: float
    error: EngineError | None = None


@dataclass(frozen=True, eq=False)
class LiveStep(Step):
    """A step of a driven portrait; `picture` and `driven` are None while it is paused or its source gives no frame.

    nmfc: (S, S, 3) uint8, where `Controls.nmfc_size` asks for it; fps: frames per second over the last second or so;
    latency_ms: milliseconds from the frame's capture to now, for a live source; rate: the source's frames per second,
    where it has a fixed rate; level: the microphone's in dBFS, None without one; recording: None while nothing is
    recorded; notice: what the user should know about the device; sigma: (28,) standard deviations of the face model's
    expression components.
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

    seconds: into the clip, of the frame that shows it, None where a performance contains it; sure: in [0, 1], None
    where the user chose it or a performance contains it; face: (96, 96, 3) uint8 of that frame, None for a performance;
    length: seconds of the clip.
    """

    seconds: float | None = None
    sure: float | None = None
    face: NDArray[np.uint8] | None = None
    length: float = 0.0


@dataclass(frozen=True, eq=False)
class FilmedStep(Step):
    """The last step of a film. recording: what was recorded; rest: the driver's face at rest with which it was made."""

    recording: Recording | None = None
    rest: RestStep | None = None


@dataclass(frozen=True, eq=False)
class TrackedStep(Step):
    """A step of tracking a clip.

    driver: the parameters of this frame, None where no face was seen; performance: in the last step, what was written.
    """

    driver: FaceParams | None = None
    performance: Performance | None = None


@dataclass(frozen=True, eq=False)
class CompressedStep(Step):
    """The last step of compressing a clip. size: bytes that were written."""

    size: int = 0

"""Defines a driving frame, and the small contract that clips, cameras, pictures and performances keep."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FaceParams

FOLDER_RATE = Fraction(25)  # frames per second of a source whose file names no rate


@dataclass(frozen=True, eq=False)
class Frame:
    """One driving frame.

    pixels: (H, W, 3) uint8 sRGB, None where a performance file drives; time: seconds, of the monotonic
    clock when it was captured (live sources) or since the clip's start; index: number in the source, from
    0; dropped: frames lost before this one, counted from the start; params: what a performance file says;
    duration: seconds it is shown, None where the source does not say.
    """

    pixels: NDArray[np.uint8] | None
    time: float
    index: int
    dropped: int = 0
    params: FaceParams | None = None
    duration: float | None = None


class FrameSource(Protocol):
    """Gives frames until it has `ended`; close it when done.

    name: for people; rate: frames per second as the file says, None where unknown; total: number of
    frames, estimated, 0 where unknown; live: frames come by themselves and the newest is given.
    """

    name: str
    rate: Fraction | None
    total: int
    live: bool

    def take(self, timeout: float) -> Frame | None:
        """Return the next frame (live: the newest one not yet taken); None if none came in `timeout` seconds."""

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more."""

    def close(self) -> None:
        """Release files, processes and devices; may be called twice."""

"""Defines a driving frame, and the contract of clips, cameras, pictures and performances."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FaceParams

FOLDER_RATE = Fraction(25)  # frames per second of a source that names no rate, such as a folder of pictures


@dataclass(frozen=True, eq=False)
class Frame:
    """One driving frame.

    pixels: (H, W, 3) uint8 sRGB, None where a performance drives; time: seconds, of the monotonic clock when it was
    captured (live sources) or since the clip's start; index: number in the source, from 0; dropped: the number of
    frames that were lost before this one, since the start; params: the face parameters of a performance's frame, else
    None; duration: seconds for which it is shown, None where unknown.
    """

    pixels: NDArray[np.uint8] | None
    time: float
    index: int
    dropped: int = 0
    params: FaceParams | None = None
    duration: float | None = None


class FrameSource(Protocol):
    """A source of driving frames, which must be closed.

    name: shown to users; rate: frames per second of the file, None where unknown; total: estimated number of frames, 0
    where unknown; live: whether frames come by themselves, so that `take` returns the newest one.
    """

    name: str
    rate: Fraction | None
    total: int
    live: bool

    def take(self, timeout: float) -> Frame | None:
        """Return the next frame, or a live source's newest that was not taken; None where `timeout` seconds bring
        none.
        """

    @property
    def ended(self) -> bool:
        """Return whether no frame will come any more."""

    def close(self) -> None:
        """Release files, processes and devices; may be called twice."""

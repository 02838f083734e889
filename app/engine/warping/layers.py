"""Holds a photo taken apart into layers, and shares out a picture's rows among the cores."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.pool import ThreadPool
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.engine.warping.curves import FloatArray, box_around

HELPERS = min(8, os.cpu_count() or 1) - 1  # threads that draw besides the one that asks for a picture
BAND_ROWS = 48  # rows that a thread draws at once; chosen by the milliseconds of a frame
STILL = 0.05  # px: smaller displacements count as none
T = TypeVar("T")
Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in px of the photo; the last two are beyond the box


@dataclass(frozen=True, eq=False)
class Layers:
    """The photo taken apart at one resolution.

    texture: (H, W, 4) photo and matte; background: (H, W, 3); zone: (H, W) 0 where the photo is plain background, 2
    where the person is solid, 1 between; hold: (H, W) 255 where things may move, or (0, 0); iod: px between the eyes.
    """

    texture: NDArray[Any]
    background: NDArray[Any]
    zone: NDArray[np.uint8]
    hold: NDArray[np.uint8]
    iod: float


@cache
def pool() -> ThreadPool:
    """Return the daemon threads that help to draw a picture's bands; the kernels run without the GIL."""
    made = ThreadPool(max(1, HELPERS))
    atexit.register(
        made.terminate
    )  # a pool that lives until the interpreter ends complains on standard error
    return made


def meanwhile(make: Callable[[], T]) -> Callable[[], T]:
    """Begin to make something on another core, and return the function that waits for it and returns it."""
    return pool().apply_async(make).get if HELPERS else make


def in_bands(draw: Callable[[int, int], None], y0: int, y1: int) -> None:
    """Call draw(first, end) for bands of the rows y0..y1, on all cores; the calling thread draws with the others."""
    starts = iter(range(y0, y1, BAND_ROWS))  # each of them is taken by one thread

    def work() -> None:
        for start in starts:
            draw(start, min(start + BAND_ROWS, y1))

    helpers = [pool().apply_async(work) for _ in range(HELPERS)]
    try:
        work()
    finally:  # nobody may draw into a picture that the caller was given back
        for helper in helpers:
            helper.get()


def around(*boxes: Box) -> Box:
    """Return the least box around all boxes that hold anything."""
    some = np.array([box for box in boxes if box[2] > box[0] and box[3] > box[1]] or [(0, 0, 0, 0)])
    x0, y0 = some[:, :2].min(axis=0)
    x1, y1 = some[:, 2:].max(axis=0)
    return int(x0), int(y0), int(x1), int(y1)


def box_of(points: FloatArray, shape: tuple[int, ...]) -> Box:
    """Return the box around what is drawn at these points (N, 2 or 3), within the picture; an empty one for none."""
    return box_around(points[:, :2], 3, (shape[1], shape[0])) if len(points) else (0, 0, 0, 0)

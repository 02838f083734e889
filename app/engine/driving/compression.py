"""Compresses a clip by reenactment (HeadGAN, section 4) to a `.mienclip`."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.driving.neutral import unrest
from app.engine.driving.resting import acquainted_driver
from app.engine.driving.steps import CompressedStep
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.imaging.writing import write_bytes
from app.engine.portraits import Portraits
from app.engine.sources.mienclip import ENDING, packed_clip
from app.engine.sources.opening import open_source
from app.engine.sources.performance import Performance


def encode_clip(portraits: Portraits, path: Path) -> Steps[Step, None, bytes]:
    """Yield a step a frame, and return the bytes of a `.mienclip` of the face in a clip; EngineError where a frame
    shows no face.
    """
    yield Step(0, 0, f"Looking through {path.name}")
    params, times, seen = [], [], []
    with FaceTracker(video=True) as tracker, closing(open_source(path)) as source:
        driver = acquainted_driver(portraits.model, tracker, path)
        while (frame := source.take(1.0)) is not None:
            found = driver.drive(frame)
            if found is None:
                raise EngineError(
                    f"{path.name} does not start with a face.", "Cut it, or choose another clip."
                )
            params.append(found)
            times.append(frame.time)
            seen.append(driver.reading.settled)
            yield Step(len(times), max(source.total, len(times)))
        rate = source.rate or Fraction(30)
    yield Step(len(times), len(times), "Writing the reference")
    best = int(np.argmin(np.where(seen, unrest(params, portraits.model), np.inf)))
    picture = _frame(path, best)
    size = (picture.shape[1], picture.shape[0])
    performance = Performance.of(params, times, params[best], rate, size, path.name)
    return packed_clip(picture, performance)


def compress_clip(portraits: Portraits, path: Path, output: Path) -> Iterator[Step]:
    """Write the clip at `path` as the `.mienclip` `output`, and yield a step a frame; the last is a `CompressedStep`.

    EngineError where a frame shows no face, or where `output` cannot be written.
    """
    if output.suffix.lower() != ENDING:
        raise EngineError(f"Compressed clips cannot be written as “{output.suffix}”.", f"Use {ENDING}.")
    if not output.parent.is_dir():
        raise EngineError(f"There is no folder {output.parent}.", "Choose a folder that exists.")
    data = yield from encode_clip(portraits, path)
    write_bytes(output, data)
    yield CompressedStep(1, 1, f"Wrote {output}", size=len(data))


def _frame(path: Path, index: int) -> NDArray[np.uint8]:
    with closing(open_source(path)) as source:
        while (frame := source.take(1.0)) is not None:
            if frame.index == index and frame.pixels is not None:
                return frame.pixels
    raise EngineError(f"{path.name} cannot be read twice.", "Choose a clip that does not change.")

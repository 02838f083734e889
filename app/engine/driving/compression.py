"""HeadGAN's use of reenactment as compression: one picture once, then the face parameters of every frame.

A `.mienclip` is the packed performance of a clip with, before it, its reference frame as PNG:

    8 bytes   MIENCLIP
    4 bytes   length of the PNG, unsigned, little-endian; then the PNG
    rest      a packed `.performance`; its neutral is the reference frame's own parameters
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.engine.driving.animation import scene_of
from app.engine.driving.clip_driving import prepared_driver
from app.engine.driving.driver import Driver
from app.engine.driving.live import Controls, Performer
from app.engine.driving.neutral import unrest
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.face.retargeting import RetargetSettings
from app.engine.imaging.photo import Photo
from app.engine.portraits import Portraits
from app.engine.sources.opening import open_source
from app.engine.sources.performance import Performance, PerformanceSource
from app.engine.sources.performance_files import from_bytes, to_bytes

MAGIC = b"MIENCLIP"


def encode_clip(portraits: Portraits, path: Path) -> bytes:
    """A `.mienclip` of the face in a clip; EngineError where a frame shows none."""
    params, times, seen = [], [], []
    with FaceTracker(video=True) as tracker, closing(open_source(path)) as source:
        driver = prepared_driver(portraits.model, tracker, path)
        while (frame := source.take(1.0)) is not None:
            found = driver.drive(frame)
            if found is None:
                raise EngineError(
                    f"{path.name} does not start with a face.", "Cut it, or choose another clip."
                )
            params.append(found)
            times.append(frame.time)
            seen.append(driver.reading.settled)
        rate = source.rate or Fraction(30)
    best = int(np.argmin(np.where(seen, unrest(params, portraits.model), np.inf)))
    picture = _frame(path, best)
    size = (picture.shape[1], picture.shape[0])
    performance = Performance.of(params, times, params[best], rate, size, path.name)
    png = io.BytesIO()
    Image.fromarray(picture).save(png, "PNG", optimize=True)
    data = png.getvalue()
    return MAGIC + struct.pack("<I", len(data)) + data + to_bytes(performance, packed=True)


def decode_clip(portraits: Portraits, data: bytes) -> Iterator[NDArray[np.uint8]]:
    """The clip's pictures (H, W, 3), made anew from its reference; EngineError where `data` is no such clip."""
    picture, performance = _parts(data)
    portrait = portraits.portrait(Photo(picture, key=f"mienclip:{hash(data)}"))
    if not portrait.faces or performance.neutral is None:
        raise EngineError("The clip's reference shows no face.", "Encode the clip again.")
    face = max(range(len(portrait.faces)), key=lambda k: portrait.faces[k].box[2])
    with FaceTracker(video=True) as tracker, closing(PerformanceSource(performance)) as source:
        driver = Driver(portraits.model, tracker)
        driver.calibration.set(performance.neutral)
        performer = Performer(scene_of(portraits, portrait, face, {}), driver)
        while (frame := source.take(0)) is not None:
            yield performer.step(frame, Controls(RetargetSettings(relative=True))).picture


def _frame(path: Path, index: int) -> NDArray[np.uint8]:
    with closing(open_source(path)) as source:
        while (frame := source.take(1.0)) is not None:
            if frame.index == index and frame.pixels is not None:
                return frame.pixels
    raise EngineError(f"{path.name} cannot be read twice.", "Choose a clip that does not change.")


def _parts(data: bytes) -> tuple[NDArray[np.uint8], Performance]:
    try:
        if data[:8] != MAGIC:
            raise ValueError("it does not start like one")
        (length,) = struct.unpack_from("<I", data, 8)
        with Image.open(io.BytesIO(data[12 : 12 + length]), formats=["PNG"]) as image:
            picture = np.array(image.convert("RGB"))
        return picture, from_bytes(data[12 + length :])
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, OSError, struct.error) as error:
        raise EngineError(
            f"This is not a whole compressed clip: {error}.", "Encode the clip again."
        ) from error

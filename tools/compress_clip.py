"""Measures compression by reenactment (HeadGAN, section 4): compresses clips and makes their frames anew.

    python tools/compress_clip.py CLIP... [--frames 100]

It prints a line of JSON for each clip: the bytes of the reference picture; the kbit/s of the parameters,
packed and plain as 35 float32; and the PSNR of the decoded frames, and of the reference frame alone, against
the clip.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.contract import Step
from app.engine.driving.animation import scene_of
from app.engine.driving.compression import encode_clip
from app.engine.driving.driver import Driver
from app.engine.driving.live import Controls, Performer
from app.engine.engine import Engine
from app.engine.face.landmarks import FaceTracker
from app.engine.face.retargeting import RetargetSettings
from app.engine.imaging.photo import Photo
from app.engine.sources.mienclip import unpacked_clip
from app.engine.sources.performance import N_FRAME, PerformanceSource
from app.engine.sources.video import VideoSource


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio in dB, at most 60."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return min(60.0, 10 * float(np.log10(255**2 / max(error, 1e-9))))


def finished(steps: Generator[Step, None, bytes]) -> bytes:
    """Return what a generator of steps returns at its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return bytes(end.value)


def decoded(engine: Engine, data: bytes) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames (H, W, 3) of a `.mienclip`, drawn anew from its reference frame and parameters."""
    picture, performance = unpacked_clip(data)
    portrait = engine.portrait(Photo(picture, key="mienclip"))
    face = portrait.largest
    with FaceTracker(video=True) as tracker, closing(PerformanceSource(performance)) as source:
        driver = Driver(engine.model, tracker)
        assert performance.neutral is not None
        driver.calibration.set(performance.neutral)
        performer = Performer(scene_of(engine, portrait, face, {}), driver)
        while (frame := source.take(0)) is not None:
            yield performer.step(frame, Controls(RetargetSettings(relative=True))).picture


def measured(engine: Engine, path: Path, frames: int) -> dict[str, Any]:
    """Compress a clip, make its frames anew and compare at most `frames` of them with the clip's own."""
    data = finished(encode_clip(engine, path))
    reference, performance = unpacked_clip(data)
    (png,) = struct.unpack_from("<I", data, 8)
    (header,) = struct.unpack_from("<I", data, 12 + png + 8)
    body = len(data) - (12 + png + 12 + header)
    own, still = [], []
    with closing(VideoSource(path)) as source:
        for picture in islice(decoded(engine, data), frames):
            frame = source.take(1.0)
            assert frame is not None and frame.pixels is not None
            own.append(psnr(picture, frame.pixels))
            still.append(psnr(reference, frame.pixels))
    return {
        "clip": path.name,
        "frames": len(performance),
        "reference_bytes": png,
        "packed_kbit_s": round(body * 8 / performance.duration / 1000, 2),
        "plain_kbit_s": round(N_FRAME * 32 * float(performance.rate) / 1000, 2),
        "psnr": round(float(np.mean(own)), 2),
        "psnr_reference_alone": round(float(np.mean(still)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=100)
    args = parser.parse_args()
    engine = Engine()
    for path in args.clips:
        print(json.dumps(measured(engine, path, args.frames)), flush=True)


if __name__ == "__main__":
    main()

"""Measures HeadGAN's compression: a clip goes through `encode_clip` and `decode_clip`; prints kbit/s and
errors.

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
from collections.abc import Generator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.contract import Step
from app.engine.driving.compression import decode_clip, encode_clip
from app.engine.engine import Engine
from app.engine.sources.performance import N_FRAME
from app.engine.sources.performance_files import from_bytes
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


def compressed(engine: Engine, path: Path, frames: int) -> dict[str, Any]:
    """Encode, decode and compare one clip."""
    data = finished(encode_clip(engine, path))
    (png,) = struct.unpack_from("<I", data, 8)
    performance = from_bytes(data[12 + png :])
    (header,) = struct.unpack_from("<I", data, 12 + png + 8)
    body = len(data) - (12 + png + 12 + header)
    own, still = [], []
    source = VideoSource(path)
    reference: NDArray[np.uint8] | None = None
    for picture in islice(decode_clip(engine, data), frames):
        frame = source.take(1.0)
        assert frame is not None and frame.pixels is not None
        reference = _reference(data, png) if reference is None else reference
        own.append(psnr(picture, frame.pixels))
        still.append(psnr(reference, frame.pixels))
    source.close()
    return {
        "clip": path.name,
        "frames": len(performance),
        "reference_bytes": png,
        "packed_kbit_s": round(body * 8 / performance.duration / 1000, 2),
        "plain_kbit_s": round(N_FRAME * 32 * float(performance.rate) / 1000, 2),
        "psnr": round(float(np.mean(own)), 2),
        "psnr_reference_alone": round(float(np.mean(still)), 2),
    }


def _reference(data: bytes, length: int) -> NDArray[np.uint8]:
    import io

    from PIL import Image

    return np.array(Image.open(io.BytesIO(data[12 : 12 + length])).convert("RGB"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=100)
    args = parser.parse_args()
    engine = Engine()
    for path in args.clips:
        print(json.dumps(compressed(engine, path, args.frames)), flush=True)


if __name__ == "__main__":
    main()

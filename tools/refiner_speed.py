"""What the refiner costs on top of mesh-warp, as a difference in one run.

    python tools/refiner_speed.py [--threads 2] [--frames 150] [--sizes 256 512]

The sample portrait is made so small that the square about its head, which the network sees, is SIZE px. For each frame
mesh-warp and the refined generator take turns on one target (turning, with the mouth opening), which of them first
alternates, and the difference of their times is kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.contract import SourceImage, Target  # noqa: E402
from app.engine.engine import Engine  # noqa: E402
from app.engine.face.morphable_model import default_model  # noqa: E402
from app.engine.face.parameters import FaceEdit  # noqa: E402
from app.engine.face.semantic import resolve  # noqa: E402
from app.engine.generators.mesh_warp import MeshWarp, resized  # noqa: E402
from app.engine.generators.refined_warp import RefinedCode, RefinedWarp  # noqa: E402
from app.engine.imaging.matte import person_matte  # noqa: E402
from app.engine.sample import sample_path  # noqa: E402
from app.engine.warping.evidence import face_square, portrait_layers  # noqa: E402

WARM = 10  # frames before the first that counts


def sample_at(size: int) -> SourceImage:
    """The sample portrait with its head's square `size` px large."""
    engine = Engine("mesh-warp")
    portrait = engine.open(sample_path())
    engine.close()
    face, pixels = portrait.faces[0], portrait.photo.pixels
    whole = SourceImage(pixels, None, face, person_matte(pixels, face))
    return resized(whole, size / face_square(face.landmarks).side)


def milliseconds(source: SourceImage, frames: int) -> dict[str, list[float]]:
    """Per frame of both generators, and their difference."""
    warp, refined = MeshWarp(), RefinedWarp()
    code = warp.encode_layers(source)
    seen = RefinedCode(code, portrait_layers(code.face, code.layers.texture))
    found: dict[str, list[float]] = {"mesh-warp": [], "refined": [], "difference": []}
    for k in range(-WARM, frames):
        edit = FaceEdit.of(yaw=25 * float(np.sin(k / 9)), mouth_open=0.5 + 0.5 * float(np.cos(k / 5)))
        target = Target(resolve(edit, source.face, default_model()))
        frame = {
            "mesh-warp": partial(warp.generate, code, target),
            "refined": partial(refined.generate, seen, target),
        }
        times = {}
        for name in sorted(frame, reverse=k % 2 == 0):
            start = time.perf_counter()
            frame[name]()
            times[name] = 1000 * (time.perf_counter() - start)
        if k >= 0:
            for name, value in times.items():
                found[name].append(value)
            found["difference"].append(times["refined"] - times["mesh-warp"])
    return found


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    print(f"{args.threads} threads; median, best and 90 of 100 in ms")
    for size in args.sizes:
        for name, values in milliseconds(sample_at(size), args.frames).items():
            median, best, late = np.percentile(values, [50, 0, 90])
            print(f"{size} px {name:12} {median:6.1f} {best:6.1f} {late:6.1f}")


if __name__ == "__main__":
    main()

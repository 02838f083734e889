"""Measures how much the followed face of a still clip trembles.

python tools/still_jitter.py PHOTO... [--frames 16] [--tree CHECKOUT]

The clip is one photo; every frame has other noise and is compressed anew. With --tree, another checkout's
tracker is measured on the same pictures. Landmarks are in percent of the distance between the eyes' outer
corners, the pose in degrees, the expression in sigmas; all are root mean squares about the mean of the
frames.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

# Levels of noise; JPEG's quality; px of the frame's longer side; first frames that are left out.
NOISE, QUALITY, SIDE, SETTLE = 3.0, 85, 640, 3


def frames(pixels: NDArray[np.uint8], count: int) -> list[NDArray[np.uint8]]:
    """Return `count` frames of a still clip: the photo with noise, each compressed anew."""
    made = []
    for k in range(count):
        noisy = pixels + np.random.default_rng(k).normal(0, NOISE, pixels.shape)
        data = cv2.imencode(
            ".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        )[1]
        made.append(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--tree", type=Path, default=Path(__file__).resolve().parents[1])
    args = parser.parse_args()
    sys.path.insert(0, str(args.tree))
    from app.engine.face.fitting import fit_face
    from app.engine.face.landmarks import FaceTracker
    from app.engine.face.morphable_model import default_model
    from app.engine.face.regions import at_most
    from app.engine.imaging.colour import to_srgb8
    from app.engine.imaging.reading import open_photo

    model = default_model()
    known = FaceTracker.__init__.__annotations__
    live = {"live": True} if "live" in known else {"steady": False}  # older trackers have the second
    for title, options in (("films", {}), ("live", live)):
        rows, took = [], []
        for path in args.photos:
            pixels, _ = at_most(to_srgb8(open_photo(path)), SIDE)
            points, poses, expressions, identity = [], [], [], None
            with FaceTracker(video=True, **options) as tracker:
                for frame in frames(pixels, args.frames):
                    start = time.perf_counter()
                    seen = tracker.detect(frame)
                    took.append(1000 * (time.perf_counter() - start))
                    if not seen or seen[0].side < 60:
                        break
                    fitted = fit_face(seen[0], model, identity)
                    identity = fitted.params.identity
                    camera = fitted.params.camera
                    points.append(seen[0].landmarks[:, :2])
                    poses.append((camera.yaw, camera.pitch, camera.roll))
                    expressions.append(np.array(fitted.params.expression.coefficients))
            if len(points) < args.frames:
                continue
            eyes = np.linalg.norm(points[-1][33] - points[-1][263])
            spreads = (np.array(part)[SETTLE:].std(axis=0) for part in (points, poses, expressions))
            marks, pose, expression = (float(np.sqrt(np.square(part).mean())) for part in spreads)
            rows.append((100 * marks / eyes, pose, expression))
        found = np.array(rows)
        columns = zip(("landmarks, %", "pose, degrees", "expression, sigmas"), found.T)
        text = "; ".join(f"{name}: {np.median(v):.3f}, mean {v.mean():.3f}" for name, v in columns)
        print(f"{title}, {len(found)} photos: {text}; {np.median(took):.1f} ms a frame", flush=True)


if __name__ == "__main__":
    main()

"""Measures how steady the landmark network's landmarks are.

python tools/landmark_noise.py PHOTO... [--times 12]

Photos are moved, turned, resized and made noisy by known amounts, and the landmarks are found afresh. The
results are the spread of every landmark after undoing the movement, in percent of the distance between the
eyes' outer corners, and the spread of the pose and expression that are fitted to the landmarks. A dense
regressor (Head2Head++, DenseFaceReg) would have to be steadier.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine  # noqa: E402
from app.engine.face.fitting import fit_face  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402

SHIFT, TURN, SCALE, NOISE = 0.05, 5.0, 0.1, 3.0  # face sides, degrees, relative, levels
FACE = 200  # pixels of the face in the pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--times", type=int, default=12)
    args = parser.parse_args()
    engine = Engine()
    rows = [spread(engine, photo, args.times) for photo in args.photos]
    found = np.array([row for row in rows if row is not None])
    print(f"{len(found)} photos, {args.times} times each; medians (largest) over photos:")
    names = ("landmarks, % of the eye distance", "pose, degrees", "expression, sigmas")
    for name, values in zip(names, found.T):
        print(f"- {name}: {np.median(values):.2f} ({values.max():.2f})")


def spread(engine: Engine, path: Path, times: int) -> tuple[float, float, float] | None:
    """Return the root mean square deviation from the mean of landmarks, of yaw, pitch and roll, and of the
    expression.

    The result is None where no face is found.
    """
    portrait = engine.open(path)
    if not portrait.faces:
        return None
    face = portrait.faces[portrait.largest]
    pixels = to_srgb8(portrait.photo)
    rng = np.random.default_rng(0)
    points, poses, expressions = [], [], []
    for _ in range(times):
        picture, affine, turn = disturbed(pixels, face.box, rng)
        seen = engine.tracker.detect(picture)
        if not seen:
            continue
        found = max(seen, key=lambda one: one.side)
        fitted = fit_face(found, engine.model, face.params.identity)
        back = cv2.invertAffineTransform(affine)
        points.append(found.landmarks[:468, :2] @ back[:, :2].T + back[:, 2])
        yaw, pitch, roll = fitted.params.camera.angles
        poses.append((yaw, pitch, roll - turn))
        expressions.append(fitted.params.expression.coefficients)
    eyes = float(np.linalg.norm(face.landmarks[33, :2] - face.landmarks[263, :2]))
    return 100 * rms(np.array(points)) / eyes * 2**0.5, rms(np.array(poses)), rms(np.array(expressions))


def disturbed(
    pixels: NDArray[np.uint8], box: tuple[float, float, float, float], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64], float]:
    """Return the face's surroundings at FACE pixels, moved and with noise; the movement; and the degrees by
    which they were turned clockwise.
    """
    x, y, w, h = box
    side = max(w, h)
    scale = FACE / side * rng.uniform(1 - SCALE, 1 + SCALE)
    turn = float(rng.uniform(-TURN, TURN))
    affine = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), -turn, scale)
    size = 2 * FACE
    affine[:, 2] += (
        np.array([size / 2 - x - w / 2, size / 2 - y - h / 2]) + rng.uniform(-SHIFT, SHIFT, 2) * FACE
    )
    moved = cv2.warpAffine(
        pixels, affine, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    noisy = moved + rng.normal(0, NOISE, moved.shape)
    return np.asarray(np.clip(np.round(noisy), 0, 255), np.uint8), np.asarray(affine), turn


def rms(values: NDArray[np.float64]) -> float:
    """Return the root mean square, over all other axes too, of the deviation from the mean over the first
    axis.
    """
    return float(np.sqrt(np.square(values - values.mean(axis=0)).mean()))


if __name__ == "__main__":
    main()

"""Measures how restless a driven portrait is, compared with its driver.

python tools/flicker.py CLIP... [--photo PHOTO] [--other TREE] [--python PYTHON_OF_THE_OTHER]

Each clip drives the photo, or its own first frame, into PNG frames, by this checkout and by the other one.
Only frames between which the driver's head stays still are compared. Pixels of the face outside eyes and
mouth are compared with those of the frame before, in the driver and in the result, at one size of the face;
frames that a clip repeats are left out. A result that is as calm as its driver gives a ratio of about one; a
photo that is sharper than the clip gives more for the same movement.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.reading import open_photo  # noqa: E402
from app.engine.imaging.writing import write_png  # noqa: E402
from app.engine.sources.opening import open_source  # noqa: E402

Image = NDArray[np.uint8]
IOD = 60.0  # px of an eye distance at which frames are compared
STILL = 0.006  # eye distances that the nose and the eyes' corners may move between two frames
FIRM = (33, 133, 263, 362, 1, 168, 4)  # eye corners and nose
EYES = ((33, 160, 158, 133, 153, 144), (263, 387, 385, 362, 380, 373))  # outlines
LIPS = (61, 37, 267, 291, 314, 84)  # outline
# Levels of 255: a frame that differs by less is a repetition, though the head may be moving.
REPEATED = 0.05
SPARED = 0.3  # eye distances around eyes and lips that are left out
SIDE = 640  # px of the film's longest side


def driven(python: str, tree: Path, photo: Path, clip: Path, output: Path) -> list[Image]:
    """Return the frames that a checkout makes of the photo, driven by the clip."""
    output.parent.mkdir()
    command = [python, "-m", "app", "drive", str(photo), str(clip), "-o", str(output)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    extra = ["--relative", "--size", str(SIDE)]
    subprocess.run([*command, *extra], cwd=tree, env=environment, check=True, capture_output=True)
    return [to_srgb8(open_photo(path)) for path in sorted(output.parent.rglob("*.png"))]


def frames_of(clip: Path) -> list[Image]:
    """Return the pictures of a clip or of a folder of frames."""
    with closing(open_source(clip)) as source:
        found = []
        while (frame := source.take(1.0)) is not None:
            if frame.pixels is not None:
                found.append(frame.pixels)
    return found


def skin(points: NDArray[np.float64], shape: Sequence[int], unit: float) -> NDArray[np.bool_]:
    """Return (H, W), true inside the face and away from eyes and lips."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points[:468, :2]).astype(np.int32)), 1)
    spared = np.zeros_like(mask)
    for part in (*EYES, LIPS):
        hull = cv2.convexHull(np.round(points[list(part), :2]).astype(np.int32))
        cv2.fillConvexPoly(spared, hull, 1)
    size = 2 * round(SPARED * unit) + 1
    spared = cv2.dilate(spared, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return np.asarray((mask > 0) & (spared == 0))


def at_one_size(frames: list[Image], engine: Engine) -> tuple[list[Image], NDArray[np.bool_]]:
    """Return the frames scaled so that the first one's face has the eye distance IOD, and the mask of its
    skin.
    """
    found = engine.fit(frames[0])
    if not found:
        raise SystemExit("no face is found in the first frame")
    face = max(found, key=lambda one: one.box[2])
    scale = IOD / face.params.camera.scale
    small = [cv2.resize(f, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for f in frames]
    return [np.asarray(f, np.uint8) for f in small], skin(face.landmarks * scale, small[0].shape, IOD)


def restlessness(frames: list[Image], engine: Engine) -> NDArray[np.float64]:
    """Return (n - 1,) the mean absolute difference (0 to 255) of the skin between neighbouring frames."""
    small, mask = at_one_size(frames, engine)
    return np.array([np.abs(b.astype(np.float64) - a)[mask].mean() for a, b in pairwise(small)])


def stillness(frames: list[Image], engine: Engine) -> NDArray[np.bool_]:
    """Return (n - 1,), true where the firm points hardly move between neighbouring frames."""
    places = []
    for frame in at_one_size(frames, engine)[0]:
        seen = engine.fit(frame)
        points = max(seen, key=lambda one: one.box[2]).landmarks if seen else np.full((478, 3), np.nan)
        places.append(points[list(FIRM), :2])
    return np.array([float(np.abs(b - a).mean()) / IOD < STILL for a, b in pairwise(places)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    engine = Engine()
    trees = [(sys.executable, ROOT)] + ([(args.python, args.other.resolve())] if args.other else [])
    print("| clip | still frames | driver | made by | result | ratio |\n|---|---|---|---|---|---|")
    for clip in args.clips:
        frames = frames_of(clip)
        own = restlessness(frames, engine)
        still = stillness(frames, engine) & (own > REPEATED)
        for python, tree in trees:
            with tempfile.TemporaryDirectory() as folder:
                photo = (args.photo or Path(folder) / "first.png").resolve()
                if not args.photo:
                    write_png(photo, frames[0])
                made = driven(python, tree, photo, clip.resolve(), Path(folder) / "made" / "frames.png")
            changed = restlessness(made, engine)
            n = min(len(changed), len(own))
            at = still[:n]
            a, b = float(own[:n][at].mean()), float(changed[:n][at].mean())
            print(
                f"| {clip.stem} | {at.sum()} of {n} | {a:.2f} | {tree.name} | {b:.2f} | {b / a:.2f} |",
                flush=True,
            )
    engine.close()


if __name__ == "__main__":
    main()

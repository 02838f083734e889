"""Compares two ways to find pupils: Head2Head++'s inverse-intensity centroids and the tracker's irises.

python tools/pupils.py CLIP_OR_PHOTO... [--frames 60]

Clips have no truth, so three properties of good pupils are measured, in percent of the eye's width. They move
smoothly from frame to frame (jitter: the mean length of the second difference). Both eyes look the same way
(disagreement of left and right in the eye's own coordinates). When the whole picture is moved, they move by
as much. The first two would also favour a way whose pupils hardly move at all. So the eyes of photos are
turned by known angles with `mesh-warp`, and the movement found is compared with the one made: its gain (1 is
right), and the error that is left after dividing by the gain.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.face.landmarks import FaceTracker  # noqa: E402
from app.engine.rendering.eye_sketch import OUTLINES  # noqa: E402
from app.engine.sources.video import VideoSource  # noqa: E402
from tools.intensity_pupils import intensity_pupils  # noqa: E402

SHIFT = (0.37, 0.21)  # shift of the picture, in parts of the eye's width
TURNS = (-15, -8, 0, 8, 15)  # degrees sideways
PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
IRISES = (468, 473)  # landmarks of the irises' middles, in the order of OUTLINES
OPEN = 0.15  # lid gap over width below which there is no pupil to find


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=60)
    args = parser.parse_args()
    photos = [path for path in args.clips if path.suffix.lower() in PHOTOS]
    if photos:
        turned_eyes(photos)
    print("\nCentroid / iris:\n\n| clip | frames | jitter | eyes disagree | error after a shift |")
    print("|---|---|---|---|---|")
    for clip in (path for path in args.clips if path not in photos):
        tracks, shifts = track(clip, args.frames)
        if len(tracks) < 3:
            print(f"| {clip.name} | {len(tracks)} | too few open eyes | | |")
            continue
        numbers = [(jitter(t), disagreement(t), s) for t, s in zip(np.moveaxis(tracks, 1, 0), shifts)]
        cells = [f"{100 * numbers[0][k]:.2f} / {100 * numbers[1][k]:.2f}" for k in range(3)]
        print(f"| {clip.name} | {len(tracks)} | {' | '.join(cells)} |", flush=True)


def turned_eyes(photos: list[Path]) -> None:
    """Print the gain and the rest of each way over photos whose eyes were turned."""
    from app.engine.engine import Engine
    from app.engine.face.fitting import EYEBALL
    from app.engine.face.parameters import FaceEdit

    engine = Engine()
    made, found = [], []
    for photo in photos:
        portrait = engine.open(photo)
        if not portrait.faces or openness(portrait.faces[0].landmarks) < OPEN:
            continue
        rest = portrait.faces[0].params.expression.gaze[0]
        rows: list[NDArray[np.float64]] = []
        for turn in TURNS:
            rendered = engine.render(portrait, {0: FaceEdit.of(gaze_x=rest + turn)})
            faces = engine.tracker.detect(rendered.pixels)
            rows += [ways(rendered.pixels, faces[0].landmarks[:, :2])] if faces else []
        if len(rows) < len(TURNS):
            continue
        marks = portrait.faces[0].landmarks
        unit = portrait.faces[0].params.camera.scale / np.linalg.norm(marks[33, :2] - marks[133, :2])
        start = rows[TURNS.index(0)]
        for turn, row in zip(TURNS, rows):
            moved = np.sin(np.radians(rest + turn)) - np.sin(np.radians(rest))
            made.append(EYEBALL * unit * moved)
            found.append((row - start)[:, :, 0].mean(axis=1))
    x, ys = np.array(made), np.array(found).T
    print(f"Eyes turned by {TURNS} degrees in {len(made) // len(TURNS)} photos:\n")
    print("| way | gain | rest, % of the eye's width | correlation |\n|---|---|---|---|")
    for name, y in zip(("inverse-intensity centroid", "iris landmarks"), ys):
        gain = float(x @ y / (x @ x))
        rest = 100 * float(np.sqrt(np.square(y - gain * x).mean())) / max(gain, 1e-6)
        print(f"| {name} | {gain:.2f} | {rest:.2f} | {np.corrcoef(x, y)[0, 1]:.3f} |")


def track(clip: Path, count: int) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Return (T, 2 ways, 2 eyes, 2): pupils in eye coordinates; and each way's error when the picture is shifted."""
    rows: list[NDArray[np.float64]] = []
    errors: list[tuple[float, float]] = []
    with FaceTracker(video=True) as tracker, FaceTracker() as fresh, closing(VideoSource(clip)) as source:
        while len(rows) < count and (frame := source.take(10)) is not None and frame.pixels is not None:
            found = tracker.detect(frame.pixels)
            if not found or openness(found[0].landmarks) < OPEN:
                continue
            marks = found[0].landmarks[:, :2]
            rows.append(ways(frame.pixels, marks))
            if len(rows) % 10 == 1:
                errors += shift_error(fresh, frame.pixels, marks)
    means = np.mean(errors, axis=0) if errors else (np.nan, np.nan)
    return np.array(rows), (float(means[0]), float(means[1]))


def ways(pixels: NDArray[np.uint8], marks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2 ways, 2 eyes, 2): pupils along and across the eye, from the middle of its corners, over its
    width.
    """
    centroid = intensity_pupils(pixels, marks)
    return np.stack([[in_eye(marks, k, way[k]) for k in (0, 1)] for way in (centroid, marks[list(IRISES)])])


def in_eye(marks: NDArray[np.float64], eye: int, pupil: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a pupil along and across the eye, from the middle of its corners, over its width."""
    left, right = sorted(
        (marks[OUTLINES[eye][0]], marks[OUTLINES[eye][3]]), key=lambda point: float(point[0])
    )
    along = (right - left) / np.linalg.norm(right - left)
    offset = pupil - (left + right) / 2
    across = np.array([-along[1], along[0]])
    return np.asarray(np.array([offset @ along, offset @ across]) / np.linalg.norm(right - left))


def openness(landmarks: NDArray[np.float64]) -> float:
    """Return the gap of the lids over the eye's width, of the narrower eye."""
    gaps = []
    for outline in OUTLINES:
        p = landmarks[list(outline), :2]
        gap = (np.linalg.norm(p[1] - p[5]) + np.linalg.norm(p[2] - p[4])) / 2
        gaps.append(gap / np.linalg.norm(p[0] - p[3]))
    return float(min(gaps))


def shift_error(
    fresh: FaceTracker, pixels: NDArray[np.uint8], marks: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """Return how far each way's pupils are from where a shift of the picture moves them, over the eye's width."""
    import cv2

    width = float(np.linalg.norm(marks[OUTLINES[0][0]] - marks[OUTLINES[0][3]]))
    shift = np.array(SHIFT) * width
    size = (pixels.shape[1], pixels.shape[0])
    affine = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    moved = np.asarray(cv2.warpAffine(pixels, affine, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    at_first, at_last = (fresh.detect(picture) for picture in (pixels, moved))
    if not at_first or not at_last:
        return []
    before, after = at_first[0].landmarks[:, :2], at_last[0].landmarks[:, :2]
    gaps = []
    for pupils in (intensity_pupils, lambda _, m: m[list(IRISES)]):
        gap = pupils(moved, after) - pupils(pixels, before) - shift
        gaps.append(float(np.linalg.norm(gap, axis=1).mean() / width))
    return [(gaps[0], gaps[1])]


def jitter(track: NDArray[np.float64]) -> float:
    """Return the mean length of a track's second difference."""
    return float(np.linalg.norm(np.diff(track, 2, axis=0), axis=-1).mean())


def disagreement(track: NDArray[np.float64]) -> float:
    """Return the difference between the eyes, without its mean, which belongs to the face itself."""
    gap = track[:, 0] - track[:, 1]
    return float(np.linalg.norm(gap - gap.mean(axis=0), axis=-1).mean())


if __name__ == "__main__":
    main()

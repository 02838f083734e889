"""Covers drivers' faces for a while and measures what reaches the portrait.

    python tools/covered_faces.py CLIP... [-o FOLDER] [--seconds 0.5 3 15] [--only NAME...]

The clip is played to and fro. A smooth board in the colour of the driver's skin, a hand with its forearm (cut
from a_asl_thanks of ../shared/media) and a blurred object slide before the face. They come from several
sides, hide all of the face or half of it, and stay for some seconds. Every frame is driven live, with and
without the cover. For each cover the script prints how many covered frames were believed, how far their
result lies from the truth, the largest step of what is shown (the driver's own in brackets), and how many
frames without a cover were held. With a folder, it also draws a sheet of the covered frames for each cover;
believed frames have a green edge.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.driving.driver import Driver  # noqa: E402
from app.engine.face.landmarks import FaceTracker  # noqa: E402
from app.engine.face.morphable_model import default_model  # noqa: E402
from app.engine.face.parameters import FaceParams, Identity  # noqa: E402
from app.engine.sources.frames import Frame  # noqa: E402
from app.engine.sources.opening import open_source  # noqa: E402

Pixels = NDArray[np.uint8]
SHARED = ROOT.parent / "shared"
MEDIA = (SHARED if SHARED.exists() else ROOT.parents[1] / "shared") / "media"
SLIDE, FREE = 0.2, 2.5  # seconds for which a cover slides in or out, and between two covers
SIDES = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}
KINDS = ("board", "hand", "blur")
PLACES = (("all", "left"), ("all", "below"), *(("half", side) for side in SIDES))
MOST_FRAMES = 450  # of a clip: 15 seconds at 30 frames a second
HAND = 30  # number of a frame of a_asl_thanks.mkv that shows a hand before a shirt
ARM_BOX = (170, 110, 220)  # px: x, y and side of a square around hand and forearm
# Px of the box: the outline of hand and forearm.
ARM = ((30, 175), (60, 110), (75, 45), (95, 50), (100, 70), (140, 40), (155, 50), (125, 110))
ARM += ((85, 160), (60, 200), (30, 195))
HAND_WIDTH = 0.75  # share of the cover's width
PALM = 0.24  # share of the hand's length, from the fingertips, at which its palm lies
# How far from the face's middle a cover stands that hides half of it, in widths of the cover.
HALF = {"board": 0.5, "hand": 0.37, "blur": 0.42}
# Px of the box: points along the middle of forearm and hand.
BONE = ((45, 180), (85, 125), (112, 90), (140, 58))


@dataclass(frozen=True)
class Moment:
    """A moment of the run: the number of the clip's frame, its time in seconds, and how far a cover has come
    in, [0, 1].
    """

    frame: int
    time: float
    covered: float


@dataclass(frozen=True)
class Shown:
    """What a driver gave at a moment, and whether the frame's face was believed."""

    params: FaceParams | None
    found: bool
    box: tuple[float, float, float, float]


def timeline(frames: int, rate: float, seconds: list[float]) -> list[Moment]:
    """Return the moments of a clip that runs to and fro, with a cover of each duration."""
    spans, at = [], FREE
    for one in seconds:
        spans.append((at, at + one))
        at += one + FREE
    moments = []
    for k in range(round(at * rate)):
        time = k / rate
        inside = max((min((time - a) / SLIDE, (b - time) / SLIDE) for a, b in spans), default=0.0)
        turn = k % max(1, 2 * frames - 2)
        moments.append(
            Moment(turn if turn < frames else 2 * frames - 2 - turn, time, min(1.0, max(0.0, inside)))
        )
    return moments


def driven(pictures: Iterator[tuple[Moment, Pixels]]) -> list[Shown]:
    """Return what a live driver gives for these pictures."""
    shown = []
    with FaceTracker(video=True, live=True) as tracker:
        driver = Driver(default_model(), tracker)
        for k, (moment, pixels) in enumerate(pictures):
            params = driver.drive(Frame(pixels, moment.time, k))
            box = (0.0, 0.0, 0.0, 0.0)
            if driver.reading.landmarks is not None:
                points = driver.reading.landmarks[:468, :2]
                low, high = points.min(axis=0), points.max(axis=0)
                box = (float(low[0]), float(low[1]), *(float(v) for v in high - low))
            shown.append(Shown(params, driver.reading.found, box))
    return shown


@cache
def hand() -> NDArray[np.uint8]:
    """Return (H, W, 4): a hand on its forearm, fingers up, cut from a picture in which they lie before a grey
    shirt.
    """
    with closing(open_source(MEDIA / "videos" / "a_asl_thanks.mkv")) as source:
        frames = [source.take(5) for _ in range(HAND + 1)]
    last = frames[-1]
    assert last is not None and last.pixels is not None
    x, y, side = ARM_BOX
    part = cv2.resize(
        last.pixels[y : y + side, x : x + side], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC
    )
    mask = np.full(part.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(mask, [np.array(ARM, np.int32) * 3], cv2.GC_PR_FGD)
    cv2.polylines(mask, [np.array(BONE, np.int32) * 3], False, cv2.GC_FGD, 30)
    cv2.grabCut(part, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    alpha = cv2.GaussianBlur(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32) * 255, (0, 0), 2)
    sprite = np.dstack([part, alpha.astype(np.uint8)])
    turn = cv2.getRotationMatrix2D((1.5 * side, 1.5 * side), 40, 1)
    upright = cv2.warpAffine(sprite, turn, (3 * side, 3 * side), flags=cv2.INTER_CUBIC)
    solid = upright[..., 3] > 127
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return np.asarray(upright[rows[0] : rows[-1], columns[0] : columns[-1]])


def cover(
    kind: str, size: tuple[int, int], skin: NDArray[np.float64], way: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return (h, w, 4): the cover that slides before a face, coming from the direction `way`."""
    w, h = size
    if kind == "board":
        shade = np.linspace(6, -6, h)[:, None, None] + np.linspace(-3, 3, w)[None, :, None]
        flat = np.clip(skin + shade, 0, 255).astype(np.uint8)
        return np.dstack([flat, np.full((h, w), 255, np.uint8)])
    if kind == "hand":
        turned = np.ascontiguousarray(np.rot90(hand(), {(0, 1): 0, (1, 0): 1, (0, -1): 2, (-1, 0): 3}[way]))
        zoom = HAND_WIDTH * w / hand().shape[1]
        return np.asarray(cv2.resize(turned, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA))
    noise = np.random.default_rng(3).uniform(0, 255, (4, 4, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(cv2.resize(noise, (w, h), interpolation=cv2.INTER_CUBIC), (0, 0), 0.1 * w)
    alpha = np.zeros((h, w), np.float32)
    cv2.ellipse(alpha, (w // 2, h // 2), (int(0.42 * w), int(0.42 * h)), 0, 0, 360, 255, -1)
    return np.dstack(
        [np.clip(0.6 * soft + 0.4 * skin, 0, 255), cv2.GaussianBlur(alpha, (0, 0), 0.05 * w)]
    ).astype(np.uint8)


def laid(pixels: Pixels, sprite: NDArray[np.uint8], corner: tuple[float, float]) -> Pixels:
    """Return the picture with a sprite over it, whose upper left corner lies at (x, y)."""
    shift = np.array([[1, 0, corner[0]], [0, 1, corner[1]]], np.float32)
    over = cv2.warpAffine(sprite, shift, pixels.shape[1::-1])
    alpha = over[..., 3:].astype(np.float32) / 255
    return np.asarray(pixels * (1 - alpha) + over[..., :3] * alpha, np.uint8)


def skin_of(pixels: Pixels, box: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Return the colour of the middle of a face."""
    x, y, w, h = box
    part = pixels[int(y + 0.5 * h) : int(y + 0.7 * h), int(x + 0.2 * w) : int(x + 0.8 * w)]
    return np.asarray(np.median(part.reshape(-1, 3), axis=0), np.float64)


def covered(
    frames: list[Pixels], moments: list[Moment], truth: list[Shown], kind: str, place: tuple[str, str]
) -> Iterator[tuple[Moment, Pixels]]:
    """Return the pictures of a run with a cover that follows the face."""
    extent, side = place
    way = SIDES[side]
    boxes = np.array([one.box for one in truth if one.found])
    across = 1.5 * float(np.median(boxes[:, 2:], axis=0).max())
    skin = skin_of(frames[moments[0].frame], truth[0].box if truth[0].found else tuple(boxes[0]))
    sprite = cover(kind, (round(across), round(across)), skin, way)
    height, width = sprite.shape[:2]
    behind = (0.5 - PALM) * max(width, height) if kind == "hand" else 0.0
    reach = HALF[kind] * across if extent == "half" else 0.0
    for moment, one in zip(moments, truth):
        pixels = frames[moment.frame]
        if moment.covered > 0:
            away = behind + reach + (1 - moment.covered) * across
            x, y = one.box[0] + one.box[2] / 2 - width / 2, one.box[1] + one.box[3] / 2 - height / 2
            pixels = laid(pixels, sprite, (x + way[0] * away, y + way[1] * away))
        yield moment, pixels


def apart(one: FaceParams, other: FaceParams) -> tuple[float, float, float, float]:
    """Return how far two faces of one person are apart: size (share), place (eye distances), turn (degrees),
    and face (% of the eye distance, root mean square over the vertices, without the head's movement).
    """
    a, b = one.camera, other.camera
    turn = math.degrees(math.acos(min(1.0, max(-1.0, (float(np.trace(a.rotation.T @ b.rotation)) - 1) / 2))))
    model, mean = default_model(), Identity((0.0,) * len(one.identity.coefficients))
    shape = model.shape(mean, one.expression) - model.shape(mean, other.expression)
    face = 100 * math.sqrt(float((shape[:, :2] ** 2).sum(axis=1).mean()))
    return abs(math.log(a.scale / b.scale)), math.dist(a.translation, b.translation) / b.scale, turn, face


def table_line(name: str, moments: list[Moment], truth: list[Shown], shown: list[Shown]) -> str:
    """Return a line of the table."""
    full = [k for k, moment in enumerate(moments) if moment.covered >= 0.6]
    errors = []
    for k, moment in enumerate(moments):
        a, b = truth[k].params, shown[k].params
        if a is None or b is None:
            continue
        if moment.covered > 0 and shown[k].found:
            errors.append(apart(b, a))
    steps = [
        apart(b.params, a.params) for a, b in pairwise(shown) if a.params is not None and b.params is not None
    ]
    steps_truth = [apart(b.params, a.params) for a, b in pairwise(truth) if a.params and b.params]
    free = sum(m.covered == 0 and t.found and not s.found for m, t, s in zip(moments, truth, shown))
    believed = sum(shown[k].found for k in full)
    worst = np.max(errors, axis=0) if errors else np.zeros(4)
    step, own = np.max(steps, axis=0), np.max(steps_truth, axis=0)
    cells = [f"{believed}/{len(full)}", *(f"{v:.{d}f}" for v, d in zip(worst, (3, 2, 1, 1)))]
    cells += [*(f"{v:.{d}f}({o:.{d}f})" for v, o, d in zip(step, own, (3, 2, 1, 1))), str(free)]
    return f"| {name} | " + " | ".join(cells) + " |"


def pictures_of(path: Path) -> tuple[list[Pixels], float]:
    """Return the first frames of a clip, and their rate."""
    frames = []
    with closing(open_source(path)) as source:
        while len(frames) < MOST_FRAMES and (frame := source.take(5)) is not None:
            assert frame.pixels is not None
            frames.append(frame.pixels)
        return frames, float(source.rate or 25)


def write_sheet(path: Path, pictures: Iterator[tuple[Moment, Pixels]], shown: list[Shown]) -> None:
    """Write every twelfth covered frame, in a green frame where its face was believed, else in a red one."""
    tiles = []
    ticks = 0
    for (moment, picture), one in zip(pictures, shown):
        ticks += moment.covered > 0
        if moment.covered > 0 and ticks % 12 == 1 and len(tiles) < 24:
            zoom = 200 / picture.shape[1]
            tile = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            colour = (0, 220, 0) if one.found else (220, 0, 0)
            tiles.append(cv2.copyMakeBorder(tile, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=colour))
    while len(tiles) % 8:
        tiles.append(np.zeros_like(tiles[0]))
    rows = [np.hstack(tiles[k : k + 8]) for k in range(0, len(tiles), 8)]
    Image.fromarray(np.vstack(rows)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--seconds", nargs="+", type=float, default=[0.5, 3, 15])
    parser.add_argument("--only", nargs="+", default=[])
    args = parser.parse_args()
    print(
        "| clip, cover | believed | size | place | turn | face | step: size | place | turn | face | free, held |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for clip in args.clips:
        frames, rate = pictures_of(clip)
        moments = timeline(len(frames), rate, args.seconds)
        truth = driven((moment, frames[moment.frame]) for moment in moments)
        print(
            f"| {clip.stem}, nothing | held {sum(not one.found for one in truth)} of {len(truth)} |",
            flush=True,
        )
        for kind in KINDS:
            for place in PLACES:
                name = f"{kind} {' '.join(place)}"
                if args.only and not any(one in name for one in args.only):
                    continue
                shown = driven(covered(frames, moments, truth, kind, place))
                print(table_line(f"{clip.stem}, {name}", moments, truth, shown), flush=True)
                if args.output is not None:
                    args.output.mkdir(parents=True, exist_ok=True)
                    path = args.output / f"{clip.stem} {name}.jpg"
                    write_sheet(path, covered(frames, moments, truth, kind, place), shown)


if __name__ == "__main__":
    main()

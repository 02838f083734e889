"""Measures heads turned from one true view to another: each result is compared with a photo of the same person
from the other view.

A folder of views (`metadata.csv` names each file's person, expression and view) gives pairs of a front and a
three-quarter photo. Each photo's head is turned to the other's pose, place and size, and both are compared within
the true head.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Portrait
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.evaluation import metrics
from app.engine.face.indices import CHIN
from app.engine.face.parameters import Camera, FaceEdit, FittedFace
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.matte import person_matte
from app.engine.imaging.writing import write_png

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

FRONT, SIDES = "front", ("left_3quarter", "right_3quarter")
TURNS = ("front to side", "side to front")
# About the middle of a head with its hair, in model space; chosen by eye on the people of the set.
HEAD = np.array([[0.0, 0.35, -0.9]])
# Eye distances from HEAD up to which hair is compared; chosen by eye on the people of the set.
REACH = 2.1
# Eye distances inside both outlines from which detail is compared; chosen by eye on the people of the set.
INSIDE = 0.06
CELL = 240  # px of the side of a sheet's picture
ROWS = 13  # people on a sheet


@dataclass(frozen=True)
class Pair:
    """Two photos of one person with one expression: from the front and from the side."""

    person: str
    expression: str
    front: Path
    side: Path


@dataclass(frozen=True, eq=False)
class Turned:
    """The results of both turns of one person.

    metrics: by turn those of `judged`; angle: degrees of yaw between both views; strip: (CELL, 4 CELL, 3) front photo,
    front made of the side, side photo, side made of the front.
    """

    pair: Pair
    angle: float
    metrics: dict[str, dict[str, float]]
    strip: Image = field(repr=False)


def pairs(folder: Path, expression: str = "neutral") -> list[Pair]:
    """Return a pair per person: with the photo from the left for every other person, from the right for the others."""
    table = folder / "metadata.csv"
    if not table.is_file():
        raise EngineError(
            f"{folder} has no metadata.csv.", "Name a folder of views with file, person, expression and view."
        )
    found: dict[str, dict[str, Path]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["expression"] == expression and (folder / row["file"]).is_file():
                found.setdefault(row["person"], {})[row["view"]] = folder / row["file"]
    made = []
    for k, (person, views) in enumerate(sorted(found.items())):
        side = SIDES[k % 2]
        if FRONT in views and side in views:
            made.append(Pair(person, expression, views[FRONT], views[side]))
    return made


def multiview(engine: Engine, folder: Path) -> Iterator[Turned]:
    """Yield a result per person, turned both ways; people in whose photos no face is found are left out."""
    for pair in pairs(folder):
        front, side = engine.open(pair.front), engine.open(pair.side)
        if front.faces and side.faces:
            made = [turned_like(engine, a, b) for a, b in ((front, side), (side, front))]
            yield compared(pair, front, side, made[0], made[1])


def like(camera: Camera) -> FaceEdit:
    """Return the edit that brings a head to another photo's pose, size and place."""
    yaw, pitch, roll = camera.angles
    tx, ty = camera.translation
    return FaceEdit.of(yaw=yaw, pitch=pitch, roll=roll, scale=camera.scale, tx=tx, ty=ty)


def turned_like(engine: Engine, portrait: Portrait, other: Portrait) -> Image:
    """Return (H, W, 3) sRGB, the portrait's head as the other photo shows it."""
    camera = other.faces[other.largest].params.camera
    return np.asarray(engine.render(portrait, {portrait.largest: like(camera)}).pixels, np.uint8)


def compared(pair: Pair, front: Portrait, side: Portrait, to_side: Image, to_front: Image) -> Turned:
    """Return the metrics of both turns, whatever made their pictures."""
    photos = [to_srgb8(portrait.photo) for portrait in (front, side)]
    faces = [portrait.faces[portrait.largest] for portrait in (front, side)]
    found = {
        TURNS[0]: judged(to_side, photos[1], faces[1]),
        TURNS[1]: judged(to_front, photos[0], faces[0]),
    }
    cells = (photos[0], to_front, photos[1], to_side)
    angle = abs(faces[1].params.camera.yaw - faces[0].params.camera.yaw)
    return Turned(pair, angle, found, np.hstack([_cell(picture) for picture in cells]))


def head_mask(photo: Image, face: FittedFace) -> Mask:
    """Return (H, W), the person of a photo above the chin and within REACH of the head's middle."""
    matte = person_matte(photo, face)
    camera = face.params.camera
    height, width = matte.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    middle = camera.project(HEAD)[0]
    near = np.hypot(x - middle[0], y - middle[1]) < REACH * camera.scale
    up = camera.rotation[:2, 1] * (1, -1)
    up /= np.hypot(*up)
    chin = face.landmarks[CHIN]
    above = (x - chin[0]) * up[0] + (y - chin[1]) * up[1] > 0
    return np.asarray((matte > 0.5) & near & above)


def judged(made: Image, truth: Image, face: FittedFace) -> dict[str, float]:
    """Return l1 (0 to 255), ssim, edges and detail of a picture made of a true one; face: the true photo's.

    l1, ssim and edges (gradient energy over the truth's) are taken within the true head. There an outline that lies too
    far inside counts as edges, and the true outline as edges that lack. detail is the same gradient energy inside both
    heads, off their outlines.
    """
    from skimage.metrics import structural_similarity

    if made.shape != truth.shape:
        made = np.asarray(cv2.resize(made, truth.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    head = head_mask(truth, face)
    _, local = structural_similarity(made, truth, channel_axis=2, full=True)
    return {
        "l1": metrics.l1(made, truth, head),
        "ssim": float(local[head].mean()),
        "edges": metrics.sharpness(made, truth, head),
        "detail": metrics.sharpness(
            made, truth, _inside(head & head_mask(made, face), face.params.camera.scale)
        ),
    }


def _inside(head: Mask, iod: float) -> Mask:
    """Return (H, W) what lies further than INSIDE within a head; iod: px between the eyes."""
    size = 2 * max(1, round(INSIDE * iod)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.erode(head.astype(np.uint8), disc) > 0)


def in_all(results: list[Turned]) -> dict[str, dict[str, float]]:
    """Return means over all people, by turn and over both turns; the latter hold the angles' median, too."""
    means = {}
    for turn in TURNS:
        rows = [result.metrics[turn] for result in results]
        means[turn] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    both = {name: float(np.mean([means[turn][name] for turn in TURNS])) for name in means[TURNS[0]]}
    both["angle"] = float(np.median([result.angle for result in results]))
    return means | {"both": both}


def as_table(results: list[Turned]) -> str:
    """Return a table with a row per person and one of all."""
    lines = [f"| person | degrees | {' | '.join(f'{turn}: L1 / SSIM / edges / detail' for turn in TURNS)} |"]
    lines.append("|---|---|---|---|")

    def row(name: str, angle: float, found: dict[str, dict[str, float]]) -> str:
        cells = [
            f"{m['l1']:.1f} / {m['ssim']:.3f} / {m['edges']:.2f} / {m['detail']:.2f}"
            for m in (found[t] for t in TURNS)
        ]
        return f"| {name} | {angle:.0f} | {' | '.join(cells)} |"

    lines += [row(result.pair.person, result.angle, result.metrics) for result in results]
    if results:
        means = in_all(results)
        lines.append(row("**all**", means["both"]["angle"], means))
    return "\n".join(lines)


def as_json(results: list[Turned]) -> dict[str, object]:
    """Return {"people": {person: {"angle", turn: metrics}}, "mean": {turn: metrics, "both": metrics}}."""
    people = {result.pair.person: {"angle": result.angle, **result.metrics} for result in results}
    return {"people": people, "mean": in_all(results) if results else {}}


def save_sheets(results: list[Turned], folder: Path) -> list[Path]:
    """Write PNGs with a row per person: front photo, front made of the side, side photo, side made of the front."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for start in range(0, len(results), ROWS):
        rows = [_titled(result) for result in results[start : start + ROWS]]
        written.append(folder / f"multiview_{start // ROWS + 1}.png")
        write_png(written[-1], np.vstack(rows))
    return written


def _titled(result: Turned) -> Image:
    """Return the strip with its person and both turns' numbers."""
    strip = result.strip.copy()
    for column, turn in ((1, TURNS[1]), (3, TURNS[0])):
        m = result.metrics[turn]
        text = f"{result.pair.person}  L1 {m['l1']:.0f} SSIM {m['ssim']:.2f} detail {m['detail']:.2f}"
        for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            at = (column * CELL + 4, CELL - 6)
            cv2.putText(strip, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, thick, cv2.LINE_AA)
    return strip


def _cell(picture: Image) -> Image:
    """Return the picture's middle square as (CELL, CELL, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (CELL, CELL), interpolation=cv2.INTER_AREA), np.uint8)

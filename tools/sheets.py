"""Draws contact sheets of mesh-warp's results on photos: sheets.py [--side PX] [--only SHEET] [PHOTO...].

It writes frontalise.jpg, poses.jpg and expressions.jpg into out/sheets. The photos are those of
../shared/media/images where that folder is there, else the sample portrait. Look at the sheets after every
change to the generator.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine  # noqa: E402
from app.engine.face.parameters import FaceEdit, FittedFace  # noqa: E402
from app.engine.face.semantic import frontalise  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.photo import Photo  # noqa: E402

Cells = Callable[[FittedFace], list[tuple[str, FaceEdit]]]
TURNED = 6.0  # degrees of yaw or pitch from which frontalising shows


def frontal(face: FittedFace) -> list[tuple[str, FaceEdit]]:
    """Return two cells of a turned head, the photo and the frontalised one; none where frontalising is not promised."""
    yaw, pitch, _ = face.params.camera.angles
    if max(abs(yaw), abs(pitch)) < TURNED or abs(yaw) > 40:
        return []
    return [
        (f"yaw {yaw:+.0f}, pitch {pitch:+.0f}", FaceEdit()),
        ("half", FaceEdit.of(**frontalise(face, 0.5))),
        ("frontal", FaceEdit.of(**frontalise(face))),
    ]


def poses(face: FittedFace) -> list[tuple[str, FaceEdit]]:
    own = dict(zip(("yaw", "pitch", "roll"), face.params.camera.angles))
    turns = (
        ("yaw", -25),
        ("yaw", -15),
        ("yaw", 15),
        ("yaw", 25),
        ("pitch", -15),
        ("pitch", 15),
        ("roll", 15),
    )
    cells = [(f"{name} {by:+d}", FaceEdit.of(**{name: own[name] + by})) for name, by in turns]
    return [("photo", FaceEdit()), *cells]


def expressions(face: FittedFace) -> list[tuple[str, FaceEdit]]:
    x, y = face.params.expression.gaze
    return [
        ("photo", FaceEdit()),
        ("smile", FaceEdit.of(smile=1)),
        ("sad", FaceEdit.of(corner_left=-1, corner_right=-1, brows_together=0.6)),
        ("open", FaceEdit.of(mouth_open=1)),
        ("pucker", FaceEdit.of(pucker=1)),
        ("surprise", FaceEdit.of(brow_left=1, brow_right=1, eyes_wide=0.8, mouth_open=0.6)),
        ("wink", FaceEdit.of(blink_left=1, smile=0.4)),
        ("shut", FaceEdit.of(blink_left=1, blink_right=1)),
        ("look left", FaceEdit.of(gaze_x=x - 14)),
        ("look up", FaceEdit.of(gaze_x=x + 8, gaze_y=y + 8)),
    ]


SHEETS: dict[str, tuple[Cells, float]] = {
    "frontalise": (frontal, 1.75),
    "poses": (poses, 1.9),
    "expressions": (expressions, 1.5),
}


def photos(paths: list[Path], engine: Engine) -> list[tuple[str, Any]]:
    """Return (name, portrait) of every photo with a face."""
    folder = ROOT.parent / "shared" / "media" / "images"
    if not paths and folder.is_dir():
        paths = sorted(folder.iterdir())
    if paths:
        found = [(path.stem, engine.open(path)) for path in paths]
    else:
        from skimage.data import astronaut

        found = [("astronaut", engine.portrait(Photo(astronaut(), key="astronaut")))]
    return [(name, portrait) for name, portrait in found if portrait.faces]


def cell(
    picture: NDArray[np.uint8], face: FittedFace, title: str, scale: float, zoom: float, size: int
) -> Image.Image:
    """Return a square of `size` px around the face, `zoom` times as wide as it."""
    x, y, w, h = (value * scale for value in face.box)
    half = zoom * max(w, h) / 2
    cx, cy = x + w / 2, y + h * 0.42
    box = (round(cx - half), round(cy - half), round(cx + half), round(cy + half))
    image = Image.fromarray(picture).crop(box).resize((size, size), Image.Resampling.LANCZOS)
    ImageDraw.Draw(image).text((6, 4), title, fill=(255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0))
    return image


def sheet(
    engine: Engine, portraits: list[tuple[str, Any]], cells: Cells, zoom: float, side: int
) -> Image.Image | None:
    """Return a sheet with a row for each portrait, None where no portrait has cells."""
    rows = []
    for name, portrait in portraits:
        print(name, file=sys.stderr)
        index = portrait.largest
        face = portrait.faces[index]
        row = []
        for title, edit in cells(face):
            rendered = engine.render(portrait, {index: edit}, max_side=1024)
            srgb = to_srgb8(Photo(rendered.pixels, icc=portrait.photo.icc))
            row.append(cell(srgb, face, title, rendered.scale, zoom, side))
        if row:
            rows.append(row)
    if not rows:
        return None
    widest = max(map(len, rows))
    beside = max(1, 9 // widest)  # several short rows stand on one line
    out = Image.new("RGB", (side * widest * beside, side * -(-len(rows) // beside)))
    for j, row in enumerate(rows):
        for i, image in enumerate(row):
            out.paste(image, (((j % beside) * widest + i) * side, (j // beside) * side))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=256, help="px of one cell")
    parser.add_argument("--only", choices=sorted(SHEETS))
    arguments = parser.parse_args()
    engine = Engine()
    portraits = photos(arguments.photos, engine)
    folder = ROOT / "out" / "sheets"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (cells, zoom) in SHEETS.items():
        if arguments.only in (None, name):
            made = sheet(engine, portraits, cells, zoom, arguments.side)
            if made is not None:
                made.save(folder / f"{name}.jpg", quality=88)
                print(folder / f"{name}.jpg")
    engine.close()


if __name__ == "__main__":
    main()

"""Draws contact sheets of eyes and mouths: feature_sheets.py [--only eyes|mouths] [--side PX] [PHOTO...].

It writes eyes-N.jpg and mouths-N.jpg into out/sheets, four photos each. The photos are those of
../shared/media/images where that folder is there, else the sample portrait. The sheets show gaze and lids,
and mouths that open, laugh and pout, also in a head that turns. Look at them after every change to eyes, lids
or mouth.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine  # noqa: E402
from app.engine.face.parameters import FaceEdit, FittedFace  # noqa: E402
from app.engine.face.semantic import resolve  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.photo import Photo  # noqa: E402
from tools.sheets import photos  # noqa: E402

PHOTOS, COLUMNS = 4, 7  # photos on a sheet; cells beside each other
EYES, LIPS = (33, 133, 263, 362), (13, 14)  # landmarks in the middle of a cell
WIDE = 40.0  # degrees, the largest gaze that can be asked


def eyes(face: FittedFace) -> list[tuple[str, FaceEdit]]:
    x, y = face.params.expression.gaze

    def looking(across: float, up: float) -> FaceEdit:
        return FaceEdit.of(gaze_x=float(np.clip(x + across, -WIDE, WIDE)), gaze_y=y + up)

    turns = ((-20, 0), (20, 0), (-25, 0), (25, 0), (0, 10), (0, 15), (0, -10), (0, -15))
    return [
        ("photo", FaceEdit()),
        *((f"{across:+d} {up:+d}", looking(across, up)) for across, up in turns),
        ("wide", FaceEdit.of(eyes_wide=1)),
        ("half blink", FaceEdit.of(blink_left=0.5, blink_right=0.5)),
        ("blink", FaceEdit.of(blink_left=1, blink_right=1)),
        ("wink left", FaceEdit.of(blink_left=1)),
        ("wink right", FaceEdit.of(blink_right=1)),
    ]


def mouths(face: FittedFace) -> list[tuple[str, FaceEdit]]:
    yaw, pitch, _ = face.params.camera.angles
    return [
        ("photo", FaceEdit()),
        ("half open", FaceEdit.of(mouth_open=0.5)),
        ("open", FaceEdit.of(mouth_open=1)),
        ("laugh", FaceEdit.of(smile=1, mouth_open=0.8)),
        ("smile", FaceEdit.of(smile=1)),
        ("pout", FaceEdit.of(pucker=1)),
        *((f"open, yaw {by:+d}", FaceEdit.of(mouth_open=1, yaw=yaw + by)) for by in (-25, 25)),
        *((f"laugh, yaw {by:+d}", FaceEdit.of(smile=1, mouth_open=0.8, yaw=yaw + by)) for by in (-25, 25)),
        *((f"pout, yaw {by:+d}", FaceEdit.of(pucker=1, yaw=yaw + by)) for by in (-25, 25)),
        *((f"open, pitch {by:+d}", FaceEdit.of(mouth_open=1, pitch=pitch + by)) for by in (-15, 15)),
        ("smile, yaw +12", FaceEdit.of(smile=1, yaw=yaw + 12)),
    ]


# The cells, the landmarks they show, their width in eye distances, and their height over width.
SHEETS = {"eyes": (eyes, EYES, 2.0, 0.38), "mouths": (mouths, LIPS, 1.2, 0.8)}


def cut(
    picture: NDArray[np.uint8], at: NDArray[np.float64], roll: float, scale: float, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return (h, w, 3), upright, around a point, with `scale` px of the cell for each px of the picture."""
    turn = cv2.getRotationMatrix2D((float(at[0]), float(at[1])), roll, scale)
    turn[:, 2] += np.array(size) / 2 - at
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(
        cv2.warpAffine(picture, turn, size, flags=way, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def row_of(engine: Engine, title: str, portrait: Any, name: str, side: int) -> NDArray[np.uint8]:
    """Return a photo's cells, COLUMNS of them beside each other."""
    cells, shown, wide, high = SHEETS[name]
    index = portrait.largest
    face, size = portrait.faces[index], (side, round(high * side))
    row = []
    for label, edit in cells(face):
        rendered = engine.render(portrait, {index: edit}, max_side=1024)
        srgb = to_srgb8(Photo(rendered.pixels, icc=portrait.photo.icc))
        target = resolve(edit, face, engine.model).camera
        model = face.params.camera.unproject(face.landmarks[list(shown)])
        at = target.project(model)[:, :2].mean(axis=0) * rendered.scale
        scale = side / (wide * face.params.camera.scale * rendered.scale)
        image = cut(srgb, at, target.roll, scale, size)
        text = label if row else title
        cv2.putText(image, text, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1, cv2.LINE_AA)
        row.append(image)
    lines = [row[k : k + COLUMNS] for k in range(0, len(row), COLUMNS)]
    lines[-1] += [np.zeros_like(row[0])] * (COLUMNS - len(lines[-1]))
    return np.vstack([np.hstack(line) for line in lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=260, help="px of a cell's width")
    parser.add_argument("--only", choices=sorted(SHEETS))
    arguments = parser.parse_args()
    engine = Engine()
    portraits = photos(arguments.photos, engine)
    folder = ROOT / "out" / "sheets"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHEETS:
        if arguments.only not in (None, name):
            continue
        rows = []
        for k, (title, portrait) in enumerate(portraits, 1):
            print(title, file=sys.stderr)
            rows.append(row_of(engine, title, portrait, name, arguments.side))
            if len(rows) == PHOTOS or k == len(portraits):
                path = folder / f"{name}-{(k - 1) // PHOTOS + 1}.jpg"
                Image.fromarray(np.vstack(rows)).save(path, quality=90)
                print(path, flush=True)
                rows = []
    engine.close()


if __name__ == "__main__":
    main()

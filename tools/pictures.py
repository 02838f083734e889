"""Makes the README's sheet of results, docs/pictures/results.jpg, of the bundled sample and of portraits that
are hard to turn.

python tools/pictures.py [FOLDER]

FOLDER has the open portraits named in HARD (../shared/media/images; CC0 and public domain).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.contract import Portrait  # noqa: E402
from app.engine.engine import Engine  # noqa: E402
from app.engine.face.parameters import FaceEdit  # noqa: E402
from app.engine.face.semantic import frontalise  # noqa: E402
from app.engine.sample import sample_path  # noqa: E402

OUT = ROOT / "docs" / "pictures" / "results.jpg"
FOLDER = ROOT.parent / "shared" / "media" / "images"
# They show a bald head, one turned by 27 degrees under a turban, long hair, short grey hair turned by 15
# degrees, and a painting.
HARD = ("a_p21_nasa.jpg", "a_p15_cc0.jpg", "a_p01_cc0.jpg", "a_p28_usgov.jpg", "a_p31_painting.jpg")
TURN = 25.0  # degrees to either side of the photo's own view
AROUND = 2.1  # a cell shows so many times the face's box
ABOVE = 0.38  # share of the face's box, from its top, at which a cell has its middle
SIDE = 230  # px of a cell


def edits(portrait: Portrait) -> list[FaceEdit]:
    """Return the edits: none, turned to both sides, frontalised, laughing with raised brows, and looking
    aside with narrowed eyes.
    """
    yaw = portrait.faces[0].params.camera.yaw
    return [
        FaceEdit(),
        FaceEdit.of(yaw=yaw - TURN),
        FaceEdit.of(yaw=yaw + TURN),
        FaceEdit.of(**frontalise(portrait.faces[0])),
        FaceEdit.of(mouth_open=0.7, smile=0.8, brow_left=0.8, brow_right=0.8),
        FaceEdit.of(gaze_x=18, blink_left=0.35, blink_right=0.35, pucker=0.6),
    ]


def row(engine: Engine, path: Path) -> NDArray[np.uint8]:
    portrait = engine.open(path)
    x, y, w, h = portrait.faces[0].box
    factor = SIDE / (AROUND * max(w, h))
    middle = np.array([x + w / 2, y + ABOVE * h])
    place = np.column_stack([factor * np.eye(2), SIDE / 2 - factor * middle])
    cells = []
    for edit in edits(portrait):
        pixels = np.asarray(engine.render(portrait, {0: edit}).pixels, np.uint8)
        cells.append(
            cv2.warpAffine(pixels, place, (SIDE, SIDE), flags=cv2.INTER_AREA, borderValue=(255,) * 3)
        )
    return np.hstack(cells)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    engine = Engine()
    rows = [row(engine, path) for path in (sample_path(), *(folder / name for name in HARD))]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(OUT, quality=88)
    engine.close()


if __name__ == "__main__":
    main()

"""The README's strip of results, made from the bundled sample: docs/pictures/results.jpg."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit
from app.engine.face.semantic import frontalise
from app.engine.sample import sample_path

OUT = Path(__file__).parents[1] / "docs" / "pictures" / "results.jpg"
CROP = (116, 0, 336, 220)  # left, top, right, bottom of the head in the sample
SIDE = 300


def main() -> None:
    engine = Engine()
    portrait = engine.open(sample_path())
    camera = portrait.faces[0].params.camera
    edits = [
        FaceEdit(),
        FaceEdit.of(yaw=camera.yaw + 16, pitch=camera.pitch + 4),
        FaceEdit.of(blink_left=1, smile=0.6),
        FaceEdit.of(mouth_open=1, brow_left=1, brow_right=1, eyes_wide=0.6),
        FaceEdit.of(pucker=1, gaze_x=18, yaw=camera.yaw - 12),
        FaceEdit.of(**frontalise(portrait.faces[0])),
    ]
    strip = []
    for edit in edits:
        pixels = engine.render(portrait, {0: edit}).pixels
        strip.append(Image.fromarray(pixels).crop(CROP).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack([np.asarray(picture) for picture in strip])).save(OUT, quality=88)
    engine.close()


if __name__ == "__main__":
    main()

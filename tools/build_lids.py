"""Carry ICT-FaceKit's (MIT) movements of the left eye's lids over to our 468 vertices.

    python tools/build_lids.py [ICT_NPZ]

It writes assets/eyes/lids.npz. Each shape is (468, 3) float32 in eye distances, and 0 where it moves nothing.
The right eye's movements are mirror images of these.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.face.carrying import DenseModel, displaced, registered  # noqa: E402
from app.engine.face.morphable_model import default_model  # noqa: E402

SHAPES = {
    "blink": "eyeBlink_L",
    "up": "eyeLookUp_L",
    "down": "eyeLookDown_L",
    "inward": "eyeLookIn_L",
    "outward": "eyeLookOut_L",
    "wide": "eyeWide_L",
}
FACE = 9409  # number of ICT's first vertices, which are the face
STILL = 2e-4  # eye distances; a vertex that moves less counts as still


def main(source: Path) -> None:
    with np.load(source, allow_pickle=False) as data:
        names = [str(name) for name in data["expr_names"]]
        rows = [names.index(name) for name in SHAPES.values()]
        shapes = data["expr_delta"][rows, :FACE].astype(float)
        identity = data["id_delta"][:, :FACE].astype(float)
        dense = DenseModel(
            data["neutral"][:FACE].astype(float),
            identity,
            np.zeros((0, FACE, 3)),
            landmarks=data["landmarks68"].astype(np.int64),
        )
    _, weights, scale, rotation = registered(dense, default_model().mean)
    moved = scale * displaced(shapes, weights) @ rotation.T
    moved[np.linalg.norm(moved, axis=2) < STILL] = 0
    path = ROOT / "assets" / "eyes" / "lids.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(temporary, **dict(zip(SHAPES, moved.astype(np.float32))))
    os.replace(temporary, path)
    print(path, path.stat().st_size)


if __name__ == "__main__":
    folder = ROOT.parent / "shared" / "models3d" / "ict_facekit"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "ict_full_fp16.npz")

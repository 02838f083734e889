"""Draws sheets of turned heads, one row for each photo: head_sheets.py OUT [--side PX] [--old FOLDER]
[PHOTO...].

Every photo of ../shared/media/images is turned by yaw and pitch of -40, -25, -12, 12, 25 and 40 degrees from
its own pose, and frontalised. Look at the sheets person by person after every change to the head.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.contract import Origin, SourceImage, Target  # noqa: E402
from app.engine.engine import Engine  # noqa: E402
from app.engine.face.parameters import Camera, FittedFace  # noqa: E402
from app.engine.face.semantic import NECK_PIVOT  # noqa: E402
from app.engine.generators.mesh_warp import MeshWarp, resized  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.matte import person_matte  # noqa: E402

TURNS = (-40, -25, -12, 12, 25, 40)  # degrees
FACE = 170  # px of a face on the sheet


def turned(face: FittedFace, yaw: float, pitch: float) -> Target:
    """Return the face turned by these angles from its own pose, about its neck."""
    own = face.params.camera
    camera = Camera.from_angles(yaw, pitch, own.roll, own.scale, own.translation)
    neck = NECK_PIVOT[None]
    x, y = (own.project(neck) - camera.project(neck))[0, :2] + own.translation
    from dataclasses import replace

    camera = replace(camera, translation=(float(x), float(y)))
    return Target(replace(face.params, camera=camera), origin=Origin.FILMED)


def row(engine: Engine, path: Path, side: int, which: str) -> np.ndarray:
    """Return a photo's row of the sheet."""
    portrait = engine.open(path)
    face = portrait.faces[0]
    pixels = to_srgb8(portrait.photo)
    source = SourceImage(pixels, None, face, person_matte(pixels, face), tuple(portrait.faces[1:]))
    source = resized(source, min(1.0, FACE / max(face.box[2:])))
    generator = MeshWarp()
    code = generator.encode(source)
    own = source.face.params.camera
    x, y, w, h = source.face.box
    half, cx, cy = int(1.15 * max(w, h)), int(x + w / 2), int(y + h * 0.4)

    def cell(picture: np.ndarray) -> Image.Image:
        padded = np.pad(picture, ((half, half), (half, half), (0, 0)), mode="edge")
        part = padded[cy : cy + 2 * half, cx : cx + 2 * half]
        return Image.fromarray(part).resize((side, side), Image.Resampling.LANCZOS)

    angles = [(own.yaw + t, own.pitch) for t in TURNS] if which == "yaw" else []
    angles += [(own.yaw, own.pitch + t) for t in TURNS] if which == "pitch" else []
    angles.append((0.0, 0.0))
    cells = [cell(source.pixels)]
    for yaw, pitch in angles:
        patch = generator.generate(code, turned(source.face, yaw, pitch))
        picture = source.pixels.copy()
        height, width = patch.pixels.shape[:2]
        picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
        cells.append(cell(picture))
    return np.hstack([np.asarray(c) for c in cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("photos", nargs="*")
    parser.add_argument("--side", type=int, default=200)
    parser.add_argument("--which", default="yaw", choices=("yaw", "pitch"))
    args = parser.parse_args()
    folder = next(f for f in (ROOT.parent, *ROOT.parents) if (f / "shared").is_dir()) / "shared/media/images"
    names = [p for p in sorted(folder.iterdir()) if not args.photos or p.stem.split("_")[1] in args.photos]
    engine = Engine()
    rows = [row(engine, path, args.side, args.which) for path in names]
    Image.fromarray(np.vstack(rows)).save(args.out)


if __name__ == "__main__":
    main()

"""Compares the pose asked with the true pose on the LeePerrySmith scan: pose_truth.py ../shared [-o
SHEET.png].

The photo is the scan seen from the front. The program turns it, and the scan drawn again at that angle is the
truth. What is drawn is judged by the difference between the fits of both pictures, so that the fit's own
errors cancel. What is read is judged by the fit of the true picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit
from app.engine.imaging.photo import Photo
from app.engine.imaging.writing import write_png
from tools import true_heads

TURNS = [(yaw, 0) for yaw in (-40, -30, -20, -10, 10, 20, 30, 40)]
TURNS += [(0, pitch) for pitch in (-25, -15, -8, 8, 15, 25)] + [(-20, 10), (20, -10)]
WITHIN = 30  # degrees; up to here, what is drawn and what is read are both promised


def angles(engine: Engine, picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (3,) degrees, which are NaN where no face is found."""
    faces = engine.fit(picture)
    return np.array(faces[0].params.camera.angles if faces else (np.nan,) * 3)


def upright(engine: Engine, shared: Path) -> true_heads.Head:
    """Return the scan with its pitch set to zero for the fit."""
    scan = true_heads.scan(shared / "models3d" / "lee_perry_smith")
    for _ in range(3):
        pitch = float(angles(engine, true_heads.drawn(scan, (0, 0, 0)))[1])
        scan = true_heads.tilted(scan, (0.0, -pitch, 0.0))
    return scan


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    engine = Engine()
    scan = upright(engine, args.shared)
    photo = true_heads.drawn(scan, (0, 0, 0))
    portrait = engine.portrait(Photo(photo, key="scan"))
    own = np.array(portrait.faces[0].params.camera.angles)
    drawn_off, read_off, rows = [], [], []
    print("| yaw, pitch | read of the true picture | drawn minus true |\n|---|---|---|")
    for yaw, pitch in TURNS:
        truth = true_heads.drawn(scan, (yaw, pitch, 0))
        edit = FaceEdit.of(yaw=own[0] + yaw, pitch=own[1] + pitch)
        made = np.asarray(engine.render(portrait, {0: edit}).pixels, np.uint8)
        read, seen = angles(engine, truth), angles(engine, made)
        print(f"| {yaw:+d}, {pitch:+d} | {_told(read - own)} | {_told(seen - read)} |", flush=True)
        if max(abs(yaw), abs(pitch)) <= WITHIN:
            read_off.append(read - own - (yaw, pitch, 0))
            drawn_off.append(seen - read)
        rows.append(np.hstack([truth, made]))
    for name, off in (("read", read_off), ("drawn", drawn_off)):
        size = np.abs(off)[:, :2]
        print(f"{name} to {WITHIN} degrees: mean {np.nanmean(size):.2f}, largest {np.nanmax(size):.2f}")
    if args.output:
        write_png(args.output, np.vstack([np.hstack(rows[k : k + 4])[::2, ::2] for k in range(0, 16, 4)]))
    engine.close()


def _told(values: NDArray[np.float64]) -> str:
    return " / ".join(f"{value:+.1f}" for value in values)


if __name__ == "__main__":
    main()

"""Compares the pose asked with the true pose on the LeePerrySmith scan: pose_truth.py ../shared [-o
SHEET.png].

The photo is the scan seen from the front, from 25 eye distances away. The program turns it, and the scan drawn again
at that angle is the truth. What is drawn is measured without the landmark network: the program says from where in the
photo each pixel of the turned face comes, the scan says which of its points is shown there, and the pose is the one in
which these points lie nearest to the pixels. What is read is the fit of the true picture, less that of the photo. The
last column, the fit of what was drawn less that of the true picture, is for comparison: it also holds how the network
takes whatever is wrong with the drawn face.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.contract import Portrait, Target
from app.engine.engine import Engine
from app.engine.face.parameters import N_VERTICES, FaceEdit
from app.engine.generators.mesh_warp import MeshWarp
from app.engine.imaging.photo import Photo
from app.engine.imaging.writing import write_png
from tools import true_heads

Array = NDArray[np.float64]
# Degrees of yaw and pitch.
TURNS = [(yaw, 0) for yaw in (-40, -30, -20, -10, 10, 20, 30, 40)]
TURNS += [(0, pitch) for pitch in (-30, -25, -20, -15, -8, 8, 15, 20, 25, 30)]
TURNS += [(yaw, pitch) for pitch in (-12, 12) for yaw in (-30, -15, 15, 30)]
WITHIN = 30  # degrees; up to here, what is drawn and what is read are both promised
ACROSS = 4  # pictures beside each other on the sheet, each a true one with the drawn one
STEP = 3  # px between the pixels of which a drawn pose is made


def angles(engine: Engine, picture: NDArray[np.uint8]) -> Array:
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


def drawn_angles(engine: Engine, portrait: Portrait, edit: FaceEdit, shown: Array) -> Array:
    """Return (3,) degrees: the pose in which the face is drawn; shown: the points (H, W, 3) of `true_heads.surface`."""
    code = engine.code(portrait, engine.view(portrait), 0)
    target = Target(engine.target(portrait, 0, edit))
    generator = engine.generator
    assert isinstance(generator, MeshWarp)
    flow, corner = generator.flow(code, target)
    y, x = (v.ravel() for v in np.mgrid[: flow.shape[0] : STEP, : flow.shape[1] : STEP])
    made = np.stack([x, y], axis=1) + corner + 0.5
    source = made + flow[y, x]
    landmarks = portrait.faces[0].landmarks[:N_VERTICES, :2]
    moved = generator.landmarks(code, target.params, portrait.faces[0].landmarks[N_VERTICES:])[
        :N_VERTICES, :2
    ]
    face = _inside(landmarks, source) & _inside(moved, made)
    at = np.round(source[face] * true_heads.OVER - 0.5).astype(int)
    points = shown[at[:, 1], at[:, 0]]
    known = np.isfinite(points).all(axis=1)
    return true_heads.pose_of(points[known], made[face][known])


def _inside(landmarks: Array, places: Array) -> NDArray[np.bool_]:
    """Return (N,), which places (N, 2) px lie within the convex hull of landmarks (M, 2) px."""
    hull = cv2.convexHull(landmarks.astype(np.float32))
    return np.array([cv2.pointPolygonTest(hull, (float(x), float(y)), False) > 0 for x, y in places])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    engine = Engine()
    scan = upright(engine, args.shared)
    photo, shown = true_heads.drawn(scan, (0, 0, 0)), true_heads.surface(scan)
    portrait = engine.portrait(Photo(photo, key="scan"))
    own = np.array(portrait.faces[0].params.camera.angles)
    off: dict[str, list[Array]] = {"read": [], "drawn": [], "drawn, as read": []}
    rows = []
    print(
        "| yaw, pitch | read of the true picture | drawn | drawn minus true, both as read |\n|---|---|---|---|"
    )
    for yaw, pitch in TURNS:
        truth = true_heads.drawn(scan, (yaw, pitch, 0))
        edit = FaceEdit.of(yaw=own[0] + yaw, pitch=own[1] + pitch)
        made = np.asarray(engine.render(portrait, {0: edit}).pixels, np.uint8)
        read, seen = angles(engine, truth) - own, angles(engine, made) - own
        drawn = drawn_angles(engine, portrait, edit, shown)
        print(f"| {yaw:+d}, {pitch:+d} | {_told(read)} | {_told(drawn)} | {_told(seen - read)} |", flush=True)
        if max(abs(yaw), abs(pitch)) <= WITHIN:
            asked = np.array([yaw, pitch, 0])
            for name, value in zip(off, (read - asked, drawn - asked, seen - read)):
                off[name].append(value)
        rows.append(np.hstack([truth, made]))
    for name, values in off.items():
        size = np.abs(values)[:, :2]
        mean, most = np.nanmean(size, axis=0), np.nanmax(size, axis=0)
        print(
            f"{name} to {WITHIN} degrees: yaw mean {mean[0]:.2f}, largest {most[0]:.2f};"
            f" pitch mean {mean[1]:.2f}, largest {most[1]:.2f}"
        )
    if args.output:
        rows += [np.zeros_like(rows[0])] * (-len(rows) % ACROSS)
        lines = [np.hstack(rows[k : k + ACROSS])[::2, ::2] for k in range(0, len(rows), ACROSS)]
        write_png(args.output, np.vstack(lines))
    engine.close()


def _told(values: Array) -> str:
    return " / ".join(f"{value:+.1f}" for value in values)


if __name__ == "__main__":
    main()

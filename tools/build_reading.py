"""Measures what the landmark network reads of true poses and gazes, for assets/face_model/reading.json.

The numbers for movements of lips and brows come from tools/edit_accuracy.py; they stay in the file as they
are.

    python tools/build_reading.py ../shared [--people 8]

Pose is read from the LeePerrySmith scan drawn at known angles, bare and with portraits painted on it; its
landmarks are bent to those of each portrait. Gaze is read from two kinds of photos. Sitters of
shared/portraits look into the camera, so that their eyes turn against their heads; in photos of
shared/media/images the eyeballs are drawn at known angles. Nothing of shared/media/multiview is used.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.engine import Engine
from app.engine.face import response as kept
from app.engine.face.fitting import align, fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import N_VERTICES, FaceEdit, FittedFace, rotation_angles, rotation_matrix
from app.engine.face.response import ASSET, TILTED, Response
from app.engine.files import write_whole
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.reading import open_photo
from tools import true_heads

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
KNEE = 12.0  # degrees; any knee from 8 to 20 fits yaw equally well
YAWS = (-45, -37, -30, -22, -15, -7, 7, 15, 22, 30, 37, 45)  # degrees
PITCHES = (-30, -25, -20, -15, -8, 8, 15, 20, 25, 30)  # degrees
BOTH = [(y, p) for p in (-30, -20, -10, 10, 20, 30) for y in (-40, -30, -15, 15, 30, 40)]  # degrees
# px of a drawn picture's side and of an eye distance in it: the network's crop has as many
SIDE, SCALE = 340, 60.0
LIGHTS = ((0.0, 0.4, 1.0), (-0.6, 0.4, 0.8), (0.6, 0.4, 0.8))  # directions towards the light
FRONTAL = 7.0  # degrees up to which a portrait is painted on a head
FACING = 25.0  # degrees up to which portraits show gaze
SITTERS = 250  # portraits whose gaze is read
# Degrees across, up.
GAZES = ((-20, 0), (-10, 0), (10, 0), (20, 0), (0, -10), (0, -5), (0, 5), (0, 10), (0, 15))
OUTLIER = 2.5  # robust standard deviations beyond which a sitter looks elsewhere
UNCHANGED = Response(0.0, KNEE, 0.0, 0.0, KNEE, (1.0, 1.0), (1.0, 1.0), (0.0, 0.0), {}, {}, {})
Read = Callable[[Image], FittedFace | None]


def largest(faces: Sequence[FittedFace]) -> FittedFace | None:
    return max(faces, key=lambda face: face.box[2], default=None)


def heads(shared: Path, read: Read, people: int) -> list[tuple[true_heads.Head, tuple[float, float, float]]]:
    """Return pairs (head, light): the bare scan in three lights, and the scan with portraits painted on it."""
    scan = true_heads.scan(shared / "models3d" / "lee_perry_smith")
    for _ in range(4):  # the scan looks a little up, so it is tilted until the network reads no pitch
        face = read(true_heads.drawn(scan, (0, 0, 0)))
        assert face is not None
        scan = true_heads.tilted(scan, (0.0, -face.params.camera.pitch, 0.0))
    face = read(true_heads.drawn(scan, (0, 0, 0)))
    assert face is not None
    on_head = true_heads.landmarks_on(scan, face.landmarks[:N_VERTICES], 90.0, 25.0)
    own = face.params.camera.unproject(face.landmarks[:N_VERTICES])
    scale, rotation, shift = align(own, on_head, np.ones(N_VERTICES))
    found = [(scan, light) for light in LIGHTS]
    for path in sorted((shared / "media" / "images").glob("a_*")):
        photo = small(path, 1000)
        sitter = read(photo)
        if sitter is None or max(abs(angle) for angle in sitter.params.camera.angles[:2]) > FRONTAL:
            continue
        points = scale * sitter.params.camera.unproject(sitter.landmarks[:N_VERTICES]) @ rotation.T + shift
        place = sitter.landmarks[:N_VERTICES, :2]
        found.append((true_heads.wearing(scan, on_head, points, photo, place), LIGHTS[0]))
        if len(found) == people + len(LIGHTS):
            break
    return found


def small(path: Path, side: int) -> Image:
    """Return a picture (H, W, 3) sRGB whose longer side has at most `side` px."""
    pixels = to_srgb8(open_photo(path))
    scale = side / max(pixels.shape)
    if scale >= 1:
        return pixels
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def pose_errors(read: Read, shown: list[tuple[true_heads.Head, tuple[float, float, float]]]) -> Array:
    """Return (n, 5) degrees: the yaw and pitch drawn, then the errors of the yaw, pitch and roll read.

    An error is what was read, less the angles of the drawn turn after the pose that was read of the head at rest: a
    head that rests with a pitch of its own rolls where it is turned aside.
    """
    rows = []
    for head, light in shown:
        rest = read(true_heads.drawn(head, (0, 0, 0), SIDE, SCALE, light=light))
        for yaw, pitch in [(y, 0) for y in YAWS] + [(0, p) for p in PITCHES] + BOTH:
            face = read(true_heads.drawn(head, (yaw, pitch, 0), SIDE, SCALE, light=light))
            if face is not None and rest is not None:
                turned = rotation_matrix(yaw, pitch, 0) @ rest.params.camera.rotation
                rows.append((yaw, pitch, *np.subtract(face.params.camera.angles, rotation_angles(turned))))
        print(f"{len(rows)} poses", file=sys.stderr)
    return np.array(rows)


def sitters(read: Read, folder: Path) -> Array:
    """Return (n, 4) degrees: the yaw, the pitch and the two gaze angles that are read of portraits."""
    random, paths = np.random.default_rng(0), np.array(sorted(folder.rglob("*.jpg")))
    rows = []
    for path in random.permutation(paths)[:SITTERS]:
        face = read(small(Path(path), 512))
        if face is not None and abs(face.params.camera.yaw) < FACING:
            rows.append((*face.params.camera.angles[:2], *face.params.expression.gaze))
    return np.array(rows)


def drawn_gazes(engine: Engine, folder: Path, people: int) -> tuple[Array, Array]:
    """Return two arrays (n, 2) in degrees over all photos: by how much eyeballs were turned, and what was
    read of that.
    """
    turned, seen = [], []
    for path in sorted(folder.glob("a_*"))[: 2 * people]:
        portrait = engine.open(path)
        if len(portrait.faces) != 1 or abs(portrait.faces[0].params.camera.yaw) > FACING:
            continue
        own = portrait.faces[0].params.expression.gaze
        for turn in GAZES:
            edit = FaceEdit.of(gaze_x=own[0] + turn[0], gaze_y=own[1] + turn[1])
            rendered = engine.render(portrait, {0: edit}, max_side=900)
            face = largest(engine.fit(to_srgb8(replace(portrait.photo, pixels=rendered.pixels))))
            if face is not None:
                turned.append(turn)
                seen.append(np.subtract(face.params.expression.gaze, own))
    return np.array(turned, float), np.array(seen)


def line(x: Array, y: Array) -> tuple[float, float, float]:
    """Return slope, offset and standard deviation of y over x, without the outliers."""
    near = np.ones(len(x), bool)
    slope = offset = spread = 0.0
    for _ in range(6):
        slope, offset = np.polyfit(x[near], y[near], 1)
        rest = y - slope * x - offset
        spread = 1.4826 * float(np.median(np.abs(rest[near])))
        near = np.abs(rest) < OUTLIER * spread
    return float(slope), float(offset), spread


def measured(errors: Array, sat: Array, turned: Array, seen: Array) -> dict[str, Any]:
    """Return the numbers of `Response`."""
    yaws, pitches = errors[errors[:, 1] == 0], errors[errors[:, 0] == 0]
    both = errors[(errors[:, 0] != 0) & (errors[:, 1] != 0)]
    curve = np.tanh(yaws[:, 0] / KNEE)
    over = float(curve @ yaws[:, 2] / (curve @ curve))
    turned_too = np.tanh(both[:, 0] / KNEE)
    tilts = turned_too * np.clip(both[:, 1], -TILTED, TILTED)
    tilt = float(tilts @ (both[:, 2] - over * turned_too) / (tilts @ tilts))
    down = pitches[pitches[:, 1] < 0]
    bend = np.tanh(down[:, 1] / KNEE) ** 2
    beneath = -float(bend @ down[:, 3] / (bend @ bend))
    bent = -beneath * np.tanh(np.minimum(pitches[:, 1], 0) / KNEE) ** 2
    spread = [np.std(yaws[:, 2] - over * curve), np.std(pitches[:, 3] - bent), np.std(errors[:, 4])]
    now = Response(over, KNEE, tilt, beneath, KNEE, (1, 1), (1, 1), (0, 0), {}, {}, {})
    pitched = [(yaw, now.true_pitch(pitch)) for yaw, pitch in sat[:, :2]]
    true = -np.array([(now.true_yaw(yaw, pitch), pitch) for yaw, pitch in pitched])
    slopes, likely, rests, sure = [], [], [], []
    for k in (0, 1):
        slope = line(true[:, k], sat[:, 2 + k])[0]
        drawn = float(turned[:, k] @ seen[:, k] / (turned[:, k] @ turned[:, k]))
        slopes.append((slope + drawn) / 2)
        factor, offset, left = line(sat[:, 2 + k], true[:, k])
        likely.append(factor)
        rests.append(-offset / factor)
        spread.append(left)
        sure.append(float(np.std(seen[:, k] / slopes[k] - turned[:, k])))
        print(f"gaze {'xy'[k]}: sitters {slope:.3f}, drawn {drawn:.3f}", file=sys.stderr)
    names = ("yaw", "pitch", "roll", "gaze_x", "gaze_y")
    return {
        "yaw_over": round(over, 3),
        "yaw_knee": KNEE,
        "yaw_tilt": round(tilt, 3),
        "pitch_over": round(beneath, 3),
        "pitch_knee": KNEE,
        "gaze_slope": [round(v, 3) for v in slopes],
        "gaze_likely": [round(v, 3) for v in likely],
        "gaze_rest": [round(v, 3) for v in rests],
        "uncertainty": {name: round(float(v), 2) for name, v in zip(names, spread)},
        "change_uncertainty": {name: round(v, 2) for name, v in zip(names[3:], sure)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("--people", type=int, default=8)
    args = parser.parse_args()
    from app.engine.face import fitting

    fitting.response = lambda: UNCHANGED  # type: ignore[attr-defined]  # fits take what the network reads
    engine, tracker, model = Engine(), FaceTracker(), default_model()

    def read(picture: Image) -> FittedFace | None:
        return largest([fit_face(face, model) for face in tracker.detect(picture)])

    errors = pose_errors(read, heads(args.shared, read, args.people))
    sat = sitters(read, args.shared / "portraits")
    found = measured(errors, sat, *drawn_gazes(engine, args.shared / "media" / "images", args.people))
    found["movements"] = json.loads(ASSET.read_text(encoding="utf-8"))["movements"]
    write_whole(ASSET, (json.dumps(found, indent=1) + "\n").encode())
    kept.response.cache_clear()
    print(json.dumps(found, indent=1))
    engine.close()
    tracker.close()


if __name__ == "__main__":
    main()

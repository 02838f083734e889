"""Measures how faces that mesh-warp draws are read, for driving: writes response.npz and RESPONSE.md.

python tools/build_response.py ../shared/media/videos ../shared/portraits ../shared/media/images

Both files go to assets/face_model. Every portrait is driven by the open clips (every fourth frame) and given
other people's expressions, half of them with a turned head; each picture is fitted afresh. By regression,
what the fit reads beyond the drawn parameters is explained by expression, lids and pose. Every sample counts
a second time as its mirror image. The part that pose explains is not kept. Run this again whenever the face
model or the drawing of filmed faces changes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.contract import Origin, Target
from app.engine.driving.animation import scene_of
from app.engine.driving.live import Scene
from app.engine.driving.resting import acquainted_driver
from app.engine.engine import Engine
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import Camera, FaceParams, rotation_matrix
from app.engine.face.retargeting import Retargeter, RetargetSettings, mirror_matrix
from app.engine.face.semantic import NECK_PIVOT
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.reading import open_photo
from app.engine.sources.opening import open_source
from app.engine.warping.expression_response import ASSET, features

SIDE = 384  # px of the drawn portrait's longer side
EVERY = 4  # every fourth frame of a clip is used
STRANGERS = 200  # portraits whose expressions are read
GIVEN = 80  # how many of these expressions each portrait is given
REACH = 3.0  # sigmas; a given expression is cut off there
TURNS = (9.0, 6.0, 5.0)  # degrees of yaw, pitch and roll (standard deviation)
RIDGE = 0.03  # weight of the ridge, in mean squared features
ANGLE = np.radians(4.0)  # brings turns to the size of sigmas
WRONG_POSE, WRONG_FACE = 15.0, 6.0  # degrees, sigmas; beyond these, another face was found
# The portraits drawn. a_p01, a_p03 and a_p24 are left out, because tools/driving_report.py measures on them.
PORTRAITS = (
    *("a_p02_cc0", "a_p07_cc0", "a_p09_cc0", "a_p10_cc0", "a_p12_cc0", "a_p13_cc0", "a_p15_cc0", "a_p19_cc0"),
    *("a_p20_nasa", "a_p26_usgov", "if010", "if022", "if031", "if044", "A000375", "B000740"),
)
POSE = 6  # number of features of a turn
Pair = tuple[FaceParams, FaceParams]  # drawn, read
Errors = NDArray[np.float64]


def performances(model: MorphableModel, videos: Path) -> Iterator[tuple[FaceParams, list[FaceParams]]]:
    """Yield the neutral face and the frames of every open clip."""
    for clip in sorted(videos.glob("a_*")):
        if clip.stem.endswith("original"):  # the same clip in another container
            continue
        with FaceTracker(video=True) as tracker, closing(open_source(clip)) as source:
            driver, frames = acquainted_driver(model, tracker, clip), []
            while (frame := source.take(1.0)) is not None:
                params = driver.drive(frame)
                if params is not None and driver.reading.found:
                    frames.append(params)
            assert driver.neutral is not None
            yield driver.neutral, frames[::EVERY]


def strangers(model: MorphableModel, folder: Path, random: np.random.Generator) -> list[FaceParams]:
    """Return faces of portraits picked at random."""
    paths, found = sorted(folder.rglob("*.jpg")), []
    with FaceTracker() as tracker:
        for path in random.permutation(np.array(paths))[:STRANGERS]:
            pixels = to_srgb8(open_photo(Path(path)))
            scale = SIDE / max(pixels.shape)
            faces = tracker.detect(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
            if faces:
                found.append(fit_face(max(faces, key=lambda face: face.side), model).params)
    return found


def given(own: FaceParams, other: FaceParams, turn: NDArray[np.float64]) -> FaceParams:
    """Return the portrait with another face's expression and with its head turned about the neck."""
    change = np.subtract(other.expression.coefficients, own.expression.coefficients)
    worn = np.array(own.expression.coefficients) + np.clip(change, -REACH, REACH)
    expression = replace(own.expression, coefficients=tuple(worn.tolist()))
    camera = own.camera
    rotation = rotation_matrix(*(camera.angles + turn).tolist())
    turned = Camera.from_matrix(rotation, camera.scale, camera.translation)
    neck = NECK_PIVOT[None]
    x, y = (camera.project(neck) - turned.project(neck))[0, :2] + camera.translation
    return replace(own, expression=expression, camera=replace(turned, translation=(float(x), float(y))))


def pairs(scene: Scene, asked: list[FaceParams]) -> Iterator[Pair]:
    """Draw the faces as frames of one clip, read them, and yield what was drawn and what was read."""
    with FaceTracker(video=True) as tracker:
        for params in asked:
            patch = scene.generator.generate(scene.code, Target(params, origin=Origin.FILMED))
            picture = scene.pixels.copy()
            height, width = patch.pixels.shape[:2]
            picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
            for face in tracker.detect(picture):
                yield params, fit_face(face, scene.model, scene.face.params.identity).params


def samples(own: FaceParams, still: FaceParams, found: list[Pair]) -> tuple[Errors, Errors]:
    """Return (n, 36) features, of which the last six are the pose's, and (n, 28) errors in sigmas.

    What is read of the portrait itself counts as no error.
    """
    rows, errors = [], []
    for drawn, read in found:
        change = np.subtract(drawn.expression.coefficients, own.expression.coefficients)
        error = np.subtract(read.expression.coefficients, still.expression.coefficients) - change
        turn = np.subtract(read.camera.angles, still.camera.angles)
        turn -= np.subtract(drawn.camera.angles, own.camera.angles)
        if np.abs(turn).max() < WRONG_POSE and np.abs(error).max() < WRONG_FACE:
            yaw, pitch, roll = np.subtract(drawn.camera.angles, own.camera.angles) * ANGLE
            turned = [yaw, pitch, roll, yaw * yaw, pitch * pitch, yaw * pitch]
            rows.append(np.concatenate([features(own, drawn), turned]))
            errors.append(error)
    return np.array(rows), np.array(errors)


def mirrored(rows: Errors, errors: Errors, model: MorphableModel) -> tuple[Errors, Errors]:
    """Return the samples as a mirror shows them: yaw and roll change their signs, and lids change sides."""
    matrix, n = mirror_matrix(model), errors.shape[1]
    signs = np.array([-1.0, 1.0, -1.0, 1.0, 1.0, -1.0])
    flipped = np.hstack([rows[:, :n] @ matrix.T, rows[:, [n + 1, n]], rows[:, n + 2 :] * signs])
    return flipped, errors @ matrix.T


def regressed(rows: Errors, errors: Errors) -> Errors:
    """Return the response (36, 28) that ridge regression finds for the errors."""
    gram = rows.T @ rows / len(rows) + RIDGE * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(gram, rows.T @ errors / len(rows)))


def explained(rows: Errors, errors: Errors, response: Errors) -> float:
    """Return the share of the errors' square sum that the response explains."""
    return float(1 - np.square(errors - rows @ response).sum() / np.square(errors).sum())


def measured(engine: Engine, portraits: list[Path], videos: Path, faces: Path) -> list[tuple[Errors, Errors]]:
    """Return the samples, one entry for each portrait."""
    random = np.random.default_rng(1)
    clips = list(performances(engine.model, videos))
    others = strangers(engine.model, faces, random)
    found = []
    for path in portraits:
        portrait = engine.open(path)
        index = portrait.largest
        scene = scene_of(engine, portrait, index, {}, SIDE)
        own, retargeter = scene.face.params, Retargeter(engine.model, scene.face, RetargetSettings())
        ((_, still),) = pairs(scene, [own])
        drawn = [
            pair
            for rest, frames in clips
            for pair in pairs(scene, [retargeter.retarget(f, rest) for f in frames])
        ]
        chosen = random.choice(len(others), GIVEN, replace=False)
        turns = random.normal(0, TURNS, (GIVEN, 3)) * (random.random((GIVEN, 1)) < 0.5)
        drawn += pairs(scene, [given(own, others[k], turn) for k, turn in zip(chosen, turns)])
        found.append(samples(own, still, drawn))
        print(f"{path.stem}: {len(found[-1][0])} samples", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("videos", "portraits", "images"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    files = {path.stem: path for folder in (args.images, args.portraits) for path in folder.rglob("*.*")}
    engine = Engine()
    found = measured(engine, [files[name] for name in PORTRAITS], args.videos, args.portraits)
    both = [tuple(map(np.vstack, zip(one, mirrored(*one, engine.model)))) for one in found]
    left_out = [
        explained(*found[k], regressed(*map(np.vstack, zip(*(both[:k] + both[k + 1 :])))))
        for k in range(len(found))
    ]
    rows, errors = map(np.vstack, zip(*both))
    sigma = engine.model.expression_sigma.astype(np.float32)
    beside = ASSET.with_suffix(".part.npz")
    kept = regressed(rows, errors)[:-POSE].astype(np.float32)
    np.savez_compressed(beside, errors=kept, expression_sigma=sigma)
    beside.replace(ASSET)
    report = (
        f"# The reading's response\n\n`tools/build_response.py`: {len(rows) // 2} pictures of {len(found)} portraits "
        f"({', '.join(PORTRAITS)}), driven by the\n`a_*` clips of shared/media and given expressions of "
        "shared/portraits; nothing of `b_*`. The response explains\n"
        f"{np.mean(left_out):.0%} of the error's variance over all components on a portrait that was left out "
        f"({min(left_out):.0%} to {max(left_out):.0%}).\n"
    )
    ASSET.with_name("RESPONSE.md").write_text(report, encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()

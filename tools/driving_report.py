"""Drives portraits by clips and measures what arrives, by comparing fresh fits of the output with the driver.

python tools/driving_report.py CLIP... --portrait PHOTO... -o FOLDER [--frames 150] [--side 768]

For every pair it reports the frames in and out, the largest jump of the head between two frames (of driver
and result), and correlations of the driver's fit with a fresh fit of the result, in which the portrait's
identity is held. Correlated are yaw, pitch, roll and the six components that move the face most in x and y,
since a picture shows no depth.

An axis or a component moves for real where the correlation asked of it is within reach. Driver and result are
each read with an error: with a standard deviation s and an error e, a perfect picture correlates by 1 - (e /
s)^2. The error is measured: pose is read from the portrait drawn with the driver's expression but its own
pose, components from the portrait drawn with the driver's pose but its own expression, and all variation of
these readings is error. What does not move for real is printed in brackets. The script writes `report.json`,
`report.md` and a contact sheet for each pair, with the driver above the result.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.contract import Origin, Target
from app.engine.driving.animation import scene_of
from app.engine.driving.live import Controls, Driven, Performer, Scene
from app.engine.driving.resting import acquainted_driver
from app.engine.engine import Engine
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FaceParams
from app.engine.sources.opening import open_source

STRONGEST = 6  # components compared
ERROR_EVERY = 3  # the reading's error is measured in every third frame
AXES = ("yaw", "pitch", "roll")
ASKED_POSE, ASKED_COMPONENT = 0.95, 0.7  # correlations
SHOWN = 6  # frames on a sheet


@dataclass(frozen=True, eq=False)
class Row:
    """One frame: what was driven, a fresh fit of it, and in some frames fits of pictures with its pose or its
    expression alone.
    """

    driven: Driven
    fit: FaceParams | None
    pose: FaceParams | None
    expression: FaceParams | None


def rows_of(engine: Engine, clip: Path, photo: Path, frames: int, side: int) -> Iterator[Row]:
    """Yield a row for each of the first `frames` frames of a clip that drives a photo."""
    portrait = engine.open(photo)
    face = portrait.largest
    scene = scene_of(engine, portrait, face, {}, side)
    own = scene.face.params
    with ExitStack() as stack:
        trackers = [stack.enter_context(FaceTracker(video=True)) for _ in range(4)]
        driver = acquainted_driver(engine.model, trackers[0], clip)
        performer = Performer(scene, driver)
        source = stack.enter_context(closing(open_source(clip)))

        def fitted(tracker: FaceTracker, picture: NDArray[np.uint8]) -> FaceParams | None:
            found = tracker.detect(picture)
            return fit_face(found[0], engine.model, own.identity).params if found else None

        for _ in range(frames):
            frame = source.take(1.0)
            if frame is None:
                return
            driven = performer.step(frame, Controls())
            parts = (
                replace(driven.params, expression=own.expression),
                replace(driven.params, camera=own.camera),
            )
            others: list[FaceParams | None] = [None, None]
            if frame.index % ERROR_EVERY == 0:
                others = [fitted(t, drawn(scene, params)) for t, params in zip(trackers[2:], parts)]
            yield Row(driven, fitted(trackers[1], driven.picture), others[0], others[1])


def drawn(scene: Scene, params: FaceParams) -> NDArray[np.uint8]:
    """Return the picture (H, W, 3) of a portrait that is asked for these parameters in a film."""
    patch = scene.generator.generate(scene.code, Target(params, origin=Origin.FILMED))
    picture = scene.pixels.copy()
    height, width = patch.pixels.shape[:2]
    picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
    return picture


def measure(rows: list[Row], model: MorphableModel) -> dict[str, Any]:
    """Return the numbers of one pair."""
    kept = [r for r in rows if r.driven.driver and r.fit]
    drivers = [r.driven.driver for r in kept]
    report: dict[str, Any] = {"frames": len(rows), "measured": len(kept)}
    report["jump_driver"] = jump(angles(drivers))
    report["jump_result"] = jump(angles([r.driven.params for r in kept]))
    turns, result = angles(drivers), angles([r.fit for r in kept])
    errors = angles([r.expression for r in kept if r.expression]).std(axis=0)
    report["pose"] = {
        name: correlated(turns[:, k], result[:, k], errors[k], ASKED_POSE) for k, name in enumerate(AXES)
    }
    moved, read = coefficients(drivers), coefficients([r.fit for r in kept])
    errors = coefficients([r.pose for r in kept if r.pose]).std(axis=0)
    seen = np.sqrt(np.square(model.expression_basis[..., :2]).sum(axis=(1, 2))) * model.expression_sigma
    strongest = np.argsort(-moved.std(axis=0) * seen)[:STRONGEST].tolist()
    report["components"] = {
        f"exp{k + 1}": correlated(moved[:, k], read[:, k], errors[k], ASKED_COMPONENT) for k in strongest
    }
    eyes = (drivers, [r.fit for r in kept])
    report["blink"] = correlation(
        *(np.array([min(o.expression.aperture) for o in which if o]) for which in eyes)
    )
    report["ms"] = float(np.median([r.driven.ms["total"] for r in rows]))
    return report


def correlated(driver: NDArray, result: NDArray, error: float, asked: float) -> dict[str, Any]:
    """Return the driver's standard deviation, the reading's error, the correlation, and whether the motion is
    real.
    """
    std = max(float(driver.std()), 1e-9)
    real = bool(1 - (error / std) ** 2 >= asked)
    return {"std": std, "error": float(error), "r": correlation(driver, result), "real": real}


def angles(params: Sequence[Any]) -> NDArray:
    return np.array([one.camera.angles for one in params])


def coefficients(params: Sequence[Any]) -> NDArray:
    return np.array([one.expression.coefficients for one in params])


def jump(angles: NDArray) -> float:
    """Return the largest change of an angle between two frames, degrees."""
    return float(np.abs(np.diff(angles, axis=0)).max()) if len(angles) > 1 else 0.0


def correlation(a: NDArray, b: NDArray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def sheet(rows: list[Row], width: int = 260) -> NDArray[np.uint8]:
    """Return a sheet with the driver above the result at evenly spaced frames."""
    import cv2

    def fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, wide = picture.shape[:2]
        return np.asarray(
            cv2.resize(picture, (width, round(width * height / wide)), interpolation=cv2.INTER_AREA)
        )

    chosen = [rows[k].driven for k in np.linspace(0, len(rows) - 1, SHOWN).astype(int)]
    columns = [
        np.vstack([fitted(d.frame.pixels), fitted(d.picture)]) for d in chosen if d.frame.pixels is not None
    ]
    return np.hstack(columns)


def table(reports: dict[str, dict[str, Any]]) -> str:
    """Return the table as Markdown; what does not move for real is in brackets."""
    lines = [
        "| clip on portrait | frames | jump driver / result | yaw | pitch | roll | components | blink | ms |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for name, r in reports.items():
        axes = " | ".join(shown(r["pose"][axis]) for axis in AXES)
        parts = " ".join(shown(value) for value in r["components"].values())
        jumps = f"{r['jump_driver']:.1f} / {r['jump_result']:.1f}"
        lines.append(
            f"| {name} | {r['frames']} | {jumps} | {axes} | {parts} | {r['blink']:.2f} | {r['ms']:.0f} |"
        )
    return "\n".join([*lines, "", *counts(reports)]) + "\n"


def shown(value: dict[str, Any]) -> str:
    """Return a correlation as text, in brackets where the motion is not real."""
    return f"{value['r']:.2f}" if value["real"] else f"({value['r']:.2f})"


def counts(reports: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield how many axes reach what is asked: of those that move for real, and of all."""
    groups = [(axis, ASKED_POSE, [r["pose"][axis] for r in reports.values()]) for axis in AXES]
    components = [value for r in reports.values() for value in r["components"].values()]
    for name, asked, values in (*groups, ("components", ASKED_COMPONENT, components)):
        real = [value for value in values if value["real"]]
        good, all_good = (sum(v["r"] >= asked for v in which) for which in (real, values))
        yield f"{name}: {good} of {len(real)} that move for real reach {asked}; {all_good} of all {len(values)}."


def main() -> None:
    from PIL import Image

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--portrait", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--side", type=int, default=768)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    engine, reports = Engine(), {}
    for clip in args.clips:
        for photo in args.portrait:
            name = f"{clip.stem} on {photo.stem}"
            rows = list(rows_of(engine, clip, photo, args.frames, args.side))
            reports[name] = measure(rows, engine.model)
            Image.fromarray(sheet(rows)).save(args.output / f"{name}.jpg", quality=88)
            print(table({name: reports[name]}).splitlines()[2], file=sys.stderr)
    (args.output / "report.json").write_text(json.dumps(reports, indent=1))
    (args.output / "report.md").write_text(table(reports))
    print(table(reports))


if __name__ == "__main__":
    main()

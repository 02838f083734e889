"""Drives portraits by clips and measures what arrives: fresh fits of the output against the driver.

    python tools/driving_report.py CLIP... --portrait PHOTO... -o FOLDER [--frames 150] [--side 384]

For every pair: frames in and out, the largest jump of the head between two frames (driver and result), and
the correlation of yaw, pitch, roll and of the six components that move the face most (axes that move by less than
8 degrees, components by less than 0.3 sigma, are left out: there is nothing to follow). Writes
`report.json`, `report.md` and a contact sheet per pair (driver above result).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.driving.clip_driving import drive_clip
from app.engine.driving.live import Driven
from app.engine.engine import Engine
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import FaceParams
from app.engine.face.retargeting import RetargetSettings

STRONGEST = 6
LEAST_TURN, LEAST_SIGMA = 8.0, 0.3  # peak to peak and standard deviation below which nothing moves
SHOWN = 6


def pairs(
    engine: Engine, clip: Path, photo: Path, frames: int, side: int
) -> Iterator[tuple[Driven, FaceParams | None]]:
    """(what was driven, a fresh fit of the picture) for every frame."""
    portrait = engine.open(photo)
    face = max(range(len(portrait.faces)), key=lambda k: portrait.faces[k].box[2])
    identity = portrait.faces[face].params.identity
    steps = drive_clip(engine, portrait, face, clip, None, RetargetSettings(), {}, max_side=side)
    with FaceTracker(video=True) as tracker:
        for step in islice((s for s in steps if s.picture is not None), frames):
            found = tracker.detect(step.picture)
            fitted = fit_face(found[0], engine.model, identity).params if found else None
            yield step.extra["driven"], fitted
    steps.close()  # type: ignore[attr-defined]


def measure(rows: list[tuple[Driven, FaceParams | None]], sigma: NDArray) -> dict[str, Any]:
    """The numbers of one pair."""
    kept = [(d.driver, fit, d.params) for d, fit in rows if d.driver is not None and fit is not None]
    drivers, fits, params = zip(*kept)
    angles = [np.array([p.camera.angles for p in which]) for which in (drivers, fits, params)]
    report: dict[str, Any] = {"frames": len(rows), "measured": len(kept)}
    report["jump_driver"] = jump(angles[0])
    report["jump_result"] = jump(angles[2])
    for axis, name in enumerate(("yaw", "pitch", "roll")):
        if np.ptp(angles[0][:, axis]) >= LEAST_TURN:
            report[name] = correlation(angles[0][:, axis], angles[1][:, axis])
    p, q = (np.array([one.expression.coefficients for one in which]) for which in (drivers, fits))
    strongest = np.argsort(-p.std(axis=0) * sigma)[:STRONGEST]
    report["components"] = {
        f"exp{k + 1}": correlation(p[:, k], q[:, k])
        for k in strongest.tolist()
        if p[:, k].std() >= LEAST_SIGMA
    }
    report["blink"] = correlation(
        *(np.array([min(o.expression.aperture) for o in w]) for w in (drivers, fits))
    )
    report["ms"] = float(np.median([d.ms["total"] for d, _ in rows]))
    return report


def jump(angles: NDArray) -> float:
    return float(np.abs(np.diff(angles, axis=0)).max()) if len(angles) > 1 else 0.0


def correlation(a: NDArray, b: NDArray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def sheet(rows: list[tuple[Driven, FaceParams | None]], width: int = 260) -> NDArray[np.uint8]:
    """Driver above result at evenly spaced frames."""
    import cv2

    def fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, wide = picture.shape[:2]
        return np.asarray(
            cv2.resize(picture, (width, round(width * height / wide)), interpolation=cv2.INTER_AREA)
        )

    chosen = [rows[k][0] for k in np.linspace(0, len(rows) - 1, SHOWN).astype(int)]
    columns = [
        np.vstack([fitted(d.frame.pixels), fitted(d.picture)]) for d in chosen if d.frame.pixels is not None
    ]
    return np.hstack(columns)


def table(reports: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| clip on portrait | frames | jump driver / result | yaw | pitch | roll | components | blink | ms |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for name, r in reports.items():
        axes = [f"{r[a]:.2f}" if a in r else "-" for a in ("yaw", "pitch", "roll")]
        parts = " ".join(f"{value:.2f}" for value in r["components"].values()) or "-"
        jumps = f"{r['jump_driver']:.1f} / {r['jump_result']:.1f}"
        lines.append(
            f"| {name} | {r['frames']} | {jumps} | {' | '.join(axes)} | {parts} | {r['blink']:.2f} | {r['ms']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    from PIL import Image

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--portrait", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--side", type=int, default=384)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    engine, reports = Engine(), {}
    for clip in args.clips:
        for photo in args.portrait:
            name = f"{clip.stem} on {photo.stem}"
            rows = list(pairs(engine, clip, photo, args.frames, args.side))
            reports[name] = measure(rows, engine.model.expression_sigma)
            Image.fromarray(sheet(rows)).save(args.output / f"{name}.jpg", quality=88)
            print(table({name: reports[name]}).splitlines()[-1], file=sys.stderr)
    (args.output / "report.json").write_text(json.dumps(reports, indent=1))
    (args.output / "report.md").write_text(table(reports))
    print(table(reports))


if __name__ == "__main__":
    main()

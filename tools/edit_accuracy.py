"""Compares what is asked with what a fresh fit of the result measures: edit_accuracy.py [--side PX]
[PHOTO...].

It measures ../shared/media/images unless photos are given, writes out/edit_accuracy.md and .json and prints
the tables. The groups are: yaw, pitch and roll 15 degrees to either side of the photo's own; semantic
controls and gaze; blink; and frontalising turned heads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine  # noqa: E402
from app.engine.errors import EngineError  # noqa: E402
from app.engine.face.parameters import FaceEdit, FittedFace  # noqa: E402
from app.engine.face.semantic import frontalise  # noqa: E402

POSES = [(name, amount) for name in ("yaw", "pitch", "roll") for amount in (-15, 15)]
CONTROLS: tuple[dict[str, float], ...] = (
    {"mouth_open": 0.5},
    {"mouth_open": 1},
    {"smile": 0.6},
    {"smile": 1},
    {"corner_left": 1},
    {"corner_right": 1},
    {"brow_left": 1, "brow_right": 1},
    {"brow_left": -0.6, "brow_right": -0.6},
    {"brow_left": 1},
    {"brows_together": 1},
    {"mouth_width": 1},
    {"pucker": 1},
    {"jaw_side": 1},
    {"cheeks": 1},
    {"eyes_wide": 1},
)
GAZES = ({"gaze_x": -12}, {"gaze_x": 12}, {"gaze_y": -8}, {"gaze_y": 8})  # degrees from the photo's own
TURNED = 35  # degrees; a photo turned further need not be frontalised
Row = dict[str, Any]


def edits(face: FittedFace) -> Iterator[tuple[str, dict[str, float], FaceEdit]]:
    """Yield (group, what is asked relative to the photo, the edit)."""
    angles = dict(zip(("yaw", "pitch", "roll"), face.params.camera.angles))
    for name, amount in POSES:
        yield "pose", {name: amount}, FaceEdit.of(**{name: angles[name] + amount})
    for control in CONTROLS:
        yield "control", control, FaceEdit.of(**control)
    own = dict(zip(("gaze_x", "gaze_y"), face.params.expression.gaze))
    for gaze in GAZES:
        yield "gaze", gaze, FaceEdit.of(**{k: own[k] + v for k, v in gaze.items()})
    yield "blink", {"blink": 1}, FaceEdit.of(blink_left=1, blink_right=1)
    yield "blink", {"blink": 0.5}, FaceEdit.of(blink_left=0.5, blink_right=0.5)
    if 8 < abs(angles["yaw"]) <= TURNED:
        yield "frontal", {"yaw": 0}, FaceEdit.of(**frontalise(face))


def measure_photo(engine: Engine, path: Path, side: int) -> Iterator[Row]:
    """Yield one row for each edit of the photo's largest face."""
    portrait = engine.open(path)
    if not portrait.faces:
        return
    index = portrait.largest
    face = portrait.faces[index]
    own = face.params
    for group, asked, edit in edits(face):
        row: Row = {"photo": path.name, "group": group, "asked": asked, "own": own.camera.angles}
        try:
            rendered = engine.render(portrait, {index: edit}, max_side=side)
            found = engine.measure(portrait, rendered, index, edit)
        except EngineError as error:
            yield {**row, "error": str(error)}
            continue
        row["measured"] = dict(found.measured)
        row["wanted"] = dict(found.asked)
        row["aperture"] = own.expression.aperture
        row["gaze"] = own.expression.gaze
        yield row


def ratio(row: Row, name: str) -> float:
    """Return what was obtained divided by what was asked."""
    if row["group"] == "gaze":
        start = row["gaze"][0 if name == "gaze_x" else 1]
        return float((row["measured"][name] - start) / (row["wanted"][name] - start))
    return float(row["measured"][name] / row["wanted"][name])


def aperture_left(row: Row) -> float:
    """Return the lids' aperture as a share of the open eye's, as the mean of both eyes."""
    shut = (row["measured"]["aperture_left"], row["measured"]["aperture_right"])
    return sum(a / b for a, b in zip(shut, row["aperture"])) / 2


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    if len(values) < 2:
        return (values[0],) * 3 if values else (float("nan"),) * 3
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def tables(rows: list[Row]) -> str:
    """Return all tables as Markdown."""
    good = [row for row in rows if "error" not in row]
    lines = ["| pose asked | n | mean error | mean abs | max |", "|---|---|---|---|---|"]
    for (name, amount), errors in sorted(_pose_errors(good).items()):
        size = [abs(e) for e in errors]
        mean, mean_abs = statistics.fmean(errors), statistics.fmean(size)
        lines.append(
            f"| {name} {amount:+g}° | {len(errors)} | {mean:+.2f} | {mean_abs:.2f} | {max(size):.1f} |"
        )
    lines += ["", "| control asked | n | obtained/asked, median [quartiles] |", "|---|---|---|"]
    for title, values in _ratios(good).items():
        low, middle, high = quartiles(values)
        lines.append(f"| {title} | {len(values)} | {middle:.2f} [{low:.2f}, {high:.2f}] |")
    lines += ["", "| blink asked | n | aperture left, median [quartiles] |", "|---|---|---|"]
    for amount in (0.5, 1):
        left = [aperture_left(r) for r in good if r["asked"] == {"blink": amount}]
        low, middle, high = quartiles(left)
        lines.append(f"| {amount:g} | {len(left)} | {middle:.2f} [{low:.2f}, {high:.2f}] |")
    lines += ["", "| frontalised photo | own yaw, pitch | measured yaw, pitch |", "|---|---|---|"]
    for row in good:
        if row["group"] == "frontal":
            own, found = row["own"], row["measured"]
            lines.append(
                f"| {row['photo']} | {own[0]:+.1f}, {own[1]:+.1f} | {found['yaw']:+.1f}, {found['pitch']:+.1f} |"
            )
    failed = [row for row in rows if "error" in row]
    lines += ["", f"{len(good)} edits measured, {len(failed)} not: the face was not found again."]
    return "\n".join(lines)


def _pose_errors(rows: list[Row]) -> dict[tuple[str, float], list[float]]:
    found: dict[tuple[str, float], list[float]] = defaultdict(list)
    for row in rows:
        if row["group"] == "pose":
            ((name, amount),) = row["asked"].items()
            found[name, amount].append(row["measured"][name] - row["wanted"][name])
    return found


def _ratios(rows: list[Row]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["group"] in ("control", "gaze"):
            title = ", ".join(f"{name} {value:+g}" for name, value in row["asked"].items())
            found[title].append(statistics.fmean(ratio(row, name) for name in row["asked"]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--side", type=int, default=1024, help="longest side the edits are rendered at, px")
    arguments = parser.parse_args()
    photos = arguments.photos or sorted((ROOT.parent / "shared" / "media" / "images").iterdir())
    engine = Engine()
    rows: list[Row] = []
    for photo in photos:
        print(photo.name, file=sys.stderr)
        rows += measure_photo(engine, photo, arguments.side)
    engine.close()
    out = ROOT / "out"
    out.mkdir(exist_ok=True)
    text = tables(rows)
    (out / "edit_accuracy.md").write_text(text + "\n", encoding="utf-8")
    (out / "edit_accuracy.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

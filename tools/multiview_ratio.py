"""Compares this program with another checkout of it on true views, in one run and by one measure.

    python tools/multiview_ratio.py VIEWS OTHER_TREE [-o FOLDER] [--people 12] [--python PYTHON_OF_THE_OTHER]

VIEWS is a folder as `mien evaluate --multiview` takes it. Each tree reads the poses and draws the pictures in a process
of its own; this tree's code then measures both within the same true heads. The folder gets the pictures, a sheet of
each tree and ratio.json; the table printed has both trees' means and their ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine  # noqa: E402
from app.engine.evaluation.multiview import (  # noqa: E402
    TURNS,
    Turned,
    compared,
    in_all,
    pairs,
    save_sheets,
)
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.reading import open_photo  # noqa: E402

# This script runs in either tree, so it uses only what both have. Its argument is a JSON list of
# [front, side, front made, side made].
DRAW = """
import json, sys
from PIL import Image
from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit
engine = Engine()
def largest(portrait):
    return max(range(len(portrait.faces)), key=lambda k: portrait.faces[k].box[2])
def draw(portrait, other, path):
    camera = other.faces[largest(other)].params.camera
    (yaw, pitch, roll), (tx, ty) = camera.angles, camera.translation
    edit = FaceEdit.of(yaw=yaw, pitch=pitch, roll=roll, scale=camera.scale, tx=tx, ty=ty)
    Image.fromarray(engine.render(portrait, {largest(portrait): edit}).pixels).save(path)
from pathlib import Path
for front, side, made_front, made_side in json.load(open(sys.argv[1])):
    a, b = engine.open(Path(front)), engine.open(Path(side))
    if a.faces and b.faces:
        draw(a, b, made_side)
        draw(b, a, made_front)
    print(Path(front).stem, file=sys.stderr, flush=True)
engine.close()
"""


def draw(python: str, tree: Path, jobs: list[list[str]], folder: Path) -> None:
    """Let a tree draw its pictures into files."""
    listed = folder / "jobs.json"
    listed.write_text(json.dumps(jobs), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tree)}
    subprocess.run([python, "-c", DRAW, str(listed)], cwd=tree, env=environment, check=True)


def drawn_by(python: str, tree: Path, folder: Path, views: Path, people: int) -> list[list[str]]:
    """Return paths [front, side, front made, side made] of the pictures of each pair's turns."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = []
    for pair in pairs(views)[:people]:
        made = [str(folder / f"{pair.person}_{name}.png") for name in ("front", "side")]
        jobs.append([str(pair.front), str(pair.side), *made])
    draw(python, tree, jobs, folder)
    return jobs


def measured(engine: Engine, views: Path, jobs: list[list[str]]) -> list[Turned]:
    """Return what is measured of the pictures that one tree drew."""
    known = {str(pair.front): pair for pair in pairs(views)}
    results = []
    for front, side, made_front, made_side in jobs:
        if not Path(made_front).is_file():
            continue
        pictures = [to_srgb8(open_photo(Path(path))) for path in (made_side, made_front)]
        portraits = engine.open(Path(front)), engine.open(Path(side))
        if all(portrait.faces for portrait in portraits):
            results.append(compared(known[front], *portraits, *pictures))
    return results


def table(here: dict[str, Any], other: dict[str, Any]) -> str:
    lines = ["| turn | measure | other | this | this / other |", "|---|---|---|---|---|"]
    for turn in (*TURNS, "both"):
        for name in ("l1", "ssim", "edges", "detail"):
            a, b = other[turn][name], here[turn][name]
            lines.append(f"| {turn} | {name} | {a:.3f} | {b:.3f} | {b / a:.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("views", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "out" / "multiview")
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    engine, means = Engine(), {}
    for name, python, tree in (("other", args.python, args.other.resolve()), ("this", sys.executable, ROOT)):
        jobs = drawn_by(python, tree, args.output / name, args.views, args.people)
        results = measured(engine, args.views, jobs)
        save_sheets(results, args.output / name)
        means[name] = in_all(results)
    engine.close()
    (args.output / "ratio.json").write_text(json.dumps(means, indent=1), encoding="utf-8")
    print(table(means["this"], means["other"]))


if __name__ == "__main__":
    main()

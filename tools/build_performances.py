"""Makes the performances that come with Mien, and their SOURCES.md, from clips whose licence is clear.

    python tools/build_performances.py ../shared/media/videos

A performance holds 40 numbers for each frame and 40 numbers for the identity, and no picture or sound. Run
this again whenever the face model is built anew, because p_exp counts in the model's components.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.driving.clip_driving import track_clip
from app.engine.face.morphable_model import default_model
from app.engine.sources.performance_files import read_performance, write_performance

GRID = (
    "GRID audiovisual corpus, Cooke, Barker, Cunningham and Shao 2006, doi 10.5281/zenodo.3625687, CC BY 4.0"
)
FRIDAY = "His Girl Friday (1940), public domain"
INTEL = "Intel sample-videos, CC BY 4.0"
# name -> (clip, first second, last second, credit, what the clip shows)
PERFORMANCES = {
    "speaks a sentence": ("a_grid_swiz3n.mp4", 0.0, 3.0, GRID, "a man speaks one sentence"),
    "speaks calmly": ("a_grid_lwbsza.mp4", 0.0, 3.0, GRID, "a woman speaks one sentence"),
    "speaks quickly": ("a_grid_brbk7n.mp4", 0.0, 3.0, GRID, "a young woman speaks one sentence"),
    "looks around": ("a_headpose_female.mp4", 0.0, 2.0, INTEL, "a woman turns her head to both sides"),
    "signs": ("a_asl_learn.mkv", 0.0, 2.0, INTEL, "a woman signs; her head moves along"),
    "banters": ("a_film_friday_bw.mp4", 0.7, 3.6, FRIDAY, "an actor talks with his whole head"),
}
TARGET = Path(__file__).parents[1] / "assets" / "performances"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    args = parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Sources of the performances",
        "",
        "Computed by `tools/build_performances.py`; numbers only.",
        "",
    ]
    lines += ["| performance | from | credit |", "|---|---|---|"]
    for name, (clip, start, end, credit, shows) in PERFORMANCES.items():
        path = TARGET / f"{name}.performance"
        for _ in track_clip(default_model(), args.videos / clip, path):
            pass
        write_performance(read_performance(path).trimmed(start, end), path)
        print(f"{path.name}: {len(read_performance(path))} frames, {path.stat().st_size} bytes")
        lines.append(f"| {path.name} | {clip}, {start:g} to {end:g} s: {shows} | {credit} |")
    (TARGET / "SOURCES.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""A trained person against `mesh-warp` on the frames that were held out: a table and a contact sheet.

    MIEN_HOME=... python tools/personal_report.py RUN -o sheet.png

RUN is the name given to `mien train head2head … -o RUN`. Rows of the sheet: the truth, the network's own frames, the
model in its portrait as the editor uses it, `mesh-warp` from the same portrait.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.driving.person_film import Rollout  # noqa: E402
from app.engine.engine import Engine  # noqa: E402
from app.engine.evaluation.personal import frame_scores, reenacted  # noqa: E402
from app.engine.generators import backends  # noqa: E402
from app.engine.generators.head2head import PersonalModel  # noqa: E402
from app.engine.imaging.writing import write_png  # noqa: E402
from app.engine.training.personal.footage import Footage  # noqa: E402
from app.engine.training.personal.recipe import FOOTAGE  # noqa: E402
from app.engine.training.runs import run_folder  # noqa: E402

NAMES = ("l1", "psnr", "apd", "mapd", "aed", "ard", "detected")
LEAD = 4  # frames of the footage before the first that counts, because a sequence starts from zeros
SHOWN = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    footage, engine = Footage.load(run_folder(args.run) / FOOTAGE), Engine()
    first = footage.n_train
    made = {"truth": footage.frames[first:], "network, whole frames": whole_frames(args.run, footage)}
    for title, name in (("in its portrait", f"head2head-{args.run}"), ("mesh-warp", "mesh-warp")):
        made[title] = reenacted(engine, backends()[name](), footage)
    made["portrait, unedited"] = np.repeat(footage.frames[footage.best_frame][None], len(made["truth"]), 0)
    print(f"{footage.name}: {first} frames trained on, {len(footage.frames) - first} held out\n")
    print(f"| | {' | '.join(NAMES)} |\n|---|{'---|' * len(NAMES)}")
    for title, frames in list(made.items())[1:]:
        found = frame_scores(engine, footage, frames)
        print(
            f"| {title} | {' | '.join(f'{found[n]:.2f}' if n in found else '' for n in NAMES)} |", flush=True
        )
    chosen = np.linspace(0, len(made["truth"]) - 1, SHOWN).astype(int)
    rows = [np.concatenate(list(frames[chosen]), axis=1) for frames in made.values()]
    write_png(args.output, np.concatenate(rows))


def whole_frames(run: str, footage: Footage) -> NDArray[np.uint8]:
    """Return (T, S, S, 3): what the kept model generates for the held-out frames' parameters."""
    rollout = Rollout(PersonalModel(run).renderer())
    begin = max(footage.n_train - LEAD, 0)
    frames = [rollout.next(params)[0] for params in footage.params[begin:]]
    return np.asarray(np.round(np.stack(frames[footage.n_train - begin :]) * 255), np.uint8)


if __name__ == "__main__":
    main()

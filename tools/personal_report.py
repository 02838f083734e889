"""Compares a trained person with `mesh-warp` on the frames that were held out: a table and a contact sheet.

    MIEN_HOME=... python tools/personal_report.py RUN -o sheet.png

RUN is the name given to `mien train head2head … -o RUN`. The rows of the sheet show the truth, the network's
own frames, the model in its portrait as the editor uses it, and `mesh-warp` from the same portrait.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.contract import Generator, Origin, SourceImage, Target  # noqa: E402
from app.engine.driving.person_film import Rollout  # noqa: E402
from app.engine.engine import Engine  # noqa: E402
from app.engine.errors import EngineError  # noqa: E402
from app.engine.evaluation import metrics  # noqa: E402
from app.engine.evaluation.protocols import averages, paste  # noqa: E402
from app.engine.face.fitting import fit_face  # noqa: E402
from app.engine.face.parameters import FaceParams, FittedFace  # noqa: E402
from app.engine.generators import backends  # noqa: E402
from app.engine.generators.head2head import PersonalModel  # noqa: E402
from app.engine.imaging.matte import person_matte  # noqa: E402
from app.engine.imaging.writing import write_png  # noqa: E402
from app.engine.rendering.nmfc import make_renderer  # noqa: E402
from app.engine.training.personal.footage import Footage  # noqa: E402
from app.engine.training.personal.recipe import FOOTAGE  # noqa: E402
from app.engine.training.runs import run_folder  # noqa: E402

Frames = NDArray[np.uint8]  # (T, S, S, 3)
NAMES = ("l1", "psnr", "apd", "mapd", "aed", "ard", "detected")
LEAD = 4  # frames of the footage before the first that counts, because a sequence starts from zeros
SHOWN = 8  # frames on the sheet


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
    """Return (T, S, S, 3): what the kept model generates from the held-out frames' parameters."""
    rollout = Rollout(PersonalModel(run).renderer())
    begin = max(footage.n_train - LEAD, 0)
    frames = [rollout.next(params)[0] for params in footage.params[begin:]]
    return np.asarray(np.round(np.stack(frames[footage.n_train - begin :]) * 255), np.uint8)


def frame_scores(engine: Engine, footage: Footage, made: Frames) -> dict[str, float]:
    """Return means over the held-out frames (Head2Head++, section 4.3).

    They are L1, PSNR, APD, MAPD (with the NMFC's mask), and AED and ARD of fresh fits. made: (T, S, S, 3) for
    the frames from `n_train` on; "detected" is the share of frames with a face.
    """
    first = footage.n_train
    renderer = make_renderer()
    rows = []
    for picture, truth, params in zip(made, footage.frames[first:], footage.params[first:]):
        shape = engine.model.shape(params.identity, params.expression)
        mask = renderer.nmfc(params.camera.project(shape), (footage.size, footage.size)).sum(axis=2) > 0
        row = {
            "l1": metrics.l1(picture, truth),
            "psnr": metrics.psnr(picture, truth),
            "apd": metrics.apd(picture, truth),
            "mapd": metrics.apd(picture, truth, mask),
        }
        after, true = (_fitted(engine, footage, frame) for frame in (picture, truth))
        if true is not None:
            row["detected"] = float(after is not None)
        if after is not None and true is not None:
            row["aed"] = metrics.expression_distance(after, true)
            row["ard"] = metrics.rotation_distance(after.params.camera, true.params.camera)
        rows.append(row)
    renderer.close()
    return averages(rows)


def reenacted(engine: Engine, generator: Generator, footage: Footage) -> Frames:
    """Return the held-out frames as a generator makes them.

    It makes them from the best training frame in which the face is found. EngineError where it is found in
    none.
    """
    candidates = (footage.frames[t] for t in footage.best_frames)
    seen = ((frame, _fitted(engine, footage, frame)) for frame in candidates)
    portrait, face = next((found for found in seen if found[1] is not None), (None, None))
    if portrait is None or face is None:
        raise EngineError("No frame of the footage shows a face.", "Give footage with larger faces.")
    code = generator.encode(SourceImage(portrait, None, face, person_matte(portrait, face)))
    history: tuple[FaceParams, ...] = ()
    made = []
    for truth, params in zip(footage.frames[footage.n_train :], footage.params[footage.n_train :]):
        true = _fitted(engine, footage, truth)
        wanted = params if true is None else true.params
        patch = generator.generate(code, Target(wanted, history, origin=Origin.FILMED))
        history = (*history, wanted)[-2:]
        made.append(paste(portrait, patch))
    return np.stack(made)


def _fitted(engine: Engine, footage: Footage, frame: NDArray[np.uint8]) -> FittedFace | None:
    """Return the largest face, fitted with the footage's identity."""
    found = engine.tracker.detect(frame)
    if not found:
        return None
    face = max(found, key=lambda one: one.box[2] * one.box[3])
    return fit_face(face, engine.model, footage.params[0].identity)


if __name__ == "__main__":
    main()

"""Runs the real training loop on a toy recipe, reported as `mien` reports; training tests start it in place
of `mien`.

It takes `mien`'s arguments: train WHAT … --minutes M --output NAME --lines [--picture PNG]. With WHAT "toy"
it trains, with "bad" it meets an error, with "crash" it crashes.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from app.commands import lines
from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.training.loop import Plan, train
from app.engine.training.runs import progress_steps, run_folder
from tests.engine.training.toy import Toy


def steps(what: str, name: str, minutes: float) -> Iterator[Step]:
    if what == "bad":
        yield Step(0, 10, "Looking at the footage")
        raise EngineError("clip.mp4 has a cut at frame 12.", "Cut the clip there and give one part.")
    if what == "crash":
        sys.exit("Segmentation of memory: a fault")
    plan = Plan(run_folder(name), minutes, batch=2, picture_seconds=0.2)
    yield from progress_steps(train(Toy(), plan, torch.device("cpu")))


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("train")
    parser.add_argument("what")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--output")
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("--picture", type=Path)
    args, _ = parser.parse_known_args()
    lines.follow(steps(args.what, args.output, args.minutes), args.picture)
    lines.put({"result": {"message": "Trained “toy”.", "engine": "head2head-toy"}})

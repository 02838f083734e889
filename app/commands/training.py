"""`mien train` trains HeadGAN, a person's model, a generator of one's own or latent directions.

A run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Sequence
from collections.abc import Generator as Steps
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.commands import Subparsers, add_lines, command, lines, ranged, say
from app.engine.contract import Step
from app.engine.files import data_folder
from app.engine.imaging.writing import write_png
from app.engine.personal.record import SIZES
from app.engine.training.steps import TrainingStep

EVERY = 25  # steps between two lines on the terminal; a step takes tenths of a second to seconds
BARS = "▁▂▃▄▅▆▇█"


def add(subparsers: Subparsers) -> None:
    parser = command(subparsers, "train", "train a model: of one person, of faces, of heads")
    actions = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    add_headgan(actions)
    add_completion(actions)
    add_mouth(actions)
    add_head2head(actions)
    people = training(
        actions,
        "head2headfs",
        "train Head2HeadFS's first stage, on clips of several people",
        run_head2headfs,
        "people",
    )
    people.add_argument("footage", type=Path, nargs="+", help="clips, each of one person")
    faces = training(
        actions, "stylegan", "train a StyleGAN2 generator from a folder of portraits", run_stylegan, "faces"
    )
    faces.add_argument("folder", type=Path, help="a folder of portraits")
    add_directions(actions)


def training(
    actions: Subparsers, word: str, words: str, run: Callable[[argparse.Namespace], None], name: str
) -> argparse.ArgumentParser:
    """Add a command with the options of all trainings; `name` is the run's name unless the user gives
    another.
    """
    action = command(actions, word, words)
    action.set_defaults(run=ending_together(run))
    action.add_argument(
        "--minutes", type=ranged(float, 0, 1e6), default=10.0, help="to train now (default: 10)"
    )
    action.add_argument(
        "-o", "--output", type=run_name, default=name, metavar="NAME", help=f"its name (default: {name})"
    )
    action.add_argument("--picture", type=Path, metavar="PNG", help="a file for the newest samples")
    add_lines(action)
    return action


def add_headgan(actions: Subparsers) -> None:
    words = "train a HeadGAN from a folder of portraits and clips of many people"
    add_folder_options(training(actions, "headgan", words, run_headgan, "headgan"))


def add_completion(actions: Subparsers) -> None:
    words = "train what completes heads where a photo shows nothing, from a folder of portraits and clips"
    add_folder_options(training(actions, "completion", words, run_completion, "completion"))


def add_mouth(actions: Subparsers) -> None:
    words = "train the colours of teeth that a photo does not show, from a folder of portraits and clips"
    add_folder_options(training(actions, "mouth", words, run_mouth, "mouth"))


def add_folder_options(action: argparse.ArgumentParser) -> None:
    """Add the options of trainings whose preparation can be divided among several machines."""
    action.add_argument("folder", type=Path, help="a folder of portraits and clips")
    action.add_argument(
        "--shard", type=share, metavar="I/N", help="only prepare every N-th file from the I-th (from 0) on"
    )


def add_head2head(actions: Subparsers) -> None:
    action = training(
        actions, "head2head", "train a personal model from footage of one person", run_head2head, "me"
    )
    action.add_argument("footage", type=Path, help="a clip of one person")
    action.add_argument(
        "--start", type=Path, metavar="FOLDER", help="a head2headfs run's folder, to fine-tune from"
    )
    action.add_argument(
        "--size", type=int, choices=SIZES, help="px of its pictures' sides (default: 128, on a GPU 256)"
    )
    action.add_argument(
        "--check", action="store_true", help="only look at the footage, and at what it covers"
    )


def add_directions(actions: Subparsers) -> None:
    words = "train latent directions for the newest StyleGAN2 generator"
    action = training(actions, "directions", words, run_directions, "directions")
    action.add_argument(
        "--calibrate", action="store_true", help="only learn what the imported matrix means in our components"
    )
    real = action.add_mutually_exclusive_group()
    real.add_argument(
        "--photos", type=Path, metavar="FOLDER", help="go on from the newest directions, half on these photos"
    )
    real.add_argument(
        "--clips",
        type=Path,
        metavar="FOLDER",
        help="go on from the newest directions, on pairs of clips' frames",
    )


def ending_together(run: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    """Return a command that also works as one of torchrun's processes, which end together when all work is
    done.
    """

    def with_the_others(args: argparse.Namespace) -> None:
        run(args)
        if "WORLD_SIZE" in os.environ:
            from app.engine.training.loop import leave_processes

            leave_processes()

    return with_the_others


def run_name(text: str) -> str:
    """Read the name of a run and its model; this is an argparse type that allows one folder's name and no
    path.
    """
    if re.fullmatch(r"\w[\w.-]*", text) is None:
        raise argparse.ArgumentTypeError(f"“{text}” is not a name: use letters, digits, “-”, “_” and “.”")
    return text


def run_headgan(args: argparse.Namespace) -> None:
    from app.engine.training.headgan.recipe import prepare_only, train_headgan

    if args.shard:
        follow(prepare_only(args.folder, args.output, args.shard), args)
        return
    model = follow(train_headgan(args.folder, args.output, args.minutes), args)
    if model is not None:  # only torchrun's first process has it
        print_result(args, f"Trained “{model.name}”. Use it with --engine headgan.")


def share(text: str) -> tuple[int, int]:
    """Read one share of several, such as "0/4", as (index, count); this is an argparse type."""
    first, _, count = text.partition("/")
    if not (first.isdigit() and count.isdigit() and int(first) < int(count)):
        raise argparse.ArgumentTypeError(f"“{text}” is no share: write it as 0/4, 1/4, 2/4 or 3/4")
    return int(first), int(count)


def run_completion(args: argparse.Namespace) -> None:
    from app.engine.training.completion.data import prepare
    from app.engine.training.completion.recipe import train_completion

    _train_weights(args, prepare, train_completion, "Heads are completed")


def run_mouth(args: argparse.Namespace) -> None:
    from app.engine.training.mouth.data import prepare
    from app.engine.training.mouth.recipe import train_mouth

    _train_weights(args, prepare, train_mouth, "Opened mouths are coloured")


def _train_weights(args: argparse.Namespace, prepare: Any, train: Any, done: str) -> None:
    """Train what is used as ONNX, or prepare a share of its data; done: what the weights do, in words."""
    from app.engine.training.completions import prepare_only

    if args.shard:
        follow(prepare_only(prepare, args.folder, args.output, args.shard), args)
        return
    path = follow(train(args.folder, args.output, args.minutes), args)
    if path is not None:
        words = f"Trained. {done} by it from now on; remove {path} to end that."
        print_result(args, words, path=str(path))


def run_head2head(args: argparse.Namespace) -> None:
    from app.engine.training.personal import recipe as personal
    from app.engine.training.runs import run_folder

    settings = personal.default_settings(args.size)
    if args.check:
        rows = follow(personal.check_footage(args.footage, args.output, settings.size), args)
        gaps = [f"{row['name']} {a:g} to {b:g}" for row in rows for a, b in row["gaps"]]
        print_result(args, "Fit to train on. Not shown: " + (", ".join(gaps) or "nothing"), coverage=rows)
        return
    model = follow(
        personal.train_head2head(args.footage, args.output, args.minutes, settings, start=args.start), args
    )
    if model is not None:
        words = f"Trained “{model.name}”. Use it with --engine head2head-{model.name}."
        portrait = run_folder(args.output) / personal.PORTRAIT
        print_result(args, words, engine=f"head2head-{model.name}", portrait=str(portrait))


def run_head2headfs(args: argparse.Namespace) -> None:
    from app.engine.training.personal.recipe import train_first_stage

    folder = follow(train_first_stage(args.footage, args.output, args.minutes), args)
    print_result(args, f"Trained. Fine-tune from it with: mien train head2head FOOTAGE --start {folder}")


def run_stylegan(args: argparse.Namespace) -> None:
    from app.engine.training.stylegan.recipe import train_stylegan

    model = follow(train_stylegan(args.folder, args.output, args.minutes), args)
    if model is not None:
        print_result(args, f"Trained “{model.name}”. “mien train directions” finds its directions.")


def run_directions(args: argparse.Namespace) -> None:
    from app.engine.training.directions.recipe import calibrate_directions, train_directions

    if args.calibrate:
        found = follow(calibrate_directions(), args)
        print_result(
            args, f"Calibrated; {100 * found.error:.0f} % of the expression change stays unexplained."
        )
        return
    model = follow(train_directions(args.output, args.minutes, photos=args.photos, clips=args.clips), args)
    print_result(args, f"Trained “{model.name}”. Use it with --engine stylegan.")


def print_result(args: argparse.Namespace, words: str, **more: Any) -> None:
    """Print the result of the work, in words or as the last JSON line."""
    if args.lines:
        lines.put({"result": {"message": words, **more}})
    else:
        print(words)


def follow(steps: Steps[Step, None, Any], args: argparse.Namespace) -> Any:
    """Run the steps to the end and return the result.

    Progress and the curve of the first loss go to standard error, and the newest picture is kept.
    """
    picture: Path | None = args.picture
    if args.lines:
        return lines.follow(steps, picture)
    count = 0
    curve: list[float] = []
    while True:
        try:
            step = next(steps)
        except StopIteration as finished:
            if curve:
                say(f"Curves and samples: {data_folder() / 'training' / args.output}")
            return finished.value
        if isinstance(step, TrainingStep):
            curve.append(float(next(iter(step.losses.values()))))
        if step.picture is not None and picture is not None:
            write_png(picture, step.picture)
        if count % EVERY == 0 or step.picture is not None or step.error:
            done = f"{step.done} of {step.total}: " if step.total else ""
            say(done + (step.error or step.message) + (f"  {sparkline(curve)}" if curve else ""))
        count += 1


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """Return a curve as one line of bars, each the mean of an equal part of the values; the smallest mean is
    lowest.
    """
    parts = min(width, len(values))
    ends = [len(values) * k // parts for k in range(parts + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(ends)]
    low, high = min(means), max(means)
    return "".join(BARS[round((mean - low) / ((high - low) or 1) * (len(BARS) - 1))] for mean in means)

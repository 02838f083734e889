"""Holds the subcommands of `mien`: each module adds its parsers with `add` and sets `run(args) -> None`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.engine.contract import Step

Subparsers = Any  # argparse's own type is private
PROGRESS_EVERY = 50  # frames or steps between two lines of progress; chosen for a terminal


def command(subparsers: Subparsers, name: str, words: str) -> argparse.ArgumentParser:
    """Add a command, with words that say what it does in the list of commands and in its own help."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}."
    )
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def add_engine(parser: argparse.ArgumentParser) -> None:
    words = "the generator that draws, such as headgan or live-portrait (default: mesh-warp)"
    parser.add_argument("--engine", default="mesh-warp", metavar="NAME", help=words)


def add_face(parser: argparse.ArgumentParser) -> None:
    words = "face by number, left to right from 1 (default: the largest)"
    parser.add_argument("--face", type=int, metavar="N", help=words)


def add_lines(parser: argparse.ArgumentParser) -> None:
    words = "print JSON lines, for a program that watches, and stop at the line “stop” on standard input"
    parser.add_argument("--lines", action="store_true", help=words)


def say(text: str) -> None:
    """Print progress and messages for people on standard error."""
    print(text, file=sys.stderr, flush=True)


def run_to_end(steps: Iterator[Step]) -> Step:
    """Run the steps to the end, print the progress, and return the last step."""
    last = next(steps)
    for step in steps:
        if step.message != last.message and step.message:
            say(step.message)
        elif step.done and step.done % PROGRESS_EVERY == 0:
            say(f"{step.done} of {step.total}{'' if step.message else ' frames'}")
        last = step
    return last


def ranged(kind: type[int] | type[float], lower: float, upper: float) -> Callable[[str], float]:
    """Return an argparse type for a number from `lower` to `upper`."""

    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"“{text}” is not a number") from None
        if not lower <= value <= upper:
            raise argparse.ArgumentTypeError(f"{text} is not from {lower:g} to {upper:g}")
        return value

    return convert


def print_json(value: Any) -> None:
    """Print the one JSON object of `--json`; floats are rounded to six digits, and one that is not finite
    becomes null.
    """
    print(json.dumps(_short(value), ensure_ascii=False, allow_nan=False))


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return value

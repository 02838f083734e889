"""Runs the command `mien`: without a subcommand it opens the window, else it does one job on the command
line.

Nothing is imported here before `main` runs, so that even an early Ctrl+C ends with Mien's own message.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

SUBCOMMANDS = (
    "fit",
    "edit",
    "frontalise",
    "drive",
    "reenact",
    "track",
    "compress",
    "train",
    "evaluate",
    "models",
    "bench",
    "doctor",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands; their modules import nothing heavy until they run."""
    import argparse

    from app import __version__
    from app.commands import bench, driving, editing, learning, models, reenacting, training

    top = argparse.ArgumentParser(
        prog="mien",
        description="Edit a portrait's expression and head pose. Without a command, the window opens.",
    )
    top.add_argument("--version", action="version", version=f"mien {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (editing, driving, reenacting, learning, training, models, bench):
        module.add(subparsers)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command; return exit status 0, 1 (an error the user can act on, or Ctrl+C) or 2 (usage)."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        print("mien: stopped.", file=sys.stderr, flush=True)
        return 1


def _run(arguments: list[str]) -> int:
    from app.commands import say
    from app.engine.errors import EngineError, without_torch
    from app.engine.logs import start_logging

    if arguments[:1] == ["--self-test"]:
        from app.selftest import main as self_test

        return self_test(arguments[1:])
    if not arguments or (
        arguments[0] not in SUBCOMMANDS and arguments[0] not in ("-h", "--help", "--version")
    ):
        from app.main import main as window

        return window(arguments)
    args = parser().parse_args(arguments)
    start_logging()
    try:
        args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe, as in "mien … | head", has gone: Python must not write the rest to it at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except EngineError as error:
        say(f"mien: {error}")
        return 1
    except ModuleNotFoundError as error:
        missing = without_torch(error)
        if missing is None:
            raise
        say(f"mien: {missing}")
        return 1
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        say(
            f"mien: {name}{error.strerror or error}. Check that this file or folder is there and may be used."
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

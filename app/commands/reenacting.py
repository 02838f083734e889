"""Adds `mien reenact`, which lets a clip drive a personal model and writes the model's whole frames."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands import Subparsers, add_json, add_lines, command, lines, print_json
from app.commands.driving import filmed

MODES = ("head", "face")


def add(subparsers: Subparsers) -> None:
    parser = command(subparsers, "reenact", "let a clip drive a trained person's whole frames")
    parser.add_argument("model", help="a personal model's name")
    parser.add_argument("driver", type=Path, help="a video or a .performance")
    out = "a film (.mp4, .webm) or a folder for PNG frames, new or empty"
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mp4", help=out)
    mode = "the driver's head too (head), or its expression with the footage's head and eyes (face)"
    parser.add_argument("--mode", choices=MODES, default="head", help=mode)
    behind = "keep, transparent, a colour as #rrggbb, or a picture (not for Head2Head++ models)"
    parser.add_argument("--background", default="keep", metavar="WHAT", help=behind)
    parser.add_argument("--picture", type=Path, metavar="PNG", help="keep the newest frame here")
    add_lines(parser)
    add_json(parser)
    parser.set_defaults(run=run_reenact)


def run_reenact(args: argparse.Namespace) -> None:
    from app.engine.driving.person_film import reenact

    steps = reenact(args.model, args.driver, args.output, args.mode, args.background)
    if args.lines:
        lines.follow(steps, args.picture)
        lines.put({"result": {"message": f"Wrote {args.output}"}})
        return
    recording = filmed(steps)
    if args.json:
        print_json(
            {"output": str(recording.path), "frames": recording.pictures, "seconds": recording.duration}
        )

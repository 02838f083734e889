"""mien evaluate and mien train."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands import Subparsers, print_json, say


def add(subparsers: Subparsers) -> None:
    evaluate = subparsers.add_parser("evaluate", help="self-reenactment metrics of the papers")
    evaluate.add_argument("video", type=Path, nargs="+")
    evaluate.add_argument("--engine", default="mesh-warp")
    evaluate.add_argument("--frames", type=int, default=24, help="frames sampled from each clip")
    evaluate.add_argument("--sheet", type=Path, metavar="PNG", help="also write a contact sheet")
    evaluate.add_argument("--json", action="store_true")
    evaluate.set_defaults(run=run_evaluate)


def run_evaluate(args: argparse.Namespace) -> None:
    from app.engine.engine import Engine
    from app.engine.evaluation.protocols import self_reenactment
    from app.engine.evaluation.report import as_json, as_markdown, save_sheet

    results = []
    for result in self_reenactment(Engine(args.engine), args.video, args.frames):
        say(f"{result.name}: L1 {result.metrics['l1']:.2f}, PSNR {result.metrics['psnr']:.2f} dB")
        results.append(result)
    if args.sheet:
        save_sheet(results, args.sheet)
    if args.json:
        print_json(as_json(results))
    else:
        print(as_markdown(results, args.engine))

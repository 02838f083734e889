"""Adds the subcommand `mien evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands import Subparsers, add_engine, add_json, command, print_json, ranged, say
from app.engine.errors import EngineError
from app.engine.files import check_place

PROTOCOLS = ("self-reenactment", "reenactment", "frontalisation")


def add(subparsers: Subparsers) -> None:
    evaluate = command(
        subparsers, "evaluate", "measure drawn faces against true frames, by the papers' metrics"
    )
    evaluate.add_argument("video", type=Path, nargs="*", help="clips, each of one person")
    views = "instead of clips: turn heads between a folder's photos of the same people from several sides"
    evaluate.add_argument("--multiview", type=Path, metavar="FOLDER", help=views)
    protocol = (
        "one frame of a clip driven by its others (self-reenactment, the default), one person by another "
        "person's clip (reenactment), or each frame turned to the front (frontalisation)"
    )
    evaluate.add_argument("--protocol", choices=PROTOCOLS, default=PROTOCOLS[0], help=protocol)
    add_engine(evaluate)
    sampled = "frames sampled from each clip (default: 24)"
    evaluate.add_argument("--frames", type=ranged(int, 2, 100_000), default=24, metavar="N", help=sampled)
    evaluate.add_argument(
        "--sheet",
        type=Path,
        metavar="PATH",
        help="also write a contact sheet; with --multiview a folder of them",
    )
    add_json(evaluate)
    evaluate.set_defaults(run=run_evaluate)


def run_evaluate(args: argparse.Namespace) -> None:
    if (args.multiview is None) == (not args.video):
        raise EngineError("Nothing to evaluate.", "Name clips, or a folder of views with --multiview.")
    if args.multiview is not None:
        _multiview(args)
    else:
        _clips(args)


def _multiview(args: argparse.Namespace) -> None:
    from app.engine.engine import Engine
    from app.engine.evaluation.multiview import TURNS, as_json, as_table, multiview, save_sheets

    results = []
    for result in multiview(Engine(args.engine), args.multiview):
        found = (f"{turn} L1 {result.metrics[turn]['l1']:.1f}" for turn in TURNS)
        say(f"{result.pair.person}: {', '.join(found)}")
        results.append(result)
    if args.sheet:
        save_sheets(results, args.sheet)
    if args.json:
        print_json(as_json(results))
    else:
        print(as_table(results))


def _clips(args: argparse.Namespace) -> None:
    from app.engine.engine import Engine
    from app.engine.evaluation.cross_reenactment import reenactment
    from app.engine.evaluation.frontalisation import frontalisation
    from app.engine.evaluation.protocols import self_reenactment
    from app.engine.evaluation.report import as_json, as_list, as_markdown, save_sheet

    if args.sheet:
        check_place(args.sheet)
    protocol = dict(zip(PROTOCOLS, (self_reenactment, reenactment, frontalisation)))[args.protocol]
    results = []
    for result in protocol(Engine(args.engine), args.video, args.frames):
        say(f"{result.name}: " + ", ".join(f"{k} {v:.2f}" for k, v in list(result.metrics.items())[:4]))
        results.append(result)
    if args.sheet:
        save_sheet(results, args.sheet)
    if args.json:
        print_json(as_json(results))
    else:
        print(as_markdown(results, args.engine) if protocol is self_reenactment else as_list(results))

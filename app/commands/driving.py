"""Adds the subcommands `mien drive`, `mien track` and `mien compress`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands import (
    Subparsers,
    add_engine,
    add_face,
    add_json,
    command,
    print_json,
    ranged,
    run_to_end,
    say,
)
from app.commands.editing import chosen_face, preset_values, setting
from app.engine.driving.steps import CompressedStep, FilmedStep, TrackedStep
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit
from app.engine.files import check_place
from app.engine.imaging.photo import Photo

if TYPE_CHECKING:
    from app.engine.contract import Portrait, Step
    from app.engine.engine import Engine
    from app.engine.film.recorder import Recording


def add(subparsers: Subparsers) -> None:
    _add_drive(subparsers)
    _add_track(subparsers)
    _add_compress(subparsers)


def _add_drive(subparsers: Subparsers) -> None:
    drive = command(subparsers, "drive", "let a clip or a performance drive a photo")
    drive.add_argument("photo", type=Path, help="a photo, or a .mienclip to see again")
    driver = (
        "a video, a picture, a folder of frames, a .performance, .csv or .mienclip (default: the photo's own)"
    )
    drive.add_argument("driver", type=Path, nargs="?", help=driver)
    out = "a film (.mp4, .webm) or a folder for PNG frames, new or empty"
    drive.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mp4", help=out)
    drive.add_argument(
        "--mode",
        choices=("head", "face"),
        default="head",
        help="head (pose and expression, the default) or face (expression only)",
    )
    drive.add_argument("--relative", action="store_true", help="relative to the driver's neutral face")
    rest = (
        "seconds into the clip at which the driver's face is at rest (default: Mien seeks it, and says where)"
    )
    drive.add_argument("--neutral-at", type=ranged(float, 0, 1e6), metavar="SECONDS", help=rest)
    drive.add_argument("--mirror", action="store_true", help="mirror the driver")
    drive.add_argument("--audio", action="store_true", help="keep the driving clip's sound")
    add_face(drive)
    add_engine(drive)
    more = "a control on top of the driver's motion, as in “mien edit”; again for more"
    drive.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", type=setting, help=more)
    preset = "a preset on top of the driver's motion"
    drive.add_argument("--preset", type=Path, metavar="FILE", help=preset)
    size = "longest side of the film (default: the photo's)"
    drive.add_argument("--size", type=ranged(int, 64, 12_000), metavar="PX", help=size)
    add_json(drive)
    drive.set_defaults(run=run_drive)


def _add_track(subparsers: Subparsers) -> None:
    track = command(subparsers, "track", "read the face of each frame of a clip: 35 numbers a frame")
    track.add_argument("video", type=Path, help="a clip with a face")
    out = "the performance, or OUT.csv"
    track.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.performance", help=out)
    track.add_argument("--packed", action="store_true", help="quantised and delta-coded, for streaming")
    add_json(track)
    track.set_defaults(run=run_track)


def _add_compress(subparsers: Subparsers) -> None:
    compress = command(subparsers, "compress", "keep a clip as one picture and the motion of its face")
    compress.add_argument("video", type=Path, help="a clip with a face")
    clip = "what “mien drive” shows again"
    compress.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mienclip", help=clip)
    add_json(compress)
    compress.set_defaults(run=run_compress)


def run_drive(args: argparse.Namespace) -> None:
    from app.engine.contract import DrivenFace
    from app.engine.driving.clip_driving import drive_clip
    from app.engine.engine import Engine
    from app.engine.face.retargeting import RetargetSettings
    from app.engine.film.recorder import checked_place

    checked_place(args.output)
    engine = Engine(args.engine)
    if engine.generator.info.note:
        say(str(engine.generator.info.note))
    portrait = driven_portrait(engine, args)
    face = chosen_face(portrait, args.face)
    values = {**(preset_values(args.preset) if args.preset else {}), **dict(args.set)}
    seen_again = args.driver is None  # a compressed clip is shown again: it drives its own reference
    settings = RetargetSettings(mode=args.mode, relative=args.relative or seen_again, mirror=args.mirror)
    driven = DrivenFace(portrait, face, {face: FaceEdit.of(**values)}, settings, args.size)
    driver = args.driver or args.photo
    last = run_to_end(drive_clip(engine, driven, driver, args.output, args.audio, args.neutral_at))
    assert isinstance(last, FilmedStep) and last.recording is not None
    if args.json:
        told = {"output": str(last.recording.path), "frames": last.recording.pictures}
        rest = {} if last.rest is None else {"seconds": last.rest.seconds, "sure": last.rest.sure}
        print_json({**told, "seconds": last.recording.duration, "neutral": rest})


def driven_portrait(engine: Engine, args: argparse.Namespace) -> Portrait:
    """Return the photo, or a compressed clip's reference picture; EngineError for a photo without a driver."""
    from app.engine.sources import mienclip

    if args.photo.suffix.lower() == mienclip.ENDING:
        return engine.portrait(Photo(mienclip.read_clip(args.photo)[0], key=str(args.photo)))
    if args.driver is None:
        raise EngineError("A photo needs something that drives it.", "Name a clip or a performance after it.")
    return engine.open(args.photo)


def run_compress(args: argparse.Namespace) -> None:
    from app.engine.driving.compression import compress_clip
    from app.engine.engine import Engine

    check_place(args.output)
    last = run_to_end(compress_clip(Engine(), args.video, args.output))
    assert isinstance(last, CompressedStep)
    if args.json:
        print_json({"output": str(args.output), "bytes": last.size})


def run_track(args: argparse.Namespace) -> None:
    from app.engine.driving.clip_driving import track_clip
    from app.engine.face.morphable_model import default_model

    last = run_to_end(track_clip(default_model(), args.video, args.output, args.packed))
    assert isinstance(last, TrackedStep) and last.performance is not None
    performance = last.performance
    if args.json:
        size = args.output.stat().st_size
        print_json(
            {
                "output": str(args.output),
                "frames": len(performance),
                "seconds": performance.duration,
                "bytes": size,
            }
        )


def filmed(steps: Iterator[Step]) -> Recording:
    """Run the steps to the end, print the progress, and return the film that was made."""
    last = run_to_end(steps)
    assert isinstance(last, FilmedStep) and last.recording is not None
    return last.recording

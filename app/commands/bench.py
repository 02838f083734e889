"""`mien bench` prints end-to-end milliseconds by stage; `mien doctor` prints a line with the fix for each
fault.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands import Subparsers, add_engine, add_json, command, print_json, ranged, say
from app.commands.percentiles import percentiles
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit

if TYPE_CHECKING:
    from app.engine.contract import Portrait
    from app.engine.engine import Engine

PREVIEW_SIDE = 720  # px of the longer side, as in docs/measured.md
SIZES = (1024, 2048)  # px of the longer side: a photo as the window shows it, and one to export


def add(subparsers: Subparsers) -> None:
    bench = command(subparsers, "bench", "measure milliseconds by stage on this machine")
    bench.add_argument(
        "photo",
        type=Path,
        nargs="?",
        help="a photo (default: the bundled sample), or “live” to measure driving",
    )
    length = "length of “bench live” (default: 20)"
    bench.add_argument("--seconds", type=ranged(float, 1, 86_400), default=20.0, help=length)
    add_engine(bench)
    repeats = "pictures that are drawn and timed at each size (default: 60)"
    bench.add_argument("--repeats", type=ranged(int, 2, 100_000), default=60, metavar="N", help=repeats)
    add_json(bench)
    bench.set_defaults(run=run_bench)

    doctor = command(subparsers, "doctor", "say what this machine has, and how to get what it lacks")
    add_json(doctor)
    doctor.set_defaults(run=run_doctor)


def run_bench(args: argparse.Namespace) -> None:
    from app.engine.engine import Engine

    engine = Engine(args.engine)
    if args.photo == Path("live"):
        show_live(engine, args)
        return
    report: dict[str, Any] = {"engine": args.engine, "device": engine.device, "repeats": args.repeats}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = enlarged(args.photo, size, Path(folder))
            say(f"photo {size} px ...")
            engine.open(path)  # load the libraries before the clock starts
            report[f"open_{size}"] = percentiles(timed(partial(engine.open, path), 3))
            portrait = engine.open(path)
            if not portrait.faces:
                raise EngineError("No face was found in the photo.", "Bench with a photo of a face.")
            if size == SIZES[0]:
                report |= staged("preview", renders(engine, portrait, args.repeats, PREVIEW_SIDE))
            report |= staged(f"full_{size}", renders(engine, portrait, max(2, args.repeats // 2), None))
    show(report, args.json)


def show_live(engine: Engine, args: argparse.Namespace) -> None:
    """Measure a live run and print the report."""
    from app.commands.bench_live import live_report
    from app.session.live import LIVE_SIDE

    with tempfile.TemporaryDirectory() as folder:
        photo = enlarged(None, LIVE_SIDE, Path(folder))
        report = live_report(engine, photo, args.seconds)
    show({"engine": args.engine, "device": engine.device, **report}, args.json)


def enlarged(photo: Path | None, size: int, folder: Path) -> Path:
    """Return the photo (or the sample) resized so that its longer side is `size`."""
    from PIL import Image

    from app.engine.imaging.colour import to_srgb8
    from app.engine.imaging.reading import open_photo
    from app.engine.sample import sample_path

    picture = Image.fromarray(to_srgb8(open_photo(photo or sample_path())))
    factor = size / max(picture.size)
    path = folder / f"{size}.png"
    shape = (round(picture.width * factor), round(picture.height * factor))
    picture.resize(shape, Image.Resampling.BICUBIC).save(path, compress_level=1)
    return path


def timed(work: Callable[[], object], repeats: int) -> list[float]:
    """Return the milliseconds of each repeat."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return times


def renders(engine: Engine, portrait: Portrait, repeats: int, side: int | None) -> dict[str, list[float]]:
    """Return milliseconds by stage while sliders are dragged to and fro: yaw, pitch, smile and one eyelid
    together.

    "total" runs from the new values to the whole composed picture. Two renders before the clock starts are
    not counted.
    """
    face = portrait.largest
    camera = portrait.faces[face].params.camera
    times: dict[str, list[float]] = defaultdict(list)
    for k in range(-2, repeats):
        swing = math.sin(2 * math.pi * (k + 0.5) / 24)
        yaw, pitch = camera.yaw + 15 * swing, camera.pitch + 5 * swing
        edit = FaceEdit.of(yaw=yaw, pitch=pitch, smile=swing, blink_left=max(0.0, swing))
        began = time.perf_counter()
        rendered = engine.render(portrait, {face: edit}, side)
        wall = (time.perf_counter() - began) * 1000
        for stage, ms in {**rendered.ms, "total": wall}.items():
            if k >= 0:
                times[stage].append(ms)
    return times


def staged(name: str, times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return {name: percentiles of the whole time, "name.stage": percentiles of each stage}."""
    whole = {name: percentiles(times["total"])}
    return whole | {f"{name}.{stage}": percentiles(ms) for stage, ms in times.items() if stage != "total"}


def show(report: dict[str, Any], as_json: bool) -> None:
    """Print a report as JSON or as lines."""
    if as_json:
        print_json(report)
        return
    for name, value in report.items():
        shown = f"p50 {value['p50']:8.1f}  p95 {value['p95']:8.1f} ms" if isinstance(value, dict) else value
        print(f"{name:36} {shown}")


def run_doctor(args: argparse.Namespace) -> None:
    from app.engine.doctor import examine

    findings = examine()
    if args.json:
        print_json({"checks": [vars(finding) for finding in findings]})
        return
    for finding in findings:
        print(finding)

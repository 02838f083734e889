"""Adds the subcommands `mien fit`, `mien edit` and `mien frontalise`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands import (
    PROGRESS_EVERY,
    Subparsers,
    add_engine,
    add_face,
    add_json,
    command,
    print_json,
    ranged,
    say,
)
from app.engine.contract import ExportStep
from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit, FittedFace
from app.engine.files import check_place, unwritable
from app.engine.imaging.endings import written_ending
from app.engine.imaging.writing import ENCODERS, encoder_for, same_file

if TYPE_CHECKING:
    from app.engine.contract import Measurement, Portrait
    from app.engine.engine import Engine


def add(subparsers: Subparsers) -> None:
    fit = command(subparsers, "fit", "find faces, and read their pose, expression and gaze")
    fit.add_argument("photo", type=Path, help="a photo")
    fit.add_argument(
        "--mesh",
        type=Path,
        metavar="OUT",
        help="also write the largest face's head in colour (.obj, .ply, .glb)",
    )
    add_json(fit)
    fit.set_defaults(run=run_fit)

    edit = command(subparsers, "edit", "change pose, expression and gaze of photos")
    _add_common(edit)
    controls = (
        "a control, in degrees (yaw, pitch, roll, gaze) or natural full movements (smile=1); again for more: "
        + " ".join(name for name in BY_NAME if not name.startswith("exp"))
        + " exp1..exp28"
    )
    edit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        type=setting,
        help=controls,
    )
    edit.add_argument(
        "--preset", type=Path, metavar="FILE", help="a preset: saved in the window, or of assets/presets"
    )
    edit.set_defaults(run=run_edit)

    frontalise = command(subparsers, "frontalise", "turn faces to the viewer")
    _add_common(frontalise)
    frontalise.set_defaults(run=run_frontalise)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, nargs="+", help="photos, which stay as they are")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="a file, or a folder for several photos",
    )
    add_face(parser)
    parser.add_argument(
        "--strength",
        type=ranged(float, 0, 1),
        default=1.0,
        help="0 (the photo) to 1 (what is asked, the default)",
    )
    add_engine(parser)
    add_json(parser)


def setting(text: str) -> tuple[str, float]:
    """Read NAME=VALUE; this is an argparse type."""
    name, _, value = text.partition("=")
    control = BY_NAME.get(name)
    if control is None:
        raise argparse.ArgumentTypeError(f"there is no control “{name}”")
    try:
        return name, ranged(float, control.lower, control.upper)(value)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from None


def face_as_json(face: FittedFace) -> dict[str, Any]:
    """Return one face as an entry of `fit --json`."""
    from app.engine.face.response import response
    from app.engine.measuring.readout import readings

    read, expression = readings(face.params), face.params.expression
    return {
        "box": list(face.box),
        **{name: read[name] for name in ("yaw", "pitch", "roll", "scale", "tx", "ty")},
        "gaze": list(expression.gaze),
        "uncertainty": dict(response().uncertainty),
        "aperture": list(expression.aperture),
        "expression": list(expression.coefficients),
        "identity": list(face.params.identity.coefficients),
    }


def run_fit(args: argparse.Namespace) -> None:
    from app.engine.engine import Engine

    if args.mesh:
        check_place(args.mesh)
    engine = Engine()
    portrait = engine.open(args.photo)
    faces = require_faces(portrait)
    if args.mesh:
        engine.export_head(portrait, chosen_face(portrait, None), args.mesh)
    if args.json:
        print_json({"faces": [face_as_json(face) for face in faces]})
        return
    for number, face in enumerate(faces, 1):
        yaw, pitch, roll = face.params.camera.angles
        x, y, w, h = face.box
        print(
            f"face {number}: yaw {yaw:+.1f}°, pitch {pitch:+.1f}°, roll {roll:+.1f}°, "
            f"box {x:.0f},{y:.0f} {w:.0f}x{h:.0f} px"
        )


def require_faces(portrait: Portrait) -> tuple[FittedFace, ...]:
    """Return the portrait's faces; raise EngineError when there is none, or none large enough to edit."""
    from app.engine.face.landmarks import MIN_SIDE

    if not portrait.faces:
        name = portrait.photo.path.name if portrait.photo.path else "the photo"
        remedy = "Use a photo in which the face is larger and turned to the camera."
        raise EngineError(f"No face was found in {name}.", remedy)
    side = max(max(face.box[2:]) for face in portrait.faces)
    if side < MIN_SIDE:
        message = f"The face is too small: {side:.0f} pixels, and at least {MIN_SIDE} are needed."
        raise EngineError(message, "Open a larger version of the photo.")
    return portrait.faces


def chosen_face(portrait: Portrait, number: int | None) -> int:
    """Return the index of face `number` (counted from 1), or of the largest face."""
    faces = require_faces(portrait)
    if number is None:
        return portrait.largest
    if not 1 <= number <= len(faces):
        raise EngineError(
            f"There is no face {number}; {len(faces)} found.", f"Choose --face from 1 to {len(faces)}."
        )
    return number - 1


@dataclass(frozen=True)
class Job:
    """One photo to edit, and the place where the result goes."""

    photo: Path
    output: Path


def jobs(photos: list[Path], output: Path) -> list[Job]:
    """Return the jobs: one photo goes to the file `output`, several go into the folder `output` under their
    own names.

    A photo of a format that Mien does not write becomes a PNG. EngineError where a result would replace one
    of the photos or another result.
    """
    try:
        into_folder = len(photos) > 1 or output.is_dir() or str(output).endswith(os.sep)
        file = output.is_file()
    except OSError as error:  # a name that is too long
        raise unwritable(output, error) from error
    if into_folder and file:
        raise EngineError(
            f"{output} is a file, but there are {len(photos)} photos.", "Give a folder with -o."
        )
    found = [Job(photo, output / written_name(photo) if into_folder else output) for photo in photos]
    for k, job in enumerate(found):
        if any(same_file(job.output, photo) for photo in photos):
            raise EngineError(
                f"{job.output} is one of the photos, and Mien never overwrites them.",
                "Choose another place with -o.",
            )
        if any(same_file(job.output, other.output) for other in found[:k]):
            raise EngineError(f"Two photos would both become {job.output}.", "Rename one of them.")
    if into_folder:
        make_folder(output)
    for job in found:
        encoder_for(job.output)
        check_place(job.output, "export")
    return found


def written_name(photo: Path) -> str:
    """Return the name of the file that is written for a photo in a folder."""
    return photo.name if written_ending(photo) in ENCODERS else f"{photo.stem}.png"


def make_folder(path: Path) -> None:
    """Make a folder with those above it; EngineError where that is not allowed."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def run_edit(args: argparse.Namespace) -> None:
    values = {**preset_values(args.preset), **dict(args.set)} if args.preset else dict(args.set)
    edit_all(args, lambda engine, portrait, face: FaceEdit.of(args.strength, **values))


def preset_values(path: Path) -> dict[str, float]:
    """Return the controls that a file of presets sets, later presets over earlier ones."""
    from app.session.presets import read_presets

    values = {name: value for preset in read_presets(path) for name, value in preset.values}
    for name, value in values.items():
        control = BY_NAME[name]
        if not control.lower <= value <= control.upper:
            limits = f"{control.lower:g} to {control.upper:g}"
            message = f"{path.name} asks for {name} {value:g}, which is not from {limits}."
            raise EngineError(message, "Correct it, or choose another preset.")
    return values


def run_frontalise(args: argparse.Namespace) -> None:
    from app.engine.face.semantic import frontalise

    def edit(engine: Engine, portrait: Portrait, face: int) -> FaceEdit:
        return FaceEdit.of(**frontalise(portrait.faces[face], args.strength))

    edit_all(args, edit)


def edit_all(args: argparse.Namespace, edit_of: Any) -> None:
    """Edit every photo; a photo that fails is named and does not stop the others."""
    from app.engine.engine import Engine

    work = jobs(args.photo, args.output)
    engine = Engine(args.engine)
    reports, failures = [], []
    for job in work:
        try:
            reports.append(edit_one(engine, job, args, edit_of))
        except EngineError as error:
            if len(work) == 1:
                raise
            failures.append(job.photo.name)
            say(f"{job.photo.name}: {error}")
    if args.json:
        print_json(reports[0] if len(work) == 1 else {"photos": reports, "failed": failures})
    if failures:
        raise EngineError(
            f"{len(failures)} of {len(work)} photos failed: {', '.join(failures)}.", "See the lines above."
        )


def edit_one(engine: Engine, job: Job, args: argparse.Namespace, edit_of: Any) -> dict[str, Any]:
    """Edit one photo, write the result, and return what `--json` prints of it."""
    from app.engine.measuring.readout import asked_of
    from app.engine.warping.doubts import beyond_safe

    portrait = engine.open(job.photo)
    face = chosen_face(portrait, args.face)
    edit: FaceEdit = edit_of(engine, portrait, face)
    for step in engine.ensure_encoded(portrait, {face: edit}):
        if step.done % PROGRESS_EVERY == 0:
            say(f"{step.message}: {step.done} of {step.total}")
    *_, last = engine.export(portrait, {face: edit}, job.output)
    assert isinstance(last, ExportStep) and last.rendered is not None
    rendered = last.rendered
    report: dict[str, Any] = {"photo": str(job.photo), "output": str(job.output), "face": face + 1}
    measurement = measured(engine, portrait, rendered, face, edit)
    target = engine.target(portrait, face, edit)
    report["asked"] = as_json(asked_of(target, edit), target.expression.coefficients)
    report["measured"] = as_json(measurement.measured, measurement.expression_measured) if measurement else {}
    report |= {"changed": rendered.changed, "ms": dict(rendered.ms)}
    report["remarks"] = list(last.remarks)
    for remark in report["remarks"]:
        say(f"{job.photo.name}: {remark}")
    report["ignored"] = report_ignored(engine, edit)
    report["beyond_safe"] = beyond_safe(portrait.faces[face].params, target)
    report["doubts"] = list(rendered.doubts)
    for doubt in rendered.doubts:
        say(f"{job.photo.name}: {doubt}")
    say(f"{job.output}: {summary(measurement)}, {100 * rendered.changed:.1f} % of pixels changed")
    return report


def report_ignored(engine: Engine, edit: FaceEdit) -> list[str]:
    """Return the edit's controls that the generator does not obey, and name them on standard error too."""
    info = engine.generator.info
    ignored = [name for name, _ in edit.values if name not in info.controls]
    if ignored:
        say(f"{info.title} does not obey {', '.join(ignored)}")
    return ignored


def measured(
    engine: Engine, portrait: Portrait, rendered: Any, face: int, edit: FaceEdit
) -> Measurement | None:
    """Return what a fresh fit measures; None, with the reason on standard error, where it finds no face in
    the result.
    """
    try:
        return engine.measure(portrait, rendered, face, edit)
    except EngineError as error:
        say(str(error))
        return None


def as_json(controls: Mapping[str, float], expression: Sequence[float]) -> dict[str, Any]:
    """Return a measurement's values as one JSON object."""
    return {**controls, "expression": list(expression)}


def summary(measurement: Measurement | None) -> str:
    """Return the pose that was asked and measured, in words."""
    if measurement is None:
        return "not measured"
    asked, found = measurement.asked, measurement.measured
    return ", ".join(
        f"{name} {asked[name]:+.1f}° asked {found[name]:+.1f}° measured" for name in ("yaw", "pitch", "roll")
    )

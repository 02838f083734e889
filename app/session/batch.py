"""Applies one edit to a folder of photos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.engine.contract import ExportStep, Portrait, Step
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit, FittedFace
from app.engine.files import free_path
from app.engine.imaging.endings import PICTURES, written_ending
from app.engine.imaging.options import USUAL, ExportOptions
from app.engine.imaging.photo import Photo
from app.engine.imaging.writing import own_ending
from app.session import verbs
from app.session.files import make_folder
from app.session.presets import Preset, blend


@dataclass(frozen=True)
class Batch:
    """The photos of a batch, and what shall be done to them.

    parts: presets with strengths; frontalise, neutralise: strength in [0, 1]; all_faces: every face, else only the
    largest; suffix: ending of the files written, "" keeps each photo's own format.
    """

    photos: tuple[Path, ...]
    folder: Path
    parts: tuple[tuple[Preset, float], ...] = ()
    frontalise: float = 0.0
    neutralise: float = 0.0
    all_faces: bool = True
    suffix: str = ""
    options: ExportOptions = USUAL


@dataclass(frozen=True, eq=False)
class PhotoStep(Step):
    """A step of a batch.

    photo: the photo that is being edited; written: the file that was written; doubts: sentences about what is made
    up in it, or what it lacks of the photo's file; failure: why no file was written; opened: whether the photo could be
    opened. The reason why one could not be opened names it, others do not.
    """

    photo: Path | None = None
    written: Path | None = None
    doubts: tuple[str, ...] = ()
    failure: EngineError | None = None
    opened: bool = False


def photos_in(folder: Path) -> tuple[Path, ...]:
    """Return the picture files of a folder, by name; none where it cannot be read."""
    try:
        return tuple(sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file()))
    except OSError:
        return ()


def photos_among(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the pictures among some files and folders, those inside the folders included."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += photos_in(path)
        elif path.suffix.lower() in PICTURES:
            found.append(path)
    return tuple(dict.fromkeys(found))


def run_batch(engine: EngineLike, batch: Batch) -> Iterator[PhotoStep]:
    """Yield steps before, during and after each photo; a photo that fails has its reason in `Step.error`.

    The step before a photo only names it; the one after it has what was written, or the failure.
    """
    make_folder(batch.folder)
    total = len(batch.photos)
    taken: set[Path] = set()
    for done, photo in enumerate(batch.photos):
        yield PhotoStep(done, total, photo.name, photo=photo)
        opened = False
        try:
            portrait = engine.open(photo)
            opened = True
            path = _target(batch, portrait.photo, photo, taken)
            doubts: tuple[str, ...] = ()
            for step in _edit_photo(engine, batch, portrait, path):
                doubts = _doubts(step)
                yield PhotoStep(done, total, photo.name, photo=photo)
        except EngineError as error:
            yield PhotoStep(
                done + 1, total, photo.name, error=str(error), photo=photo, failure=error, opened=opened
            )
        else:
            yield PhotoStep(done + 1, total, photo.name, photo=photo, written=path, doubts=doubts)


def _target(batch: Batch, opened: Photo, photo: Path, taken: set[Path]) -> Path:
    """Return a path in the folder that is no photo of the batch and that the batch has not written yet."""
    own = photo.suffix if written_ending(photo) == own_ending(opened) else own_ending(opened)
    sources = {p.absolute() for p in batch.photos}
    path = free_path(
        batch.folder / (photo.stem + (batch.suffix or own)),
        lambda path: path.absolute() in sources or path in taken,
    )
    taken.add(path)
    return path


def _edit_photo(engine: EngineLike, batch: Batch, portrait: Portrait, path: Path) -> Iterator[Step]:
    if not portrait.faces:
        raise EngineError(
            "No face was found in this picture.", "Open it by itself and draw a box around the face.", "open"
        )
    faces = range(len(portrait.faces)) if batch.all_faces else (portrait.largest,)
    edits = {i: FaceEdit(tuple(_values(batch, portrait.faces[i]).items())) for i in faces}
    yield from engine.export(portrait, edits, path, batch.options)


def _doubts(step: Step) -> tuple[str, ...]:
    """Return what an export says of its picture and its file."""
    if not isinstance(step, ExportStep):
        return ()
    return (*(step.rendered.doubts if step.rendered is not None else ()), *step.remarks)


def _values(batch: Batch, face: FittedFace) -> dict[str, float]:
    """Return the control values of a face: neutralised and frontalised first, then presets on top."""
    values: dict[str, float] = {}
    if batch.neutralise:
        values |= verbs.neutralise(face, batch.neutralise)
    if batch.frontalise:
        values |= verbs.frontalise(face, batch.frontalise)
    for name, value in blend(batch.parts, face).items():
        relative = name in values and not BY_NAME[name].absolute
        values[name] = value + values[name] if relative else value
    return values

"""Runs `mien --self-test [FOLDER]`: a whole edit and a film of the sample portrait, which prove an
installation.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.commands import say
from app.engine.driving.steps import FilmedStep
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit
from app.engine.sample import sample_path
from app.engine.sound.ffmpeg import media_info
from app.engine.sources.performance import Performance
from app.engine.sources.performance_files import write_performance

if TYPE_CHECKING:
    from app.engine.contract import Edits, Portrait
    from app.engine.engine import Engine

FRAMES = 10  # number of frames of the film that is made and read again
RATE = Fraction(25)  # frames per second of that film


def main(argv: list[str]) -> int:
    """Return exit status 0 if everything worked; files stay in FOLDER, or are deleted where none is given."""
    parser = argparse.ArgumentParser(prog="mien --self-test", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where the pictures and the film are kept")
    folder: Path | None = parser.parse_args(argv).folder
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            run(folder)
        else:
            with tempfile.TemporaryDirectory(prefix="mien-") as scratch:
                run(Path(scratch))
    except (EngineError, OSError) as error:
        say(f"mien: the self-test failed: {error}")
        return 1
    say("The self-test passed.")
    return 0


def run(folder: Path) -> None:
    """Open, edit, frontalise and drive the sample; EngineError at the first result that is wrong."""
    from app.engine.engine import Engine
    from app.engine.face.semantic import frontalise

    began = time.perf_counter()
    engine = Engine()
    try:
        portrait = engine.open(sample_path())
        require(len(portrait.faces) == 1, f"{len(portrait.faces)} faces were found in the sample")
        report(began, f"opened {sample_path().name}, one face, {engine.device}")
        turned = FaceEdit.of(yaw=portrait.faces[0].params.camera.yaw + 12, smile=0.6, mouth_open=0.3)
        export(engine, portrait, {0: turned}, folder / "edited.png")
        report(began, "edited.png: turned and smiling")
        export(engine, portrait, {0: FaceEdit.of(**frontalise(portrait.faces[0]))}, folder / "frontal.png")
        report(began, "frontal.png: turned to the viewer")
        drive(engine, portrait, folder)
        report(began, f"driven.mp4: {FRAMES} frames of driven.performance")
    finally:
        engine.close()


def report(began: float, what: str) -> None:
    """Print a finished step with the seconds since the start."""
    say(f"{time.perf_counter() - began:6.1f} s  {what}")


def require(fine: bool, fault: str) -> None:
    """Raise EngineError with a fault unless `fine`."""
    if not fine:
        raise EngineError(f"Here {fault}.", "Run “mien doctor” to see what is missing.")


def export(engine: Engine, portrait: Portrait, edits: Edits, path: Path) -> None:
    """Write an edit and read it again: the file must hold a whole picture that differs from the photo."""
    from app.engine.imaging.reading import open_photo

    for _ in engine.export(portrait, edits, path):
        pass
    written, source = open_photo(path).pixels, portrait.photo.pixels
    require(written.shape == source.shape, f"{path.name} has another size than the photo")
    require(not np.array_equal(written, source), f"{path.name} shows the photo unchanged")


def drive(engine: Engine, portrait: Portrait, folder: Path) -> None:
    """Make a performance of the sample's own face, and a film of the portrait driven by it."""
    from app.engine.contract import DrivenFace
    from app.engine.driving.clip_driving import drive_clip
    from app.engine.face.retargeting import RetargetSettings

    rest = portrait.faces[0].params
    swings = [math.sin(2 * math.pi * k / FRAMES) for k in range(FRAMES)]
    edits = [FaceEdit.of(yaw=rest.camera.yaw + 10 * s, mouth_open=0.5 * abs(s)) for s in swings]
    frames = [engine.target(portrait, 0, edit) for edit in edits]
    times = [k / float(RATE) for k in range(FRAMES)]
    performance, film = folder / "driven.performance", folder / "driven.mp4"
    write_performance(
        Performance.of(frames, times, rest, RATE, portrait.photo.size, "self-test"), performance
    )
    driven = DrivenFace(portrait, 0, {}, RetargetSettings(relative=True))
    *_, last = drive_clip(engine, driven, performance, film)
    assert isinstance(last, FilmedStep) and last.recording is not None
    written = last.recording.pictures
    require(written == FRAMES, f"{written} of {FRAMES} frames came into the film")
    require(abs(media_info(film).duration - FRAMES / RATE) < 0.1, "the film has another length")

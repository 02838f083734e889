"""A film's end is written beside other work, with its progress shown, and is never lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from app.engine.errors import EngineError
from app.engine.film import sinks
from app.engine.film.recorder import Recorder
from app.engine.film.saving import Saving
from app.engine.sources.video import VideoSource


def filled(path: Path) -> Recorder:
    recorder = Recorder(path, live=False)
    for k in range(10):
        recorder.write(np.full((48, 64, 3), 20 * k, np.uint8), k / 25)
    return recorder


def test_stopping_returns_while_the_film_is_still_being_finished(tmp_path: Path, monkeypatch) -> None:
    gate, reports = threading.Event(), []
    real = sinks.FilmSink._run_ffmpeg

    def slow(self, arguments, beside, on_progress):
        on_progress(0.5)
        gate.wait(20)
        return real(self, arguments, beside, on_progress)

    monkeypatch.setattr(sinks.FilmSink, "_run_ffmpeg", slow)
    half = threading.Event()

    def on_change(saving: Saving) -> None:
        reports.append((saving.share, saving.done))
        half.set()

    saving = Saving(filled(tmp_path / "a.mp4"), None, on_change)
    assert half.wait(20) and not saving.done and reports == [(0.5, False)]
    assert not (tmp_path / "a.mp4").exists() and (tmp_path / "a.recording.mp4").exists()
    gate.set()
    assert saving.result().pictures == 10 and reports[-1][1]
    source = VideoSource(tmp_path / "a.mp4")
    source.close()
    assert source.total == 10


def test_a_recording_of_nothing_is_reported_as_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="Nothing was recorded"):
        Saving(Recorder(tmp_path / "a.mp4"), None).result()


CHILD = """
import sys, time
import numpy as np
from pathlib import Path
from app.engine.film import sinks
from app.engine.film.recorder import Recorder
from app.engine.film.saving import Saving
real = sinks.FilmSink._run_ffmpeg
def slow(self, *rest):
    time.sleep(1)
    return real(self, *rest)
sinks.FilmSink._run_ffmpeg = slow
recorder = Recorder(Path(sys.argv[1]), live=False)
for k in range(10):
    recorder.write(np.full((48, 64, 3), 20 * k, np.uint8), k / 25)
Saving(recorder, None)
"""


@pytest.mark.skipif(
    (3, 12, 0) <= sys.version_info[:3] <= (3, 12, 1),
    reason="Python 3.12.0 and 3.12.1 start no process while they end (gh-113964), so ffmpeg finishes no film then",
)
def test_a_program_that_ends_waits_for_its_film(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CHILD, str(tmp_path / "a.mp4")], check=True, timeout=60)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]

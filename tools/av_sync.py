"""Measures the offset of sound and picture with a virtual camera that flashes and a virtual microphone that
beeps.

python tools/av_sync.py [--minutes 10] [--drift 100] [-o film.mp4]

The microphone's quartz runs fast by `drift` parts per million, and the times of its blocks jitter by 4 ms.
The camera has 29.83 frames per second and 2 ms of jitter, and loses 5 % of its frames. Both are recorded to a
film, which is read back. The offset is the onset of a beep minus the middle between the last dark and the
first bright picture. One flash is known only to half a frame (17 ms), so the means over the first and the
last thirty flashes are printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.film.recorder import Recorder
from app.engine.sound.audio import clip_sound
from app.engine.sources.video import VideoSource
from tools.virtual_camera import PERIOD, VirtualCamera, flash_picture, virtual_sound

RATE = 48000  # samples a second


def record(path: Path, seconds: float, drift: float) -> None:
    """Record the virtual devices into a film, in simulated time; drift: the share by which the microphone is
    fast.
    """
    camera = VirtualCamera(flash_picture((64, 48)), seconds, 29.83, jitter=0.002, lost=0.05)
    sound = virtual_sound(seconds, RATE, drift=drift, jitter=0.004)
    recorder = Recorder(path, sound=(RATE, 1), live=False)
    heard = next(sound, None)
    while (frame := camera.take(0)) is not None:
        assert frame.pixels is not None
        recorder.write(frame.pixels, frame.time)
        while heard and heard[1] < frame.time:
            recorder.write_sound(*heard)
            heard = next(sound, None)
    recording = recorder.stop()
    if recording.error:
        raise recording.error


def flashes(path: Path) -> list[float]:
    """Return the seconds at which the picture turns bright: between the last dark and the first bright picture."""
    source, onsets = VideoSource(path), []
    before: tuple[float, bool] | None = None
    while (frame := source.take(1)) is not None:
        assert frame.pixels is not None
        bright = bool(frame.pixels.mean() > 127)
        if before and bright and not before[1]:
            onsets.append((before[0] + frame.time) / 2)
        before = (frame.time, bright)
    source.close()
    return onsets


def beeps(path: Path) -> list[float]:
    """Return the seconds at which the tone sets in (first sample over a quarter of full scale after silence)."""
    onsets: list[float] = []
    place, quiet_since = 0, 0
    for block in clip_sound(path, RATE):
        for loud in place + np.flatnonzero(np.abs(block) > 0.25):
            if loud - quiet_since > 0.5 * RATE:
                onsets.append(loud / RATE)
            quiet_since = int(loud)
        place += len(block)
    return onsets


def av_offsets(path: Path) -> list[float]:
    """Return beep minus flash in seconds, for every flash that has a beep within half a period."""
    heard = np.array(beeps(path))
    pairs = [(flash, heard[np.argmin(np.abs(heard - flash))]) for flash in flashes(path)]
    return [float(beep - flash) for flash, beep in pairs if abs(beep - flash) < PERIOD / 2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--drift", type=float, default=100, help="parts per million")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.output or Path(folder) / "av.mp4"
        record(path, args.minutes * 60, args.drift * 1e-6)
        offsets = av_offsets(path)
    start, end = offsets[:30], offsets[-30:]
    report = {
        "flashes": len(offsets),
        "start_ms": 1000 * float(np.mean(start)),
        "end_ms": 1000 * float(np.mean(end)),
        "worst_ms": 1000 * float(np.abs(offsets).max()),
    }
    print(json.dumps({name: round(value, 2) for name, value in report.items()}))


if __name__ == "__main__":
    main()

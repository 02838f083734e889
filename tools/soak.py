"""Measures a long live run with recording: the memory's slope, the queue, frame rate and latency, as JSON.

    python tools/soak.py [--minutes 30] [--side 768] [-o film.mp4]

The source is a virtual camera of 640 x 480 at 30 frames per second; it shows the sample portrait's head,
rolling and coming nearer. The portrait is the sample photo, and the sound is the virtual microphone's.
`slope` is the least-squares growth of resident memory, in MB a minute, after the first fifth of the run, in
which caches fill. The queue is what the recorder has not written yet, as its mean over the second and over
the last fifth of the run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.engine.driving.animation import Animation, scene_of
from app.engine.driving.driver import Driver
from app.engine.engine import Engine
from app.engine.face.landmarks import FaceTracker
from app.engine.film.recorder import Recorder
from app.engine.sample import sample_path
from app.engine.sources.pacing import PacedSource
from tools.virtual_camera import VirtualCamera, virtual_sound

SIZE = (640, 480)  # px of the camera's pictures
SAMPLE_SECONDS = 1.0  # seconds between two measurements


def moving_head(photo: NDArray[np.uint8]) -> Callable[[float], NDArray[np.uint8]]:
    """Return a function that draws (480, 640, 3) pictures of the photo's head in motion."""
    import cv2

    def draw(seconds: float) -> NDArray[np.uint8]:
        angle, zoom = 8 * np.sin(1.7 * seconds), 1.7 + 0.15 * np.sin(0.6 * seconds)
        turn = cv2.getRotationMatrix2D((225.0, 120.0), angle, zoom)
        turn[:, 2] += (SIZE[0] / 2 - 225, SIZE[1] / 2 - 120)
        return np.asarray(cv2.warpAffine(photo, turn, SIZE, borderMode=cv2.BORDER_REPLICATE))

    return draw


def resident_mb() -> float:
    """Return the resident memory of this process in MB."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def soak(minutes: float, side: int, film: Path) -> dict[str, Any]:
    """Make the run and return what was measured."""
    engine = Engine()
    portrait = engine.open(sample_path())
    camera = VirtualCamera(moving_head(portrait.photo.pixels), minutes * 60)
    samples: list[tuple[float, float, int]] = []
    latencies: list[float] = []
    with FaceTracker(video=True, live=True) as tracker:
        scene = scene_of(engine, portrait, 0, {}, side)
        animation = Animation(scene, PacedSource(camera), Driver(engine.model, tracker))
        recorder = animation.recorder = Recorder(film, sound=(48000, 1))
        sound, start, frames = virtual_sound(minutes * 60 + 1), time.monotonic(), 0
        heard = next(sound, None)
        for step in animation.steps():
            if step.driven is None or step.latency_ms is None:
                continue
            frames += 1
            latencies.append(step.latency_ms)
            now = time.monotonic()
            while heard is not None and heard[1] < now - start:
                animation.hear(heard[0], start + heard[1])
                heard = next(sound, None)
            if not samples or now - start - samples[-1][0] >= SAMPLE_SECONDS:
                samples.append((now - start, resident_mb(), recorder.waiting))
                if len(samples) % 60 == 0:  # an hour's run that is stopped early still says something
                    print("{:.0f} s, {:.1f} MB, {} waiting".format(*samples[-1]), file=sys.stderr)
            dropped = step.driven.frame.dropped
    seconds = time.monotonic() - start
    return summary(samples, latencies, frames, dropped, seconds)


def summary(
    samples: list[tuple[float, float, int]], latencies: list[float], frames: int, dropped: int, seconds: float
) -> dict[str, Any]:
    """Return the figures of a run from its samples (seconds, MB, pieces that wait)."""
    moments, memory, waiting = (np.array(column) for column in zip(*samples))
    settled = moments >= 0.2 * moments[-1]
    fifths = [
        waiting[(moments >= a * moments[-1]) & (moments <= (a + 0.2) * moments[-1])] for a in (0.2, 0.8)
    ]
    slope = np.polyfit(moments[settled] / 60, memory[settled], 1)[0]
    return {
        "minutes": seconds / 60,
        "frames": frames,
        "fps": frames / seconds,
        "dropped": dropped,
        "latency_p50_ms": float(np.percentile(latencies, 50)),
        "latency_p95_ms": float(np.percentile(latencies, 95)),
        "memory_start_mb": float(memory[settled][0]),
        "memory_end_mb": float(memory[-1]),
        "slope_mb_per_minute": float(slope),
        "recorder_queue_max": int(waiting.max()),
        "recorder_queue_mean_early": float(fifths[0].mean()) if len(fifths[0]) else 0.0,
        "recorder_queue_mean_late": float(fifths[1].mean()) if len(fifths[1]) else 0.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--side", type=int, default=768)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = soak(args.minutes, args.side, args.output or Path(folder) / "soak.mp4")
    print(json.dumps({name: round(value, 3) for name, value in report.items()}))


if __name__ == "__main__":
    main()

"""Finds and runs the ffmpeg that comes with imageio-ffmpeg, and asks it what a file contains."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.engine.errors import EngineError
from app.engine.files import require_file

QUIET = ("-nostdin", "-hide_banner")


@dataclass(frozen=True)
class MediaInfo:
    """The contents of a media file.

    duration: seconds, 0 where unknown; has_pictures, has_sound: whether it has such tracks; mean_rate: pictures per
    second on average, rounded to hundredths, 0 where unknown.
    """

    duration: float
    has_pictures: bool
    has_sound: bool
    mean_rate: float = 0.0


@cache
def executable() -> str:
    """Return the path of ffmpeg."""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EngineError("ffmpeg was not found.", "Install the package imageio-ffmpeg again.") from error


def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg to its end and return the process; the caller checks its `returncode` and `stderr`."""
    return subprocess.run([executable(), *QUIET, *arguments], capture_output=True, check=False)


def media_info(path: Path) -> MediaInfo:
    """Return what a file's header says; EngineError where there is no file, or none that ffmpeg can play."""
    require_file(path)
    log = run(["-i", local(path)]).stderr.decode("utf-8", "replace")
    kinds = re.findall(r"Stream #0:\d+.*?: (Video|Audio): ([^\n]*)", log)
    pictures = any(kind == "Video" and "attached pic" not in rest for kind, rest in kinds)
    sound = any(kind == "Audio" for kind, _ in kinds)
    if not (pictures or sound):
        raise EngineError(f"{path.name} cannot be read as a clip.", "Choose a file that ffmpeg can play.")
    rates = [re.search(r" ([\d.]+) fps", rest) for kind, rest in kinds if kind == "Video"]
    mean_rate = next((float(rate[1]) for rate in rates if rate), 0.0)
    return MediaInfo(_duration(log), pictures, sound, mean_rate)


def local(path: Path) -> str:
    """Return a path in a form that ffmpeg takes for a file, also where it looks like `http:`, `-i` or `concat:`."""
    return f"file:{path}"


def last_words(stderr: str) -> str:
    """Return the line in which ffmpeg says why it stopped."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return re.sub(r"^\[[^\]]*\]\s*", "", lines[-1]) if lines else "no reason given"


def _duration(log: str) -> float:
    match = re.search(r"Duration: (\d+):(\d+):([\d.]+)", log)
    if not match:
        return 0.0
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)

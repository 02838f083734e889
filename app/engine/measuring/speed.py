"""Remembers how long each generator takes for a picture on this machine, measured in ordinary work."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.engine.files import data_folder, write_whole

# A new time is written down where it is below this share of the known one, because timings vary by a few per cent.
WORTH_WRITING = 0.9


@dataclass(frozen=True)
class Speed:
    """The speed of one generator.

    ms: the shortest time for a picture that is pasted into the photo; device: the device and its precision.
    """

    ms: float
    device: str


def remember(generator: str, ms: float, device: str) -> None:
    """Write down a picture's time (ms) where it is the first on this device, or clearly the shortest.

    A folder that cannot be written to is no error: the time is measured again.
    """
    known = known_speeds()
    before = known.get(generator)
    if before is not None and before.device == device and ms > WORTH_WRITING * before.ms:
        return
    known[generator] = Speed(ms, device)
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({name: asdict(s) for name, s in known.items()}).encode())
    except OSError:
        return


def known_speeds() -> dict[str, Speed]:
    """Return the known speeds by the generators' names."""
    try:
        values = json.loads(_path().read_text(encoding="utf-8"))
        return {str(name): Speed(float(s["ms"]), str(s["device"])) for name, s in values.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _path() -> Path:
    return data_folder() / "speeds.json"

"""How long each generator takes for a picture on this machine, remembered from its own work."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.engine.files import data_folder, write_whole

# Share of the known time below which a new one is written down: timings vary by a few per cent from run to run.
WORTH_WRITING = 0.9


@dataclass(frozen=True)
class Speed:
    """ms: the shortest a picture took, with its way back into the photo; device: what computed, with precision."""

    ms: float
    device: str


def remember(generator: str, ms: float, device: str) -> None:
    """Note a picture's time where it is the first on this device, or clearly the quickest. A folder that cannot be
    written to is no error: it is measured again next time."""
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
    """By generator's name; empty before the first picture."""
    try:
        values = json.loads(_path().read_text(encoding="utf-8"))
        return {str(name): Speed(float(s["ms"]), str(s["device"])) for name, s in values.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _path() -> Path:
    return data_folder() / "speeds.json"

"""Splits people once and for all into those whom networks train on, those who measure, and those who judge."""

from __future__ import annotations

import csv
import hashlib
import re
from functools import cache
from pathlib import Path

from app.engine.checkpoints.store import SHIPPED
from app.engine.imaging.endings import CLIPS, PICTURES

IDENTITIES = SHIPPED / "identities.csv"
PART_OF_NAME = re.compile(r"^\d{4}_|-headshot$")  # what pif_fellows adds to a person's name


@cache
def _listed() -> dict[str, str]:
    with IDENTITIES.open(encoding="utf-8", newline="") as file:
        return {row["person"]: row["part"] for row in csv.DictReader(file)}


def part_of(path: Path) -> str:
    """ "train", "validation" (measures only) or "judge" (trains only what measures), for good.

    By the list in assets/weights; who is not in it goes by a hash of the name: 10 % validation, 15 % judge. `b_*`
    files only ever measure.
    """
    listed = _listed()
    if found := listed.get(path.name) or listed.get(path.stem):
        return found
    if path.name.startswith("b_"):
        return "validation"
    name = PART_OF_NAME.sub("", path.stem)
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100
    return "validation" if share < 10 else "judge" if share < 25 else "train"


def sources(folder: Path, part: str) -> list[Path]:
    """Return the portraits and clips of one part under a folder; of ../shared its portraits and its media's photos
    that may be learnt from, and clips.
    """
    media = folder / "media"
    roots = [folder / "portraits", media / "videos", media / "images"]
    roots = [root for root in roots if root.is_dir()] or [folder]
    found = sorted(p for root in roots for p in root.rglob("*") if p.suffix.lower() in PICTURES + CLIPS)
    return [path for path in found if part_of(path) == part]

"""Collects the licences of everything in a bundle: python installers/collect_licences.py FOLDER.

It runs in the bundle's environment. Every installed distribution gets a folder with the texts that it ships;
one that ships none gets the text that its metadata name, from `installers/licences`. A distribution with
neither stops the build.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import sys
import sysconfig
from importlib.metadata import Distribution
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEXTS = HERE / "licences"
NAMES = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
# Build tools that do not go into the bundle (PyInstaller's boot loader does, by its licence's exception).
NOT_BUNDLED = {"pip", "altgraph", "pyinstaller-hooks-contrib", "mien"}
WITHOUT_TEXT = {
    "pyside6": ["LGPL-3.txt", "GPL-3.txt"],
    "pyside6-essentials": ["LGPL-3.txt", "GPL-3.txt"],
    "pyside6-addons": ["LGPL-3.txt", "GPL-3.txt"],
    "shiboken6": ["LGPL-3.txt", "GPL-3.txt"],
    "flatbuffers": ["Apache-2.0.txt"],
}
# Texts added to those that a distribution ships, for other software in its binaries.
ADDED_TEXT = {
    "imageio-ffmpeg": ["GPL-3.txt"],
    "pi-heif": ["LGPL-3.txt", "GPL-3.txt"],
    "opencv-python-headless": ["LGPL-2.1.txt", "LGPL-3.txt", "GPL-3.txt"],
}


def collect(folder: Path, distributions: list[Distribution]) -> list[str]:
    """Fill the folder; return the names of distributions without any licence text."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines, missing = [], []
    for found in sorted(distributions, key=lambda item: item.metadata["Name"].lower()):
        name = canonical(found.metadata["Name"])
        if name in NOT_BUNDLED:
            continue
        texts = texts_of(found)
        if not texts:
            missing.append(name)
        for place, text in texts.items():
            target = folder / name / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, target)
        lines.append(f"{name} {found.version}: {stated(found)}")
    (folder / "INDEX.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return missing


def canonical(name: str) -> str:
    """Return a distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def texts_of(found: Distribution) -> dict[str, Path]:
    """Return a distribution's licence texts by their file name in the collection."""
    shipped = [
        path for path in found.files or [] if NAMES.search(path.name) and path.suffix not in (".py", ".pyc")
    ]
    texts = {}
    for path in shipped:
        located = Path(str(found.locate_file(path)))
        if located.is_file():
            texts[re.sub(r"^[^/]*\.dist-info/(licenses/)?", "", path.as_posix()).replace("/", "__")] = located
    name = canonical(found.metadata["Name"])
    extra = ADDED_TEXT.get(name, []) if texts else WITHOUT_TEXT.get(name, [])
    return texts | {text: TEXTS / text for text in extra}


def stated(found: Distribution) -> str:
    """Return what the distribution's metadata call its licence."""
    expression = found.metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [c for c in found.metadata.get_all("Classifier") or [] if c.startswith("License")]
    named = [classifier.rpartition(" :: ")[2] for classifier in classifiers]
    return " / ".join(named) or (found.metadata.get("License") or "see its texts").splitlines()[0]


def add_python(folder: Path) -> None:
    """Add CPython's own licence, which Debian keeps with the package's copyright."""
    places = [
        Path(sysconfig.get_path("stdlib")) / "LICENSE.txt",
        Path(sys.base_prefix) / "LICENSE.txt",
        *Path("/usr/share/doc").glob("libpython3.*-stdlib/copyright"),
    ]
    text = next((place for place in places if place.is_file()), None)
    if text is None:
        raise SystemExit("Python's own licence was not found.")
    (folder / "python").mkdir()
    shutil.copyfile(text, folder / "python" / "LICENSE.txt")


def main() -> None:
    folder = Path(sys.argv[1])
    missing = collect(folder, list(importlib.metadata.distributions()))
    if missing:
        raise SystemExit(f"No licence text for {', '.join(missing)}: add it to {Path(__file__).name}.")
    add_python(folder)
    for text in (*TEXTS.glob("ICT-FaceKit.txt"), HERE.parent / "LICENSE", HERE.parent / "THIRD_PARTY.md"):
        shutil.copyfile(text, folder / text.name)


if __name__ == "__main__":
    main()

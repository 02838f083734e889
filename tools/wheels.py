"""Finds out whether Mien installs from wheels alone elsewhere: `python tools/wheels.py [3.13 3.14]`.

It asks pip to resolve pyproject.toml for Linux, Windows and macOS (Apple silicon) without downloading
anything. torch is asked for by its plain name, in the CPU build, because the only question is whether a wheel
exists; torch's CUDA libraries on Linux are not looked at.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLATFORMS = {
    "Linux x86_64": [f"manylinux_2_{minor}_x86_64" for minor in (17, 27, 28, 34)] + ["manylinux2014_x86_64"],
    "Windows x64": ["win_amd64"],
    "macOS arm64": [
        f"macosx_{major}_0_{kind}" for major in (11, 12, 13, 14) for kind in ("arm64", "universal2")
    ],
}


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wrong = 0
    for version in sys.argv[1:] or ["3.13", "3.14"]:
        for platform, tags in PLATFORMS.items():
            reason = resolved(project["dependencies"], version, tags)
            wrong += reason is not None
            print(f"Python {version}, {platform}: {'wheels alone' if reason is None else reason}", flush=True)
    sys.exit(1 if wrong else 0)


def resolved(requirements: list[str], version: str, tags: list[str]) -> str | None:
    """Return pip's complaint, or None.

    torch is asked for without its dependencies, because those that it alone needs (CUDA) would take gigabytes
    of metadata.
    """
    others = [line for line in requirements if not line.startswith("torch")]
    torch = [line for line in requirements if line.startswith("torch")]
    with tempfile.TemporaryDirectory() as folder:
        where = [
            "--dry-run",
            "--only-binary=:all:",
            "--target",
            folder,
            "--python-version",
            version,
            "--quiet",
        ]
        where += [f"--platform={tag}" for tag in tags]
        for wanted, more in ((others, []), (torch, ["--no-deps"])):
            command = [sys.executable, "-m", "pip", "install", *where, *more, *wanted]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                return done.stderr.strip().splitlines()[-1]
    return None


if __name__ == "__main__":
    main()

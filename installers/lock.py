"""Pins every package of the bundles: `pip install uv && python installers/lock.py`, after a change of
pyproject.toml.

It writes requirements-light.txt (without torch), requirements-cpu.txt, requirements-cuda.txt and
requirements-build.txt for Linux, Windows and macOS. These name every dependency of a dependency too, so they
are installed with `pip install --no-deps`. The extra "camera" is not among them, because pyvirtualcam is
GPL-2.0 and the whole bundle would have to be; a user who wants it adds it to an installation by pip.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = "3.11"
TORCH_PIN = "torch==2.13.0"  # the version whose CPU build was tried most; pyproject.toml has the whole range
PYINSTALLER = "pyinstaller==6.22.3"
ONLY_CUDA = re.compile(r"(nvidia|cuda|triton)")
TORCH = re.compile(r"torch==([0-9.]+)")


def main() -> None:
    asked = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "dependencies"
    ]
    light = [line for line in asked if not line.startswith("torch")]
    write("light", resolved(light))
    closure = resolved([*light, TORCH_PIN])
    write("cpu", [pinned for line in closure for pinned in for_cpu(line)])
    write("cuda", [pinned for line in closure for pinned in for_cuda(line)])
    write("build", resolved([PYINSTALLER]))


def resolved(wanted: list[str]) -> list[str]:
    """Return uv's resolution for every platform, one pinned requirement a line."""
    options = ["--universal", "--python-version", PYTHON, "--no-annotate", "--no-header", "--quiet"]
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", *options]
    done = subprocess.run(command, input="\n".join(wanted), check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    return [line for line in lines if "python_full_version >= '3.1" not in line]


def for_cpu(line: str) -> list[str]:
    """Return the pinned requirements of one line for the CPU bundle, with torch's CPU build and without CUDA.

    PyPI's torch for Linux brings gigabytes of CUDA, so the CPU build's own version is named.
    """
    if torch := TORCH.match(line):
        version = torch.group(1)
        return [
            f"torch=={version}+cpu ; sys_platform == 'linux'",
            f"torch=={version} ; sys_platform != 'linux'",
        ]
    return [] if ONLY_CUDA.match(line) else [line]


def for_cuda(line: str) -> list[str]:
    """Return the pinned requirements of one line for the CUDA bundle.

    PyPI's torch for Windows has no CUDA, so the CUDA build's own version is named.
    """
    if torch := TORCH.match(line):
        version = torch.group(1)
        return [
            f"torch=={version} ; sys_platform == 'linux'",
            f"torch=={version}+cu130 ; sys_platform == 'win32'",
        ]
    return [line]


def write(variant: str, lines: list[str]) -> None:
    """Write one requirements file."""
    header = "# Made by installers/lock.py; install with pip install --no-deps -r THIS.\n"
    (HERE / f"requirements-{variant}.txt").write_text(header + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Mien Light works where torch is not installed: what needs no network works, and the rest says what it
lacks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder

found = PathFinder.find_spec

def find_spec(name, *more):
    return None if name.partition(".")[0] == "torch" else found(name, *more)

PathFinder.find_spec = find_spec
from app.cli import main

sys.exit(main(sys.argv[1:]))
"""


def light(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[1]
    environment = {**os.environ, "MIEN_HOME": str(tmp_path / "home"), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
    return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_edits_frontalises_drives_and_records(tmp_path: Path) -> None:
    done = light(tmp_path, "--self-test", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"edited.png", "frontal.png", "driven.mp4"} <= made


@pytest.mark.parametrize(
    "arguments",
    [("edit", "photo.png", "-o", "out.png", "--engine", "headgan"), ("train", "completion", ".")],
    ids=["a network's generator", "training"],
)
def test_what_needs_networks_says_so(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = light(tmp_path, *arguments)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Mien Light leaves out" in done.stderr and "Install the full Mien." in done.stderr


def test_the_doctor_calls_it_light_and_nothing_wrong(tmp_path: Path) -> None:
    checks = json.loads(light(tmp_path, "doctor", "--json").stdout)["checks"]
    by_name = {check["name"]: check for check in checks}
    assert by_name["Networks"]["status"] == "absent" and "Mien Light" in by_name["Networks"]["detail"]
    assert by_name["Packages"]["status"] == by_name["Graphics card"]["status"] == "ok"

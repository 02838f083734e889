"""Every script of tools/ still fits the program: it imports, and those that take arguments print their help.

This happens in a process of its own, because some scripts set variables of the environment. What they use of
the program inside their functions is checked by mypy.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import io
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

from app.engine.face.parameters import rotation_matrix
from tools import true_heads
from tools.completion_report import blind, edges

ROOT = Path(__file__).resolve().parents[1]


def test_every_tool_imports_and_prints_its_help() -> None:
    command = [sys.executable, "-m", "tests.test_tools"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines()}
    assert names == {path.stem for path in (ROOT / "tools").glob("*.py")}


def test_the_pose_of_a_drawn_head_is_found_from_its_points_alone() -> None:
    """A picture moved and enlarged shows the same turn; the landmark network has no part in it."""
    points = np.random.default_rng(1).uniform((-1, -1.5, -0.6), (1, 0.7, 0.6), (300, 3))
    for angles in ((30.0, -12.0, 4.0), (-20.0, 25.0, 0.0), (0.0, 0.0, 0.0)):
        turned = (points - true_heads.PIVOT) @ rotation_matrix(*angles).T
        seen = turned[:, :2] * (1, -1) * (80 / (1 - turned[:, 2:] / 25)) + (240, 310)
        seen[::40] += 60.0  # px: a few pixels come from elsewhere
        np.testing.assert_allclose(true_heads.pose_of(points, seen), angles, atol=0.3)


def what_became_of(name: str) -> str:
    """Return "helps", "imports" or the package that is missing; raise where the tool is broken."""
    try:
        tool = importlib.import_module(f"tools.{name}")
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] in ("app", "tools", "tests"):
            raise
        return f"needs {missing.name}"
    main = getattr(tool, "main", None)
    if getattr(tool, "argparse", None) is not argparse or main is None or inspect.signature(main).parameters:
        return "imports"
    sys.argv = [f"{name}.py", "--help"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            main()
    except SystemExit as end:
        if end.code == 0 and "usage:" in said.getvalue():
            return "helps"
    raise AssertionError("--help prints no help")


def test_a_blind_choice_counts_ties_as_half() -> None:
    """Views to which hardly anything is added had been won or lost by a hair's breadth."""
    damage = np.array([[0.05, 0.04], [0.05, 0.0501], [0.05, 0.0499], [0.05, 0.0501]])
    assert blind(damage) == "62 % (100 %)"
    assert blind(damage[1:]) == "50 % (none)"


def test_a_side_in_the_shade_is_as_sharp_as_in_the_light() -> None:
    """Once, mirrored sides were called a quarter less sharp than true ones, because they lay in the shade."""
    lit = np.random.default_rng(1).uniform(0.4, 0.9, (3, 64, 64)).astype(np.float32)
    shade, known = 2 * np.stack([0.8 * lit, lit]) - 1, np.ones((64, 64), np.float32)
    assert edges(shade[0], known) == pytest.approx(edges(shade[1], known), rel=0.03)


if __name__ == "__main__":
    broken = False
    for path in sorted((ROOT / "tools").glob("*.py")):
        try:
            print(path.stem, what_became_of(path.stem), flush=True)
        except Exception:
            broken = True
            print(path.stem, "is broken")
            traceback.print_exc()
    sys.exit(broken)

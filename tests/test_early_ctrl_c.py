"""Ctrl+C while the window's program starts ends it with one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Interrupts the program where Qt's binding, in the middle of its own start, asks for a module.
PROGRAM = """
import os, signal, sys

class Finder:
    names = [""]

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)
        if self.names[-2] == "shiboken6.Shiboken":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
from app.cli import main
sys.exit(main([]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to the process itself")
def test_ctrl_c_while_qt_is_imported_ends_with_one_line(tmp_path: Path) -> None:
    """It crashed Qt's binding, or was lost and the window opened."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "MIEN_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, timeout=120
    )
    assert (done.returncode, done.stderr) == (1, "mien: stopped.\n")

"""The log says what happened before a crash, and never stops the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = "import logging; from app.engine.logs import start_logging; start_logging(); start_logging()"


def logged(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    environment = {"MIEN_HOME": str(home), "PYTHONPATH": str(root), "PATH": ""}
    words = [sys.executable, "-c", f"{START}\n{code}"]
    return subprocess.run(words, capture_output=True, text=True, cwd=root, env=environment, check=True)


def test_news_go_to_the_file_and_warnings_to_standard_error_too(tmp_path: Path) -> None:
    log = "logging.getLogger('app.engine.x')"
    done = logged(f"{log}.info('it began'); {log}.warning('a card is missing')", tmp_path / "home")
    assert done.stderr == "mien: a card is missing\n"
    first, second = (tmp_path / "home" / "mien.log").read_text(encoding="utf-8").splitlines()
    assert first.endswith("INFO app.engine.x: it began") and "WARNING" in second


def test_the_log_turns_over_before_it_grows_large(tmp_path: Path) -> None:
    logged("for _ in range(3000): logging.getLogger('app').info('x' * 1000)", tmp_path)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"mien.log", "mien.log.1", "mien.log.2"} and max(sizes.values()) <= 500_000


def test_a_folder_that_cannot_be_made_costs_the_file_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = logged("logging.getLogger('app').warning('still heard')", tmp_path / "file" / "home")
    assert done.stderr == "mien: still heard\n"


def test_a_report_says_where_the_log_lies(
    qtbot: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from app.ui.dialogs.text import CrashDialog

    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    dialog = CrashDialog("Traceback")
    assert str(tmp_path / "mien.log") in dialog.text.toPlainText()
    dialog.deleteLater()

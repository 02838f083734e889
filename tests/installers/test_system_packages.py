"""The script that installs system libraries runs against stand-ins for the system's own commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "installers" / "system_packages.sh"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="for Linux only")


def run(
    tmp_path: Path, user: int, *, apt: bool = True, libraries: str = "", status: int = 0
) -> tuple[str, str]:
    """Return standard output and the calls of apt-get, on a system with these libraries."""
    calls = tmp_path / "calls"
    calls.touch()
    stand_ins = {
        "ldconfig": f"printf '%s' '{libraries}'",
        "id": f"echo {user}",
        "python3": "exit 0",
        "uname": "echo Linux",
        "apt-get": f'echo "$@" >> "{calls}"; exit {status}',
    }
    for name, body in stand_ins.items():
        if name != "apt-get" or apt:
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
    path = str(tmp_path)
    if apt:
        path += os.pathsep + "/usr/bin" + os.pathsep + "/bin"
    else:  # the system has everything but apt-get
        for tool in ("grep", "mktemp", "rm", "tail"):
            (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    done = subprocess.run(
        ["/bin/bash", str(SCRIPT)], env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stdout, calls.read_text()


def test_root_gets_what_is_missing(tmp_path: Path) -> None:
    output, calls = run(tmp_path, user=0, libraries="libGL.so.1 (libc6)\n")
    assert "libegl1" in output and calls.startswith("install ")
    assert "libxcb-cursor0" in calls and "libgl1 " not in calls


def test_others_get_one_line_and_nothing_is_installed(tmp_path: Path) -> None:
    output, calls = run(tmp_path, user=1000)
    assert output.startswith("Please run: sudo apt-get install libgl1 ") and output.count("\n") == 1
    assert calls == ""


def test_other_systems_get_one_line(tmp_path: Path) -> None:
    output, _ = run(tmp_path, user=0, apt=False)
    assert output.startswith("Please install") and output.count("\n") == 1


def test_a_failed_installation_says_so(tmp_path: Path) -> None:
    _, calls = run(tmp_path, user=0, status=1)
    assert calls.splitlines()[1].startswith("update")


def test_where_all_is_there_it_says_nothing(tmp_path: Path) -> None:
    names = [pair.split("=")[0] for pair in SCRIPT.read_text().split() if ".so." in pair and "=" in pair]
    assert len(names) > 15
    assert run(tmp_path, user=0, libraries="".join(f"{name} (libc6)\n" for name in names)) == ("", "")

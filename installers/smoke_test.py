"""Tries out a frozen Mien as a new user would meet it: python3 installers/smoke_test.py dist/mien

It runs the self-test, the diagnostics and the window, from a folder with spaces and letters that are not
ASCII, with an empty home, without the network (where `unshare` can cut it off) and, on Linux, on a virtual
screen.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

LINUX = sys.platform.startswith("linux")
NEEDED = ("Python", "Packages", "ffmpeg")  # the checks of `mien doctor` that must pass on every machine
WINDOW_SECONDS = 60.0  # seconds in which the window has to be there
SETTLE_SECONDS = 6.0  # seconds for which the window then has to stay up


def main() -> int:
    bundle = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="smoke-", dir=bundle.parent) as folder:
        program = moved(bundle, Path(folder) / "Müller & Söhne 笑 app")
        home = Path(folder) / "home"
        home.mkdir()
        environment = bare_environment(home)
        with screen(environment):
            try_commands(program, environment, home)
            first, second = (try_window(program, environment) for _ in range(2))
    print(f"window after {first:.1f} s at the first start, {second:.1f} s at the second")
    print("The smoke test passed.")
    return 0


def moved(bundle: Path, place: Path) -> Path:
    """Return the program in a copy of the bundle at an awkward path; the copy is of hard links."""

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    shutil.copytree(bundle, place, copy_function=link, symlinks=True)
    return place / ("mien.exe" if sys.platform == "win32" else "mien")


def bare_environment(home: Path) -> dict[str, str]:
    """Return a new user's environment, without anything of the build's own Python."""
    kept = ("SYSTEMROOT", "WINDIR", "COMSPEC", "TEMP", "TMP", "TMPDIR", "NUMBER_OF_PROCESSORS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    path = r"C:\Windows\System32" if sys.platform == "win32" else "/usr/bin:/bin"
    return environment | {
        "PATH": path,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "LOCALAPPDATA": str(home),
        "LANG": "C.UTF-8",
    }


@contextlib.contextmanager
def screen(environment: dict[str, str]) -> Iterator[None]:
    """Start a virtual X server on Linux; elsewhere the real screen is used."""
    if not LINUX:
        yield
        return
    read, write = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(write),
        "-screen",
        "0",
        "1440x900x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            environment["DISPLAY"] = f":{pipe.readline().strip()}"
        yield
    finally:
        server.terminate()
        server.wait()


def without_network() -> list[str]:
    """Return the command prefix that cuts off the network, [] where the system does not allow that."""
    prefix = ["unshare", "--map-root-user", "--net"]
    if LINUX and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    print("The network could not be cut off here.")
    return []


def run(command: Sequence[str], environment: dict[str, str]) -> str:
    """Return a program's standard output; where it fails, end the test with the program's own message."""
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=600, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def try_commands(program: Path, environment: dict[str, str], home: Path) -> None:
    """Try the program's version, self-test and diagnostics; end the test where one of them fails."""
    prefix = [*without_network(), str(program)]
    print(run([*prefix, "--version"], environment).strip())
    out = home / "out"
    began = time.monotonic()
    run([*prefix, "--self-test", str(out)], environment)
    made = {path.name: path.read_bytes()[:12] for path in out.iterdir()}
    if made["edited.png"][:8] != b"\x89PNG\r\n\x1a\n" or made["driven.mp4"][4:8] != b"ftyp":
        raise SystemExit(f"The self-test made something else: {made}")
    print(f"self-test passed after {time.monotonic() - began:.1f} s, kernels compiled on the way")
    checks = json.loads(run([*prefix, "doctor", "--json"], environment))["checks"]
    failed = [check for check in checks if check["name"] in NEEDED and check["status"] != "ok"]
    failed += [
        check for check in checks if "could not be examined" in check["detail"]
    ]  # torch is among these
    if failed:
        raise SystemExit(f"The diagnostics found: {failed}")


def try_window(program: Path, environment: dict[str, str]) -> float:
    """Return the seconds until the window was there; the window then has to stay up for a while."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as words:
        began = time.monotonic()
        process = subprocess.Popen([str(program), "--sample"], env=environment, stderr=words)
        try:
            while LINUX and not window_is_there(environment):
                if process.poll() is not None or time.monotonic() - began > WINDOW_SECONDS:
                    raise SystemExit(f"No window came.\n{said(words)}")
                time.sleep(0.05)
            seconds = time.monotonic() - began
            time.sleep(SETTLE_SECONDS)
            if process.poll() is not None or "Traceback" in said(words):
                raise SystemExit(f"The window did not stay.\n{said(words)}")
        finally:
            process.terminate()
            process.wait(timeout=30)
    return seconds


def said(words: object) -> str:
    """Return everything that a program wrote so far."""
    words.seek(0)  # type: ignore[attr-defined]
    return str(words.read())  # type: ignore[attr-defined]


def window_is_there(environment: dict[str, str]) -> bool:
    """Return whether a visible window of Mien is on the screen."""
    command = ["xdotool", "search", "--onlyvisible", "--name", "Mien"]
    return bool(subprocess.run(command, env=environment, capture_output=True, check=False).stdout.strip())


if __name__ == "__main__":
    sys.exit(main())

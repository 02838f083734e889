"""Licences are collected for everything, and the smoke test fails where the application does."""

from importlib.metadata import Distribution
from pathlib import Path

import collect_licences
import pytest
import smoke_test


class Package(Distribution):
    """A distribution with these files, as if it were installed in `root`."""

    def __init__(self, root: Path, name: str, files: dict[str, str], licence: str = "MIT") -> None:
        self._root, self._files = root, files
        head = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n"
        self._texts = {"METADATA": head, "RECORD": "".join(f"{file},,\n" for file in files)}
        for file, text in files.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text, encoding="utf-8")

    def read_text(self, filename: str) -> str | None:
        return self._texts.get(filename)

    def locate_file(self, path: object) -> Path:
        return self._root / str(path)


def test_every_package_s_own_texts_are_kept(tmp_path: Path) -> None:
    packages = [
        Package(
            tmp_path / "a", "One", {"one-1.0.dist-info/licenses/LICENSE": "free", "one/license.py": "code"}
        ),
        Package(tmp_path / "b", "Shiboken6", {}, "LGPL-3.0-only"),
        Package(tmp_path / "c", "imageio_ffmpeg", {"imageio_ffmpeg-1.0.dist-info/COPYING": "BSD"}),
        Package(tmp_path / "d", "Odd", {"odd/__init__.py": ""}),
        Package(tmp_path / "e", "pip", {}),
    ]
    missing = collect_licences.collect(tmp_path / "out", list(packages))
    assert missing == ["odd"]
    texts = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert {"shiboken6/LGPL-3.txt", "shiboken6/GPL-3.txt", "imageio-ffmpeg/GPL-3.txt"} <= texts
    assert (tmp_path / "out" / "one" / "LICENSE").read_text() == "free"
    assert not (tmp_path / "out" / "one" / "license.py").exists()
    assert (tmp_path / "out" / "INDEX.txt").read_text().splitlines()[1] == "odd 1.0: MIT"


def test_the_texts_that_are_added_are_there() -> None:
    tables = (collect_licences.WITHOUT_TEXT, collect_licences.ADDED_TEXT)
    names = {name for table in tables for texts in table.values() for name in texts}
    assert names and all((collect_licences.TEXTS / name).stat().st_size > 5000 for name in names)


def test_third_party_names_what_is_locked() -> None:
    root = Path(__file__).resolve().parents[2]
    page = (root / "THIRD_PARTY.md").read_text(encoding="utf-8").lower()
    lock = (root / "installers" / "requirements-cpu.txt").read_text(encoding="utf-8").splitlines()
    names = {line.split("==")[0] for line in lock if not line.startswith("#")}
    parts = {"pyside6-essentials", "pyside6-addons"}  # parts of PySide6
    unnamed = {name for name in names - parts if name.lower() not in page}
    assert not unnamed


def program(folder: Path, body: str) -> Path:
    path = folder / "mien"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_the_smoke_test_gives_no_help_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
    environment = smoke_test.bare_environment(tmp_path)
    assert environment["HOME"] == str(tmp_path)
    assert "/somewhere" not in environment.values()


def test_the_smoke_test_moves_the_bundle_whole(tmp_path: Path) -> None:
    (tmp_path / "b" / "_internal").mkdir(parents=True)
    program(tmp_path / "b", "echo moved")
    (tmp_path / "b" / "_internal" / "link").symlink_to("../mien")
    moved = smoke_test.moved(tmp_path / "b", tmp_path / "ä 笑")
    assert smoke_test.run([str(moved)], smoke_test.bare_environment(tmp_path)) == "moved\n"
    assert (tmp_path / "ä 笑" / "_internal" / "link").is_symlink()


PASSING = """case "$1" in
--self-test)
  mkdir -p "$2"
  printf '\\211PNG\\r\\n\\032\\n....' > "$2/edited.png"
  printf '0000ftypisom' > "$2/driven.mp4" ;;
doctor) echo '{"checks": [{"name": "Packages", "status": "PACKAGES", "detail": "DETAIL"}]}' ;;
esac"""


def test_the_smoke_test_fails_where_the_application_does(tmp_path: Path) -> None:
    environment = smoke_test.bare_environment(tmp_path)
    good = program(tmp_path, PASSING.replace("PACKAGES", "ok"))
    smoke_test.try_commands(good, environment, tmp_path)
    with pytest.raises(SystemExit, match="diagnostics found"):
        smoke_test.try_commands(
            program(tmp_path, PASSING.replace("PACKAGES", "problem")), environment, tmp_path
        )
    with pytest.raises(SystemExit, match="could not be examined: no torch"):
        bad = PASSING.replace("PACKAGES", "ok").replace("DETAIL", "could not be examined: no torch")
        smoke_test.try_commands(program(tmp_path, bad), environment, tmp_path)
    with pytest.raises(SystemExit, match="something else"):
        bad = PASSING.replace("ftypisom", "isomftyp").replace("PACKAGES", "ok")
        smoke_test.try_commands(program(tmp_path, bad), environment, tmp_path)
    with pytest.raises(SystemExit, match="ended with 3"):
        smoke_test.try_commands(program(tmp_path, "exit 3"), environment, tmp_path)

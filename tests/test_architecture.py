"""Checks that every file, room, stop of a walk and test that a document names exists, and that numbers say
what they count.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
STOP = re.compile(r"^(\d)\. `(app/[^`]+)` `([^`]+)`:", re.MULTILINE)
WALKS = {title: STOP.findall(TEXT.partition(f"## {title}")[2].partition("## ")[0]) for title in
         ("A slider's value", "A webcam frame")}  # fmt: skip


def defined(path: Path) -> set[str]:
    """Return the functions and methods of a file, such as "resolve" and "Scheduler.show"."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return names


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_has_at_most_eight_stops_that_exist(title: str) -> None:
    stops = WALKS[title]
    assert [int(number) for number, _, _ in stops] == list(range(1, len(stops) + 1)) and 5 <= len(stops) <= 8
    assert not [(file, name) for _, file, name in stops if name not in defined(ROOT / file)]


def test_every_room_has_its_line_and_every_line_its_room() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", TEXT, re.MULTILINE)
    named = set()
    for row in rows:
        folder, _, rest = row.rpartition("/") if "/" in row else ("", "", row)
        named |= {f"{folder}/{name.strip()}".strip("/") for name in rest.split(",")}
    there = {f"engine/{p.name}" for p in (ROOT / "app/engine").iterdir() if p.is_dir() and p.name[0] != "_"}
    there |= {p.name for p in (ROOT / "app").iterdir() if p.is_dir() and p.name[0] != "_"} - {"engine"}
    assert there <= named
    missing = [n for n in named if not ((ROOT / "app" / n).is_dir() or (ROOT / "app" / f"{n}.py").is_file())]
    assert not missing


def test_every_test_of_a_fault_exists() -> None:
    rows = re.findall(
        r"^\| (\d+)\. .* \| (.+) \|$", (ROOT / "docs/faults.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [int(number) for number, _ in rows] == list(range(1, 20))
    for number, cell in rows:
        named = re.findall(r"`(tests/[^`]+)` ((?:`test_\w+`(?:, )?)+)", cell)
        assert named, number
        for file, names in named:
            assert set(re.findall(r"`(\w+)`", names)) <= defined(ROOT / file)


def is_plain(value: ast.expr) -> bool:
    """Return whether the value is a number or a row of numbers."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    if isinstance(value, ast.UnaryOp):
        return is_plain(value.operand)
    if isinstance(value, ast.BinOp):
        return is_plain(value.left) and is_plain(value.right)
    return isinstance(value, ast.Tuple) and bool(value.elts) and all(is_plain(part) for part in value.elts)


def test_every_number_of_a_module_says_what_it_counts() -> None:
    silent = []
    folders = ("app", "installers", "tests", "tools")
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        explained_until = 0  # the last line of the block of numbers below a comment
        for node in ast.parse("\n".join(lines)).body:
            if isinstance(node, ast.Assign) and is_plain(node.value):
                own = lines[node.lineno - 1 : node.end_lineno]
                if lines[node.lineno - 2].startswith("#") or explained_until == node.lineno - 1:
                    explained_until = node.end_lineno or 0
                elif not any("#" in line for line in own):
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {lines[node.lineno - 1]}")
    assert not silent


def test_every_file_that_a_document_names_exists() -> None:
    folders = "(?:app|tools|tests|docs|installers|assets)"
    pattern = re.compile(rf"(?<![\w/.])({folders}/[\w/.-]*\w\.\w+)|`({folders}/[\w/.-]*)`")
    missing = []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        named = pattern.findall(document.read_text(encoding="utf-8"))
        paths = (file or folder for file, folder in named)
        missing += [f"{document.name}: {path}" for path in paths if not (ROOT / path).exists()]
    assert not missing

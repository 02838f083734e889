"""Imports run one way: ui -> session -> engine; heavy libraries stay out of the interface."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "app"
FORBIDDEN = {
    "engine": ("PySide6", "pyqtgraph", "app.session", "app.ui", "app.main", "app.cli"),
    "session": (
        "torch",
        "moderngl",
        "mediapipe",
        "cv2",
        "PySide6.QtWidgets",
        "app.ui",
        "app.main",
        "app.cli",
    ),
    "ui": ("torch", "moderngl", "mediapipe", "cv2", "app.main", "app.cli"),
}
NETWORKS_FORBIDDEN = ("app.engine.weights", "app.engine.device", "pathlib", "os")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def crosses(name: str, forbidden: tuple[str, ...]) -> bool:
    return any(name == bad or name.startswith(bad + ".") for bad in forbidden)


@pytest.mark.parametrize("room", FORBIDDEN)
def test_rooms_import_one_way(room: str) -> None:
    files = list((APP / room).rglob("*.py"))
    assert files
    crossings = [(str(f), n) for f in files for n in imports(f) if crosses(n, FORBIDDEN[room])]
    assert not crossings


def test_networks_know_no_files_and_no_devices() -> None:
    files = (APP / "engine" / "networks").rglob("*.py")
    assert not [(str(f), n) for f in files for n in imports(f) if crosses(n, NETWORKS_FORBIDDEN)]

"""Imports run downwards through the ordered list of rooms, without circles; the interface loads nothing heavy."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the ground up: a module may import its own room and the rooms above it in this list, none below.
# A room is a folder, a module, or several that stand on one floor and do not know each other.
ROOMS = (
    "app",
    "app.engine",
    "app.engine.errors app.engine.stopwatch app.engine.interruption",
    "app.engine.files",
    "app.engine.device app.engine.sample app.engine.logs",
    "app.engine.cuda_graph",
    "app.engine.networks app.engine.face",
    "app.engine.imaging",
    "app.engine.checkpoints",
    "app.engine.contract",
    "app.engine.engine_like",
    "app.engine.views",
    "app.engine.compositing app.engine.fetching app.engine.sound app.engine.squares app.engine.measuring",
    "app.engine.rendering",
    "app.engine.sources app.engine.film",
    "app.engine.head",
    "app.engine.warping",
    "app.engine.latent app.engine.personal app.engine.points",
    "app.engine.generators",
    "app.engine.portraits",
    "app.engine.driving",
    "app.engine.engine",
    "app.engine.training",
    "app.engine.evaluation",
    "app.engine.doctor",
    "app.session",
    "app.ui",
    "app.commands",
    "app.selftest",
    "app.main",
    "app.cli",
    "app.__main__",
)
FORBIDDEN = {
    "engine": ("PySide6", "pyqtgraph"),
    "session": ("torch", "moderngl", "onnxruntime", "cv2", "PySide6.QtWidgets"),
    "ui": ("torch", "moderngl", "onnxruntime", "cv2"),
}
NETWORKS_FORBIDDEN = ("pathlib", "os")

Graph = dict[str, set[str]]  # module -> the modules of `app` that it imports


def modules(root: Path) -> dict[str, Path]:
    """Return every module of `app` under a root by its dotted name."""
    found = {}
    for path in sorted((root / "app").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_names(path: Path, module: str) -> Iterator[str]:
    """Yield every dotted name that a file imports, wherever in it: at the top, in a function or for types only."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = importlib.util.resolve_name("." * node.level + base, package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def import_graph(root: Path) -> Graph:
    known = modules(root)

    def module_of(name: str) -> str:
        while name and name not in known:
            name = name.rpartition(".")[0]
        return name

    graph: Graph = {}
    for module, path in known.items():
        targets = {module_of(name) for name in imported_names(path, module)}
        graph[module] = targets - {"", module}
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """Return import chains that come back to where they began, one for each circle that a depth-first walk
    meets.
    """
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> None:
        if module in path:
            found.append([*path[path.index(module) :], module])
        elif module not in done:
            for target in sorted(graph[module]):
                walk(target, [*path, module])
            done.add(module)

    for module in graph:
        walk(module, [])
    return found


def floor(module: str) -> int:
    """Return the place in ROOMS of the room that a module belongs to; of several names that fit, the longest
    counts.
    """
    fits = [
        (len(room), height)
        for height, names in enumerate(ROOMS)
        for room in names.split()
        if module == room or (module.startswith(room + ".") and room not in ("app", "app.engine"))
    ]
    assert fits, f"{module} stands in no room of the list"
    return max(fits)[1]


def room(module: str) -> str:
    names = ROOMS[floor(module)].split()
    return next(name for name in names if module == name or module.startswith(name + "."))


def upward(graph: Graph) -> list[str]:
    """Return imports of a room above, or of another room on the same floor."""
    return [
        f"{module} imports {target}"
        for module, targets in graph.items()
        for target in sorted(targets)
        if floor(target) > floor(module) or (floor(target) == floor(module) and room(target) != room(module))
    ]


def crosses(name: str, forbidden: tuple[str, ...]) -> bool:
    return any(name == bad or name.startswith(bad + ".") for bad in forbidden)


def test_imports_run_downwards() -> None:
    assert not upward(import_graph(ROOT))


def test_no_module_imports_itself_by_a_detour() -> None:
    assert not circles(import_graph(ROOT))


def test_every_room_of_the_list_exists() -> None:
    known = modules(ROOT)
    rooms = [name for names in ROOMS for name in names.split()]
    assert not [name for name in rooms if name not in known]


@pytest.mark.parametrize("where", FORBIDDEN)
def test_heavy_libraries_stay_out(where: str) -> None:
    found = {m: p for m, p in modules(ROOT).items() if m.startswith(f"app.{where}")}
    assert found
    assert not [
        (m, n) for m, p in found.items() for n in imported_names(p, m) if crosses(n, FORBIDDEN[where])
    ]


def test_networks_know_no_files() -> None:
    found = {m: p for m, p in modules(ROOT).items() if m.startswith("app.engine.networks")}
    assert not [
        (m, n) for m, p in found.items() for n in imported_names(p, m) if crosses(n, NETWORKS_FORBIDDEN)
    ]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Make a small house of three rooms that keeps the rules."""
    files = {
        "app/__init__.py": "",
        "app/engine/__init__.py": "",
        "app/engine/errors.py": "",
        "app/engine/face/__init__.py": "",
        "app/engine/face/fitting.py": "from app.engine.errors import EngineError\n",
        "app/engine/networks/__init__.py": "",
        "app/engine/engine.py": "from app.engine.face import fitting\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert not upward(import_graph(tmp_path)) and not circles(import_graph(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "violation",
    [
        "from app.engine.engine import Engine\n",
        "def late():\n    from app.engine.engine import Engine\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from app.engine.engine import Engine\n",
        "import app.engine.engine\n",
        "from ..engine import Engine\n",
        "from app.engine import networks\n",
    ],
)
def test_a_planted_violation_is_seen(house: Path, violation: str) -> None:
    (house / "app/engine/face/fitting.py").write_text(violation, encoding="utf-8")
    assert upward(import_graph(house))


def test_a_planted_circle_is_seen(house: Path) -> None:
    (house / "app/engine/face/fitting.py").write_text("def late():\n    from app.engine.face import camera\n")
    (house / "app/engine/face/camera.py").write_text("from app.engine.face.fitting import fit\n")
    assert circles(import_graph(house)) and not upward(import_graph(house))

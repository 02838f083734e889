"""Says what goes into the frozen application and what stays out; `mien.spec` and the tests read it here."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib.machinery import PathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Entry = tuple[str, str, str]  # PyInstaller's entry: place in the bundle, file, kind

# Modules that dependencies bring and that Mien never runs.
EXCLUDED_MODULES = [
    "pyvirtualcam",  # GPL-2.0: see lock.py
    "matplotlib",
    "tkinter",
    "_tkinter",
    "IPython",
    "pytest",
    "tensorboard",
    "torch.utils.tensorboard",
    "onnxruntime.quantization",
    "onnxruntime.tools",
    "onnxruntime.transformers",
    "PySide6.Qt3DCore",
    "PySide6.Qt3DRender",
    "PySide6.QtCharts",
    "PySide6.QtDataVisualization",
    "PySide6.QtDesigner",
    "PySide6.QtGraphs",
    "PySide6.QtHelp",
    "PySide6.QtLocation",
    "PySide6.QtPdf",
    "PySide6.QtPdfWidgets",
    "PySide6.QtQml",
    "PySide6.QtQuick",
    "PySide6.QtQuick3D",
    "PySide6.QtQuickWidgets",
    "PySide6.QtRemoteObjects",
    "PySide6.QtSql",
    "PySide6.QtWebChannel",
    "PySide6.QtWebEngineCore",
    "PySide6.QtWebEngineQuick",
    "PySide6.QtWebEngineWidgets",
    "PySide6.QtWebView",
]

# Patterns of places in the bundle of files that PyInstaller's hooks collect though nobody needs them.
UNWANTED_FILES = [
    *(f"*Qt6{part}*" for part in ("Quick", "Qml", "VirtualKeyboard", "WebEngine", "Pdf", "3D", "Charts")),
    "PySide6/Qt/qml/*",
    "PySide6/qml/*",
    "PySide6/*/plugins/platforminputcontexts/*virtualkeyboard*",
    "PySide6/*/plugins/imageformats/*qpdf*",
    "PySide6/*/translations/qt[!b]*",
    "PySide6/*/translations/qtwebengine*",
    "onnxruntime/transformers/*",
    "onnxruntime/tools/*",
    "onnxruntime/quantization/*",
    "torch/include/*",
    "torch/share/*",
    "torch/test/*",
    "torch/bin/[!t]*",
    "torch/bin/test_*",
    "torch/lib/*.a",
    "torch/lib/*.lib",
    "skimage/data/[!a]*",
    "*/tests/*",
]
HIDDEN_IMPORTS = ["glcontext.egl", "glcontext.x11", "glcontext.wgl", "glcontext.darwin", "pi_heif"]


def wanted(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that no pattern of `UNWANTED_FILES` matches."""
    return [entry for entry in entries if not unwanted(entry[0])]


def unwanted(place: str) -> bool:
    """Return whether a pattern of `UNWANTED_FILES` matches this place in the bundle."""
    place = place.replace("\\", "/")
    return any(fnmatch(place, pattern) for pattern in UNWANTED_FILES)


def data_files() -> list[tuple[str, str]]:
    """Return (file, folder in the bundle) of everything that is read by path: the assets and the sample."""
    assets = [path for path in sorted((ROOT / "assets").rglob("*")) if path.is_file()]
    own = [(path, path.parent.relative_to(ROOT)) for path in assets if path.name != ".gitkeep"]
    sample = package_folder("skimage") / "data" / "astronaut.png", Path("skimage/data")
    papers = [(ROOT / name, Path(".")) for name in ("LICENSE", "THIRD_PARTY.md", "CHANGELOG.md")]
    return [(str(file), str(folder)) for file, folder in (*own, *papers, sample) if file.is_file()]


def package_folder(name: str) -> Path:
    """Return where a package lies, without importing it."""
    spec = PathFinder.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(name)
    return Path(next(iter(spec.submodule_search_locations)))


def distributions() -> list[str]:
    """Return Mien and the distributions that it requires.

    `mien doctor` compares their versions in the frozen application too. Mien Light is built where torch is
    not installed.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [re.split(r"[=<>!~ ;\[]", line, maxsplit=1)[0] for line in project["dependencies"]]
    return ["mien", *(name for name in asked if name != "torch" or PathFinder.find_spec("torch"))]


def version() -> str:
    """Return Mien's version, read from the one place that states it."""
    sys.path.insert(0, str(ROOT))
    from app import __version__

    return __version__

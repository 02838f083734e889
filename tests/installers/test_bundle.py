"""The recipe of the bundle says what goes in and what stays out, and PyInstaller's file agrees on every
system.
"""

import importlib
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import bundle
import pytest
import sizes
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
INSTALLERS = ROOT / "installers"


def test_all_that_is_read_by_path_goes_in() -> None:
    placed = {f"{folder}/{Path(file).name}" for file, folder in bundle.data_files()}
    assert "skimage/data/astronaut.png" in placed
    assert "assets/face_model/mien468.npz" in placed and "assets/icons/mien.svg" in placed
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "assets").rglob("*.json")} <= placed
    assert {"assets/face_networks/landmarks.onnx", "assets/face_networks/NOTICE"} <= placed
    assert all(Path(file).is_file() for file, _ in bundle.data_files())


@pytest.mark.parametrize(
    "place",
    [
        "libQt6Quick.so.6",
        "PySide6/Qt/lib/libQt6WebEngineCore.so.6",
        "PySide6\\Qt6Qml.dll",
        "PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboardplugin.so",
        "PySide6/Qt/translations/qtwebengine_de.qm",
        "onnxruntime/transformers/models/whisper.py",
        "torch/include/ATen/ATen.h",
        "skimage/data/lena.png",
        "numpy/core/tests/data/a.csv",
    ],
)
def test_dead_weight_stays_out(place: str) -> None:
    assert bundle.wanted([(place, "file", "DATA")]) == []


@pytest.mark.parametrize(
    "place",
    [
        "PySide6/Qt/lib/libQt6Core.so.6",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/translations/qtbase_de.qm",
        "torch/lib/libtorch_cpu.so",
        "torch/bin/torch_shm_manager",
        "onnxruntime/capi/libonnxruntime.so.1.32.0",
        "skimage/data/astronaut.png",
        "assets/icons/mien.svg",
        "cv2/cv2.abi3.so",
    ],
)
def test_what_is_needed_goes_in(place: str) -> None:
    assert bundle.wanted([(place, "file", "DATA")]) == [(place, "file", "DATA")]


class Made:
    """Stands in for one of PyInstaller's targets and remembers its arguments."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        self.parts, self.options = parts, options
        self.binaries = [("libQt6Quick.so.6", "x", "BINARY"), ("libQt6Core.so.6", "x", "BINARY")]
        self.datas, self.pure, self.scripts = [("torch/include/a.h", "x", "DATA")], [], []


def evaluated(monkeypatch: pytest.MonkeyPatch, platform: str) -> dict[str, list[Made]]:
    """Run mien.spec as PyInstaller would, with stand-ins for its targets; return what was made, by kind."""
    hooks = ModuleType("PyInstaller.utils.hooks")
    hooks.collect_submodules = lambda name: [name, f"{name}.cli"]  # type: ignore[attr-defined]
    hooks.copy_metadata = lambda name: [(name, f"{name}.dist-info")]  # type: ignore[attr-defined]
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, hooks.__name__, hooks)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "path", list(sys.path))
    made: dict[str, list[Made]] = {name: [] for name in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}

    def maker(kind: str) -> Any:
        def make(*parts: Any, **options: Any) -> Made:
            made[kind].append(Made(*parts, **options))
            return made[kind][-1]

        return make

    scope = {"SPECPATH": str(INSTALLERS), **{kind: maker(kind) for kind in made}}
    exec(compile((INSTALLERS / "mien.spec").read_text(encoding="utf-8"), "mien.spec", "exec"), scope)
    return made


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_the_spec_evaluates(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    made = evaluated(monkeypatch, platform)
    (analysis,) = made["Analysis"]
    assert [Path(script).name for script in analysis.parts[0]] == ["entry.py"]
    assert all(Path(script).is_file() for script in (*analysis.parts[0], *analysis.options["runtime_hooks"]))
    assert "app.cli" in analysis.options["hiddenimports"]
    assert {"pyvirtualcam", "matplotlib", "PySide6.QtWebEngineCore"} <= set(analysis.options["excludes"])
    assert ("mien", "mien.dist-info") in analysis.options["datas"]
    assert analysis.binaries == [("libQt6Core.so.6", "x", "BINARY")] and analysis.datas == []
    names = {exe.options["name"]: exe.options["console"] for exe in made["EXE"]}
    assert names == ({"mien": True, "mien-window": False} if platform == "win32" else {"mien": True})
    assert all(Path(exe.options["icon"]).is_file() for exe in made["EXE"])
    if platform == "darwin":
        plist = made["BUNDLE"][0].options["info_plist"]
        assert plist["CFBundleShortVersionString"] == bundle.version()
    else:
        assert made["BUNDLE"] == []


def test_no_excluded_module_is_imported_by_us() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py")]
    imported = {name for text in sources for name in re.findall(r"^\s*(?:from|import) ([\w.]+)", text, re.M)}
    qt = {
        f"{module}.{name.strip()}"
        for text in sources
        for module, names in re.findall(r"^from (PySide6) import (.+)", text, re.M)
        for name in names.split(",")
    }
    optional = {"pyvirtualcam"}  # imported only where it is installed
    assert not (imported | qt) & set(bundle.EXCLUDED_MODULES) - optional


@pytest.mark.parametrize("variant", ["light", "cpu", "cuda"])
def test_every_requirement_is_pinned_as_asked(variant: str) -> None:
    lines = (INSTALLERS / f"requirements-{variant}.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    linux = {"sys_platform": "linux", "platform_machine": "x86_64", "python_full_version": "3.11.9"}
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(linux)]
    versions = {pin.name.lower().replace("_", "-"): str(pin.specifier).removeprefix("==") for pin in here}
    assert len(versions) == len(here)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    light = variant == "light"
    for asked in map(Requirement, project["dependencies"]):
        if light and asked.name == "torch":
            continue
        pinned = versions[asked.name.lower().replace("_", "-")]
        assert asked.specifier.contains(pinned, prereleases=True), asked
    assert ("torch" in versions) != light
    assert light or versions["torch"].endswith("+cpu") == (variant == "cpu")
    assert any(name.startswith("nvidia-") for name in versions) == (variant == "cuda")
    assert not {"matplotlib", "pyvirtualcam", "pillow-heif", "opencv-python"} & set(versions)


def test_the_lock_knows_torch_s_builds() -> None:
    lock = importlib.import_module("lock")
    assert lock.for_cpu("torch==2.13.0") == [
        "torch==2.13.0+cpu ; sys_platform == 'linux'",
        "torch==2.13.0 ; sys_platform != 'linux'",
    ]
    assert lock.for_cuda("torch==2.13.0")[1] == "torch==2.13.0+cu130 ; sys_platform == 'win32'"
    assert lock.for_cpu("nvidia-nccl-cu13==2.29.7 ; sys_platform == 'linux'") == []
    assert lock.for_cuda("triton==3.7.1") == ["triton==3.7.1"]


@pytest.mark.parametrize(
    ("platform", "ending"),
    [("linux", ".cache/mien"), ("darwin", "Library/Caches/Mien"), ("win32", "Mien/cache")],
)
def test_compiled_kernels_go_into_the_user_s_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, ending: str
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delitem(sys.modules, "runtime_hook", raising=False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    hook = importlib.import_module("runtime_hook")
    assert hook.cache_folder() == tmp_path / ending


def test_sizes_are_counted_by_package(tmp_path: Path) -> None:
    for name, size in {
        "mien": 5,
        "_internal/torch/lib/a.so": 70,
        "_internal/x.libs/b": 3,
        "_internal/x/c": 4,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"." * size)
    (tmp_path / "_internal" / "link").symlink_to(tmp_path / "mien")
    assert sizes.sizes(tmp_path) == {"torch": 70, "x": 7, "(single files)": 5}

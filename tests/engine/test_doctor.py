"""Every check says what is there, and how to mend what is not."""

import importlib.metadata
import shutil
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.engine import doctor
from app.engine.doctor import Check, examine

NAMES = [
    "Python",
    "Packages",
    "OpenGL",
    "Networks",
    "Graphics card",
    "Cameras",
    "Microphone",
    "Virtual camera",
    "ffmpeg",
    "Disk",
    "Models",
]


def test_every_thing_is_examined_and_what_is_amiss_has_a_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "not" / "there"))
    checks = examine(cameras=["Lens One"])
    assert [check.name for check in checks] == NAMES
    for check in checks:
        assert check.status in doctor.SYMBOLS and "\n" not in check.detail + check.fix
        assert bool(check.fix) == (check.status != "ok")
        assert "could not be examined" not in check.detail
    assert checks[0].status == checks[8].status == "ok"
    assert checks[5].detail == "Lens One"


def test_a_line_shows_name_and_fix() -> None:
    assert str(Check("Disk", "ok", "9 GB")).split() == ["ok", "Disk", "9", "GB"]
    assert str(Check("Disk", "problem", "0 GB", "Free it.")).splitlines()[1].strip() == "Free it."


def test_a_check_that_breaks_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Check:
        raise RuntimeError("odd")

    monkeypatch.setattr(doctor, "disk", broken)
    checks = {check.name: check for check in examine(cameras=[])}
    assert checks["Disk"].status == "problem" and "odd" in checks["Disk"].detail
    assert len(checks) == len(NAMES)


def test_a_wrong_python_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, status in (
        ((3, 10, 4), "problem"),
        ((3, 11, 0), "ok"),
        ((3, 14, 2), "ok"),
        ((3, 15, 0), "problem"),
    ):
        monkeypatch.setattr(sys, "version_info", version)
        assert doctor.python().status == status


def test_missing_and_wrong_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["numpy>=1.26", "numpy<1", "no-such-package-as-this>=2", "nothing>1; sys_platform == 'none'"]
    monkeypatch.setattr(doctor, "requirements", lambda: wanted)
    found = doctor.packages()
    numpy = importlib.metadata.version("numpy")
    assert found.status == "problem"
    assert found.detail == f"not as needed: numpy {numpy} (<1), no-such-package-as-this – (>=2)"


def test_the_requirements_are_the_project_s_own() -> None:
    assert any(line.startswith("PySide6") for line in doctor.requirements())


def test_without_opengl_the_processor_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.engine.rendering import gl

    def none() -> None:
        raise Exception("libEGL.so.1 not found")

    monkeypatch.setattr(gl, "make_context", none)
    found = doctor.opengl()
    assert found.status == "absent" and "libEGL.so.1 not found" in found.detail and "libegl1" in found.fix


@pytest.mark.parametrize(
    ("cuda", "mps", "card", "built_for", "status", "says"),
    [
        (True, False, True, "12.8", "ok", "CUDA, Card, 8 GB"),
        (False, True, False, None, "ok", "Apple"),
        (False, False, False, None, "ok", "processor"),
        (False, False, True, None, "problem", "CUDA variant"),
        (False, False, True, "12.8", "problem", "CUDA 12.8"),
    ],
)
def test_a_graphics_card_that_is_not_used_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cuda: bool,
    mps: bool,
    card: bool,
    built_for: str | None,
    status: str,
    says: str,
) -> None:
    torch = SimpleNamespace(
        cuda=SimpleNamespace(
            is_available=lambda: cuda,
            get_device_name=lambda: "Card",
            get_device_properties=lambda index: SimpleNamespace(total_memory=8 << 30),
        ),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
        version=SimpleNamespace(cuda=built_for),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    driver = tmp_path / "version"
    if card:
        driver.touch()
    monkeypatch.setattr(doctor, "NVIDIA_DRIVER", driver)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = doctor.graphics_card()
    assert found.status == status and says in found.detail + found.fix


def test_cameras_are_named_without_being_opened(tmp_path: Path) -> None:
    for node, index, name in (
        ("video0", "0", "Lens One"),
        ("video1", "1", "Lens One"),
        ("video2", "0", "Two"),
    ):
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(index + "\n")
        (tmp_path / node / "name").write_text(name + "\n")
    assert doctor.linux_cameras(tmp_path) == ("Lens One", "Two")
    assert doctor.linux_cameras(tmp_path / "none") == ()
    assert doctor.camera_names([]).status == "absent"


def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "deep" / "down"))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1000))
    assert doctor.disk().status == "problem"


def test_ffmpeg_that_does_not_run_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "executable", lambda: shutil.which("false"))
    assert doctor.ffmpeg().status == "problem"


def test_without_models_the_mesh_warp_still_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from app.engine.checkpoints import store as weights

    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "shipped")
    found = doctor.models()
    assert found.status == "absent" and "needs none" in found.fix

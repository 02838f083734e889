"""Checks what this machine has and what it lacks; every fault comes with a line that says how to mend it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.engine.checkpoints.store import models as installed
from app.engine.device import has_torch
from app.engine.files import ROOT, data_folder
from app.engine.sound.audio import microphones
from app.engine.sound.ffmpeg import executable

# The first version that Mien supports, and the first it does not, as in pyproject.toml.
PYTHONS = ((3, 11), (3, 15))
# Bytes of free space below which a recording may end early; a guess.
FREE_BYTES = 2 << 30
VIDEO_DEVICES = Path("/sys/class/video4linux")
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
SYMBOLS = {"ok": "ok      ", "absent": "absent  ", "problem": "PROBLEM "}


@dataclass(frozen=True)
class Check:
    """The result of one check.

    status: "ok"; "absent", which Mien can do without; or "problem"; detail: what was found; fix: how to mend it, empty
    where the status is "ok".
    """

    name: str
    status: str
    detail: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{SYMBOLS[self.status]} {self.name:15} {self.detail}"
        return f"{line}\n{'':25}{self.fix}" if self.fix else line


def examine(cameras: Sequence[str] | None = None) -> tuple[Check, ...]:
    """Return the results of all checks. cameras: their names where the caller knows them, as the window does by Qt."""
    checks: dict[str, Callable[[], Check]] = {
        "Python": python,
        "Packages": packages,
        "OpenGL": opengl,
        "Networks": networks,
        "Graphics card": graphics_card,
        "Cameras": lambda: camera_names(cameras),
        "Microphone": microphone,
        "Virtual camera": virtual_camera,
        "ffmpeg": ffmpeg,
        "Disk": disk,
        "Models": models,
    }
    return tuple(_safely(name, check) for name, check in checks.items())


def _safely(name: str, check: Callable[[], Check]) -> Check:
    """Return a check's result; an error that the check did not foresee is a problem too, and hides no other result."""
    try:
        return check()
    except Exception as error:
        detail = f"could not be examined: {error}"
        return Check(name, "problem", detail, "Please report this line, with your system's name and version.")


def python() -> Check:
    version = f"{platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}"
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return Check("Python", "ok", version)
    return Check("Python", "problem", version, "Install one of Python 3.11 to 3.14 and set Mien up with it.")


def packages() -> Check:
    wanted = [line for line in requirements() if has_torch() or not line.startswith("torch")]
    wrong = [fault for line in wanted if (fault := _fault(line))]
    if not wrong:
        return Check("Packages", "ok", f"all {len(wanted)} are there")
    detail = f"not as needed: {', '.join(wrong)}"
    return Check("Packages", "problem", detail, "Run “make run” again, or install Mien anew.")


def requirements() -> list[str]:
    """Return Mien's own requirements: from pyproject.toml in a checkout, else from the installed metadata."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        listed: list[str] = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
        return listed
    return [line for line in importlib.metadata.requires("mien") or [] if "extra ==" not in line]


def _fault(line: str) -> str | None:
    """Return a requirement that is not met, with the version that is there; None if it is met."""
    from packaging.requirements import Requirement

    requirement = Requirement(line)
    if requirement.marker and not requirement.marker.evaluate():
        return None
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} – ({requirement.specifier})"
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return f"{requirement.name} {version} ({requirement.specifier})"


def opengl() -> Check:
    from app.engine.rendering.gl import make_context

    try:
        context = make_context()
    except Exception as error:  # glcontext raises bare Exceptions
        return Check(
            "OpenGL",
            "absent",
            f"no context ({error}); previews are drawn by the processor",
            "On Debian: apt install libegl1 libgl1-mesa-dri. Elsewhere update the graphics driver.",
        )
    renderer, version = context.info["GL_RENDERER"], context.version_code
    context.release()
    return Check("OpenGL", "ok", f"{version // 100}.{version % 100 // 10}, {renderer}")


def networks() -> Check:
    if not has_torch():
        return Check(
            "Networks",
            "absent",
            "this is Mien Light: it edits, frontalises, drives and records with mesh-warp",
            "Install the full Mien for HeadGAN, personal models, latent directions and training.",
        )
    return Check("Networks", "ok", f"torch {importlib.metadata.version('torch')}")


def graphics_card() -> Check:
    if not has_torch():
        return Check("Graphics card", "ok", "for previews only; nothing else here uses one")
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Check("Graphics card", "ok", f"CUDA, {torch.cuda.get_device_name()}, {memory:.0f} GB")
    if torch.backends.mps.is_available():
        return Check("Graphics card", "ok", "Apple GPU (MPS)")
    if not (NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi")):
        return Check("Graphics card", "ok", "none that networks can use; the processor does their work")
    if torch.version.cuda is None:
        fix = "Install Mien's CUDA variant: this one's torch computes on the processor only."
    else:
        fix = f"Update the NVIDIA driver: this torch needs one for CUDA {torch.version.cuda}."
    return Check("Graphics card", "problem", "an NVIDIA card is there but is not used", fix)


def camera_names(names: Sequence[str] | None = None) -> Check:
    if names is None and not sys.platform.startswith("linux"):
        return Check("Cameras", "ok", "listed in the window's Live workspace")
    found = linux_cameras() if names is None else tuple(names)
    if found:
        return Check("Cameras", "ok", ", ".join(found))
    return Check("Cameras", "absent", "no camera", "Plug one in, or drive portraits from a clip.")


def linux_cameras(devices: Path = VIDEO_DEVICES) -> tuple[str, ...]:
    """Return the names of the cameras in the kernel's list; no device is opened."""
    if not devices.is_dir():
        return ()
    # A camera has several nodes; the first, index 0, is the one that gives pictures.
    nodes = [node for node in sorted(devices.iterdir()) if _content(node / "index") in ("0", "")]
    return tuple(dict.fromkeys(name for node in nodes if (name := _content(node / "name"))))


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def microphone() -> Check:
    names = microphones()
    if names:
        return Check(
            "Microphone", "ok", names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        )
    fix = "Plug one in; on Linux also: apt install libportaudio2. Recordings are silent without."
    return Check("Microphone", "absent", "no microphone", fix)


def virtual_camera() -> Check:
    try:
        importlib.metadata.version("pyvirtualcam")
    except importlib.metadata.PackageNotFoundError:
        frozen = getattr(sys, "frozen", False)  # pyvirtualcam's licence (GPL) keeps it out of the packages
        fix = "Set Mien up with pip instead of the package, then: pip install pyvirtualcam"
        return Check(
            "Virtual camera", "absent", "no pyvirtualcam", fix if frozen else "pip install pyvirtualcam"
        )
    if not sys.platform.startswith("linux"):
        return Check("Virtual camera", "ok", "pyvirtualcam is there; it needs OBS Studio's virtual camera")
    loopbacks = [path.name for path in Path("/sys/devices/virtual/video4linux").glob("video*")]
    if loopbacks:
        return Check("Virtual camera", "ok", ", ".join(f"/dev/{name}" for name in sorted(loopbacks)))
    fix = "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1"
    return Check("Virtual camera", "absent", "no loopback device", fix)


def ffmpeg() -> Check:
    ran = subprocess.run([executable(), "-version"], capture_output=True, text=True, check=False, timeout=30)
    words = ran.stdout.split()
    if ran.returncode == 0 and words[:2] == ["ffmpeg", "version"]:
        return Check("ffmpeg", "ok", words[2])
    return Check("ffmpeg", "problem", "does not run", "Install the package imageio-ffmpeg again.")


def disk() -> Check:
    folder = data_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 2**30:.0f} GB free for {folder}"
    if free >= FREE_BYTES:
        return Check("Disk", "ok", detail)
    return Check("Disk", "problem", detail, "Free some space: recordings and models need it.")


def models() -> Check:
    names = [model.name for model in installed()]
    if names:
        return Check("Models", "ok", ", ".join(names))
    fix = "The mesh warp needs none; add a network's checkpoint with “mien models import FILE”."
    return Check("Models", "absent", "no network weights", fix)

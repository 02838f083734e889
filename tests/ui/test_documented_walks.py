"""Follows the two walks of ARCHITECTURE.md in the real window: calls pass every stop, and nothing lies
between.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.engine.sample import sample_path
from app.engine.sources.camera import CameraSource
from app.main import make_engine
from app.session.session import Session
from app.ui.main_window import MainWindow
from app.ui.panels.binding import RowBinding
from tests.test_architecture import WALKS
from tests.ui.conftest import ready_to_close, settings_of_a_new_home

ROOT = Path(__file__).parents[2]
WAIT = 120_000  # milliseconds
INSIDE = {  # functions that the text names inside a stop, and their files
    "resolve": "app/engine/face/semantic.py",
    "composite": "app/engine/portraits.py",  # the file that calls it by this name
    "MeshWarp.generate": "app/engine/generators/mesh_warp.py",
    "Recorder.write": "app/engine/film/recorder.py",
    "Performer.step": "app/engine/driving/live.py",
    "Driver.drive": "app/engine/driving/driver.py",
    "Retargeter.retarget": "app/engine/face/retargeting.py",
}
THREADS_BETWEEN = {
    ("Jobs.run", "Worker.run"),
    ("Portraits.render", "CanvasLink._on_rendered"),
    ("Worker._advance", "Jobs._on_stepped"),
}
# (file, function), outermost first: the calls of `app` that led to a call, and itself.
Call = list[tuple[str, str]]


def calls_on_the_stack() -> Call:
    found, frame = [], sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT / "app"):
            found.append((path.relative_to(ROOT).as_posix(), frame.f_code.co_qualname))
        frame = frame.f_back
    return found[::-1]


def owner_of(file: str, name: str) -> tuple[Any, str]:
    """Return the class or module that contains a function, and the function's own name."""
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    holder, _, last = name.rpartition(".")
    return (getattr(module, holder) if holder else module), last


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Call]]:
    """Return every call of the stops, and of what the text names inside them, by the function's name."""
    seen: dict[str, list[Call]] = {}

    def watch(file: str, name: str) -> None:
        owner, last = owner_of(file, name)
        real = getattr(owner, last)
        seen[name] = []

        # Neither functools.wraps nor *args: Qt finds how many arguments a slot takes by its signature.
        def watched(*args: Any, **kwargs: Any) -> Any:
            seen[name].append([*calls_on_the_stack(), (file, name)])
            return real(*args, **kwargs)

        watched.__dict__.update(real.__dict__)
        watched.__name__, watched.__qualname__ = last, name
        watched.__signature__ = inspect.signature(real)  # type: ignore[attr-defined]
        monkeypatch.setattr(owner, last, watched)

    for stops in WALKS.values():
        for _, file, name in stops:
            if name not in seen:
                watch(file, name)
    for name, file in INSIDE.items():
        watch(file, name)
    return seen


@pytest.fixture
def window(
    calls: dict[str, list[Call]], qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """Yield the window over the real engine, with the sample open; what is called is watched."""
    settings = settings_of_a_new_home(tmp_path, monkeypatch)
    window = MainWindow(Session(make_engine), settings)
    window.session.crashed.connect(pytest.fail)
    qtbot.addWidget(window, before_close_func=ready_to_close)
    window.resize(1280, 720)
    window.show()
    with qtbot.waitSignal(window.session.portrait_opened, timeout=WAIT):
        window.start(sample_path())
    qtbot.waitUntil(lambda: window.session.scheduler.is_idle, timeout=WAIT)
    yield window
    ready_to_close(window)
    window.close()


def check_walk(title: str, calls: dict[str, list[Call]]) -> None:
    """Check that calls pass each stop, that each stop calls the next (except across threads), and that
    nothing lies between.
    """
    stops = [(file, name) for _, file, name in WALKS[title]]
    files = {file for file, _ in stops}
    for file, name in stops:
        assert calls[name], f"{name} is never come by"
        if (file, name) != stops[0] or title == "A webcam frame":  # a slider's widgets call its first stop
            assert any({f for f, _ in call} <= files for call in calls[name]), (name, calls[name][0])
    ways = [[call for call in way if call in stops] for _, name in stops for way in calls[name]]
    steps = {frozenset(pair) for way in ways for pair in pairwise(way)}
    for one, other in pairwise(stops):
        if (one[1], other[1]) not in THREADS_BETWEEN:
            assert frozenset((one, other)) in steps, f"nothing leads from {one[1]} to {other[1]}"
    for number, stop in enumerate(stops, 1):
        line = re.search(rf"^{number}\. .*?(?=^\d\. |^$)", texts()[title], re.MULTILINE | re.DOTALL)
        assert line
        for inside in set(re.findall(r"`([\w.]+)`", line[0])) & INSIDE.keys():
            assert any(stop in call for call in calls[inside]), f"{stop[1]} does not call {inside}"


def texts() -> dict[str, str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return {title: text.partition(f"## {title}")[2].partition("## ")[0] for title in WALKS}


def test_the_text_names_what_is_watched() -> None:
    named = {name for text in texts().values() for name in re.findall(r"`([\w.]+)`", text)}
    assert INSIDE.keys() <= named


def test_a_sliders_value(window: MainWindow, calls: dict[str, list[Call]], qtbot: QtBot) -> None:
    for found in calls.values():
        found.clear()
    binding = next(b for b in window.findChildren(RowBinding) if b.row.control.name == "smile")
    with qtbot.waitSignal(window.session.rendered, timeout=WAIT):
        binding.row.edited.emit(0.6)
    check_walk("A slider's value", calls)


class Webcam:
    """Behaves like cv2.VideoCapture and shows the sample's person again and again."""

    def __init__(self) -> None:
        with Image.open(sample_path()) as photo:
            pixels = np.asarray(photo.convert("RGB").resize((480, 480)))
        self._picture = np.ascontiguousarray(np.pad(pixels, ((0, 0), (80, 80), (0, 0)))[..., ::-1])

    def isOpened(self) -> bool:
        return True

    def set(self, setting: int, value: float) -> bool:
        return True

    def get(self, setting: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.03)
        return True, self._picture

    def release(self) -> None: ...


def test_a_webcam_frame(
    window: MainWindow, calls: dict[str, list[Call]], qtbot: QtBot, tmp_path: Path
) -> None:
    for found in calls.values():
        found.clear()
    live = window.live_space.live
    live._start(lambda: CameraSource(0, "Desk", opener=lambda _: Webcam()))
    with qtbot.waitSignal(live.stepped, timeout=WAIT):
        pass
    live.record(tmp_path / "film.mp4")
    qtbot.waitUntil(lambda: bool(calls["Recorder.write"]), timeout=WAIT)
    with qtbot.waitSignal(live.stopped, timeout=WAIT):
        live.stop()
    check_walk("A webcam frame", calls)

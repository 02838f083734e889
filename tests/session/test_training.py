"""The session watches a training run, which is a real process on a toy recipe."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.engine.errors import EngineError
from app.session.training import Order, RunStep, State, Training, sample_path

TINY = [sys.executable, "-m", "tests.session.tiny_training"]
WAIT = 120_000  # milliseconds


@pytest.fixture
def training(qtbot: QtBot):
    training = Training(command=TINY)
    yield training
    training.shut_down()


def order(what: str = "toy", seconds: float = 60.0) -> Order:
    return Order(("train", what), "toy", seconds / 60)


def steps_of(home: Path) -> list[int]:
    lines = (home / "training" / "toy" / "curves.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["step"] for line in lines]


def test_a_run_is_reported_paused_resumed_and_finished(training, qtbot, own_home):
    heard: list[RunStep] = []
    training.stepped.connect(heard.append)
    assert not own_home.joinpath("training").exists()
    picture = sample_path("toy")  # a run's first picture may come before it makes its own folder
    assert picture.parent.is_dir()
    training.start(order(), picture)
    qtbot.waitUntil(lambda: any("loss" in step.losses for step in heard), timeout=WAIT)
    assert training.state == State.RUNNING and heard[-1].total == 60
    qtbot.waitUntil(lambda: any(step.picture for step in heard), timeout=WAIT)
    assert (own_home / "training" / "toy-samples.png").is_file()
    training.pause()
    qtbot.waitUntil(lambda: training.state == State.PAUSED, timeout=WAIT)
    before = steps_of(own_home)
    assert (own_home / "training" / "toy" / "checkpoint.pt").is_file()
    training.order = Order(
        ("train", "toy"), "toy", training._seconds / 60 + 0.02
    )  # a little over a second is left
    with qtbot.waitSignal(training.finished, timeout=WAIT) as done:
        training.resume()
    assert training.state == State.DONE and done.args[0]["engine"] == "head2head-toy"
    after = steps_of(own_home)
    assert after == list(range(1, after[-1] + 1)) and after[: len(before)] == before, (
        "no step lost or doubled"
    )
    assert after[-1] > before[-1]


def test_a_stopped_run_keeps_its_checkpoint(training, qtbot, own_home):
    with qtbot.waitSignal(training.stepped, timeout=WAIT):
        training.start(order())
    training.stop()
    qtbot.waitUntil(lambda: training.state == State.STOPPED, timeout=WAIT)
    assert (own_home / "training" / "toy" / "checkpoint.pt").is_file()


def test_an_error_is_reported_with_its_remedy(training, qtbot):
    with qtbot.waitSignal(training.failed, timeout=WAIT) as failed:
        training.start(order("bad"))
    error = failed.args[0]
    assert isinstance(error, EngineError) and training.state == State.FAILED
    assert error.message == "clip.mp4 has a cut at frame 12." and error.remedy.startswith("Cut the clip")


def test_a_crash_is_sent_too(training, qtbot):
    with qtbot.waitSignal(training.failed, timeout=WAIT) as failed:
        training.start(order("crash"))
    assert "a fault" in failed.args[0].message and "again" in failed.args[0].remedy


def test_a_program_that_is_not_there_is_reported(qtbot):
    training = Training(command=["/nowhere/mien"])
    with qtbot.waitSignal(training.failed, timeout=WAIT):
        training.start(order())
    assert training.state == State.FAILED and not training.active


def test_a_window_that_closes_takes_its_run_along(training, qtbot, own_home):
    with qtbot.waitSignal(training.stepped, timeout=WAIT):
        training.start(order())
    training.shut_down()
    assert not training.active
    assert (own_home / "training" / "toy" / "checkpoint.pt").is_file()
    kept = len(steps_of(own_home))
    time.sleep(0.3)
    assert len(steps_of(own_home)) == kept, "nothing goes on training"


SPLIT = """
import sys, time
line = '{"error": {"message": "M\u00fcller.mp4 has a cut.", "remedy": "K\u00fcrze den Clip."}}\\n'.encode()
for k in range(len(line)):
    sys.stdout.buffer.write(line[k : k + 1])
    sys.stdout.buffer.flush()
    time.sleep(0.01)
sys.exit(1)
"""


def test_a_letter_cut_between_two_pieces_of_output_stays_whole(qtbot: QtBot) -> None:
    training = Training(command=[sys.executable, "-c", SPLIT])
    with qtbot.waitSignal(training.failed, timeout=WAIT) as failed:
        training.start(order(), None)
    assert failed.args[0].message == "M\u00fcller.mp4 has a cut."
    assert failed.args[0].remedy == "K\u00fcrze den Clip."
    training.shut_down()

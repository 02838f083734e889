"""The training loop resumes exactly, keeps its time budget, runs in two processes and draws curves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from app.engine.errors import EngineError
from app.engine.training.curves import curve_picture, read_curves, smoothed
from app.engine.training.loop import CHECKPOINT, Plan, Stepper, draw_batch, train
from tests.engine.training.toy import Toy

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[3]


def run(folder: Path, steps: int, noise: float = 0.0, **changes) -> Toy:
    recipe = Toy(noise)
    for _ in train(recipe, Plan(folder, 1, steps=steps, **changes), CPU):
        pass
    return recipe


def losses(folder: Path) -> list[tuple[float, float, float]]:
    return [(line["step"], line["loss"], line["other"]) for line in read_curves(folder)]


def test_losses_fall_and_are_kept(tmp_path):
    run(tmp_path, 150)
    curve = losses(tmp_path)
    assert [c[0] for c in curve] == list(range(1, 151))
    assert np.mean([c[1] for c in curve[-20:]]) < 0.5 * np.mean([c[1] for c in curve[:20]])


def test_a_resumed_run_equals_an_unbroken_one(tmp_path):
    whole = run(tmp_path / "whole", 30, noise=0.3)
    run(tmp_path / "parts", 11, noise=0.3)
    torch.manual_seed(99)
    parts = run(tmp_path / "parts", 30, noise=0.3)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert torch.equal(parts.net.weight, whole.net.weight)
    assert torch.equal(parts.state["average"], whole.state["average"])


def test_a_killed_run_comes_back_to_the_same_curve(tmp_path):
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.engine.training.toy", str(folder), "100000", "0.3"]
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 60
    while not (folder / CHECKPOINT).is_file() or len(read_curves(folder)) < 60:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    reached = int(read_curves(folder)[-1]["step"])
    run(folder, reached + 5, noise=0.3)
    run(tmp_path / "whole", reached + 5, noise=0.3)
    assert losses(folder) == losses(tmp_path / "whole")


def test_closing_keeps_the_step_in_hand(tmp_path):
    steps = train(Toy(), Plan(tmp_path, 1), CPU)
    for _ in range(7):
        last = next(steps)
    steps.close()
    assert last.step == 7
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 7


def test_time_is_a_budget(tmp_path):
    *_, last = train(Toy(), Plan(tmp_path, 0.3 / 60), CPU)
    assert last.step > 0 and last.budget_seconds == pytest.approx(0.3)
    again = next(train(Toy(), Plan(tmp_path, 0.3 / 60), CPU))
    assert again.step == last.step + 1 and again.total_seconds > last.seconds


def test_another_recipe_does_not_continue_this_folder(tmp_path):
    run(tmp_path, 2)
    with pytest.raises(EngineError, match="other settings"):
        run(tmp_path, 4, noise=0.5)


def test_a_broken_step_leaves_the_last_checkpoint(tmp_path):
    run(tmp_path, 3)
    recipe = Toy()
    recipe.step = lambda batch, stepper: {"loss": torch.tensor(float("nan"))}
    with pytest.raises(EngineError, match="not a number") as caught:
        list(train(recipe, Plan(tmp_path, 1, steps=9), CPU))
    assert "another name" in caught.value.remedy  # `-o`; no option sets the learning rate
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 3


def test_processes_share_the_batch_that_one_would_see():
    plan = Plan(Path(), 1, batch=4)
    whole = draw_batch(Toy(), plan, 5)["x"]
    halves = [draw_batch(Toy(), plan, 5, rank, 2)["x"] for rank in (0, 1)]
    assert torch.equal(torch.cat(halves), whole)
    with pytest.raises(EngineError, match="cannot be shared"):
        draw_batch(Toy(), plan, 5, 0, 3)


def test_two_processes_equal_one(tmp_path):
    assert torchrun("-m", "tests.engine.training.toy", str(tmp_path / "two"), "6", "0").returncode == 0
    one = run(tmp_path / "one", 6)
    two = torch.load(tmp_path / "two" / CHECKPOINT, weights_only=True)
    assert torch.allclose(two["networks"]["net"]["weight"], one.net.weight, atol=1e-6)
    assert torch.allclose(two["networks"]["other"]["weight"], one.other.weight, atol=1e-6)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-5)


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_two_processes_go_on_from_the_first_one_s_checkpoint(tmp_path):
    """The second process gets the state from the first, because it has no file when on another machine."""
    for steps in ("3", "6"):
        assert torchrun("-m", "tests.engine.training.toy", str(tmp_path / "two"), steps, "0").returncode == 0
    run(tmp_path / "one", 6)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-5)


def test_a_failure_after_the_training_is_the_exit_status(tmp_path):
    answer = torchrun("-m", "tests.engine.training.toy", str(tmp_path / "two"), "2", "0", "fail")
    assert answer.returncode != 0 and "after the training" in answer.stderr
    assert torch.load(tmp_path / "two" / CHECKPOINT, weights_only=True)["step"] == 2


def test_gradients_are_averaged_by_ddp_also_where_a_loss_misses_parameters(tmp_path):
    assert torchrun("-m", "tests.engine.training.shared_gradients").returncode == 0


def test_update_leaves_other_networks_alone():
    toy = Toy()
    other = toy.other.weight.detach().clone()
    Stepper(CPU).update(toy.optimisers["net"], toy.other(toy.net(torch.ones(1, 4))).sum())
    assert torch.equal(toy.other.weight, other) and toy.other.weight.grad is None


def test_curve_picture_shows_each_curve():
    lines = [{"step": i + 1, "seconds": i, "a": 1 / (i + 1), "b": float(i)} for i in range(50)]
    picture = curve_picture(lines)
    assert picture.shape == (540, 900, 3)
    for colour in ((31, 119, 180), (255, 127, 14)):
        assert (picture == colour).all(axis=2).sum() > 200
    assert smoothed([1, 2, 3, 4], 2).tolist() == [1, 1.5, 2.5, 3.5]

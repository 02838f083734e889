"""Personal models' recipes run under torchrun, and so does the command that trains them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.engine.training.curves import read_curves
from app.engine.training.loop import CHECKPOINT
from app.engine.training.personal.recipe import FOOTAGE
from tests.engine.training.personal_run import run
from tests.engine.training.test_personal_training import footage

ROOT = Path(__file__).parents[3]
TWO = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.mark.parametrize("what", ["head2head", "fs"])
def test_two_processes_make_the_step_of_one_on_the_joined_batch(what, tmp_path):
    command = [*TWO, "-m", "tests.engine.training.personal_run", what, str(tmp_path / "two"), "1"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    run(what, tmp_path / "one", 1)
    one, two = (torch.load(tmp_path / k / CHECKPOINT, weights_only=True) for k in ("one", "two"))
    for key in ("generator", "frames", "dynamics0"):
        # Adam's first moment after one step is half the gradient; the weights themselves only know its sign.
        a, b = (
            torch.cat([state["exp_avg"].flatten() for state in run["optimisers"][key]["state"].values()])
            for run in (one, two)
        )
        assert (a - b).norm() <= 1e-3 * a.norm(), key
    a, b = read_curves(tmp_path / "one")[0], read_curves(tmp_path / "two")[0]
    for name in a.keys() - {"seconds"}:
        assert a[name] == pytest.approx(b[name], rel=1e-4), name


def test_the_command_trains_and_keeps_one_model_under_torchrun(tmp_path):
    """A batch of one is enlarged until two processes can share it; only the first process prepares and keeps."""
    home = tmp_path / "home"
    (home / "training" / "me").mkdir(parents=True)
    footage(name="me.mp4", size=64).save(home / "training" / "me" / FOOTAGE)
    words = ["train", "head2head", str(tmp_path / "me.mp4"), "--size", "64", "--minutes", "0.05", "-o", "me"]
    environment = {**os.environ, "MIEN_HOME": str(home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*TWO, "-m", "app", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Trained “me”") == 1
    assert len(list((home / "models").rglob("*.safetensors"))) == 1
    assert (home / "training" / "me" / "portrait.png").is_file()

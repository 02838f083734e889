"""`mien bench network` on a small picture: both ways of running, measured in turn."""

from __future__ import annotations

import numpy as np
import pytest

from app.commands import bench_network
from app.engine.device import CPU
from app.engine.networks import headgan


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(bench_network, "SIZE", 32)
    monkeypatch.setattr(headgan.HeadGanConfig.__init__, "__defaults__", (4, 8, True, True))


def test_the_report_has_both_and_their_ratio():
    report = bench_network.network_report(3)
    assert report["size"] == 32 and report["device"] == "CPU float32" and report["repeats"] == 3
    assert report["plain"]["p50"] > 0 and report["fused"]["p50"] > 0
    assert report["plain over fused"] == pytest.approx(
        report["plain"]["p50"] / report["fused"]["p50"], rel=0.1
    )


def test_both_give_a_picture_of_the_conditions():
    nmfc = np.random.default_rng(0).random((1, 9, 32, 32), np.float32)
    plain, fused = (make(CPU)(nmfc) for make in (bench_network.plain, bench_network.fused))
    assert plain.shape == (1, 3, 32, 32) and fused.shape == (1, 5, 32, 32)
    assert np.isfinite(plain).all() and np.isfinite(fused).all()
    assert not np.array_equal(bench_network.fused(CPU)(0 * nmfc), fused)

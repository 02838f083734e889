"""Gives tests clips made by ffmpeg, and performances made by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.sound import ffmpeg
from app.engine.sources.performance import Performance
from tests.engine.live_portrait import whole

__all__ = ["clip", "make_performance", "performance", "whole"]

MakeClip = Callable[..., Path]


@pytest.fixture
def clip(tmp_path: Path) -> MakeClip:
    """Return a function clip(name, *ffmpeg arguments, rate=, seconds=, size=, sound=): it gives a test
    pattern's path.
    """

    def make(
        name: str,
        *extra: str,
        rate: str = "25",
        seconds: float = 0.4,
        size: str = "64x48",
        sound: bool = False,
    ) -> Path:
        path = tmp_path / name
        inputs = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}:d={seconds}"]
        inputs += ["-f", "lavfi", "-i", f"sine=d={seconds}"] if sound else []
        done = ffmpeg.run(["-y", *inputs, "-pix_fmt", "yuv420p", *extra, ffmpeg.local(path)])
        assert done.returncode == 0, done.stderr.decode()
        return path

    return make


def make_performance(count: int = 50, rate: Fraction = Fraction(25), seed: int = 3) -> Performance:
    """Return a smooth random performance of a face of 60 px between the eyes."""
    random = np.random.default_rng(seed)
    curves = np.cumsum(random.normal(0, 0.08, (count, 28)), axis=0)
    angles = np.cumsum(random.normal(0, 0.6, (count, 3)), axis=0)
    params = [
        FaceParams(
            Identity((0.5, -1.25, 0.75)),
            Expression(tuple(curve.tolist()), (float(turn[0]), float(turn[1])), (0.25, 0.24)),
            Camera.from_angles(*turn, 60 + 0.05 * k, (160 + 0.3 * k, 120)),
        )
        for k, (curve, turn) in enumerate(zip(curves, angles))
    ]
    times = [float(k / rate) for k in range(count)]
    return Performance.of(params, times, neutral=params[0], rate=rate, size=(320, 240), source="made by hand")


@pytest.fixture
def performance() -> Performance:
    return make_performance()

"""The measuring scripts run with short settings, and print what they promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.sources.video import VideoSource
from tools.av_sync import av_offsets, record
from tools.soak import soak


def test_av_sync_at_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "av.mp4"
    record(path, 60, drift=3e-4)
    offsets = av_offsets(path)
    assert len(offsets) >= 57
    start, end = offsets[:25], offsets[-25:]
    assert abs(sum(start) / 25) < 0.020 and abs(sum(end) / 25) < 0.020


def test_a_short_soak_records_without_growing_queues(tmp_path: Path) -> None:
    path = tmp_path / "soak.mp4"
    report = soak(0.05, 256, path)
    assert report["frames"] + report["dropped"] == pytest.approx(90, abs=6)
    assert report["recorder_queue_max"] < 200 and report["memory_end_mb"] > 50
    source = VideoSource(path)
    times = []
    while (frame := source.take(1)) is not None:
        times.append(frame.time)
    source.close()
    assert source.has_sound and times[-1] == pytest.approx(3.0, abs=0.4)

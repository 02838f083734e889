"""Generators that listen get a clip's sound in constant memory, and a microphone's as it is heard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.sound import hearing
from app.engine.sound.features import audio_features
from app.engine.sound.hearing import SOUND_RATE, Ear, clip_features

CLIP = Path("clip.mp4")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    """Make a clip's sound these samples, given a second at a time; count how many are kept."""

    def give(samples: NDArray[np.float32]) -> None:
        def blocks(path: Path, rate: int) -> Iterator[NDArray[np.float32]]:
            assert rate == SOUND_RATE
            for start in range(0, len(samples), rate):
                yield samples[start : start + rate]

        monkeypatch.setattr(hearing, "clip_sound", blocks)

    return give


def voice(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    noise = np.random.default_rng(seed).normal(0, 0.1, len(times))
    return (0.02 + np.sin(900 * times * (1 + 0.3 * np.sin(5 * times))) * 0.3 + noise).astype(np.float32)


@pytest.mark.parametrize("fps", [25.0, 30000 / 1001, 12.0])
@pytest.mark.parametrize("chunk", [50, 7])
def test_features_in_pieces_are_those_of_the_whole(given, monkeypatch, fps: float, chunk: int) -> None:
    sound = voice(3.3)
    given(sound)
    monkeypatch.setattr(hearing, "CHUNK", chunk)
    pieces = np.stack(list(clip_features(CLIP, fps)))
    whole = audio_features(sound, SOUND_RATE, fps, len(pieces))
    assert abs(len(pieces) - 3.3 * fps) < 2
    np.testing.assert_allclose(pieces, whole, atol=1e-5)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (200, 1), (8000, 13)])
def test_short_tracks(given, samples: int, frames: int) -> None:
    given(voice(1)[:samples])
    assert len(list(clip_features(CLIP, 25.0))) == frames


def test_memory_does_not_grow_with_the_sound(given) -> None:
    import tracemalloc

    def peak(seconds: float) -> int:
        given(voice(seconds))
        tracemalloc.start()
        for _ in clip_features(CLIP, 25.0):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(16) < 1.2 * peak(8)


def test_an_ear_remembers_the_newest_moments_and_their_times() -> None:
    ear, rate = Ear(48000), 48000
    assert ear.features() is None and len(ear.latest(1)[0]) == 0
    ramp = np.linspace(0, 1, 4 * rate, dtype=np.float32)[:, None]
    for start in range(0, len(ramp), 480):
        ear.add(ramp[start : start + 480], 100 + start / rate)
    samples, begin = ear.latest(0.5)
    assert len(samples) == rate // 2 and samples[-1] == ramp[-1]
    assert begin == pytest.approx(103.5, abs=0.002)
    assert len(ear.latest(60)[0]) <= (hearing.KEPT + 0.02) * rate


def test_an_ear_hears_what_a_clip_would_say(given) -> None:
    sound = voice(2)
    sound -= sound.mean()
    ear = Ear(SOUND_RATE)
    for start in range(0, len(sound), 160):
        ear.add(sound[start : start + 160, None], start / SOUND_RATE)
    heard = np.array(ear.features())
    given(sound)
    of_the_clip = np.stack(list(clip_features(CLIP, 25.0)))
    nearest = np.abs(of_the_clip[:, :42] - heard[:42]).mean(axis=1)
    assert heard.shape == (300,) and 40 <= nearest.argmin() <= 43  # this is the last whole window

"""HeadGAN's audio features agree with a plain loop written from the definitions, and with known sounds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from app.engine.sound.features import (
    N_FEATURES,
    audio_features,
    character_codes,
    filter_bank,
    low_level,
    mono,
    no_speech,
    short_term,
    silence,
)

RATE, FPS = 8000, 25.0  # samples and frames a second
LENGTH, STEP = 160, 20  # samples of a window and between two windows


def noise(seconds: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(size=int(seconds * RATE))


def entropy(values: list[float]) -> float:
    total = sum(v * v for v in values) + 1e-8
    size = len(values) // 10
    shares = [sum(v * v for v in values[k * size : (k + 1) * size]) / total for k in range(10)]
    return -sum(s * math.log2(s + 1e-8) for s in shares)


def spectrum_of(frame: np.ndarray) -> list[float]:
    n, half = len(frame), len(frame) // 2
    angle = -2j * np.pi * np.outer(np.arange(half), np.arange(n)) / n
    return [float(v) / half for v in np.abs(np.exp(angle) @ frame)]


def slow_features(frame: np.ndarray, before: list[float]) -> tuple[list[float], list[float]]:
    """Return nine of the 21 features of one window, each from its definition; also the window's spectrum."""
    values = [float(v) for v in frame]
    spectrum = spectrum_of(frame)
    changes = sum(abs(np.sign(b) - np.sign(a)) for a, b in itertools.pairwise(values)) / 2
    hertz = [(k + 1) * RATE / (2 * len(spectrum)) for k in range(len(spectrum))]
    weights = [s / max(spectrum) for s in spectrum]
    centre = sum(h * w for h, w in zip(hertz, weights)) / (sum(weights) + 1e-8)
    spread = math.sqrt(sum(w * (h - centre) ** 2 for h, w in zip(hertz, weights)) / (sum(weights) + 1e-8))
    before = before or spectrum
    flux = sum((a / sum(spectrum) - b / sum(before)) ** 2 for a, b in zip(spectrum, before))
    power, reached, roll = sum(s * s for s in spectrum), 0.0, 0
    while reached + 1e-8 <= 0.9 * power:
        reached += spectrum[roll] ** 2
        roll += 1
    features = [
        changes / (len(values) - 1),
        sum(v * v for v in values) / len(values),
        entropy(values),
        centre / (RATE / 2),
        spread / (RATE / 2),
        entropy(spectrum),
        flux,
        (roll - 1) / len(spectrum),
    ]
    return features, spectrum


def test_short_term_features_equal_their_definitions():
    signal = mono(noise(0.2))
    fast = short_term(signal, RATE, FPS)
    before: list[float] = []
    for k in range(6):
        wanted, before = slow_features(signal[k * STEP : k * STEP + LENGTH], before)
        np.testing.assert_allclose(fast[k, :8], wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(fast[1:, 21:], fast[1:, :21] - fast[:-1, :21])
    assert not fast[0, 21:].any()


def test_cepstral_features_are_the_cosine_transform_of_log_bands():
    signal = mono(noise(0.2))
    fast = short_term(signal, RATE, FPS)
    bank = filter_bank(RATE, LENGTH // 2)
    bands = [math.log10(float(row @ spectrum_of(signal[:LENGTH])) + 1e-8) for row in bank]
    for k in range(13):
        scale = math.sqrt((1 if k == 0 else 2) / 40)
        wanted = scale * sum(b * math.cos(math.pi * k * (2 * j + 1) / 80) for j, b in enumerate(bands))
        assert fast[0, 8 + k] == pytest.approx(wanted, rel=1e-6, abs=1e-8)


def test_a_higher_tone_has_a_higher_centroid_and_more_crossings():
    time = np.arange(RATE) / RATE
    low, high = (short_term(mono(np.sin(2 * np.pi * f * time)), RATE, FPS)[5] for f in (300, 1500))
    assert high[0] == pytest.approx(2 * 1500 / RATE, rel=0.05)
    assert low[0] < high[0] and low[3] < high[3]
    assert high[3] == pytest.approx(1500 / (RATE / 2), rel=0.3)


def test_frame_vector_is_mean_and_deviation_of_the_half_second_that_starts_there():
    signal = mono(noise(1.0))
    short = short_term(signal, RATE, FPS)
    low = low_level(signal, RATE, FPS)
    part = short[3 * 16 : 3 * 16 + 128]
    np.testing.assert_allclose(low[3, :42], part.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(low[3, 42:], part.std(axis=0), rtol=1e-4, atol=1e-6)


def test_layout_and_length():
    for frames in (10, 25, 40):  # with fewer frames the rest is cut off, with more the last one repeats
        features = audio_features(noise(1.0), RATE, FPS, frames)
        assert features.shape == (frames, N_FEATURES) and N_FEATURES == 300
        assert np.isfinite(features).all()
    np.testing.assert_array_equal(features[-1], features[-2])
    np.testing.assert_array_equal(features[0, 84:], no_speech())


def test_no_speech_is_class_26_everywhere():
    assert np.flatnonzero(no_speech()).tolist() == [26 + 27 * k for k in range(8)]
    assert silence().shape == (1, 300) and np.isfinite(silence()).all()


def test_letters_are_four_before_to_three_after():
    codes = character_codes(np.arange(12), 12).reshape(12, 8, 27)
    assert codes[5].argmax(axis=1).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert codes[0].argmax(axis=1).tolist() == [0, 0, 0, 0, 0, 1, 2, 3]


def test_stereo_is_averaged_and_loudness_does_not_matter():
    signal = np.round(8000 * np.sin(np.arange(4000) / 7)).astype(np.int16)
    stereo = np.stack([signal, signal], axis=1)
    np.testing.assert_allclose(low_level(stereo, RATE, FPS), low_level(signal, RATE, FPS), rtol=1e-5)
    quiet = (signal // 2 * 2).astype(np.int16)
    np.testing.assert_allclose(
        low_level(quiet, RATE, FPS), low_level((quiet // 2).astype(np.int16), RATE, FPS), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("seconds", [0, 0.001])
def test_almost_no_sound_still_gives_features(seconds):
    assert np.isfinite(audio_features(np.zeros(int(seconds * RATE)), RATE, FPS, 4)).all()

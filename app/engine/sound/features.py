"""Computes HeadGAN's 300 audio features per video frame (section 3.2, in the order of the released code).

They are 84 low-level features (mean and deviation of 42 short-term features over half a second that starts at the
frame), then 8 x 27 one-hot characters (`sound.speech`). Without a speech recogniser the characters are the released
code of "no speech", class 26 eight times. The short-term features are those of pyAudioAnalysis (Giannakopoulos 2015).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, rfft

FloatArray = NDArray[np.float64]

WINDOW_FRAMES = 8  # video frames over which one mean and deviation is taken
STEPS_PER_FRAME = 16  # short-term steps per video frame
N_SHORT = 21  # zero crossings, energy, its entropy, 5 spectral, rolloff, 13 cepstral
N_LOW = 4 * N_SHORT  # means and deviations of the features and of their differences
# Letters a frame, classes (a to z and none), and the class of no letter, as in the released code.
N_LETTERS, N_CLASSES, NO_LETTER = 8, 27, 26
N_FEATURES = N_LOW + N_LETTERS * N_CLASSES
N_BLOCKS = 10  # parts of a frame whose energies give its entropy, as in pyAudioAnalysis
ROLLOFF = 0.9  # share of a frame's energy that lies below its rolloff frequency, as in pyAudioAnalysis
N_CEPSTRAL = 13  # as in pyAudioAnalysis
TINY = 1e-8  # against a division by zero in silence


def no_speech() -> NDArray[np.float32]:
    """Return the characters (216,) of a frame without speech."""
    return np.tile(np.eye(N_CLASSES, dtype=np.float32)[NO_LETTER], N_LETTERS)


def silence() -> NDArray[np.float32]:
    """Return the features (1, 300) of silence, with which a still is driven."""
    quiet = low_level(np.zeros(16000), 16000, 25.0)[:1]
    return np.asarray(np.concatenate([quiet, no_speech()[None]], axis=1), np.float32)


def audio_features(
    samples: NDArray, rate: int, fps: float, frames: int, letters: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Return the features (frames, 300) of a clip's sound.

    samples: (n,) or (n, channels), int16 or floats in [-1, 1]; rate: samples a second; fps: video frames a second;
    letters: (frames,) class of each frame (a to z are 0 to 25, none is 26) from a recogniser, None without one.
    """
    low = low_level(samples, rate, fps)
    missing = frames - len(low)
    low = np.pad(low, ((0, missing), (0, 0)), "edge") if missing > 0 else low[:frames]
    return np.asarray(np.concatenate([low, character_codes(letters, frames)], axis=1), np.float32)


def character_codes(letters: NDArray[np.int64] | None, frames: int) -> NDArray[np.float32]:
    """Return the characters (frames, 216): one-hot letters of the four frames before, the frame and the three after.

    Beyond the clip, the first and the last letter are repeated.
    """
    if letters is None:
        return np.asarray(np.tile(no_speech(), (frames, 1)), np.float32)
    windows = [letter_window(letters, index) for index in range(frames)]
    return np.asarray(windows, np.float32).reshape(frames, -1)


def letter_window(letters: NDArray[np.int64], index: int) -> NDArray[np.float32]:
    """Return the characters (216,) of one frame of letters (frames,)."""
    places = np.clip(index + np.arange(-N_LETTERS // 2, N_LETTERS // 2), 0, len(letters) - 1)
    return np.asarray(np.eye(N_CLASSES)[letters[places]].ravel(), np.float32)


def low_level(samples: NDArray, rate: int, fps: float) -> NDArray[np.float32]:
    """Return (frames, 84): per video frame the means, then the deviations, of 42 short-term features."""
    short = short_term(mono(samples), rate, fps)
    starts = range(0, len(short), STEPS_PER_FRAME)
    windows = [short[s : s + WINDOW_FRAMES * STEPS_PER_FRAME] for s in starts]
    rows = [np.concatenate([w.mean(axis=0), w.std(axis=0)]) for w in windows]
    return np.asarray(rows, np.float32).reshape(-1, N_LOW)


def mono(samples: NDArray) -> FloatArray:
    """Return the mean (n,) of all channels as floats, without offset and with a peak of 1."""
    signal = samples.astype(np.float64)
    if signal.ndim == 2:
        signal = signal.mean(axis=1)
    if np.issubdtype(samples.dtype, np.integer):
        signal = signal / 2**15
    signal = signal - signal.mean() if signal.size else signal
    return np.asarray(signal / (np.abs(signal).max(initial=0.0) + 1e-10))


def short_term(signal: FloatArray, rate: int, fps: float) -> FloatArray:
    """Return (steps, 42): 21 features and their differences from the step before (0 at first)."""
    length = round(rate * WINDOW_FRAMES / (STEPS_PER_FRAME * fps))
    step = round(rate / (STEPS_PER_FRAME * fps))
    if len(signal) < length:
        signal = np.pad(signal, (0, length - len(signal)))
    frames = np.lib.stride_tricks.sliding_window_view(signal, length)[::step]
    half = length // 2
    spectrum = np.abs(rfft(frames, axis=1))[:, :half] / half
    features = np.concatenate(
        [temporal_features(frames), spectral_features(spectrum, rate), cepstral_features(spectrum, rate)],
        axis=1,
    )
    return np.concatenate([features, np.diff(features, axis=0, prepend=features[:1])], axis=1)


def temporal_features(frames: FloatArray) -> FloatArray:
    """Return (steps, 3): zero-crossing rate, energy, entropy of energy."""
    length = frames.shape[1]
    crossings = np.abs(np.diff(np.sign(frames), axis=1)).sum(axis=1) / 2 / (length - 1)
    energy = np.square(frames).sum(axis=1)
    return np.stack([crossings, energy / length, block_entropy(frames)], axis=1)


def spectral_features(spectrum: FloatArray, rate: int) -> FloatArray:
    """Return (steps, 5): centroid, spread, entropy, flux, rolloff of magnitudes (steps, bins)."""
    bins = spectrum.shape[1]
    hertz = np.arange(1, bins + 1) * rate / (2 * bins)
    peak = spectrum.max(axis=1, keepdims=True)
    scaled = spectrum / np.where(peak == 0, TINY, peak)
    total = scaled.sum(axis=1) + TINY
    centroid = scaled @ hertz / total
    spread = np.sqrt((scaled * np.square(hertz - centroid[:, None])).sum(axis=1) / total)
    share = spectrum / (spectrum + TINY).sum(axis=1, keepdims=True)
    flux = np.square(np.diff(share, axis=0, prepend=share[:1])).sum(axis=1)
    power = np.square(spectrum)
    above = np.cumsum(power, axis=1) + TINY > ROLLOFF * power.sum(axis=1, keepdims=True)
    rolloff = np.where(above.any(axis=1), above.argmax(axis=1) / bins, 0.0)
    nyquist = rate / 2
    return np.stack([centroid / nyquist, spread / nyquist, block_entropy(spectrum), flux, rolloff], axis=1)


def cepstral_features(spectrum: FloatArray, rate: int) -> FloatArray:
    """Return (steps, 13): orthonormal DCT of the log10 of 40 triangular bands."""
    bands = spectrum @ filter_bank(rate, spectrum.shape[1]).T
    return np.asarray(dct(np.log10(bands + TINY), type=2, norm="ortho", axis=1)[:, :N_CEPSTRAL])


def block_entropy(values: FloatArray) -> FloatArray:
    """Return (steps,) the entropy, in bits, of the energy's distribution over ten blocks."""
    energy = np.square(values).sum(axis=1)
    size = values.shape[1] // N_BLOCKS
    blocks = np.square(values[:, : size * N_BLOCKS]).reshape(len(values), N_BLOCKS, size).sum(axis=2)
    share = blocks / (energy[:, None] + TINY)
    return np.asarray(-(share * np.log2(share + TINY)).sum(axis=1))


def filter_bank(rate: int, bins: int) -> FloatArray:
    """Return (40, bins) triangular bands of equal area, 13 spaced linearly from 133 Hz, then 27 logarithmically.

    The bins are taken to reach up to the sampling rate instead of half of it. This is a slip of the released features,
    with which the networks were trained.
    """
    linear = 133.33 + np.arange(13) * 200 / 3
    edges = np.concatenate([linear, linear[-1] * 1.0711703 ** np.arange(1, 30)])
    hertz = np.arange(bins) / bins * rate
    bank = np.zeros((len(edges) - 2, bins))
    for row, (low, middle, high) in zip(bank, zip(edges, edges[1:], edges[2:])):
        height = 2 / (high - low)
        first, centre, last = (int(edge * bins / rate) + 1 for edge in (low, middle, high))
        rising, falling = np.s_[first : min(centre, bins)], np.s_[centre : min(last, bins)]
        row[rising] = height / (middle - low) * (hertz[rising] - low)
        row[falling] = height / (high - middle) * (high - hertz[falling])
    return bank

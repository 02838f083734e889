"""Computes audio features for generators that use sound: of clips in constant memory, of microphones as they record."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.sound.audio import SoundClock, clip_sound
from app.engine.sound.features import (
    N_CLASSES,
    STEPS_PER_FRAME,
    WINDOW_FRAMES,
    letter_window,
    no_speech,
    short_term,
)
from app.engine.sound.speech import LiveLetters, Recogniser, letters_by_frame, recogniser, spoken

LISTENING = ("headgan",)  # generators that are conditioned on sound
SOUND_RATE = 16000  # samples a second, of HeadGAN's features and of recognisers
CHUNK = 50  # video frames whose features are computed at once; two seconds, so that Cancel acts soon
LEAD = 2  # steps before a chunk that are computed too: differences of differences (of the flux) need two
KEPT = 2.0  # seconds of a microphone that are kept; HeadGAN's window takes half a second
# Factor on the remembered peak a second later, chosen so that a shout does not make a minute of speech quiet.
FORGET = 0.98
LIVE_RATE = 25.0  # video frames per second for which HeadGAN's features are defined
Float = NDArray[np.float32]


def clip_features(path: Path, fps: float) -> Generator[Float, None, None]:
    """Yield a clip's features (300,) frame by frame, equal to those of `audio_features` for the whole sound.

    The sound is decoded once for its offset and peak, once for its letters where there is a recogniser, and once for
    the features; it is never kept. An empty track yields nothing.
    """
    letters = clip_letters(path, fps)
    for index, low in enumerate(_low_level(path, fps)):
        code = no_speech() if letters is None else letter_window(letters, index)
        yield np.concatenate([low, code])


def clip_letters(path: Path, fps: float) -> NDArray[np.int64] | None:
    """Return (frames,) the class of the letter in each frame of a clip; None without a recogniser or without sound."""
    known = recogniser()
    if known is None:
        return None
    tokens, seconds = spoken(known, clip_sound(path, SOUND_RATE))
    frames = round(fps * seconds)
    return letters_by_frame(tokens, seconds, frames) if frames else None


def _low_level(path: Path, fps: float) -> Generator[Float, None, None]:
    offset, peak = _offset_and_peak(path)
    step = round(SOUND_RATE / (STEPS_PER_FRAME * fps))
    length = round(SOUND_RATE * WINDOW_FRAMES / (STEPS_PER_FRAME * fps))
    span = (STEPS_PER_FRAME * CHUNK + STEPS_PER_FRAME * (WINDOW_FRAMES - 1)) * step + length
    blocks, held, lead = clip_sound(path, SOUND_RATE), np.zeros(0), 0
    while True:
        while len(held) < lead * step + span and (block := next(blocks, None)) is not None:
            held = np.concatenate([held, (block.astype(np.float64) - offset) / peak])
        if not len(held) or (lead and len(held) < lead * step + length):
            return
        last = len(held) < lead * step + span
        short = short_term(held[: lead * step + span], SOUND_RATE, fps)[lead:]
        yield from _rows(short, -(-len(short) // STEPS_PER_FRAME) if last else CHUNK)
        if last:
            return
        held = held[(lead + STEPS_PER_FRAME * CHUNK - LEAD) * step :]
        lead = LEAD


def _offset_and_peak(path: Path) -> tuple[float, float]:
    count, total, low, high = 0, 0.0, 0.0, 0.0
    for block in clip_sound(path, SOUND_RATE):
        count, total = count + len(block), total + float(block.sum(dtype=np.float64))
        low, high = min(low, float(np.min(block))), max(high, float(np.max(block)))
    offset = total / max(count, 1)
    return offset, max(high - offset, offset - low) + 1e-10


def _rows(short: NDArray[np.float64], frames: int) -> Iterator[Float]:
    """Yield the low-level features of each frame, of sixteen steps each; the clip's end shortens the last windows."""
    for start in range(0, frames * STEPS_PER_FRAME, STEPS_PER_FRAME):
        window = short[start : start + WINDOW_FRAMES * STEPS_PER_FRAME]
        yield np.concatenate([window.mean(axis=0), window.std(axis=0)]).astype(np.float32)


class Ear:
    """Keeps the last two seconds of a microphone and computes their features; `add` is called on another thread.

    recognise: returns the recogniser of spoken letters, None for features without letters.
    """

    def __init__(self, rate: int, recognise: Callable[[], Recogniser | None] | None = None) -> None:
        self.rate = rate
        self._blocks: deque[tuple[float, Float]] = deque()
        self._clock = SoundClock(rate)
        self._peak = 0.0
        self._lock = threading.Lock()
        self._letters = None if recognise is None else LiveLetters(recognise, self._to_recognise)

    def close(self) -> None:
        if self._letters is not None:
            self._letters.close()

    def _to_recognise(self) -> tuple[Float, float]:
        from scipy.signal import resample_poly

        samples, start = self.latest(KEPT)
        sound = resample_poly(samples, SOUND_RATE, self.rate) if len(samples) else samples
        return np.asarray(sound, np.float32), start + len(samples) / self.rate

    def add(self, samples: Float, time: float) -> None:
        """Take samples (n, channels) recorded from `time` on (seconds of the monotonic clock)."""
        mono = samples.mean(axis=1, dtype=np.float32) if samples.ndim == 2 else samples
        faded = self._peak * FORGET ** (len(mono) / self.rate)
        with self._lock:
            self._peak = max(faded, float(np.abs(mono).max(initial=0.0)))
            self._blocks.append((self._clock.place(time, len(mono)), mono))
            while self._blocks[-1][0] - self._blocks[0][0] > KEPT:
                self._blocks.popleft()

    def latest(self, seconds: float) -> tuple[Float, float]:
        """Return the newest samples (n,), at most `seconds` of them, and the time at which the first was recorded."""
        with self._lock:
            blocks = list(self._blocks)
        if not blocks:
            return np.zeros(0, np.float32), 0.0
        samples = np.concatenate([block for _, block in blocks])
        wanted = min(len(samples), round(seconds * self.rate))
        return samples[len(samples) - wanted :], blocks[0][0] + (len(samples) - wanted) / self.rate

    def features(self) -> tuple[float, ...] | None:
        """Return the features (300,) of the newest eight frames; None before that much was recorded.

        HeadGAN's features are of the eight frames that start at a frame, which a live voice has not spoken yet.
        """
        length = (WINDOW_FRAMES + 2) / LIVE_RATE
        samples, start = self.latest(length)
        if len(samples) < round(length * self.rate):
            return None
        from scipy.signal import resample_poly

        signal = (samples.astype(np.float64) - samples.mean()) / (self._peak + 1e-10)
        short = short_term(resample_poly(signal, SOUND_RATE, self.rate), SOUND_RATE, LIVE_RATE)
        row = next(_rows(short[-WINDOW_FRAMES * STEPS_PER_FRAME :], 1))
        code = no_speech()
        if self._letters is not None:
            letters = self._letters.window(start + len(samples) / self.rate, LIVE_RATE)
            code = np.eye(N_CLASSES, dtype=np.float32)[letters].ravel()
        return tuple(np.concatenate([row, code]).tolist())

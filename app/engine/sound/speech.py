"""Recognises the letter that is spoken in each video frame, for HeadGAN's character features (section 3.2).

The released features are one-hot letters of a recogniser's transcript, not its logits. Any CTC recogniser serves: an
imported wav2vec 2.0, or one that another Python package offers by the entry point `mien.speech`. Without a recogniser
the networks get the released code of "no speech".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points

import numpy as np
from numpy.typing import NDArray

from app.engine.checkpoints.store import load_model, models, newest
from app.engine.device import best_device
from app.engine.errors import EngineError
from app.engine.sound.features import NO_LETTER

Float = NDArray[np.float32]
RATE = 16000  # samples a second, of wav2vec 2.0
PLUG_INS = "mien.speech"
SHIFT = 5  # frames by which letters come too early in the released features
# Seconds of a clip that are recognised at once, and seconds before and after them that are added; chosen for memory.
STRETCH, OVERLAP = 20.0, 1.0
FEWEST = 400  # samples of the first step of a wav2vec 2.0
OFTEN = 0.3  # seconds between two recognitions of a microphone, which is the delay of a letter at most
UNHEARD = EngineError(
    "HeadGAN hears loudness and tone, but no words: there is no speech recogniser.",
    "Import one, such as wav2vec2-base-960h.",
    "models",
)


@dataclass(frozen=True)
class Recogniser:
    """A recogniser of spoken letters.

    logits: takes mono sound (n,), float32 at 16 kHz, and returns (steps, K), evenly spaced; letters: the letters of the
    K outputs, None for the blank and for marks, " " between words.
    """

    logits: Callable[[Float], Float]
    letters: tuple[str | None, ...]


@dataclass(frozen=True)
class Token:
    """One spoken letter: its class (a to z are 0 to 25, none is 26) and the seconds at which it begins."""

    letter: int
    start: float


def can_recognise() -> bool:
    """Return whether there is a recogniser, without loading it."""
    return bool(entry_points(group=PLUG_INS)) or bool(models("wav2vec2"))


def recogniser() -> Recogniser | None:
    """Return the recogniser of a plug-in, else the newest imported one; None where there is none."""
    for plug_in in entry_points(group=PLUG_INS):
        logits, letters = plug_in.load()()
        return Recogniser(logits, tuple(letters))
    found = newest(models("wav2vec2"))
    return None if found is None else _imported(found.name, found.sha256)


@lru_cache(1)
def _imported(name: str, sha256: str) -> Recogniser:
    import torch

    from app.engine.networks.wav2vec2 import LETTERS

    device = best_device().torch_device
    network = load_model(name).network.to(device)

    def logits(sound: Float) -> Float:
        scaled = (sound - sound.mean()) / (sound.std() + 1e-7)
        with torch.inference_mode():
            answer = network(torch.from_numpy(np.ascontiguousarray(scaled, np.float32))[None].to(device))[0]
        return np.asarray(answer.float().cpu().numpy(), np.float32)

    return Recogniser(logits, LETTERS)


def tokens_of(logits: Float, letters: Sequence[str | None], seconds: float) -> list[Token]:
    """Return the letters of the best path through logits (Graves et al. 2006): repeats are one letter, blanks and marks
    are none.

    seconds: length of the sound.
    """
    best = logits.argmax(axis=1)
    begins = np.flatnonzero(np.diff(best, prepend=-1))
    step = seconds / max(len(best), 1)
    return [
        Token(letter_class(text), float(k * step)) for k in begins if (text := letters[best[k]]) is not None
    ]


def letter_class(text: str) -> int:
    return ord(text) - ord("a") if len(text) == 1 and "a" <= text <= "z" else NO_LETTER


def spoken(recogniser: Recogniser, sound: Iterable[Float]) -> tuple[list[Token], float]:
    """Return the letters of a clip's sound and its seconds, in constant memory; sound: mono blocks at 16 kHz."""
    size, edge = round(STRETCH * RATE), round(OVERLAP * RATE)
    tokens: list[Token] = []
    held, start, blocks = np.zeros(0, np.float32), 0, iter(sound)
    while True:
        while len(held) < size and (block := next(blocks, None)) is not None:
            held = np.concatenate([held, block])
        last = len(held) < size
        low, high = (0 if start == 0 else edge) / RATE, (len(held) if last else size - edge) / RATE
        if len(held) >= FEWEST:
            part = held[:size]
            found = tokens_of(recogniser.logits(part), recogniser.letters, len(part) / RATE)
            own = [token for token in found if low <= token.start < high]
            tokens += [Token(token.letter, token.start + start / RATE) for token in own]
        if last:
            return tokens, (start + len(held)) / RATE
        held, start = held[size - 2 * edge :], start + size - 2 * edge


def letters_by_frame(tokens: Sequence[Token], seconds: float, frames: int) -> NDArray[np.int64]:
    """Return (frames,) the class of each frame: that of the last letter that has begun, none before the first.

    Letters come SHIFT frames early, as in the released features.
    """
    times = (np.arange(frames) + SHIFT) * seconds / max(frames, 1)
    index = np.searchsorted([token.start for token in tokens], times, side="right")
    classes = np.array([NO_LETTER, *(token.letter for token in tokens)])
    return np.asarray(classes[index], np.int64)


class LiveLetters:
    """Recognises the newest sound of a microphone, again and again, on a thread of its own.

    make: returns the recogniser, which is loaded on that thread, or None; hear: returns the newest sound, mono at 16
    kHz, and the time at which it ended (seconds of the monotonic clock).
    """

    def __init__(
        self, make: Callable[[], Recogniser | None], hear: Callable[[], tuple[Float, float]]
    ) -> None:
        self._make, self._hear = make, hear
        self._newest: list[Token] = []  # starts are on the clock
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="speech", daemon=True)
        self._thread.start()

    def window(self, end: float, rate: float) -> NDArray[np.int64]:
        """Return (8,) the classes of the eight frames, `rate` a second, that end at `end` seconds."""
        newest = self._newest
        times = end - np.arange(7, -1, -1) / rate
        index = np.searchsorted([token.start for token in newest], times, side="right")
        return np.array([NO_LETTER, *(token.letter for token in newest)], np.int64)[index]

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        known = self._make()
        while known is not None and not self._closed.wait(OFTEN):
            sound, end = self._hear()
            if len(sound) < FEWEST:
                continue
            seconds = len(sound) / RATE
            found = tokens_of(known.logits(sound), known.letters, seconds)
            self._newest = [Token(token.letter, end - seconds + token.start) for token in found]

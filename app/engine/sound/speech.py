"""Recognises the letter that is spoken in each video frame, for HeadGAN's character features (section 3.2).

The released features are one-hot letters of a recogniser's transcript, not its logits. Any CTC recogniser serves: an
imported wav2vec 2.0, or one that another Python package offers under the entry point `mien.speech`. Without one the
networks get the released code of "no speech".
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
SHIFT = 5  # frames by which the released features are early
# Seconds of a clip that are heard at once, and once more at each side; chosen for memory.
STRETCH, OVERLAP = 20.0, 1.0
FEWEST = 400  # samples of a wav2vec 2.0's first step
OFTEN = 0.3  # seconds between two looks at a microphone; letters are late by no more than that
UNHEARD = EngineError(
    "HeadGAN hears loudness and tone, but no words: there is no speech recogniser.",
    "Import one, such as wav2vec2-base-960h.",
    "models",
)


@dataclass(frozen=True)
class Recogniser:
    """logits: mono sound (n,) float32 at 16 kHz -> (steps, K), evenly spaced; letters: what the K outputs are, None for
    the blank and for marks, " " between words."""

    logits: Callable[[Float], Float]
    letters: tuple[str | None, ...]


@dataclass(frozen=True)
class Token:
    """A letter's class (a-z 0 to 25, else 26) and when it begins, in seconds."""

    letter: int
    start: float


def can_recognise() -> bool:
    """Return whether there is a recogniser; loads none."""
    return bool(entry_points(group=PLUG_INS)) or bool(models("wav2vec2"))


def recogniser() -> Recogniser | None:
    """Return the user's: a plug-in's first, else the newest import; None without one."""
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
    """Return the best path's letters (Graves et al. 2006): repeats are one, blanks and marks none; seconds: of the
    sound.
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
    """Return letters of a clip's mono sound at 16 kHz, given in blocks, and its length in seconds; in constant
    memory.
    """
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
    """Return (frames,) the class spoken at each frame, five frames ahead as released: the last letter that has
    begun, none before the first.
    """
    times = (np.arange(frames) + SHIFT) * seconds / max(frames, 1)
    index = np.searchsorted([token.start for token in tokens], times, side="right")
    classes = np.array([NO_LETTER, *(token.letter for token in tokens)])
    return np.asarray(classes[index], np.int64)


class LiveLetters:
    """Recognises what a microphone heard last, again and again on a thread of its own.

    make: gives the recogniser, which is read on that thread, or None; hear: the newest sound, mono at 16 kHz, and when
    it ended (seconds of the monotonic clock).
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
        """Return (8,): the letters of the eight frames at `rate` per second that end at `end`."""
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

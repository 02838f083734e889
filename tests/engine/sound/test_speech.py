"""A recogniser's letters: the best path, the released alignment, long clips, plug-ins and a live microphone."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import torch

from app.engine.checkpoints.store import import_model
from app.engine.sound import hearing, speech
from app.engine.sound.features import N_LOW, NO_LETTER, audio_features
from app.engine.sound.hearing import Ear, clip_features
from app.engine.sound.speech import RATE, Recogniser, Token, letters_by_frame, spoken, tokens_of
from tests.engine.checkpoints import recipe

LETTERS = (None, " ", "a", "b")


def beeps(sound: np.ndarray) -> np.ndarray:
    """Return a recogniser of 100 steps a second: loud and positive is "a", loud and negative "b"."""
    means = sound[: len(sound) // 160 * 160].reshape(-1, 160).mean(axis=1)
    return np.eye(4, dtype=np.float32)[np.where(means > 0.5, 2, np.where(means < -0.5, 3, 0))]


HEARS = Recogniser(beeps, LETTERS)


def saying(seconds: float, *words: tuple[float, float]) -> np.ndarray:
    sound = np.zeros(round(seconds * RATE), np.float32)
    for begin, value in words:
        sound[round(begin * RATE) : round((begin + 0.1) * RATE)] = value
    return sound


def test_the_best_path_has_each_letter_once_where_it_begins():
    logits = np.eye(4)[[0, 2, 2, 0, 2, 1, 3, 3, 0, 0]]
    found = tokens_of(logits, LETTERS, 1.0)
    assert [(token.letter, round(token.start, 1)) for token in found] == [
        (0, 0.1),
        (0, 0.4),
        (26, 0.5),
        (1, 0.6),
    ]


def test_frames_hear_the_last_letter_begun_five_frames_ahead():
    letters = letters_by_frame([Token(7, 0.5), Token(8, 0.7)], 1.0, 25)
    assert letters[:8].tolist() == [NO_LETTER] * 8  # frame 7 looks at 0.48 s
    assert letters[8:13].tolist() == [7] * 5 and letters[13:].tolist() == [8] * 12
    assert letters_by_frame([], 1.0, 3).tolist() == [NO_LETTER] * 3


def test_a_long_clip_is_heard_in_stretches_without_seams():
    begins = [(1.0, 1), (18.95, -1), (19.3, 1), (37.2, -1), (44.0, 1)]
    sound = saying(45, *begins)
    tokens, seconds = spoken(HEARS, (sound[k : k + 9999] for k in range(0, len(sound), 9999)))
    assert seconds == 45
    assert [round(token.start, 2) for token in tokens] == [begin for begin, _ in begins]
    assert [token.letter for token in tokens] == [0, 1, 0, 1, 0]


def test_a_clip_s_features_hold_its_letters(monkeypatch):
    sound = saying(1, (0.5, 1))
    monkeypatch.setattr(hearing, "clip_sound", lambda path, rate: iter([sound]))
    silent = np.stack(list(clip_features(Path("clip"), 25.0)))
    monkeypatch.setattr(hearing, "recogniser", lambda: HEARS)
    rows = np.stack(list(clip_features(Path("clip"), 25.0)))
    assert np.array_equal(rows[:, :N_LOW], silent[:, :N_LOW])
    classes = rows[:, N_LOW:].reshape(25, 8, 27).argmax(axis=2)
    assert classes[12].tolist() == [0] * 8 and classes[3].tolist() == [NO_LETTER] * 8
    assert classes[6].tolist() == [NO_LETTER] * 6 + [0] * 2
    letters = hearing.clip_letters(Path("clip"), 25.0)
    np.testing.assert_allclose(rows, audio_features(sound, RATE, 25.0, 25, letters), atol=1e-5)


def test_a_plug_in_serves_before_imports_and_none_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    assert speech.recogniser() is None and not speech.can_recognise()

    class Point:
        def load(self):
            return lambda: (beeps, LETTERS)

    monkeypatch.setattr(speech, "entry_points", lambda group: [Point()] if group == "mien.speech" else [])
    assert speech.can_recognise() and speech.recogniser() == HEARS


def test_an_imported_recogniser_is_found_and_hears(monkeypatch, tmp_path):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    golden = np.load(Path(__file__).parents[1] / "checkpoints" / "data" / "features.npz")
    torch.save(recipe.weights(json.loads(str(golden["wav2vec2_shapes"]))), tmp_path / "pytorch_model.bin")
    import_model(tmp_path / "pytorch_model.bin")
    known = speech.recogniser()
    assert known is not None and len(known.letters) == 32 and known.letters[5] == "e"
    logits = known.logits(recipe.sound(8000)[0].numpy())
    assert logits.shape == (24, 32)
    louder = known.logits(3 * recipe.sound(8000)[0].numpy())
    np.testing.assert_allclose(louder, logits, atol=1e-3 * np.abs(logits).max())


def test_a_microphone_s_letters_come_from_a_thread_that_ends(monkeypatch):
    monkeypatch.setattr(speech, "OFTEN", 0.01)
    heard = threading.Event()

    def logits(sound: np.ndarray) -> np.ndarray:
        heard.set()
        return beeps(sound)

    ear = Ear(RATE, lambda: Recogniser(logits, LETTERS))
    sound = saying(1.0, (0.8, 1))
    for k in range(10):
        ear.add(sound[k * 1600 : (k + 1) * 1600, None], 5.0 + k / 10)
    assert heard.wait(10)
    deadline = time.monotonic() + 10
    while (row := ear.features()) is None or np.argmax(row[-27:]) != 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    classes = np.reshape(row[N_LOW:], (8, 27)).argmax(axis=1)  # frames end at 1 s, 0.04 s apart
    assert classes.tolist() == [NO_LETTER] * 2 + [0] * 6
    ear.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "speech"]

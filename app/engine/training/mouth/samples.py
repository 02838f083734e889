"""Draws the training samples of the completion of mouths: a photo, of which more or less is hidden, and its mouth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.training.mouth.data import load
from app.engine.warping.curves import Float32
from app.engine.warping.light import light_on
from app.engine.warping.mouth import shown_teeth
from app.engine.warping.mouth_completion import seen_by_network
from app.engine.warping.mouth_sight import CELLS, SWAPPED, Sight, cells_of, unlearned
from app.engine.warping.teeth import inside

PIXELS = 192  # px of a mouth that one sample compares; portraits show some 100 to 600
CLIPS = 0.15  # share of samples that are frames of clips: they show few people
SHUT = 0.5  # share of samples in which the inside is hidden, as it is in a photo with shut lips
HIDDEN = 0.4  # chance with which each cell is hidden in the others
BRIGHTER, TINTED = (0.7, 1.25), 0.12  # factors of brightness and of colours by which a photo is changed
GREY = 0.1  # share of samples that are made grey


class MouthSamples:
    """Draws prepared mouths, each in another light and colour and with other parts hidden."""

    def __init__(self, folder: Path, clips: float = CLIPS) -> None:
        files = [load(path) for path in sorted(folder.glob("*.npz"))]
        self.portraits = [mouths for mouths in files if len(mouths) == 1]
        self.of_clips = [mouths for mouths in files if len(mouths) > 1]
        if not files:
            raise EngineError(f"{folder} holds no prepared training data.", "Prepare a folder of pictures.")
        self.clips = clips if self.portraits else 1.0

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return one sample of `as_sample`, PIXELS of its pixels drawn at random."""
        clip = bool(self.of_clips) and rng.random() < self.clips
        some = self.of_clips if clip else self.portraits
        mouths = some[int(rng.integers(len(some)))]
        it = changed(mouths[int(rng.integers(len(mouths)))], rng)
        hide = np.ones(CELLS, bool) if rng.random() < SHUT else rng.random(CELLS) < HIDDEN
        sample = as_sample(it, hide)
        chosen = rng.integers(len(it.vertex), size=PIXELS)
        rows = ("place", "made", "gloss", "factor", "truth", "weight")
        return {key: value[chosen] if key in rows else value for key, value in sample.items()}


def as_sample(it: Sight, hide: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Return a mouth as the recipe takes it; colours are 0 to 1.

    seen (SEEN,) of `seen_by_network`; of every pixel place (P, PLACE + OPENED), made (P, 3) and gloss (P, 1) in white
    light, factor (P, 3) of the light, truth (P, 3), and weight (P, 1), 0 where no tooth is drawn; dark (3,) the least
    colour; colourful (1,) of `Light`.
    hide: (CELLS,) which cells the network is not shown.
    """
    light = light_on(it.skin)
    shown = shown_teeth(it.teeth, it.gap) * float(not hide[:3].all())
    cells = cells_of(it, light) * ~hide[:, None]
    factor, dark = unlearned(it, light, it.own_teeth, shown)
    return {
        "seen": seen_by_network(it.around, it.skin, it.toward, it.turned, cells, shown),
        "place": np.hstack([places()[it.vertex], np.tile(opened(*it.asked.tolist()), (len(it.vertex), 1))]),
        "made": it.drawn,
        "gloss": it.gloss[:, None],
        "factor": factor,
        "truth": it.photo,
        "weight": (it.sure * inside().tooth[it.vertex])[:, None],
        "dark": dark.astype(np.float32),
        "colourful": np.array([light.colourful], np.float32),
    }


def changed(it: Sight, rng: np.random.Generator) -> Sight:
    """Return the photo in another light, and half the time with its sides swapped."""
    if rng.random() < 0.5:
        it = swapped(it)
    gain = np.float32(rng.uniform(*BRIGHTER)) * rng.uniform(1 - TINTED, 1 + TINTED, 3).astype(np.float32)
    grey = rng.random() < GREY

    def relit(colours: Float32) -> Float32:
        if grey:
            colours = np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1) * gain[1]
            return np.clip(colours, 0, 1)
        return np.clip(colours * gain, 0, 1)

    return replace(
        it,
        photo=relit(it.photo),
        around=relit(it.around),
        skin=relit(it.skin),
        own_teeth=relit(it.own_teeth),
    )


def swapped(it: Sight) -> Sight:
    """Return the mouth with its sides swapped."""
    flip = np.array([-1, 1, 1], np.float32)
    return replace(
        it,
        vertex=mirrored()[it.vertex],
        around=it.around[list(SWAPPED)],
        toward=it.toward * flip,
        turned=it.turned * np.array([-1, 1], np.float32),
    )


@cache
def mirrored() -> NDArray[np.int32]:
    """Return (V,) the vertex at or next to each vertex' place on the mouth's other side, of the same kind."""
    from scipy.spatial import cKDTree

    it = inside()
    kind = 10 * np.column_stack([it.tooth, np.abs(it.jaw[:, 1]) > 0.02])  # beyond any place of another kind
    here, there = (np.hstack([it.points * [side, 1, 1], kind]) for side in (1, -1))
    return np.asarray(cKDTree(here).query(there)[1], np.int32)


def opened(gap: float, drawn: float) -> Float32:
    """Return (OPENED,) what the network is told of a mouth that is opened and drawn wide by so many IOD."""
    return np.array([3 * gap, 8 * drawn], np.float32)


@cache
def places() -> Float32:
    """Return (V, PLACE) what the network is told of each vertex inside a mouth."""
    return (np.abs(inside().jaw[:, 1:2]) > 0.02).astype(np.float32)


def hidden_and_shown(mouths: Sequence[Sight]) -> list[dict[str, NDArray[Any]]]:
    """Return two samples of each mouth: one as if its lips were shut, one of which only the upper teeth are shown."""
    upper = np.arange(CELLS) >= 3
    return [as_sample(it, hide) for it in mouths for hide in (np.ones(CELLS, bool), upper)]

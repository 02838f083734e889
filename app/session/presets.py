"""Reads, writes and blends named expressions and poses. Nothing here needs Qt, so the command line uses it too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit, FittedFace
from app.engine.files import ASSETS
from app.session.files import finite, index, read_json, record, write_json
from app.session.values import own_value

FORMAT, SCHEMA = "mien-presets", 1  # the kind and version that each file states
SHIPPED = ASSETS / "presets"


@dataclass(frozen=True)
class Preset:
    """A name and the controls it sets, as in `FaceEdit.values` (poses absolute, expressions relative)."""

    name: str
    values: tuple[tuple[str, float], ...]
    shipped: bool = False

    @classmethod
    def of(cls, name: str, edit: FaceEdit) -> Preset:
        """Return a preset of what an edit asks for, without the face's place and size, which belong to one
        photo.
        """
        kept = ((n, v) for n, v in edit.values if BY_NAME[n].group != "placement")
        return cls(name, tuple(kept))


def read_presets(path: Path) -> tuple[Preset, ...]:
    """Return the presets of a file; EngineError where one is not understood."""
    raw = read_json(path, FORMAT)
    try:
        if index(raw.get("schema", 0)) > SCHEMA:
            raise EngineError(f"{path.name} was made by a newer Mien.", "Update Mien to read it.")
        return tuple(_preset(entry) for entry in raw["presets"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EngineError(
            f"{path.name} holds a preset that is not understood: {error}.", "Choose another file."
        ) from error


def _preset(entry: Mapping[str, Any]) -> Preset:
    values = {str(name): finite(value) for name, value in record(entry["values"]).items()}
    unknown = sorted(set(values) - set(BY_NAME))
    if unknown:
        raise ValueError(f"unknown control {unknown[0]}")
    return Preset(str(entry["name"]), tuple(sorted(values.items())))


def write_presets(path: Path, presets: Iterable[Preset]) -> None:
    entries = [{"name": preset.name, "values": dict(preset.values)} for preset in presets]
    write_json(path, {"format": FORMAT, "schema": SCHEMA, "presets": entries})


def blend(parts: Iterable[tuple[Preset, float]], face: FittedFace | None) -> dict[str, float]:
    """Return the sum of several presets at strengths (0 = not at all, 1 = fully), by control.

    Relative controls add up; absolute ones move from the photo's own value towards the preset's by the
    strength.
    """
    total: dict[str, float] = {}
    for preset, strength in parts:
        for name, value in preset.values:
            own = own_value(face, name)
            total[name] = total.get(name, own) + strength * (value - own)
    return {name: _clamped(name, value) for name, value in total.items()}


def _clamped(name: str, value: float) -> float:
    control = BY_NAME[name]
    return min(control.upper, max(control.lower, value))


class PresetLibrary:
    """The presets that ship with Mien and the user's own, one file each in `folder`."""

    def __init__(self, folder: Path, shipped: Path = SHIPPED) -> None:
        self._folder = folder
        self._shipped = shipped

    def all(self) -> tuple[Preset, ...]:
        """Return all presets, the shipped ones first; a file that cannot be read is left out."""
        shipped = [Preset(p.name, p.values, True) for p in _read_all(self._shipped)]
        return (*shipped, *_read_all(self._folder))

    def save(self, preset: Preset) -> None:
        """Keep a preset under its name; the user's own preset of that name is replaced."""
        write_presets(self._path(preset.name), [preset])

    def delete(self, name: str) -> None:
        """Delete the user's own preset of that name; EngineError where that is not allowed."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            what = f"{path.name} could not be deleted: {error.strerror}."
            raise EngineError(what, "Delete the file by hand.") from error

    def load(self, path: Path) -> tuple[Preset, ...]:
        """Add all presets of a file to the user's own; one whose name is taken gets a number, as “Smile 2”."""
        added = []
        for preset in read_presets(path):
            known = {own.name: own.values for own in self.all()}
            names = (preset.name, *(f"{preset.name} {number}" for number in range(2, len(known) + 3)))
            name = next(name for name in names if known.get(name, preset.values) == preset.values)
            added.append(replace(preset, name=name))
            self.save(added[-1])
        return tuple(added)

    def _path(self, name: str) -> Path:
        # Characters that file systems do not allow become "_"; the number keeps similar names apart.
        stem = re.sub(r"[^\w -]", "_", name).strip() or "preset"
        plain = stem == name
        return self._folder / (f"{stem}.json" if plain else f"{stem}-{sum(map(ord, name))}.json")


def _read_all(folder: Path) -> list[Preset]:
    presets: list[Preset] = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            presets += read_presets(path)
        except EngineError:
            continue
    return presets

"""Imports, lists, verifies, loads, runs and removes the user's models.

One folder per model in `models_folder()`: `weights.safetensors` and `manifest.json`. Weights that ship with
Mien lie in `assets/weights` in the same layout. Nothing here imports torch before weights are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints import live_portrait_files
from app.engine.checkpoints.kinds import Found, Kind, with_extras, without_extras
from app.engine.checkpoints.reading import recognise, sources
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.stylegan_files import VOX_FORMAT, generator_format
from app.engine.device import has_torch
from app.engine.errors import EngineError
from app.engine.files import ASSETS, data_folder, file_sha256

if TYPE_CHECKING:
    from torch import Tensor, nn

SHIPPED = ASSETS / "weights"
WEIGHTS, MANIFEST = "weights.safetensors", "manifest.json"


@dataclass(frozen=True)
class Model:
    """The manifest of one model.

    source: name of the imported file; source_sha256, sha256: of that file and of our safetensors; use: what the
    licence allows; imported: UTC time; shipped: whether it came with Mien, so that it cannot be removed.
    """

    name: str
    kind: str
    title: str
    source: str
    source_sha256: str
    sha256: str
    licence: str
    use: str
    imported: str
    config: Mapping[str, Any] = field(default_factory=dict)
    shipped: bool = field(default=False, compare=False)

    @property
    def folder(self) -> Path:
        return (SHIPPED if self.shipped else models_folder()) / self.name


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model ready for inference, on the CPU in float32; extras: tensors kept beside the weights."""

    network: nn.Module
    extras: dict[str, Tensor]
    model: Model


def models_folder() -> Path:
    return data_folder() / "models"


def models(kind: str | None = None) -> tuple[Model, ...]:
    """Return the user's models by name, then the shipped ones; kind: only those of one kind, None for all."""
    found = [
        model
        for root in (models_folder(), SHIPPED)
        for path in sorted(root.glob(f"*/{MANIFEST}"))
        if (model := _read_manifest(path, root == SHIPPED)) is not None
    ]
    return tuple(model for model in found if kind in (None, model.kind))


def newest(candidates: Iterable[Model]) -> Model | None:
    """Return the model that is used of several: a user's before a shipped one, of these the last imported.

    It is None where there is none, or where nothing can run them.
    """
    if not has_torch():
        return None
    return max(candidates, key=lambda model: (not model.shipped, model.imported), default=None)


def hashes(names: Iterable[str]) -> tuple[str, ...]:
    """Return the SHA-256 of the weights of these models, by which another file under an old name is noticed."""
    known = {model.name: model.sha256 for model in models()}
    return tuple(known.get(name, "") for name in names)


def chosen(kind: str, name: str | None = None) -> Model | None:
    """Return the model of a kind that has this name, or for None the one that is used; None where there is none."""
    return newest(model for model in models(kind) if name in (None, model.name))


def several(kind: str) -> tuple[Model, ...]:
    """Return the models of a kind where there are several to choose from, else ()."""
    found = models(kind)
    return found if len(found) > 1 else ()


def model_named(name: str) -> Model:
    for model in models():
        if model.name == name:
            return model
    raise EngineError(f"There is no model “{name}”.", "mien models list names those there are.")


def import_model(path: Path, name: str | None = None) -> Model:
    """Recognise a checkpoint (a file, or a folder of several), convert it, keep it, and return the model.

    Where the same files were imported before, the model that is there is returned. EngineError where the checkpoint is
    broken or unknown, or where it cannot be written.
    """
    hashes = {file: file_sha256(file) for file in sources(path)}
    joined = hashlib.sha256("".join(hashes.values()).encode()).hexdigest()
    source_sha256 = next(iter(hashes.values())) if len(hashes) == 1 else joined
    for model in models():
        if model.source_sha256 == source_sha256 and name in (None, model.name):
            return model
    kind, found = recognise(path)
    if kind.name == "directions" and "format" not in found.config:
        generator = newest(models("stylegan2"))
        form = generator_format(generator.config) if generator else ""
        found = replace(found, config={**found.config, "format": form or VOX_FORMAT})
    foreign = kind is live_portrait_files.LIVE_PORTRAIT and not live_portrait_files.published(hashes)
    use = live_portrait_files.FOREIGN if foreign else None
    return save_model(found, kind, name or kind.name, path.name, source_sha256, use=use)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Turn the error of a folder that cannot be written to, or of a full disk, into an EngineError."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise EngineError(
            f"The models' folder {models_folder()} cannot be written to: {getattr(error, 'strerror', error)}.",
            "Free space on its disk, or set MIEN_HOME to a folder that is yours.",
        ) from error


@_disk_errors()
def save_model(
    found: Found,
    kind: Kind,
    name: str,
    source: str,
    source_sha256: str = "",
    licence: str | None = None,
    use: str | None = None,
) -> Model:
    """Write weights and manifest as a new model, whole or not at all; a name that is taken gets a number."""
    root = models_folder()
    root.mkdir(parents=True, exist_ok=True)
    name = _free_name(name, root)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=root) as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        write_weights(found, kind.name, folder / WEIGHTS)
        model = Model(
            name=name,
            kind=kind.name,
            title=kind.title,
            source=source,
            source_sha256=source_sha256,
            sha256=file_sha256(folder / WEIGHTS),
            licence=licence or kind.licence,
            use=use or kind.use,
            imported=datetime.now(UTC).isoformat(timespec="seconds"),
            config=dict(found.config),
        )
        values = {key: value for key, value in asdict(model).items() if key != "shipped"}
        (folder / MANIFEST).write_text(json.dumps(values, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(folder, root / name)
    return model


def write_weights(found: Found, kind: str, path: Path) -> None:
    """Write a safetensors file that `import_model` reads: weights, extras, and kind and config as metadata."""
    from safetensors.torch import save_file

    tensors = with_extras(found)
    metadata = {"kind": kind, "config": json.dumps(dict(found.config))}
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, path, metadata=metadata)


def load_model(name: str) -> Loaded:
    """Return a model's network with its weights; EngineError where the file is damaged or there is no such model."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    model = model_named(name)
    try:
        tensors = load_file(model.folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise EngineError(
            f"The model “{name}” is damaged.", "Remove it and import it again.", "models"
        ) from error
    network = kind_named(model.kind).network(model.config)
    weights, extras = without_extras(tensors)
    try:
        network.load_state_dict({name: value.float() for name, value in weights.items()})
    except RuntimeError as error:
        raise EngineError(
            f"The model “{name}” does not fit this version.", "Remove it and import it again.", "models"
        ) from error
    return Loaded(network.eval().requires_grad_(False), extras, model)


def verify_model(name: str) -> Model:
    """Return a model whose weights were hashed again; EngineError where they are not those that were imported."""
    model = model_named(name)
    path = model.folder / WEIGHTS
    if not path.is_file() or file_sha256(path) != model.sha256:
        raise EngineError(
            f"The weights of “{name}” are not what was imported.",
            "Remove the model and import it again.",
            "models",
        )
    return model


@_disk_errors()
def remove_model(name: str) -> Model:
    """Delete a model and return it; EngineError for one that ships with Mien."""
    model = model_named(name)
    if model.shipped:
        raise EngineError(f"“{name}” came with Mien and stays.", "Only imported models can be removed.")
    with tempfile.TemporaryDirectory(prefix=".remove-", dir=models_folder()) as scratch:
        os.replace(model.folder, Path(scratch) / name)
    return model


def _read_manifest(path: Path, shipped: bool) -> Model | None:
    """Return the model of a manifest, None where it is none of ours: another program's file must not stop the rest."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["name"] = path.parent.name  # never a path out of its folder
        return Model(**values, shipped=shipped)
    except (OSError, ValueError, TypeError):
        return None


def _free_name(name: str, root: Path) -> str:
    name = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "model"
    taken = {model.name for model in models()} | {path.name for path in root.iterdir()}
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate

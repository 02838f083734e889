"""Reads a checkpoint file without running any code in it."""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.engine.checkpoints import live_portrait_files
from app.engine.checkpoints.kinds import Config, Found, Kind, check_names, without_extras
from app.engine.checkpoints.registry import all_kinds, kind_named
from app.engine.errors import EngineError
from app.engine.files import require_file

ASK_AGAIN = "Download the file again, or choose a checkpoint that Mien knows (mien models list names them)."
# Errors that are raised when a network is built from nonsense.
UNFIT = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def recognise(path: Path) -> tuple[Kind, Found]:
    """Return the kind and the weights of a file, or of a folder of files that belong together.

    EngineError where it is broken, hostile or unknown.
    """
    files = live_portrait_files.files_of(path)
    if files is not None:
        contents = {name: _content(file)[0] for name, file in files.items()}
        with _shape_errors(path):
            joined = live_portrait_files.joined(contents)
        _check_finite(joined, path)
        return live_portrait_files.LIVE_PORTRAIT, joined
    if path.is_dir():
        raise EngineError(f"{path.name} holds no model that Mien knows.", "Choose the file itself.")
    require_file(path)
    content, metadata = _content(path)
    if "kind" in metadata:
        return _own(path, content, metadata)
    for kind in all_kinds():
        with _shape_errors(path):
            found = kind.read(content)
        if found is not None:
            _check_finite(found, path)
            return kind, found
    raise EngineError(f"{path.name} is no checkpoint that Mien knows.", ASK_AGAIN)


def sources(path: Path) -> tuple[Path, ...]:
    """Return the files that `recognise` reads for a path."""
    files = live_portrait_files.files_of(path) or {path.stem: path}
    return tuple(file for file in files.values() if file.is_file())


def _content(path: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return a file's content by name, and its metadata, which only safetensors have."""
    return _read_safetensors(path) if path.suffix == ".safetensors" else (_read_torch(path), {})


@contextlib.contextmanager
def _shape_errors(path: Path) -> Iterator[None]:
    """Turn what a network raises for tensors of impossible shapes into an EngineError."""
    try:
        yield
    except UNFIT as error:
        raise EngineError(f"{path.name} is broken or no checkpoint.", ASK_AGAIN) from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    """Return the content of a .pth of either layout, which may hold tensors and plain containers only."""
    import torch

    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"PK"
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        if "unsupported global" in str(error).lower():
            raise EngineError(
                f"{path.name} holds more than weights: loading it could run code, so Mien did not.",
                "Get the file from its makers, or save only its state dict.",
            ) from error
        raise EngineError(f"{path.name} is broken or no checkpoint.", ASK_AGAIN) from error
    except Exception as error:
        # Torch raises what its parsers raise: RuntimeError, EOFError, struct.error, KeyError and others.
        raise EngineError(f"{path.name} is broken or no checkpoint.", ASK_AGAIN) from error
    if not isinstance(content, Mapping):
        raise EngineError(f"{path.name} holds no named weights.", ASK_AGAIN)
    return content


def _read_safetensors(path: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return a file's tensors by name, and its metadata, in which Mien's own files name their kind."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118 (no mapping)
    except (SafetensorError, ValueError) as error:
        raise EngineError(f"{path.name} is broken or no checkpoint.", ASK_AGAIN) from error


def _own(path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> tuple[Kind, Found]:
    """Return kind and weights of a file that Mien wrote, with kind and config in its metadata."""
    import torch

    try:
        config: Config = json.loads(metadata.get("config", "{}"))
    except ValueError as error:
        raise EngineError(f"{path.name} is broken or no checkpoint.", ASK_AGAIN) from error
    kind = kind_named(metadata["kind"])
    weights, extras = without_extras(tensors)
    with torch.device("meta"):
        try:
            network = kind.network(config)
        except UNFIT as error:
            raise EngineError(f"{path.name} was made by another version of Mien.", ASK_AGAIN) from error
    check_names(weights, network, f"a {kind.title}")
    found = Found(weights, config, extras)
    _check_finite(found, path)
    return kind, found


def _check_finite(found: Found, path: Path) -> None:
    import torch

    for name, value in found.weights.items():
        if not torch.isfinite(value).all():
            raise EngineError(f"{path.name} holds numbers that are not finite, in {name}.", ASK_AGAIN)

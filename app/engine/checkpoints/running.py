"""Runs an imported network on raw tensors, for numerical checks by `mien models run`."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import load_model, model_named
from app.engine.errors import EngineError
from app.engine.files import require_file
from app.engine.imaging.writing import write_bytes

KERNELS, WIDEST = "ONEDNN_MAX_CPU_ISA", "AVX2"


def run_network(name: str, inputs: Path, outputs: Path) -> dict[str, tuple[int, ...]]:
    """Run a model in float32 on the CPU on tensors of one .npz, write another .npz, and return the outputs' shapes.

    oneDNN must use the AVX2 kernels that every machine has, so that results repeat from machine to machine: wider
    kernels sum in another order. (HeadGAN's golden `warped` samples white noise along a flow, so the rounding of that
    flow shows: the golden vectors themselves are 3.5e-4 from float64, and only the same kernels come nearer.) oneDNN
    reads the setting at its first convolution, so where torch may have run one before, a new process runs.
    """
    arrays = _read_arrays(inputs)
    model_named(name)
    if "torch" not in sys.modules:
        os.environ[KERNELS] = WIDEST
        import torch  # noqa: F401  from here on it holds
    elif os.environ.get(KERNELS) != WIDEST:
        begin = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "app"]
        command = [*begin, "models", "run", name, str(inputs), "-o", str(outputs)]
        setting = {KERNELS: WIDEST, "PYTHONPATH": os.pathsep.join(sys.path)}
        if subprocess.run(command, env=os.environ | setting, capture_output=True).returncode == 0:
            return {key: value.shape for key, value in _read_arrays(outputs).items()}
        # A run that fails there fails here too, with its error. The setting is removed again, because it would come too
        # late in this process and mislead its next run.
    return _run_here(name, arrays, inputs, outputs)


def _run_here(name: str, arrays: dict[str, Any], inputs: Path, outputs: Path) -> dict[str, tuple[int, ...]]:
    import torch

    loaded = load_model(name)
    tensors = {key: torch.from_numpy(value) for key, value in arrays.items()}
    try:
        with torch.inference_mode():
            results = kind_named(loaded.model.kind).run(loaded.network, loaded.extras, tensors)
    except KeyError as error:
        raise EngineError(
            f"{inputs.name} lacks the tensor {error} that {loaded.model.title} needs.", "Add it to the file."
        ) from error
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise EngineError(
            f"{loaded.model.title} cannot take these tensors: {reason}.", "Check the shapes in the file."
        ) from error
    answer = {key: value.float().numpy() for key, value in results.items()}
    _write_arrays(answer, outputs)
    return {key: value.shape for key, value in answer.items()}


def _read_arrays(path: Path) -> dict[str, Any]:
    require_file(path)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {key: np.array(file[key], np.float32) for key in file.files}
    except (OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise EngineError(f"{path} is no .npz file of plain arrays.", "Write it with numpy.savez.") from error


def _write_arrays(arrays: dict[str, Any], path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(path, buffer.getvalue())

"""Defines what a kind of checkpoint is. The module of each paper lists its `KINDS`; torch is not imported here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.engine.errors import EngineError

if TYPE_CHECKING:
    from torch import Tensor, nn

Config = Mapping[str, Any]  # the JSON values by which `Kind.network` builds the network
Tensors = dict[str, "Tensor"]
EXTRA = "extra."  # begins the names of extras in Mien's own files


@dataclass(frozen=True, eq=False)
class Found:
    """A recognised file. weights: with the names of `Kind.network(config)`; extras: other tensors to keep."""

    weights: Tensors
    config: Config = field(default_factory=dict)
    extras: Tensors = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of network: how its files are recognised, built and described.

    read: takes a file's content (the result of torch.load) and returns what it found, or None for another kind's file;
    EngineError where the file is of this kind but broken. network: takes a config and returns a module whose state dict
    has exactly the stored names and shapes. run: takes a float32 module, its extras and named input tensors and returns
    named output tensors, for `mien models run`; KeyError where an input is missing. use: what the licence allows, in a
    sentence.
    """

    name: str
    title: str
    licence: str
    use: str
    read: Callable[[Mapping[str, Any]], Found | None]
    network: Callable[[Config], nn.Module]
    run: Callable[[nn.Module, Tensors, Tensors], Tensors]


def with_extras(found: Found) -> Tensors:
    """Return weights and extras as the tensors of one file of Mien's own."""
    return {**found.weights, **{EXTRA + name: value for name, value in found.extras.items()}}


def without_extras(tensors: Mapping[str, Tensor]) -> tuple[Tensors, Tensors]:
    """Return weights and extras of a file that holds what `with_extras` returned."""
    extras = {name.removeprefix(EXTRA): value for name, value in tensors.items() if name.startswith(EXTRA)}
    return {name: value for name, value in tensors.items() if not name.startswith(EXTRA)}, extras


def check_names(weights: Tensors, network: nn.Module, what: str) -> None:
    """Raise EngineError where weights are not exactly those of the network, by names and shapes.

    The network may be built on the meta device, because only its shapes are read.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    problems = [f"{name} is missing" for name in wanted if name not in found]
    problems += [f"{name} is unknown" for name in found if name not in wanted]
    problems += [
        f"{name} has shape {found[name]} instead of {shape}"
        for name, shape in wanted.items()
        if name in found and found[name] != shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise EngineError(
            f"The file looks like {what}, but does not fit: {'; '.join(problems[:3])}{more}.",
            "Download the file again, or choose the generator's own checkpoint.",
        )


def tensors_only(content: Mapping[str, Any]) -> Tensors:
    """Return the content as float32 tensors; counters of statistics keep their type."""
    import torch

    return {
        str(name): value.float() if value.is_floating_point() else value
        for name, value in content.items()
        if isinstance(value, torch.Tensor)
    }

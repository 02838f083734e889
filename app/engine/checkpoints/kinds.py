"""What a checkpoint can be. Each paper's module lists its `KINDS`; torch is imported by them, not here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.engine.errors import EngineError

if TYPE_CHECKING:
    from torch import Tensor, nn

Config = Mapping[str, Any]  # JSON values: what `Kind.network` needs to build the network
Tensors = dict[str, "Tensor"]


@dataclass(frozen=True, eq=False)
class Found:
    """A recognised file: the weights as `Kind.network(config)` names them; extras: other tensors to keep."""

    weights: Tensors
    config: Config = field(default_factory=dict)
    extras: Tensors = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of network: how its files are recognised, built and described.

    read: a file's content (what torch.load gave) -> Found, or None when it is another kind's; an EngineError
    when it is this kind's but broken. network: config -> module whose state dict has exactly the stored names
    and shapes. run: a float32 module, its extras and named input tensors -> named output tensors, as
    `mien models run` takes and gives them; inputs it lacks raise KeyError. use: what the licence allows, in a sentence.
    """

    name: str
    title: str
    licence: str
    use: str
    read: Callable[[Mapping[str, Any]], Found | None]
    network: Callable[[Config], nn.Module]
    run: Callable[[nn.Module, Tensors, Tensors], Tensors]


def check_names(weights: Tensors, network: nn.Module, what: str) -> None:
    """Every name and shape of the network, no more and no less; build it on the meta device, it is only looked at."""
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
    """Return the content as float32 tensors; statistics' counters keep their type."""
    import torch

    return {
        str(name): value.float() if value.is_floating_point() else value
        for name, value in content.items()
        if isinstance(value, torch.Tensor)
    }

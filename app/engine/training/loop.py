"""The one training loop: time-budgeted, exactly resumable, on one process or under torchrun.

A recipe says what is trained; the loop draws its batches, counts time, keeps the curves and the checkpoint.
Everything random follows from (seed, step, place in the batch), so a run that was killed goes on to the
same curve, and two processes see the batch that one would see.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from app.engine.errors import EngineError
from app.engine.training.curves import Curves, save_pictures

Batch = dict[str, Tensor]
CHECKPOINT = "checkpoint.pt"


class Recipe(Protocol):
    """What is trained.

    config: JSON values that must not change between runs of one folder; networks and optimisers: everything
    the checkpoint keeps; state: further tensors and numbers it keeps (averages, counters), updated in place.
    """

    config: Mapping[str, Any]
    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, Optimizer]
    state: dict[str, Any]

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """One sample. Whatever is random about it comes from `rng`."""

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        """One step on the samples stacked; gives the losses to plot. Updates go through `stepper.update`."""

    def picture(self) -> NDArray[np.uint8] | None:
        """(H, W, 3) to look at: what the networks make now."""


@dataclass(frozen=True)
class Plan:
    """folder: of checkpoint and curves; minutes: to train now; batch: samples per step over all processes;
    steps: stop there at the latest (None: by time alone)."""

    folder: Path
    minutes: float
    batch: int = 4
    seed: int = 0
    steps: int | None = None
    save_seconds: float = 60.0
    picture_seconds: float = 60.0


@dataclass(frozen=True, eq=False)
class Progress:
    """One finished step. seconds: trained in this run; total_seconds: in all runs; picture: now and then."""

    step: int
    losses: Mapping[str, float]
    seconds: float
    total_seconds: float
    budget_seconds: float
    picture: NDArray[np.uint8] | None = None


class Stepper:
    """What a step needs of its surroundings: device, precision, gradients averaged over the processes."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world = dist.get_world_size() if dist.is_initialized() else 1

    def autocast(self) -> AbstractContextManager[Any]:
        """bfloat16 on CUDA (it needs no loss scaling), float32 elsewhere."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def update(self, optimiser: Optimizer, loss: Tensor, keep_graph: bool = False) -> None:
        """One optimiser step on the mean gradient of all processes; other networks' gradients are left out."""
        parameters = [p for group in optimiser.param_groups for p in group["params"] if p.requires_grad]
        optimiser.zero_grad(set_to_none=True)
        gradients = torch.autograd.grad(loss, parameters, retain_graph=keep_graph, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient
        self._average([p.grad for p in parameters if p.grad is not None])
        optimiser.step()

    def mean(self, value: Tensor) -> Tensor:
        """A scalar's mean over the processes."""
        value = value.detach().float().clone()
        if self.world > 1:
            dist.all_reduce(value)
            value /= self.world
        return value

    def wait(self) -> None:
        """Until every process is here."""
        if self.world > 1:
            dist.barrier()

    def _average(self, tensors: list[Tensor]) -> None:
        """One message for all: a GAN's step runs its networks several times, which DDP's hooks do not like."""
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([t.flatten() for t in tensors])
        dist.all_reduce(flat)
        flat /= self.world
        for tensor, part in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))


def start_processes(device: str | None = None) -> torch.device:
    """Join torchrun's group if there is one (nccl on CUDA, else gloo); gives this process's device."""
    local = int(os.environ.get("LOCAL_RANK", 0))
    cuda = torch.cuda.is_available() and device in (None, "cuda")
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if cuda else "gloo")
    if cuda:
        torch.cuda.set_device(local)
        return torch.device("cuda", local)
    return torch.device(device or "cpu")


def _leave() -> None:
    """Out of the group together, and then at once: torch's threads now and then abort a process that ends around
    them, which torchrun takes for the failure of a run that is complete. What fails after the training is still told,
    but no longer in the exit status."""
    dist.barrier()
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def train(recipe: Recipe, plan: Plan, device: torch.device) -> Iterator[Progress]:
    """Train until time or steps are up; closing the iterator stops after the step in hand and saves."""
    stepper = Stepper(device)
    plan.folder.mkdir(parents=True, exist_ok=True)
    for network in recipe.networks.values():
        network.to(device)
    step, before = _resume(recipe, plan, stepper)
    start = saved = pictured = time.monotonic()
    curves = Curves(plan.folder, step, stepper.rank)
    try:
        while not _finished(step, time.monotonic() - start, plan, stepper):
            losses = _one_step(recipe, plan, stepper, step)
            step += 1
            now = time.monotonic()
            curves.add(step, before + now - start, losses)
            picture = None
            if stepper.rank == 0 and now - pictured > plan.picture_seconds:
                picture, pictured = recipe.picture(), time.monotonic()
                save_pictures(plan.folder, picture)
            if stepper.rank == 0 and now - saved > plan.save_seconds:
                _save(recipe, plan, step, before + now - start)
                saved = time.monotonic()
            yield Progress(step, losses, now - start, before + now - start, 60 * plan.minutes, picture)
    except GeneratorExit:
        pass  # closed between two steps: what is there is whole, so keep it
    finally:
        curves.close()
    if stepper.rank == 0:
        _save(recipe, plan, step, before + time.monotonic() - start)
        save_pictures(plan.folder, recipe.picture())
    if stepper.world > 1:
        atexit.register(_leave)


def draw_batch(recipe: Recipe, plan: Plan, step: int, rank: int = 0, world: int = 1) -> Batch:
    """This process's share of the step's batch; its samples do not depend on how many processes share it."""
    if plan.batch % world:
        raise EngineError(
            f"A batch of {plan.batch} cannot be shared by {world} processes.",
            "Choose a multiple of their number.",
        )
    share = plan.batch // world
    places = range(rank * share, (rank + 1) * share)
    samples = [recipe.draw(np.random.default_rng([plan.seed, step, place])) for place in places]
    return {key: torch.from_numpy(np.stack([s[key] for s in samples])) for key in samples[0]}


def _one_step(recipe: Recipe, plan: Plan, stepper: Stepper, step: int) -> dict[str, float]:
    torch.manual_seed(hash((plan.seed, step, stepper.rank)) % 2**63)
    batch = draw_batch(recipe, plan, step, stepper.rank, stepper.world)
    batch = {key: value.to(stepper.device, non_blocking=True) for key, value in batch.items()}
    for network in recipe.networks.values():
        network.train()
    losses = {key: float(stepper.mean(value)) for key, value in recipe.step(batch, stepper).items()}
    bad = [key for key, value in losses.items() if not np.isfinite(value)]
    if bad:
        raise EngineError(
            f"Training went wrong at step {step}: the loss {bad[0]} is not a number.",
            "Continue from the last checkpoint with a smaller learning rate.",
        )
    return losses


def _finished(step: int, seconds: float, plan: Plan, stepper: Stepper) -> bool:
    """The first process's clock decides for all."""
    done = seconds >= 60 * plan.minutes or (plan.steps is not None and step >= plan.steps)
    if stepper.world > 1:
        flag = torch.tensor([float(done)], device=stepper.device)
        dist.broadcast(flag, 0)
        done = bool(flag.item())
    return done


def _resume(recipe: Recipe, plan: Plan, stepper: Stepper) -> tuple[int, float]:
    """Step and seconds of the checkpoint; 0 without one."""
    path = plan.folder / CHECKPOINT
    if not path.is_file():
        return 0, 0.0
    kept = torch.load(path, map_location=stepper.device, weights_only=True)
    if json.loads(kept["config"]) != json.loads(json.dumps(dict(recipe.config))):
        raise EngineError(
            f"{plan.folder} holds a training run with other settings.",
            "Choose another folder, or those settings.",
        )
    for name, network in recipe.networks.items():
        network.load_state_dict(kept["networks"][name])
    for name, optimiser in recipe.optimisers.items():
        optimiser.load_state_dict(kept["optimisers"][name])
    recipe.state.update(kept["state"])
    return int(kept["step"]), float(kept["seconds"])


def _save(recipe: Recipe, plan: Plan, step: int, seconds: float) -> None:
    kept = {
        "config": json.dumps(dict(recipe.config)),
        "step": step,
        "seconds": seconds,
        "networks": {name: network.state_dict() for name, network in recipe.networks.items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in recipe.optimisers.items()},
        "state": recipe.state,
    }
    beside = plan.folder / (CHECKPOINT + ".new")
    torch.save(kept, beside)
    os.replace(beside, plan.folder / CHECKPOINT)

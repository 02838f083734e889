"""Runs every training: for a budget of time, exactly resumable, on one process or under torchrun.

A recipe says what is trained; the loop draws its batches, counts time, keeps the curves and the checkpoint.
Everything random follows from (seed, step, place in the batch), so a run that was killed goes on to the
same curve, and two processes see the batch that one would see.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from app.engine.errors import EngineError
from app.engine.files import written
from app.engine.training.curves import Curves, save_pictures

Batch = dict[str, Tensor]
CHECKPOINT = "checkpoint.pt"
# How long a process waits for the others' shares of the preparation: far longer than portraits take.
PATIENCE = timedelta(hours=12)


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
        """Return one sample. All randomness in it comes from `rng`."""

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        """Take one step on the stacked samples and return the losses to plot. Updates go through `stepper.update`."""

    def picture(self) -> NDArray[np.uint8] | None:
        """Return (H, W, 3) to look at: what the networks make now."""


@dataclass(frozen=True)
class Plan:
    """What a run is asked for.

    folder: place of checkpoint and curves; minutes: time to train now; batch: samples per step over all processes;
    seed: from which all that is random follows; steps: number at which it stops at the latest, None lets time alone
    decide; save_seconds, picture_seconds: from one checkpoint or sheet of samples to the next.
    """

    folder: Path
    minutes: float
    batch: int = 4
    seed: int = 0
    steps: int | None = None
    save_seconds: float = 60.0
    picture_seconds: float = 60.0


@dataclass(frozen=True, eq=False)
class Progress:
    """One finished step. seconds: time trained in this run; total_seconds: in all runs; picture: a sheet of samples,
    now and then, else None.
    """

    step: int
    losses: Mapping[str, float]
    seconds: float
    total_seconds: float
    budget_seconds: float
    picture: NDArray[np.uint8] | None = None


class Trained(nn.Module):
    """What one optimiser trains, as DistributedDataParallel wants it: a module whose output is the loss.

    A GAN's step runs its networks several times and one network's loss goes through another, but every backward
    pass starts from one loss. Each parameter takes part in it with weight 0, because DDP's buckets wait for a
    gradient from every one, and not every step's terms reach all.
    """

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.trained = nn.ParameterList(parameters)

    def forward(self, loss: Tensor) -> Tensor:
        return loss + 0 * torch.stack([p[(0,) * p.ndim] for p in self.trained]).sum()


class Stepper:
    """Gives a step its surroundings: the device, the precision, and gradients averaged over the processes."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        self._shared: dict[tuple[int, ...], DistributedDataParallel] = {}

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context of bfloat16 on CUDA (it needs no loss scaling), and of float32 elsewhere."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def update(self, optimiser: Optimizer, loss: Tensor, keep_graph: bool = False) -> None:
        """Take one optimiser step on the mean gradient of all processes; gradients of other networks are left out."""
        parameters = [p for group in optimiser.param_groups for p in group["params"] if p.requires_grad]
        optimiser.zero_grad(set_to_none=True)
        if self.world > 1:
            loss = self._distributed(parameters)(loss)
        loss.backward(retain_graph=keep_graph, inputs=parameters)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        optimiser.step()

    def mean(self, value: Tensor) -> Tensor:
        """Return a scalar's mean over the processes."""
        value = value.detach().float().clone()
        if self.world > 1:
            dist.all_reduce(value)
            value /= self.world
        return value

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.world > 1:
            dist.barrier()

    @torch.no_grad()
    def start(self, networks: Iterable[nn.Module]) -> None:
        """Give every process the networks as the first process has them."""
        if self.world > 1:
            for network in networks:
                for value in network.state_dict().values():
                    dist.broadcast(value, 0)

    def shares(self) -> Iterator[tuple[int, int]]:
        """Yield (i, n) of the preparation's shares for this process, one after the other: of all processes' work,
        then, where several machines train whose disks may be their own, of its machine's.
        """
        yield self.rank, self.world
        self.wait()
        local, count = (int(os.environ.get(name, 0)) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
        if 0 < count < self.world:
            yield local, count
            self.wait()

    def from_first(self, data: bytes) -> bytes:
        """Return what the first process gave, on all of them."""
        if self.world == 1:
            return data
        size = torch.tensor([len(data)], device=self.device)
        dist.broadcast(size, 0)
        if not size.item():
            return b""
        content = torch.empty(int(size), dtype=torch.uint8, device=self.device)
        if self.rank == 0:
            content.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        dist.broadcast(content, 0)
        return content.cpu().numpy().tobytes()

    def _distributed(self, parameters: list[nn.Parameter]) -> DistributedDataParallel:
        """Return DDP's wrapper of these parameters, which is made once. The values are equal already (`start`): to
        write them again would spoil the graph of the loss in hand.
        """
        key = tuple(map(id, parameters))
        if key not in self._shared:
            self._shared[key] = DistributedDataParallel(Trained(parameters), init_sync=False)
        return self._shared[key]


def start_processes(device: str | None = None) -> torch.device:
    """Join torchrun's group if there is one (nccl on CUDA, else gloo), and return this process's device."""
    local = int(os.environ.get("LOCAL_RANK", 0))
    cuda = torch.cuda.is_available() and device in (None, "cuda")
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    if cuda:
        torch.cuda.set_device(local)
        return torch.device("cuda", local)
    return torch.device(device or "cpu")


def leave_processes() -> None:
    """Leave the group, together with the other processes, as the last thing that a process does once its work is
    done.

    torch's threads now and then abort a process that ends around them, which torchrun would take for the failure of
    a run that is complete. Whoever fails before this leaves by its own exit status, and torchrun stops the others.
    """
    if dist.is_initialized():
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
    stepper.start(recipe.networks.values())
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


def draw_batch(recipe: Recipe, plan: Plan, step: int, rank: int = 0, world: int = 1) -> Batch:
    """Return this process's share of the step's batch; the samples do not depend on how many processes share it."""
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
            "Train under another name with other or more footage; the last checkpoint of this run is kept.",
        )
    return losses


def _finished(step: int, seconds: float, plan: Plan, stepper: Stepper) -> bool:
    """Return whether the run's time or steps are up; the first process's clock decides for all."""
    done = seconds >= 60 * plan.minutes or (plan.steps is not None and step >= plan.steps)
    if stepper.world > 1:
        flag = torch.tensor([float(done)], device=stepper.device)
        dist.broadcast(flag, 0)
        done = bool(flag.item())
    return done


def _resume(recipe: Recipe, plan: Plan, stepper: Stepper) -> tuple[int, float]:
    """Return step and seconds of the checkpoint, 0 and 0 without one.

    The first process reads it, because the others' machines may not have it.
    """
    path = plan.folder / CHECKPOINT
    data = stepper.from_first(path.read_bytes() if stepper.rank == 0 and path.is_file() else b"")
    if not data:
        return 0, 0.0
    kept = torch.load(io.BytesIO(data), map_location=stepper.device, weights_only=True)
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
    with written(plan.folder / CHECKPOINT) as beside:
        torch.save(kept, beside)

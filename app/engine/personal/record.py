"""Stores what a personal model remembers of its person, as tensors beside its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera, FaceParams, Identity

if TYPE_CHECKING:
    from torch import Tensor

# px: sides that a personal model's square may have; Head2Head's strides halve them without a remainder.
SIZES = (64, 128, 256)
SIZE = 256  # px: side of the released models' pictures
# The usual camera of a face in the released crop with its margin.
USUAL_CAMERA = Camera(55.0, translation=(128.0, 132.0))


@dataclass(frozen=True, eq=False)
class Person:
    """The record of one person.

    size: px of the square's side; camera: mean scale and place of the face in it; identity: p_id of the footage;
    portrait: (size, size, 3) uint8, the best frame; background: (size, size, 3) uint8, without the person; track: (T,
    11) the footage's cameras, gazes and apertures, by frame. All but size and camera are None for released models.
    """

    size: int = SIZE
    camera: Camera = USUAL_CAMERA
    identity: Identity | None = None
    portrait: NDArray[np.uint8] | None = None
    background: NDArray[np.uint8] | None = None
    track: NDArray[np.float32] | None = None

    def as_tensors(self) -> dict[str, Tensor]:
        """Return the record as tensors for `Found.extras`."""
        import torch

        assert self.identity is not None and self.portrait is not None
        tensors = {
            "camera": torch.from_numpy(self.camera.as_array()).float(),
            "identity": torch.tensor(self.identity.coefficients),
            "portrait": torch.from_numpy(self.portrait.copy()),
        }
        for name in ("background", "track"):
            if (value := getattr(self, name)) is not None:
                tensors[name] = torch.from_numpy(value.copy())
        return tensors

    @classmethod
    def of_tensors(cls, extras: dict[str, Tensor]) -> Person:
        """Return the record in a model's extras; without any, it is that of the released models' usual crop."""
        if "portrait" not in extras:
            return cls()
        portrait = extras["portrait"].numpy()
        identity = Identity(tuple(extras["identity"].tolist()))
        camera = Camera.from_array(extras["camera"].tolist())
        more = {name: extras[name].numpy() for name in ("background", "track") if name in extras}
        return cls(len(portrait), camera, identity, portrait, **more)

    def filmed(self, frame: int) -> tuple[Camera, tuple[float, float], tuple[float, float]]:
        """Return camera, gaze and apertures of a frame of the footage; beyond its end the footage runs back and
        forth.
        """
        assert self.track is not None
        row = self.track[_to_and_fro(frame, len(self.track))].tolist()
        return Camera.from_array(row[:7]), (row[7], row[8]), (row[9], row[10])


def track_of(params: tuple[FaceParams, ...]) -> NDArray[np.float32]:
    """Return (T, 11) of fitted frames, as `Person.track` has it."""
    rows = [[*p.camera.as_array(), *p.expression.gaze, *p.expression.aperture] for p in params]
    return np.array(rows, np.float32)


def _to_and_fro(frame: int, count: int) -> int:
    if count == 1:
        return 0
    place = frame % (2 * count - 2)
    return place if place < count else 2 * count - 2 - place

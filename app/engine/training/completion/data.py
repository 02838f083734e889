"""Prepares the completion's training data: heads whose photo shows more than the network gets to see.

A portrait's head is looked at by other, turned cameras. The parts that they would not see are hidden, the atlas is
completed from the rest as in use, and the photo gives the truth. Half the time parts seen at a grazing angle are
hidden too, so that colours must be continued outwards, as beyond a photo's outline. A clip gives true pairs: one
frame shows what another hides. One file per person or clip; preparation can be shared out and continued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, FittedFace
from app.engine.files import written
from app.engine.head import Head, fit_head
from app.engine.head.atlas import Seen, seen, unlearned
from app.engine.head.completion import seen_by_network
from app.engine.head.low_colours import Low, low_colours
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.endings import CLIPS
from app.engine.imaging.matte import person_matte
from app.engine.imaging.reading import open_photo
from app.engine.training.completions import prepared
from app.engine.training.faces import clip_frames

# Chosen by eye on what the views hide (docs/completion.md, “Data”).
LONGEST = 640  # px: larger portraits are made smaller, which is still finer than the network's atlas
LEAST_IOD = 26.0  # px: smaller faces only teach blur
ATLAS = 384  # texels at which the atlas is made
# number of other cameras of a portrait, and of a portrait that shows a side of the head that is seldom seen
VIEWS, VIEWS_ASIDE = 4, 16
TURNS, NODS = (8.0, 65.0), 22.0  # degrees
ASIDE, FRONT = (
    16.0,
    10.0,
)  # degrees of yaw from which a head is turned, and to which a photo is from the front
GRAZING = (0.15, 0.65)  # cosine between normal and view below which the rim is hidden; drawn from this range
# frames of a clip, pairs of them, degrees between a pair's frames at least
CLIP_FRAMES, CLIP_PAIRS, CLIP_TURN = 10, 16, 5.0
CLIP_TURNS = 2  # other cameras of each of a clip's frames
FEW = 0.004  # share of the atlas: a view that hides less teaches nothing


@dataclass(frozen=True, eq=False)
class Photo:
    """The head of one photo, and which parts of it the photo shows."""

    pixels: NDArray[np.uint8]
    matte: NDArray[np.float32]
    head: Head
    own: Seen
    low: Low


def prepare(
    paths: Sequence[Path], folder: Path, shard: tuple[int, int] = (0, 1), views: int = VIEWS
) -> Iterator[Step]:
    """Make the data of every file (`completions.prepared`); pictures without a usable face are left out."""

    def write(path: Path, tracker: FaceTracker, goal: Path) -> None:
        clip = path.suffix.lower() in CLIPS
        made = of_clip(path) if clip else of_portrait(path, tracker, views)
        with written(goal) as beside:
            np.savez(beside, allow_pickle=False, **made)

    yield from prepared(paths, folder, shard, write)


def of_portrait(path: Path, tracker: FaceTracker, views: int = VIEWS) -> dict[str, NDArray[np.uint8]]:
    """truth (1, S, S, 4), seen (views, S, S, 6), of (views,): the truth of each; EngineError without exactly one
    face."""
    pixels = to_srgb8(open_photo(path))
    factor = LONGEST / max(pixels.shape[:2])
    if factor < 1:
        size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    found = tracker.detect(pixels)
    if len(found) != 1:
        raise EngineError(f"{path.name} shows {len(found)} faces.", "Use pictures of one person.")
    photo = photo_of(pixels, fit_face(found[0], default_model()))
    rng = np.random.default_rng(int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16))
    truth = truth_of(photo)
    camera = photo.head.camera
    views = max(views, VIEWS_ASIDE) if abs(camera.yaw) > ASIDE else views
    made = [seen_from(photo, turned(camera, rng), rng) for _ in range(views)]
    made = [view for view in made if hidden(truth, view) > FEW]
    if not made:
        raise EngineError(f"{path.name} shows too little of its head.", "Use larger portraits.")
    return {"truth": truth[None], "seen": np.stack(made), "of": np.zeros(len(made), np.uint8)}


def of_clip(path: Path) -> dict[str, NDArray[np.uint8]]:
    """Return the same as `of_portrait` of a clip's frames, one of which shows what another hides; other cameras look at
    every frame, too.
    EngineError for clips whose frames hide nothing."""
    frames, faces, _ = clip_frames(path)
    angles = np.array([face.params.camera.angles[:2] for face in faces])
    order = np.argsort(angles[:, 0])
    chosen = order[np.linspace(0, len(order) - 1, CLIP_FRAMES).astype(int)]
    photos = [photo_of(frames[k], faces[k]) for k in chosen]
    truths = [truth_of(photo) for photo in photos]
    own = [encoded(unlearned_of(photo, photo.own)) for photo in photos]
    apart = np.abs(angles[chosen][:, None] - angles[chosen]).max(axis=2)
    pairs = [(a, b) for a, b in np.argwhere(apart > CLIP_TURN) if hidden(truths[b], own[a]) > FEW]
    pairs = sorted(pairs, key=lambda pair: -apart[pair])[:CLIP_PAIRS]
    made = [(own[a], b) for a, b in pairs]
    rng = np.random.default_rng(int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16))
    others = apart - 360 * np.eye(len(photos))
    for a, photo in enumerate(photos):
        for _ in range(CLIP_TURNS):
            view, b = seen_from(photo, turned(photo.head.camera, rng), rng), int(np.argmax(others[a]))
            made += [(view, b)] if hidden(truths[b], view) > FEW else []
    if not made:
        raise EngineError(f"The head in {path.name} hardly turns.", "Use clips of heads that turn.")
    return {
        "truth": np.stack(truths),
        "seen": np.stack([view for view, _ in made]),
        "of": np.array([b for _, b in made], np.uint8),
    }


def photo_of(pixels: NDArray[np.uint8], face: FittedFace) -> Photo:
    """Return a photo's head and which parts it shows; EngineError where the eyes are less than LEAST_IOD apart."""
    iod = face.params.camera.scale
    if iod < LEAST_IOD:
        raise EngineError(f"The eyes are {iod:.0f} px apart.", "Use pictures of larger faces.")
    matte = person_matte(pixels, face)
    head = fit_head(face, matte, pixels)
    own = seen(head, matte)
    return Photo(pixels, matte, head, own, low_colours(pixels, matte, head.camera.scale, own.at, own.facing))


def unlearned_of(photo: Photo, own: Seen) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    made = unlearned(photo.head, own, photo.pixels, photo.matte, photo.low, ATLAS)
    return made.atlas, made.planes


def encoded(made: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Return what the network sees as (S, S, 6) uint8."""
    planes = seen_by_network(*made)
    planes[:3] = (planes[:3] + 1) / 2
    return np.ascontiguousarray(np.round(255 * np.clip(planes, 0, 1)).astype(np.uint8).transpose(1, 2, 0))


def truth_of(photo: Photo) -> NDArray[np.uint8]:
    """Return (S, S, 4), the photo's colours and where it truly shows them."""
    return np.ascontiguousarray(encoded(unlearned_of(photo, photo.own))[..., :4])


def hidden(truth: NDArray[np.uint8], view: NDArray[np.uint8]) -> float:
    """Return the share of the atlas that the truth shows and the view does not."""
    return float((truth[..., 3] * (255.0 - view[..., 3])).mean() / 255**2)


def turned(camera: Camera, rng: np.random.Generator) -> Camera:
    """Return a camera that another photo might have had.

    Half of a turned head's cameras look at it from the front, as most photos do; these hide the ear and the cheek that
    the turned head's photo shows well.
    """
    yaw, pitch, roll = camera.angles
    turn = float(rng.choice([-1, 1]) * rng.uniform(*TURNS) * (rng.random() < 0.8))
    if abs(yaw) > ASIDE and rng.random() < 0.5:
        turn = rng.uniform(-FRONT, FRONT) - yaw
    return Camera.from_angles(
        float(np.clip(yaw + turn, -75, 75)),
        float(np.clip(pitch + rng.uniform(-NODS, NODS), -40, 40)),
        roll,
        camera.scale,
        camera.translation,
    )


def seen_from(photo: Photo, camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return (S, S, 6) as if the photo had been taken by the other camera, as far as it shows what that would see."""
    other = replace(photo.head, camera=camera)
    view = seen(other, np.ones_like(photo.matte))
    least = rng.uniform(*GRAZING) if rng.random() < 0.5 else 0.0
    rim = smoothstep(least, least + 0.15, view.normals[:, 2]) if least else np.ones(len(view.at))
    shown = photo.own.shown * view.shown * rim
    # What the photo itself sees at a grazing angle is not shown better by a camera that faces it.
    normals = np.column_stack([view.normals[:, :2], np.minimum(view.normals[:, 2], photo.own.normals[:, 2])])
    known = replace(
        photo.own,
        normals=normals,
        smooth=view.smooth,
        shown=shown,
        confident=photo.own.confident * view.confident * rim,
    )
    return encoded(unlearned_of(photo, known))

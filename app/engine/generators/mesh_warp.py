"""Renders without weights: it moves and turns the photo's own head in three dimensions (docs/mesh-warp.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import GeneratorInfo, Origin, Patch, SourceImage, Target
from app.engine.errors import EngineError
from app.engine.face.controls import CONTROLS
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.imaging.colour import largest
from app.engine.warping.background import fill
from app.engine.warping.body import body_shift
from app.engine.warping.curves import box_around
from app.engine.warping.doubts import doubts
from app.engine.warping.edges import edge_softness
from app.engine.warping.expression_response import expression_response
from app.engine.warping.eyeballs import eyes_of
from app.engine.warping.eyes import Eye, EyePose, draw_eye, margin
from app.engine.warping.head_drawing import (
    HeadFrame,
    HeadLook,
    drawn_head,
    for_alpha,
    head_look,
    own_view_of,
    view_of,
)
from app.engine.warping.head_flow import drawn_displacements
from app.engine.warping.head_table import table
from app.engine.warping.layers import Box, Layers, around, meanwhile
from app.engine.warping.light import Light, light_of
from app.engine.warping.light_direction import light_direction
from app.engine.warping.mouth import Mouth, OwnMouth, mouth_picture, mouth_source, own_mouth
from app.engine.warping.mouth_completion import learnt_colours, weights
from app.engine.warping.mouth_sight import sight
from app.engine.warping.neighbours import Neighbours, neighbours
from app.engine.warping.own_view import OwnView
from app.engine.warping.posing import (
    FaceSource,
    Posed,
    as_seen,
    eye_pose,
    face_source,
    landmarks_of,
    lip_to_lip,
    mouth_pose,
    pose,
)
from app.engine.warping.spectacles import Front, dark_glasses, spectacles
from app.engine.warping.topology import N_FACE, OVAL

LEAST_IOD = 6.0  # px between the eyes, below which a face is too small to move; chosen by eye on sheets


@dataclass(frozen=True, eq=False)
class Alpha:
    """The photo's alpha channel, drawn as the photo is."""

    layers: Layers
    head: HeadLook
    own: OwnView

    @classmethod
    def of(cls, alpha: NDArray[Any], matte: NDArray[np.float32], layers: Layers, head: HeadLook) -> Alpha:
        own = _layers(np.dstack([alpha] * 3), matte, layers.hold, layers.iod)
        look = for_alpha(head, own, matte)
        return cls(own, look, own_view_of(look, own, table(look, look.head.camera)))

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """Return the table of the photo's own view."""
        return table(self.head, self.head.head.camera)


@dataclass(frozen=True, eq=False)
class WarpCode:
    """What one face of one photo needs for every frame."""

    pixels: NDArray[Any]
    layers: Layers
    head: HeadLook
    own: OwnView
    alpha: Alpha | None
    face: FaceSource
    eyes: tuple[Eye, ...]
    mouth: Mouth

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """Return the table of the photo's own view, in which expressions are drawn."""
        return table(self.head, self.head.head.camera)

    @cached_property
    def own_mouth(self) -> OwnMouth | None:
        return own_mouth(self.pixels, self.mouth, lip_to_lip(self.face.params.camera))


class MeshWarp:
    """The default generator, which docs/mesh-warp.md describes; the modules of `app.engine.warping` give sources."""

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo("mesh-warp", "Mesh warp", 0, tuple(c.name for c in CONTROLS), (), "MIT")

    def encode(self, source: SourceImage) -> WarpCode:
        """Return the code of a face with its whole head; EngineError for a face that is too small to move."""
        camera, landmarks, pixels = source.face.params.camera, source.face.landmarks, source.pixels
        if camera.scale < LEAST_IOD:
            raise EngineError(
                "This face is too small to edit.", "Use a photo in which the face is larger.", "open"
            )
        near = neighbours(pixels, source.matte, source.face, source.others)
        matte = _own_matte(source, near)
        worn, dark = spectacles(pixels, landmarks, camera), dark_glasses(pixels, landmarks, camera.scale)
        points = _with_spectacles(source.face, worn)
        layers = _layers(pixels, matte, _hold(near), camera.scale)
        srgb = pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
        front, soft = Front.of(landmarks, camera, worn), 1.0
        if source.alpha is not None:
            soft = edge_softness(source.alpha / np.float32(largest(source.alpha.dtype)), camera.scale)
        head = head_look(source.face, layers, matte, srgb, front, soft)
        face, light = face_source(points, source.face.params, worn, dark), light_of(pixels, landmarks)
        return WarpCode(
            pixels,
            layers,
            head,
            own_view_of(head, layers, table(head, camera)),
            None if source.alpha is None else Alpha.of(source.alpha, matte, layers, head),
            face,
            eyes_of(pixels, landmarks, source.face.params, light, worn),
            _mouth(source, light, light_direction(pixels, points, camera.scale), face.gap),
        )

    def generate(self, code: WarpCode, target: Target) -> Patch:
        times: list[tuple[str, float]] = []
        with _timed("pose", times):
            posed = self.posed(code, target)
        patch = self.drawn(code, posed)
        doubted = doubts(code.face.params, target.params, code.face.spectacles)
        return replace(patch, ms=(*times, *patch.ms), doubts=doubted)

    def drawn(self, code: WarpCode, posed: Posed) -> Patch:
        """Return the moved box; empty where nothing moves."""
        times: list[tuple[str, float]] = []
        with _timed("geometry", times):
            eyes = [(eye, eye_pose(code.face, posed, eye)) for eye in code.eyes]
            drawn = [(eye, eye_target) for eye, eye_target in eyes if eye_target is not None]
            view = _view(code, posed)
            own = view.camera == code.head.head.camera
            values = code.values if own else table(code.head, view.camera)
            mouth = mouth_pose(code.face, posed, code.mouth.shut)
            size = (code.layers.zone.shape[1], code.layers.zone.shape[0])
            inside = None
            if mouth is not None:
                inside = meanwhile(partial(mouth_picture, code.own_mouth, code.mouth, mouth, size))
        with _timed("warp", times):
            also = _around_eyes(drawn, code.layers)
            pixels, box = drawn_head(code.head, code.layers, code.own, view, values, also)
            alpha = None
            if (a := code.alpha) is not None:
                values = a.values if own else table(a.head, view.camera)
                alpha = drawn_head(a.head, a.layers, a.own, view, values, also)[0][..., 0]
        with _timed("features", times):
            if inside is not None and (shown := inside()) is not None:
                shown.draw(pixels, box[:2])
            for eye, eye_target in drawn:
                draw_eye(pixels, box[:2], eye, eye_target)
        return Patch(pixels, box[0], box[1], alpha, tuple(times))

    def flow(self, code: WarpCode, target: Target) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return displacements (h, w, 2) px from each pixel of the moved box to where `generate` takes its colour, and
        the box' corner (x, y) px.
        """
        view = _view(code, self.posed(code, target))
        flow, box = drawn_displacements(code.head, code.layers, code.own, view)
        return flow, box[:2]

    def landmarks(
        self, code: WarpCode, params: FaceParams, irises: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the landmarks (478, 3) px of the face that `generate` draws; irises: (10, 3) px of the photo's."""
        return landmarks_of(code.face, pose(code.face, params), irises)

    def fold_overs(self, code: WarpCode, target: Target) -> int:
        """Return how many triangles are drawn inside out; `Skin.folded` says which ones count."""
        view, skin = _view(code, self.posed(code, target)), code.head.surface
        return skin.folded(view.points, skin.turned(code.face.params.camera, view.camera))

    def posed(self, code: WarpCode, target: Target) -> Posed:
        """Return the geometry of a target: a filmed face is drawn as it was observed, a driven one so that it is
        read as the driver's, an edit as it was asked.
        """
        params = target.params
        if target.origin is Origin.DRIVEN and (response := expression_response()) is not None:
            params = response.drawn(code.face.params, params)
        if target.origin is Origin.FILMED:
            params = as_seen(code.face, params)
        return pose(code.face, params, target.origin is Origin.ASKED)


def resized(source: SourceImage, factor: float) -> SourceImage:
    """Return the same face in the photo resized by `factor`, in 8 bits without alpha."""
    size = (max(1, round(source.matte.shape[1] * factor)), max(1, round(source.matte.shape[0] * factor)))
    pixels = source.pixels if source.pixels.dtype == np.uint8 else (source.pixels >> 8).astype(np.uint8)
    return SourceImage(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA),
        None,
        source.face.scaled(factor),
        cv2.resize(source.matte, size, interpolation=cv2.INTER_AREA),
        tuple(other.scaled(factor) for other in source.others),
    )


def _mouth(source: SourceImage, light: Light, toward: NDArray[np.float64], gap: float) -> Mouth:
    """Return the photo's mouth, with the colours of its inside that are learnt."""
    face = source.face
    mouth = mouth_source(source.pixels, face.landmarks, face.params.camera.scale, gap, light, toward)
    return (
        mouth
        if weights() is None
        else replace(mouth, learnt=learnt_colours(sight(source.pixels, face, mouth)))
    )


def _view(code: WarpCode, posed: Posed) -> HeadFrame:
    shift = body_shift(code.face.middle, code.face.params.camera, posed.camera)
    return view_of(code.head, posed.camera, posed.offsets, shift, posed.along, posed.steady)


def _around_eyes(eyes: list[tuple[Eye, EyePose]], layers: Layers) -> Box:
    """Return the box around eyes that are drawn, also where no vertex moves."""
    size = (layers.zone.shape[1], layers.zone.shape[0])
    return around(*(box_around(target.contour, margin(eye) + 1, size) for eye, target in eyes))


def _with_spectacles(face: FittedFace, worn: float) -> NDArray[np.float64]:
    """Return (468, 3) px of the face, brought forward to the spectacles before it."""
    points = face.landmarks[:N_FACE].copy()
    if worn > 0:
        camera, inner = face.params.camera, np.setdiff1d(np.arange(N_FACE), OVAL)
        front = Front.of(face.landmarks, camera, worn)
        points[inner, 2] = camera.project(front.raised(camera.unproject(points[inner])))[:, 2]
    return points


def _own_matte(source: SourceImage, near: Neighbours | None) -> NDArray[np.float32]:
    """Return the person's matte (H, W) in [0, 1], cut to the photo's own alpha and without other people, who belong to
    the background.
    """
    matte = source.matte
    if source.alpha is not None:  # where a cut-out is transparent there is no person
        matte = np.minimum(matte, source.alpha / np.float32(largest(source.alpha.dtype)))
    return np.asarray(matte if near is None else matte * (1 - near.theirs), np.float32)


def _hold(near: Neighbours | None) -> NDArray[np.uint8]:
    """Return (H, W) 0 on people who stand before this one, 255 elsewhere; (0, 0) where there are none."""
    if near is None or not near.before.any():
        return np.zeros((0, 0), np.uint8)
    return np.asarray((1 - near.before) * 255 + 0.5, np.uint8)


def _layers(pixels: NDArray[Any], matte: NDArray[np.float32], hold: NDArray[np.uint8], iod: float) -> Layers:
    top = largest(pixels.dtype)
    some, solid = (matte > 0.5 / top).astype(np.uint8), (matte > 1 - 0.5 / top).astype(np.uint8)
    grown = 2 * max(2, round(0.11 * iod)) + 1
    near = cv2.dilate(some, cv2.getStructuringElement(cv2.MORPH_RECT, (grown, grown)))
    zone = near + cv2.erode(solid, np.ones((5, 5), np.uint8))
    texture = np.dstack([pixels, np.round(matte * top).astype(pixels.dtype)])
    return Layers(texture, fill(pixels, near > 0, matte, iod), zone, hold, iod)


@contextmanager
def _timed(name: str, times: list[tuple[str, float]]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.append((name, 1000 * (time.perf_counter() - start)))


GENERATOR = MeshWarp

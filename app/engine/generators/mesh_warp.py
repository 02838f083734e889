"""Renders without weights: it warps the photo by a 3D mesh of face and head (docs/mesh-warp.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import GeneratorInfo, Origin, Patch, SourceImage, Target
from app.engine.errors import EngineError
from app.engine.face.controls import CONTROLS
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.warping import eye_kernels, head_drawing, head_table, holding, mouth_kernels, rendering
from app.engine.warping.background import fill
from app.engine.warping.doubts import doubts
from app.engine.warping.expression_response import expression_response
from app.engine.warping.eyeballs import eyes_of
from app.engine.warping.eyes import Eye, draw_eye
from app.engine.warping.geometry import body_shift
from app.engine.warping.head_drawing import (
    HeadFrame,
    HeadLook,
    drawn_head,
    faded,
    for_alpha,
    head_look,
    placed,
    posed_hair,
    posed_points,
    share_of,
)
from app.engine.warping.head_flow import drawn_displacements
from app.engine.warping.head_table import table
from app.engine.warping.holding import turn
from app.engine.warping.light import light_of
from app.engine.warping.mouth import Mouth, OwnMouth, draw_mouth, mouth_source, own_mouth
from app.engine.warping.neighbours import Neighbours, neighbours
from app.engine.warping.posing import (
    FaceSource,
    Posed,
    as_seen,
    eye_pose,
    face_source,
    landmarks_of,
    lip_to_lip,
    mouth_pose,
    placed_by,
    pose,
)
from app.engine.warping.rendering import Layers, Motion, displacements, motion, nothing_moves, render
from app.engine.warping.shell import source_mesh
from app.engine.warping.spectacles import Front, spectacles
from app.engine.warping.surface import Surface, mirror_share, normals, relight, surface, toward
from app.engine.warping.topology import LOWER_LIDS, N_FACE, OVAL, UPPER_LIDS, topology

# These values were chosen by eye on sheets (tools/feature_sheets.py).
LEAST_IOD = 6.0  # px between the eyes, below which a face is too small to move
LID_SKIN = (
    0.015  # IOD into the skin from which a closing lid takes its texture, so that no eyeball is drawn on it
)


@dataclass(frozen=True, eq=False)
class WarpCode:
    """One face of one photo, encoded: all that every frame needs.

    pixels: (H, W, 3) the photo; layers: of the photo; alpha: of its alpha channel, None without one; face: in model
    space; surface: of its skin; eyes, mouth: those to draw; matte: (H, W) in [0, 1] of the person; fitted: the face.
    """

    pixels: NDArray[Any]
    layers: Layers
    alpha: Layers | None
    face: FaceSource
    surface: Surface
    eyes: tuple[Eye, ...]
    mouth: Mouth
    matte: NDArray[np.float32]
    fitted: FittedFace

    @cached_property
    def own_mouth(self) -> OwnMouth | None:
        return own_mouth(self.pixels, self.mouth, lip_to_lip(self.face.params.camera))

    @cached_property
    def head(self) -> HeadLook:
        """Return the whole head, made when it is first needed: a filmed face that hardly turns needs none."""
        pixels = self.pixels if self.pixels.dtype == np.uint8 else (self.pixels >> 8).astype(np.uint8)
        front = Front.of(self.fitted.landmarks, self.fitted.params.camera, self.face.spectacles)
        return head_look(self.fitted, self.layers, self.matte, pixels, front)

    @cached_property
    def alpha_head(self) -> HeadLook | None:
        return None if self.alpha is None else for_alpha(self.head, self.alpha, self.matte)


class MeshWarp:
    """The default generator, which docs/mesh-warp.md describes; the modules of `app.engine.warping` give sources."""

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo("mesh-warp", "Mesh warp", 0, tuple(c.name for c in CONTROLS), (), "MIT")

    def encode(self, source: SourceImage) -> WarpCode:
        """Return the code of a face with its whole head; EngineError for a face that is too small to move."""
        code = self.encode_layers(source)
        assert code.head is not None
        return code

    def encode_layers(self, source: SourceImage) -> WarpCode:
        """Return the code of a face whose whole head is made when a frame needs it; EngineError as `encode`."""
        camera = source.face.params.camera
        if camera.scale < LEAST_IOD:
            raise EngineError(
                "This face is too small to edit.", "Use a photo in which the face is larger.", "open"
            )
        near = neighbours(source.pixels, source.matte, source.face, source.others)
        matte = _own_matte(source, near)
        worn = spectacles(source.pixels, source.face.landmarks, camera)
        shaped = _with_spectacles(source.face, worn)
        mesh = source_mesh(shaped, matte)
        layers = _layers(source.pixels, matte, _hold(near), camera.scale)
        alpha = None
        if source.alpha is not None:
            alpha = _layers(np.dstack([source.alpha] * 3), matte, layers.hold, camera.scale)
        face = face_source(mesh, source.face.params, worn)
        skin = surface(source.pixels, mesh, camera.yaw)
        landmarks, light = source.face.landmarks, light_of(source.pixels, source.face.landmarks)
        return WarpCode(
            source.pixels,
            layers,
            alpha,
            face,
            skin,
            eyes_of(source.pixels, landmarks, source.face.params, light, worn),
            mouth_source(source.pixels, landmarks, camera.scale, face.gap, light, toward(skin.light)),
            matte,
            source.face,
        )

    def generate(self, code: WarpCode, target: Target) -> Patch:
        times: list[tuple[str, float]] = []
        with _timed("pose", times):
            posed = self.posed(code, target)
        patch = self.drawn(code, posed)
        doubted = doubts(code.face.params, target.params, code.face.spectacles)
        return replace(patch, ms=(*times, *patch.ms), doubts=doubted)

    def drawn(self, code: WarpCode, posed: Posed) -> Patch:
        """Return the patch of a posed face, which is empty where nothing moves."""
        times: list[tuple[str, float]] = []
        with _timed("geometry", times):
            eyes = [(eye, eye_pose(code.face, posed, eye)) for eye in code.eyes]
            drawn = [(eye, eye_target) for eye, eye_target in eyes if eye_target is not None]
            share = _head_share(code, posed)
            whole = share >= 1
            moved = (nothing_moves() if whole else _motion(code, posed)).with_eyes(drawn, code.layers)
        with _timed("warp", times):
            pixels, alpha, box = _turned(code, posed, moved, share)
        with _timed("features", times):
            mouth = mouth_pose(code.face, posed, code.mouth.shut)
            if mouth is not None and pixels.size:
                draw_mouth(pixels, box[:2], code.own_mouth, code.mouth, mouth)
            for eye, eye_target in drawn:
                draw_eye(pixels, box[:2], eye, eye_target)
        return Patch(pixels, box[0], box[1], alpha, tuple(times))

    def flow(self, code: WarpCode, target: Target) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return displacements (h, w, 2) px from each pixel of the moved box to where `generate` takes its colour, and
        the box' corner (x, y) px.
        """
        posed = self.posed(code, target)
        moved, share = _motion(code, posed), _head_share(code, posed)
        if share <= 0:
            return displacements(code.layers, moved), moved.box[:2]
        flow, box = drawn_displacements(code.head, code.layers, _view(code, posed, moved, share))
        return flow, box[:2]

    def landmarks(
        self, code: WarpCode, params: FaceParams, irises: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the landmarks (478, 3) px of the face that `generate` draws; irises: (10, 3) px of the photo's."""
        return landmarks_of(code.face, placed_by(code.face, params), irises)

    def fold_overs(self, code: WarpCode, target: Target) -> int:
        """Return how many triangles are drawn inside out; `Skin.folded` says which ones count."""
        posed = self.posed(code, target)
        skin = code.face.fine
        return skin.folded(posed.fine, skin.turned(code.face.params.camera, posed.camera))

    def warm_up(self) -> None:
        """Compile the kernels for 8 and 16 bits; they are kept on disk, so this is slow only once an installation."""
        eye_kernels.warm_up()
        mouth_kernels.warm_up()
        head_table.warm_up()
        holding.warm_up()
        for dtype in (np.uint8, np.uint16):
            rendering.warm_up(dtype)
            head_drawing.warm_up(dtype)

    def posed(self, code: WarpCode, target: Target) -> Posed:
        """Return the geometry of a target: of a filmed face as it was filmed, of a driven one so that a fresh fit reads
        the driver's expression, of an edit as it was asked.
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


def _head_share(code: WarpCode, posed: Posed) -> float:
    """Return the share of a frame, 0 to 1, that the whole head draws; the head is not made before a turn needs it."""
    return share_of(turn(code.face.params.camera, posed.camera), posed.steady > 0)


def _turned(
    code: WarpCode, posed: Posed, moved: Motion, share: float
) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[int, int, int, int]]:
    """Return pixels (h, w, 3), alpha (h, w) or None, and their box: drawn by the fine warp near the photo's own view,
    by the whole head beyond.
    """
    if share <= 0:
        alpha = None if code.alpha is None else render(code.alpha, moved)[..., 0]
        return render(code.layers, moved), alpha, moved.box
    view = _view(code, posed, moved, share)
    values = table(code.head, view.camera)
    pixels, box = drawn_head(code.head, code.layers, view, values)
    alpha = None
    if code.alpha is not None and code.alpha_head is not None:
        alpha = drawn_head(code.alpha_head, code.alpha, view, table(code.alpha_head, view.camera))[0]
    if share < 1:
        pixels = faded(pixels, placed(code.layers, code.layers, moved, box), share)
        if alpha is not None and code.alpha is not None:
            alpha = faded(alpha, placed(code.alpha, code.alpha, moved, box), share)
    return pixels, None if alpha is None else alpha[..., 0], box


def _view(code: WarpCode, posed: Posed, moved: Motion, share: float) -> HeadFrame:
    """Return what the whole head's frame is drawn from; share: of the frame that the head draws."""
    shift = body_shift(code.face.mesh, posed.camera)
    points = posed_points(code.head, posed.camera, posed.offsets, shift, posed.steady)
    hair = posed_hair(code.head, posed.camera, shift, posed.steady)
    return HeadFrame(points, hair, posed.camera, share, moved, _body_motion(code, shift))


def _body_motion(code: WarpCode, shift: NDArray[np.float64]) -> Motion | None:
    """Return the motion of the body alone; None where it stays."""
    if not np.abs(shift).max() > 0.01:
        return None
    mesh = code.face.mesh
    placed = mesh.points.copy()
    placed[:, :2] += mesh.body[:, None] * shift
    placed[:N_FACE, :2] += shift
    return motion(
        code.layers, mesh.points, topology().smooth @ placed, mesh.points, np.zeros((len(mesh.points), 5))
    )


def _motion(code: WarpCode, posed: Posed) -> Motion:
    """Return the fine warp's motion to a posed face, with its light and its mirrored skin."""
    mesh, before = code.face.mesh, code.face.params.camera
    source = _with_lid_skin(code.face, posed)
    if not posed.offsets.any() and posed.camera == before:
        return motion(code.layers, source, posed.fine, mesh.points, np.zeros((len(mesh.points), 5)))
    after = normals(posed.points)
    share = mirror_share(code.surface, after, posed.camera.yaw - before.yaw)
    gain = relight(code.surface, after)
    mirror_gain = np.where(share[:, None] > 0, code.surface.ratio * (1 + gain)[:, None] - 1, 0)
    light = np.column_stack([gain, share, mirror_gain])
    return motion(code.layers, source, posed.fine, mesh.points[code.surface.twin], light)


def _with_lid_skin(face: FaceSource, posed: Posed) -> NDArray[np.float64]:
    """Return the source's points (900, 3) px, with those of closing lids moved LID_SKIN off the eyeball."""
    points = face.mesh.points
    if not any(posed.closures):
        return points
    points = points.copy()
    up = face.mesh.camera.rotation[:2, 1] * np.array([1.0, -1.0]) * face.mesh.iod
    for side, closure in enumerate(posed.closures):
        points[list(UPPER_LIDS[side][1:-1]), :2] += closure * LID_SKIN * up
        points[list(LOWER_LIDS[side][1:-1]), :2] -= closure * LID_SKIN * up
    return points


def _with_spectacles(face: FittedFace, worn: float) -> FittedFace:
    """Return the face with the landmarks behind spectacles brought forward into these; worn: 0 to 1."""
    if worn <= 0:
        return face
    camera = face.params.camera
    front = Front.of(face.landmarks, camera, worn)
    landmarks, inner = face.landmarks.copy(), np.setdiff1d(np.arange(N_FACE), OVAL)
    landmarks[inner, 2] = camera.project(front.raised(camera.unproject(landmarks[inner])))[:, 2]
    return replace(face, landmarks=landmarks)


def _own_matte(source: SourceImage, near: Neighbours | None) -> NDArray[np.float32]:
    """Return the person's matte (H, W) in [0, 1], cut to the photo's own alpha and without other people, who belong to
    the background.
    """
    matte = source.matte
    if source.alpha is not None:  # where a cut-out is transparent there is no person
        matte = np.minimum(matte, source.alpha / np.float32(np.iinfo(source.alpha.dtype).max))
    return np.asarray(matte if near is None else matte * (1 - near.theirs), np.float32)


def _hold(near: Neighbours | None) -> NDArray[np.uint8]:
    """Return (H, W) 0 on people who stand before this one, 255 elsewhere; (0, 0) where there are none."""
    if near is None or not near.before.any():
        return np.zeros((0, 0), np.uint8)
    return np.asarray((1 - near.before) * 255 + 0.5, np.uint8)


def _layers(pixels: NDArray[Any], matte: NDArray[np.float32], hold: NDArray[np.uint8], iod: float) -> Layers:
    """Return the layers of a picture (H, W, 3): the person, and the background that is filled behind the person."""
    top = 65535 if pixels.dtype == np.uint16 else 255
    some, solid = (matte > 0.5 / top).astype(np.uint8), (matte > 1 - 0.5 / top).astype(np.uint8)
    grown = 2 * max(2, round(0.11 * iod)) + 1
    near = cv2.dilate(some, cv2.getStructuringElement(cv2.MORPH_RECT, (grown, grown)))
    zone = near + cv2.erode(solid, np.ones((5, 5), np.uint8))
    texture = np.dstack([pixels, np.round(matte * top).astype(pixels.dtype)])
    x, y, w, h = cv2.boundingRect(near)
    return Layers(texture, fill(pixels, near > 0, iod), zone, hold, (x, y, x + w, y + h), iod)


@contextmanager
def _timed(name: str, times: list[tuple[str, float]]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.append((name, 1000 * (time.perf_counter() - start)))


GENERATOR = MeshWarp

"""Makes geometry of target parameters: expression offsets, lids, lips, and the poses of eyes and mouth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.engine.face.fitting import EYEBALL, as_filmed, pose_features
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams
from app.engine.head.skull import smoothstep
from app.engine.warping.calibration import in_truth
from app.engine.warping.curves import FloatArray
from app.engine.warping.eyes import DEPTH, TO_PIXELS, Eye, EyePose, contour_vertices, eye_turn, look_axis
from app.engine.warping.geometry import Skin, steadied, steadiness, target_points
from app.engine.warping.holding import turn
from app.engine.warping.lids import lid_gap, lids_follow, move_lids, opened_gap, openness
from app.engine.warping.local_moves import drawn_moves, local_lift
from app.engine.warping.mouth import INNER, OPEN, OPPOSITE, TOOTH_BEHIND_LIP, MouthPose
from app.engine.warping.shell import SourceMesh
from app.engine.warping.teeth import drop_of
from app.engine.warping.topology import EYE_CORNERS, LOWER_LIP, N_FACE, UPPER_LIDS, UPPER_LIP, topology

# Chosen by eye on sheets (tools/feature_sheets.py), where no comment says more.
TURNED = (3.0, 7.0)  # degrees of the head's turn over which eyes and an open mouth come to be drawn anew
# IOD of motion from which an eye is drawn wholly anew; 0.008 is 2.5 degrees of gaze
LOOKED, LIDS_MOVED = 0.008, 0.012
LOWER_TOOTH_ABOVE_LIP = 0.075  # IOD
UPPER_COVER = (0.3, 0.45)  # share of the lip gap that upper teeth fill, at least and at most
UPPER_SEEN = 0.06  # IOD of upper teeth that an open mouth shows at least, besides what a raised lip bares
SPEECH_GAP = 0.12  # IOD between the lips up to which the rows of teeth stay CLENCHED apart
CLENCHED = 0.0  # IOD between the rows of teeth in speech
WIDEST = 0.15  # IOD: a mouth counts as at most so much wider than at rest
JAW_SHARE = 0.75  # share of a widening lip gap that the jaw makes
# times as wide the photo's own teeth are drawn with wider lips; narrower lips only cover them
MOUTH_STRETCH = (1.0, 1.35)
UPPER_MIDDLE, LOWER_MIDDLE = (82, 13, 312), (87, 14, 317)  # MediaPipe's vertices at the middle of either lip
NO_POINTS = np.zeros((0, 3))  # px of handles for callers that need none
LIP_THICKNESS = 0.06  # IOD: how far behind the lips the teeth stand


@dataclass(frozen=True, eq=False)
class FaceSource:
    """The photo's face in model space.

    points: (468, 3); coarse, fine: the mesh's skin before and after subdivision; lip_rest, mouth_rest: model units,
    the height (y) of the upper lip's line and the width of the mouth with the expression taken out; gap: IOD between
    the lips; spectacles: 0 without to 1 with them.
    """

    mesh: SourceMesh
    params: FaceParams
    points: FloatArray
    coarse: Skin
    fine: Skin
    lip_rest: float
    mouth_rest: float
    gap: float
    spectacles: float = 0.0


@dataclass(frozen=True, eq=False)
class Posed:
    """The geometry of a target: (900, 3) px of the coarse mesh, the fine mesh's, (468, 3) offsets in model units,
    how far the lids are closed, and the eyes and mouth to draw.

    steady: share of the outline's motion that is taken back.
    """

    points: FloatArray
    fine: FloatArray
    offsets: FloatArray
    closures: tuple[float, float]
    camera: Camera
    expression: Expression
    steady: float = 0.0


def face_source(mesh: SourceMesh, params: FaceParams, spectacles: float = 0.0) -> FaceSource:
    points = mesh.camera.unproject(mesh.points[:N_FACE])
    worn = default_model().expression_offset(params.expression)
    layout = topology()
    coarse = Skin.of(mesh.points, layout.coarse[layout.layer[::4] < 2])
    finer = layout.smooth @ mesh.points
    fine = Skin.of(finer, layout.triangles[layout.layer < 2])
    rest = points - worn
    return FaceSource(
        mesh, params, points, coarse, fine, float(rest[13, 1]), mouth_width(rest), lip_gap(points), spectacles
    )


def lip_gap(points: FloatArray) -> float:
    return float(points[13, 1] - points[14, 1])


def mouth_width(points: FloatArray) -> float:
    return float(abs(points[UPPER_LIP[-1], 0] - points[UPPER_LIP[0], 0]))


def pose(source: FaceSource, target: FaceParams, asked: bool = True) -> Posed:
    """Return the geometry of a target. The source's own parameters give the source's own points exactly.

    asked: True for what an artist asks, False for what was filmed and fitted. An artist's expression leaves the eyes
    where they are in the head. A filmed one may move them, because the model's expressions are aligned over whole
    faces.
    """
    placed = placed_by(source, target, asked)
    own, camera = source.params.camera, placed.camera
    fine = source.fine.unfolded(topology().smooth @ placed.points, source.fine.turned(own, camera))
    return replace(placed, fine=fine)


def as_seen(source: FaceSource, filmed: FaceParams) -> FaceParams:
    """Return the parameters of a frame of the same face as its landmarks show it, with the turn as it is read
    instead of the true one.
    """
    own = source.params.camera
    if filmed.camera == own:
        return filmed
    camera = as_filmed(own, filmed.camera, source.points, default_model().stiffness)
    return replace(filmed, camera=camera)


def placed_by(source: FaceSource, target: FaceParams, asked: bool = True) -> Posed:
    """`pose` without the fine mesh, which is enough to know where a landmark lies."""
    camera, expression = target.camera, target.expression
    alone = replace(target, expression=expression.alone)
    if asked:
        expression = in_truth(source.params.expression, alone.expression)
    offsets = _expression_offsets(source, expression.alone)
    if asked:
        offsets = offsets + local_lift(source.params.expression, alone.expression)
        offsets = offsets - offsets[list(EYE_CORNERS)].mean(axis=0)
    else:
        offsets = offsets + _seen_by_pose(source.params.camera, camera)
    offsets = offsets + drawn_moves(target.expression)
    offsets, closures = _with_lids(source, offsets, expression)
    offsets = _with_lips_apart(source, offsets)
    placed, rigid = target_points(source.mesh, camera, offsets)
    steady = 0.0
    if not asked and camera != source.params.camera:
        steady = steadiness(source.mesh, rigid)
        placed = steadied(source.mesh, placed, rigid, steady)
    placed = source.coarse.unfolded(placed, source.coarse.turned(source.params.camera, camera))
    return Posed(placed, NO_POINTS, offsets, closures, camera, expression, steady)


def landmarks_of(source: FaceSource, posed: Posed, irises: FloatArray) -> FloatArray:
    """Return (478, 3) px of the drawn face's landmarks; irises: (10, 3) px of the photo's, which turn with the
    eyeballs.
    """
    own = source.params
    looked = look_axis(posed.expression.gaze) - look_axis(own.expression.gaze)
    turned = own.camera.unproject(irises) + EYEBALL * looked
    for side, eye in ((1, slice(0, 5)), (0, slice(5, 10))):
        corners = [UPPER_LIDS[side][0], UPPER_LIDS[side][-1]]
        turned[eye] += posed.offsets[corners].mean(axis=0)
    return np.concatenate([posed.points[:N_FACE], posed.camera.project(turned)])


def _expression_offsets(source: FaceSource, expression: Expression) -> FloatArray:
    worn = source.params.expression.coefficients
    if expression.coefficients == worn:
        return np.zeros((N_FACE, 3))
    model = default_model()
    change = (np.array(expression.coefficients) - np.array(worn)) * model.expression_sigma
    return np.asarray(np.tensordot(change, model.expression_basis, 1))


def _seen_by_pose(before: Camera, after: Camera) -> FloatArray:
    """Return the (468, 3) part of the landmarks that the fit ascribed to the pose, so that a filmed face gets it
    back.
    """
    change = pose_features(after) - pose_features(before)
    return np.asarray(np.tensordot(change, default_model().pose_bias, 1))


def _with_lids(
    source: FaceSource, offsets: FloatArray, expression: Expression
) -> tuple[FloatArray, tuple[float, float]]:
    """Open or close the lids as the apertures ask; closures: 0 as in the photo or wider, 1 shut.

    An unchanged aperture asks for nothing: the lids then follow the expression and the gaze.
    """
    worn, asked = source.params.expression.aperture, expression.aperture
    closures = [0.0, 0.0]
    for side in (0, 1):
        follow = lids_follow(side, source.params.expression.gaze, expression.gaze, source.spectacles)
        if asked[side] != worn[side]:
            factor, gap = openness(worn[side], asked[side]), lid_gap(source.points, side)
            closures[side] = float(np.clip(1 - factor, 0, 1))
            offsets = offsets + min(factor, 1.0) * follow
            if factor > 1:
                factor, gap = 1.0, opened_gap(gap, side, worn[side], asked[side])
            offsets = offsets + move_lids(source.points + offsets, side, gap, factor, source.spectacles)
        else:
            offsets = offsets + follow
    return offsets, (closures[0], closures[1])


def _with_lips_apart(source: FaceSource, offsets: FloatArray) -> FloatArray:
    """Return points whose lips cross no more than they do in the photo."""
    upper, lower = list(UPPER_LIP[1:-1]), list(LOWER_LIP[1:-1])
    before = source.points[upper, 1] - source.points[lower, 1]
    after = before + offsets[upper, 1] - offsets[lower, 1]
    lacking = np.clip(np.minimum(before, 0) - after, 0, None)
    if not lacking.any():
        return offsets
    offsets = offsets.copy()
    offsets[upper, 1] += lacking / 2
    offsets[lower, 1] -= lacking / 2
    return offsets


def eye_pose(source: FaceSource, posed: Posed, eye: Eye) -> EyePose | None:
    """Return the pose of the eye to draw; None where the eye only moves with the head."""
    lids = contour_vertices(eye.side)
    corners = [lids[0], lids[len(UPPER_LIDS[eye.side]) - 1]]
    moved = posed.offsets[lids] - posed.offsets[corners].mean(axis=0)
    own, asked = source.params.expression, posed.expression
    look, slip = eye_turn(own, asked, source.params.camera.rotation)
    change = float(max(np.hypot(*slip) / LOOKED, np.abs(moved).max() / LIDS_MOVED))
    before, after = source.params.camera, posed.camera
    turned = float(smoothstep(*TURNED, np.array(turn(before, after))))
    if change < 0.02 and turned == 0:
        return None
    middle = source.points[corners].mean(axis=0)
    depth = float((before.rotation @ (middle + [0, 0, DEPTH]))[2]) * before.scale
    centre = before.unproject(np.array([[*eye.ball, depth]]))[0]
    apart = after.scale * (TO_PIXELS @ after.rotation @ (centre - middle))
    ball = posed.points[corners, :2].mean(axis=0) + apart[:2]
    head = TO_PIXELS @ before.rotation @ after.rotation.T @ TO_PIXELS
    scale = after.scale / before.scale
    closure = posed.closures[eye.side]
    share = max(float(smoothstep(0, 1, np.array(change))), turned)
    return EyePose(posed.points[lids, :2], ball, scale, head, look, slip * before.scale, closure, share)


def mouth_pose(source: FaceSource, posed: Posed, shut: float = 0.0) -> MouthPose | None:
    """Return the pose of the mouth to draw; None where the mouth only moves with the head or stays shut.

    shut: IOD of the gap that is lip in truth.
    """
    moved = source.points + posed.offsets
    gap = lip_gap(moved) - shut
    most = float(np.abs(posed.offsets[INNER]).max())
    turned = smoothstep(*TURNED, np.array(turn(source.params.camera, posed.camera)))
    moved_share = max(float(smoothstep(0.002, 0.015, np.array(most))), float(turned))
    change = moved_share * float(smoothstep(OPEN / 3, OPEN, np.array(gap)))
    if change <= 0:
        return None
    camera, before = posed.camera, source.params.camera
    middle_x = float(moved[[13, 14], 0].mean())
    depth = float(moved[[13, 14], 2].mean()) - LIP_THICKNESS
    drawn = min(max(mouth_width(moved) - source.mouth_rest, 0.0), WIDEST)
    edge, lower_edge = _incisors(source, float(moved[13, 1]) - shut / 2, gap, drawn)
    at = posed.points[list(UPPER_LIP), :2].mean(axis=0)
    at = at + camera.scale * (TO_PIXELS @ camera.rotation @ _left_behind(posed.offsets))[:2]
    contour = posed.points[INNER, :2]
    contour = contour + 0.5 * shut / (gap + shut) * (posed.points[OPPOSITE, :2] - contour)
    return MouthPose(
        contour,
        _axes(camera),
        _axes(before),
        camera.project(np.array([[middle_x, edge, depth]]))[0, :2],
        drop_of(edge, lower_edge),
        at,
        source.mesh.points[list(UPPER_LIP), :2].mean(axis=0),
        _narrowed(source, moved),
        lip_to_lip(before),
        gap,
        drawn,
        change,
        float(turned),
    )


def lip_to_lip(camera: Camera) -> FloatArray:
    """Return the (2,) unit vector in the picture from a face's upper lip to its lower one."""
    down = -(TO_PIXELS @ camera.rotation[:, 1])[:2]
    return np.asarray(down / max(float(np.linalg.norm(down)), 1e-6))


def _axes(camera: Camera) -> FloatArray:
    """Return (3, 3) from model units to px, y down, z to the viewer."""
    return np.asarray(camera.scale * TO_PIXELS @ camera.rotation)


def _incisors(source: FaceSource, upper_lip: float, gap: float, drawn: float) -> tuple[float, float]:
    """Return the model-space y of the upper and the lower incisors' edges between lips that are `gap` apart (IOD).

    In speech the lips part further than the jaw: up to SPEECH_GAP both rows stay close together, and up to a larger
    gap in a mouth that is `drawn` wide (IOD), as by a smile.
    """
    low, high = upper_lip - UPPER_COVER[1] * gap, upper_lip - min(UPPER_COVER[0] * gap, UPPER_SEEN)
    edge = min(max(source.lip_rest - TOOTH_BEHIND_LIP, low), high)
    apart = CLENCHED + JAW_SHARE * max(0.0, gap - SPEECH_GAP - drawn)
    lowest = upper_lip - gap
    return edge, max(lowest + 0.12 * gap, min(edge - apart, lowest + min(LOWER_TOOTH_ABOVE_LIP, 0.5 * gap)))


def _left_behind(offsets: FloatArray) -> FloatArray:
    """Return (3,) model units by which teeth move relative to the mean of the upper lip.

    They stay in the skull when the upper lip alone sinks over them. Where the lower one sinks too, or the upper one
    rises, the teeth go along, because what would be bared was not photographed.
    """
    skull = offsets[list(EYE_CORNERS), 1].mean()
    upper, lower = (offsets[list(middle), 1].mean() - skull for middle in (UPPER_MIDDLE, LOWER_MIDDLE))
    mean = offsets[list(UPPER_LIP), 1].mean()
    return np.array([0.0, skull + max(upper, min(lower, 0.0)) - mean, 0.0])


def _narrowed(source: FaceSource, moved: FloatArray) -> FloatArray:
    """Return a (2, 2) map of the photo's px that shrinks along the lips by as much as the target's mouth is wider."""
    corners = [UPPER_LIP[0], UPPER_LIP[-1]]
    line = np.diff(source.mesh.points[corners, :2], axis=0)[0]
    line = line / max(float(np.linalg.norm(line)), 1e-6)
    before, after = (float(np.ptp(points[corners, 0])) for points in (source.points, moved))
    wider = np.clip(after / max(before, 1e-3), *MOUTH_STRETCH)
    return np.asarray(np.eye(2) + (1 / wider - 1) * np.outer(line, line))

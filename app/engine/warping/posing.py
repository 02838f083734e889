"""Computes the geometry of target parameters: expression offsets, lids, lips, and the poses of eyes and mouth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.engine.face.fitting import EYEBALL, as_filmed, pose_features, strain_of
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams
from app.engine.head.skull import eased
from app.engine.warping.calibration import true_expression
from app.engine.warping.curves import FloatArray
from app.engine.warping.eyes import DEPTH, TO_PIXELS, Eye, EyePose, contour_vertices, eye_turn, look_axis
from app.engine.warping.holding import steadiness, turn
from app.engine.warping.lids import lid_gap, lids_follow, move_lids, opened_gap, openness
from app.engine.warping.local_moves import drawn_moves, local_lift
from app.engine.warping.mouth import INNER, OPEN, OPPOSITE, TOOTH_BEHIND_LIP, MouthPose
from app.engine.warping.perspective import seen_from_near
from app.engine.warping.teeth import drop_of
from app.engine.warping.topology import EYE_CORNERS, LOWER_LIP, N_FACE, UPPER_LIDS, UPPER_LIP

# These values were chosen by eye on sheets (tools/feature_sheets.py). IOD is the distance between the eyes.
TURNED = (3.0, 7.0)  # degrees of the head's turn: eyes and an open mouth are the photo's to drawn anew
# IOD by which lips move, or by which their gap changes: the mouth is the photo's to drawn anew.
LIPS_MOVED = (0.002, 0.015)
# IOD of the iris' and of the lids' motion from which an eye is drawn wholly anew; 0.008 is 2.5 degrees of gaze.
LOOKED, LIDS_MOVED = 0.008, 0.012
LOWER_TOOTH_ABOVE_LIP = 0.075  # IOD by which the lower incisors' edge stands above the lower lip at most
UPPER_COVER = (0.3, 0.45)  # least and greatest share of the gap between the lips that upper teeth fill
# The greatest share in a mouth that is drawn wide, and IOD drawn over which it comes to be so: on 102 portraits that
# smile the upper teeth end at 0.61 to 0.78 of the gap, whatever its height (medians of groups by gap and width).
SMILE_COVER, SMILES = 0.75, (0.02, 0.09)
UPPER_SEEN = 0.06  # IOD of upper teeth that an open mouth shows at least, besides what a raised lip bares
SPEECH_GAP = 0.12  # IOD between the lips up to which the rows of teeth stay CLENCHED apart
CLENCHED = 0.0  # IOD between the rows of teeth in speech
WIDEST = 0.15  # IOD by which a mouth counts as wider than at rest at most
JAW_SHARE = 0.75  # share of a growing gap between the lips that the jaw makes
# Least and greatest factor of width with which the photo's teeth follow the lips: narrower lips only cover teeth.
MOUTH_STRETCH = (1.0, 1.35)
UPPER_MIDDLE, LOWER_MIDDLE = (82, 13, 312), (87, 14, 317)  # MediaPipe's vertices at the middle of either lip
LIP_THICKNESS = 0.06  # IOD by which the teeth stand behind the lips


@dataclass(frozen=True, eq=False)
class FaceSource:
    """The photo's face.

    photo: (468, 3) px; params: the photo's own parameters; points: (468, 3) in model space; middle: (3,) the mean of
    those; strain: (3, 3) of `strain_of` for the photo's turn; lip_rest, mouth_rest: model units, the height (y) of the
    upper lip's line and the width of the mouth without the photo's expression; gap: IOD between the lips;
    spectacles, dark: 0 without spectacles, or dark glasses, to 1 with them.
    """

    photo: FloatArray
    params: FaceParams
    points: FloatArray
    middle: FloatArray
    strain: FloatArray
    lip_rest: float
    mouth_rest: float
    gap: float
    spectacles: float = 0.0
    dark: float = 0.0


@dataclass(frozen=True, eq=False)
class Posed:
    """The geometry of a target.

    points: (468, 3) px of the face; offsets: (468, 3) in model space; along: (468, 3) the part of them with which the
    head goes along as far as it reaches; closures: of both eyes, 0 as in the photo to 1 shut; camera, expression: those
    that are drawn; steady: share, 0 to 1, of the outline's motion that is taken back.
    """

    points: FloatArray
    offsets: FloatArray
    along: FloatArray
    closures: tuple[float, float]
    camera: Camera
    expression: Expression
    steady: float = 0.0


def face_source(
    photo: FloatArray, params: FaceParams, spectacles: float = 0.0, dark: float = 0.0
) -> FaceSource:
    """Return the face whose vertices lie at photo (468, 3) px; spectacles, dark: as in `FaceSource`."""
    points = params.camera.unproject(photo)
    rest = points - default_model().expression_offset(params.expression)
    return FaceSource(
        photo,
        params,
        points,
        points.mean(axis=0),
        strain_of(params.camera, default_model()),
        float(rest[13, 1]),
        mouth_width(rest),
        lip_gap(points),
        spectacles,
        dark,
    )


def lip_gap(points: FloatArray) -> float:
    """Return the height (model units) between the middles of the inner lips of points (468, 3)."""
    return float(points[13, 1] - points[14, 1])


def mouth_width(points: FloatArray) -> float:
    """Return the width (model units) between the corners of the inner lips of points (468, 3)."""
    return float(abs(points[UPPER_LIP[-1], 0] - points[UPPER_LIP[0], 0]))


def as_seen(source: FaceSource, filmed: FaceParams) -> FaceParams:
    """Return the parameters of a frame that films the same face, with the turn that its landmarks show instead of the
    true turn.
    """
    own = source.params.camera
    if filmed.camera == own:
        return filmed
    camera = as_filmed(own, filmed.camera, source.points, default_model().stiffness)
    return replace(filmed, camera=camera)


def pose(source: FaceSource, target: FaceParams, asked: bool = True) -> Posed:
    """Return the geometry of a target. The source's own parameters give the source's own points exactly.

    asked: True for what an artist asks, False for what was filmed and fitted. An artist's expression leaves the eyes
    where they are in the head. A filmed expression may move them, because the face model's expressions are aligned
    over whole faces.
    """
    camera, expression = target.camera, target.expression
    alone = replace(target, expression=expression.alone)
    if asked:
        expression = true_expression(source.params.expression, alone.expression)
    offsets = _expression_offsets(source, expression.alone)
    if asked:
        offsets = offsets + local_lift(source.params.expression, alone.expression)
        offsets = offsets - offsets[list(EYE_CORNERS)].mean(axis=0)
    else:
        offsets = offsets + _seen_by_pose(source.params.camera, camera)
    offsets = offsets + drawn_moves(target.expression, source.spectacles, source.dark)
    offsets, closures = _with_lids(source, offsets, expression)
    offsets = _with_lips_apart(source, offsets)
    own = source.params.camera
    still = camera == own
    along = _not_rigidly(source, camera) if asked else offsets
    offsets = offsets + along if asked else offsets
    placed = source.photo if still and not offsets.any() else camera.project(source.points + offsets)
    steady = 0.0 if asked or still else steadiness(source.middle, own, camera)
    return Posed(placed, offsets, along, closures, camera, expression, steady)


def landmarks_of(source: FaceSource, posed: Posed, irises: FloatArray) -> FloatArray:
    """Return the landmarks (478, 3) px of a drawn face; irises: (10, 3) px of the photo's, which turn with the
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
    """Return the offsets (468, 3), in model space, by which an expression differs from the photo's."""
    worn = source.params.expression.coefficients
    if expression.coefficients == worn:
        return np.zeros((N_FACE, 3))
    model = default_model()
    change = (np.array(expression.coefficients) - np.array(worn)) * model.expression_sigma
    return np.asarray(np.tensordot(change, model.expression_basis, 1))


def _seen_by_pose(before: Camera, after: Camera) -> FloatArray:
    """Return the offsets (468, 3) that the fit took to come from the pose (`pose_bias`) and a filmed face gets back."""
    change = pose_features(after) - pose_features(before)
    return np.asarray(np.tensordot(change, default_model().pose_bias, 1))


def _not_rigidly(source: FaceSource, camera: Camera) -> FloatArray:
    """Return the offsets (468, 3) by which a turned face is seen elsewhere than a rigid turn puts it: by a camera from
    near by, and without the stretching with which the network read the photo's turned face.

    In the photo's own view what is read lies on what is seen. The stretching is taken out over a turn by the photo's
    own yaw.
    """
    own = source.params.camera
    if camera.quaternion == own.quaternion:
        return np.zeros((N_FACE, 3))
    share = min(turn(own, camera) / max(abs(own.yaw), 1.0), 1.0)
    strain = share * (source.points - source.middle) @ source.strain
    return seen_from_near(source.points - strain, source.middle, own, camera) - strain


def _with_lids(
    source: FaceSource, offsets: FloatArray, expression: Expression
) -> tuple[FloatArray, tuple[float, float]]:
    """Return the offsets (468, 3) with lids as the apertures ask, and both eyes' closures, 0 (as in the photo, or
    wider) to 1 (shut).

    Where an aperture does not change, the lids follow the expression and the gaze.
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
    """Return offsets (468, 3) with which the lips overlap no more than they do in the photo."""
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
    """Return the pose of the eye to draw; None where the eye only moves with the skin around it."""
    lids = contour_vertices(eye.side)
    corners = [lids[0], lids[len(UPPER_LIDS[eye.side]) - 1]]
    moved = posed.offsets[lids] - posed.offsets[corners].mean(axis=0)
    own, asked = source.params.expression, posed.expression
    look, slip = eye_turn(own, asked, source.params.camera.rotation)
    change = float(max(np.hypot(*slip) / LOOKED, np.abs(moved).max() / LIDS_MOVED))
    before, after = source.params.camera, posed.camera
    turned = eased(*TURNED, turn(before, after))
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
    share = max(eased(0, 1, change), turned)
    return EyePose(posed.points[lids, :2], ball, scale, head, look, slip * before.scale, closure, share)


def mouth_pose(source: FaceSource, posed: Posed, shut: float = 0.0) -> MouthPose | None:
    """Return the pose of the mouth to draw; None where the mouth only moves with the skin around it or stays shut.

    shut: IOD of the gap that is lip in truth.
    """
    moved = source.points + posed.offsets
    gap = lip_gap(moved) - shut
    most = float(np.abs(posed.offsets[INNER]).max())
    turned = eased(*TURNED, turn(source.params.camera, posed.camera))
    moved_share = max(eased(*LIPS_MOVED, most), turned)
    change = moved_share * eased(OPEN / 3, OPEN, gap)
    if change <= 0:
        return None
    return mouth_as_posed(source, posed, shut, change)


def mouth_as_posed(source: FaceSource, posed: Posed, shut: float, change: float) -> MouthPose:
    """Return the pose of a mouth whatever moved; shut: of `mouth_pose`; change: of `MouthPose`."""
    moved = source.points + posed.offsets
    gap = lip_gap(moved) - shut
    turned = eased(*TURNED, turn(source.params.camera, posed.camera))
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
        source.photo[list(UPPER_LIP), :2].mean(axis=0),
        _narrowed(source, moved),
        lip_to_lip(before),
        gap,
        drawn,
        change,
        turned,
        1 - eased(*LIPS_MOVED, abs(lip_gap(moved) - source.gap)),
    )


def lip_to_lip(camera: Camera) -> FloatArray:
    """Return the (2,) unit vector in the picture from a face's upper lip to its lower one."""
    down = -(TO_PIXELS @ camera.rotation[:, 1])[:2]
    return np.asarray(down / max(float(np.linalg.norm(down)), 1e-6))


def _axes(camera: Camera) -> FloatArray:
    """Return the matrix (3, 3) from model units to px (y down, z to the viewer)."""
    return np.asarray(camera.scale * TO_PIXELS @ camera.rotation)


def _incisors(source: FaceSource, upper_lip: float, gap: float, drawn: float) -> tuple[float, float]:
    """Return the height (y, model space) of the upper and of the lower incisors' edge.

    upper_lip: height of the upper lip's line; gap: IOD between the lips; drawn: IOD by which the mouth is wider than
    at rest. In speech the lips part further than the jaw: up to SPEECH_GAP both rows of teeth stay close together, and
    in a mouth drawn wide, as by a smile, up to a larger gap.
    """
    cover = UPPER_COVER[1] + (SMILE_COVER - UPPER_COVER[1]) * eased(*SMILES, drawn)
    low, high = upper_lip - cover * gap, upper_lip - min(UPPER_COVER[0] * gap, UPPER_SEEN)
    edge = min(max(source.lip_rest - TOOTH_BEHIND_LIP, low), high)
    apart = CLENCHED + JAW_SHARE * max(0.0, gap - SPEECH_GAP - drawn)
    lowest = upper_lip - gap
    return edge, max(lowest + 0.12 * gap, min(edge - apart, lowest + min(LOWER_TOOTH_ABOVE_LIP, 0.5 * gap)))


def _left_behind(offsets: FloatArray) -> FloatArray:
    """Return (3,) model units by which the photo's teeth move relative to the mean of the upper lip.

    Teeth stay in the skull where the upper lip alone sinks over them. Where the lower lip sinks too, or the upper one
    rises, the teeth move along, because the photo does not show what would be bared.
    """
    skull = offsets[list(EYE_CORNERS), 1].mean()
    upper, lower = (offsets[list(middle), 1].mean() - skull for middle in (UPPER_MIDDLE, LOWER_MIDDLE))
    mean = offsets[list(UPPER_LIP), 1].mean()
    return np.array([0.0, skull + max(upper, min(lower, 0.0)) - mean, 0.0])


def _narrowed(source: FaceSource, moved: FloatArray) -> FloatArray:
    """Return the map (2, 2) of the photo's px that shrinks along the lips by as much as the target's mouth is wider.

    moved: (468, 3) points of the target's face, in model space.
    """
    corners = [UPPER_LIP[0], UPPER_LIP[-1]]
    line = np.diff(source.photo[corners, :2], axis=0)[0]
    line = line / max(float(np.linalg.norm(line)), 1e-6)
    before, after = (float(np.ptp(points[corners, 0])) for points in (source.points, moved))
    wider = np.clip(after / max(before, 1e-3), *MOUTH_STRETCH)
    return np.asarray(np.eye(2) + (1 / wider - 1) * np.outer(line, line))

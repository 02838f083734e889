"""Computes for every vertex of a turned head where its colours come from and how bright they are, in compiled code.

A head has some ten thousand vertices: in NumPy, formula by formula, this took as long as drawing a frame.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from app.engine.face.parameters import Camera
from app.engine.head import HeadModel
from app.engine.head.light import ENDED
from app.engine.head.lips import over_lips
from app.engine.head.parts import per_eye
from app.engine.head.skull import eased
from app.engine.warping import holding
from app.engine.warping.curves import Float32
from app.engine.warping.head_drawing import HeadLook
from app.engine.warping.head_kernels import COLUMNS, DEEP, GAIN, PHOTO, RIM, SOLID, THERE, THROAT
from app.engine.warping.necks import throat

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). A pair of values is a range: at the
# first value something begins, at the second it is complete. “Times wider” says how much wider than in the photo a
# place is drawn.
STRETCHED = (1.6, 3.0)  # times wider: the photo is fine enough to too coarse
# Times wider: a side keeps the photo's colours to is mirrored where the photo shows the other side better.
MIRRORED = (1.1, 1.5)
SKIN_FLAT = (1.1, 1.6)  # times wider: the same for a cheek on which the photo shows hair
FLAT = (1.2, 2.2)  # times wider: the photo's edge is good enough to too coarse
TURNED_IN = (1.03, 1.3)  # times wider: what was the head's edge still is its edge to lies inside
RIM_TURNED = (1.0, 1.5)  # times wider: a rim keeps its own shade to takes that of the skin beside it
# Degrees of turn: the photo's edge draws an ear to the head draws it, whose place is too uncertain for that edge.
EAR_WHOLE = (4.0, 9.0)
NECK = (0.02, 0.2)  # share of the head's motion: the neck keeps the photo's edge to has none
# Least and greatest light of a surface, in parts of the photo's. With 0.55 to 1.8 the pictures come no nearer to true
# studio views, and a clip of a turning head is further from its frames (a_headpose_female, L1 of the face 12.7 instead
# of 10.8).
LIGHT_RANGE = (0.78, 1.28)
WHOLE = 1.0  # IOD: more than any lock reaches
LEAST_GATE = 0.05  # share of the reach of locks from which there are any
# Cosine of normal and view in the photo up to which the change of light fades out for the photo's own colours: nearer
# the outline the light on a place is not known.
RELIT = 0.3
# Share of the way out from behind a held outline: skin keeps the photo's colours to loses them, because they are those
# of the wall behind (the sample between ear and jaw) or of the hair beside a cheek (p02). Loose hair keeps them for
# longer.
SKIN_OUT = (0.0, 0.33)
# Cosine of normal and view in the photo: a place that the photo shows at a more grazing angle counts as one with this.
FLAT_ON = 0.04


def table(look: HeadLook, camera: Camera) -> Float32:
    """Return the columns (A, 11) of `head_kernels`, the values at the atlas' vertices that it interpolates."""
    model, head = HeadModel.load(), look.head
    cameras = (head.camera, camera)
    keeps, under = holding.held(*cameras), holding.held(*cameras, under=True)
    transparent = eased(*holding.EAR_COMES, keeps)
    skin_out = look.hidden.mixed(eased(*SKIN_OUT, 1 - keeps), eased(*SKIN_OUT, 1 - under))
    held = look.hidden.mixed(keeps, under)
    shown = look.hidden.mixed(holding.edge_shown(*cameras), holding.edge_shown(*cameras, under=True))
    count = len(head.points)
    after, stretch, photo = np.empty((count, 3)), np.empty(count), np.empty(count)
    _shown(
        head.normals, head.rigid, head.camera.rotation, camera.rotation, look.seen.normals, look.hidden.unseen,
        look.seen.person, look.shown, look.better, look.kept, look.hidden.ear, look.hidden.under,
        look.hair, look.hung, held, shown, transparent, skin_out, after, stretch, photo,
    )  # fmt: skip
    photo = over_lips(per_eye(model, photo * (1 - look.covered), one=False), look.seen.person)
    whole = eased(*EAR_WHOLE, holding.turn(head.camera, camera))
    out = np.empty((len(model.base), COLUMNS), np.float32)
    _written(
        model.base, look.fixed, look.seen.inward, look.seen.normals, after, stretch, photo,
        head.rigid, look.ear, look.bare, look.rim, look.light, look.shaded, look.room, look.skin, look.hair,
        look.there, throat(), look.made_up, shown, whole, look.loose.radii,
        look.loose.out, look.loose.reach, out,
    )  # fmt: skip
    return out


@njit(cache=True, nogil=True, forceinline=True)
def _step(low, high, x):  # type: ignore[no-untyped-def]
    """Return the `smoothstep` of one number."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True, nogil=True, forceinline=True)
def _lit(light, x, y, z):  # type: ignore[no-untyped-def]
    """Return the brightness of a surface with the normal (x, y, z), as `light.lit` does."""
    bright = light[0] + light[1] * x + light[2] * y + light[3] * z + light[4] * x * y + light[5] * y * z
    return bright + light[6] * (3 * z * z - 1) + light[7] * x * z + light[8] * (x * x - y * y)


@njit(cache=True, nogil=True)
def _shown(  # type: ignore[no-untyped-def]
    normals, rigid, own, turned, before, unseen, person, seen, better, kept, ear, under, hair, hung, keeps,
    shown, transparent, skin_out, after, stretch, photo,
):  # fmt: skip
    """Write normals in the frame into after (V, 3), how many times wider than in the photo each vertex is drawn into
    stretch (V,), and the share of its colour that the photo gives into photo (V,).

    normals, rigid: of `Head`; own, turned: (3, 3) rotations of the photo's and of the frame's camera; before, person:
    normals and person of `Seen`; unseen, ear, under: of `Hidden`; better, kept: of `Shares`; seen, hair, hung: shown,
    hair and hung of `HeadLook`; keeps: (V,) of `holding.held`; shown: (V,) of `holding.edge_shown`; transparent: share
    by which a hidden ear is transparent; skin_out: (V,) share of SKIN_OUT.
    """
    for v in range(len(normals)):
        a, b, c = normals[v, 0], normals[v, 1], normals[v, 2]
        w = rigid[v]
        length = 0.0
        for k in range(3):
            still = a * own[k, 0] + b * own[k, 1] + c * own[k, 2]
            moved = a * turned[k, 0] + b * turned[k, 1] + c * turned[k, 2]
            value = w * moved + (1 - w) * still
            after[v, k] = -value if k == 1 else value
            length += value * value
        length = max(np.sqrt(length), 1e-9)
        for k in range(3):
            after[v, k] /= length
            after[v, k] += keeps[v] * unseen[v] * (before[v, k] - after[v, k])
        wider = after[v, 2] / max(before[v, 2], FLAT_ON)
        inside = person[v] * (1 - under[v]) * (1 - _step(STRETCHED[0], STRETCHED[1], wider))
        edge = seen[v] * max(1 - _step(FLAT[0], FLAT[1], wider), inside)
        edge *= 1 - better[v] * _step(MIRRORED[0], MIRRORED[1], wider)
        cheek = hung[v] * _step(SKIN_FLAT[0], SKIN_FLAT[1], wider)
        wall = skin_out[v] * max(unseen[v], 1 - person[v], cheek) * (1 - hair[v])
        edge = max(edge, shown[v] * (1 - wall)) * (1 - ear[v]) + transparent * ear[v]
        stretch[v], photo[v] = wider, max(kept[v], edge)


@njit(cache=True, nogil=True)
def _written(  # type: ignore[no-untyped-def]
    base, fixed, inward, before, after, stretch, photo, rigid, ear, bare, rim, light, shaded, room, skin, hair, there,
    throat, made_up, shown, whole, radius, further, reach, out,
):  # fmt: skip
    """Write the values of `table` into out (A, 11).

    base: (A,) the vertex of each atlas vertex; after, stretch, photo: of `_shown`; whole: share of EAR_WHOLE; shown:
    (V,) of `holding.edge_shown`; before, inward: normals and inward of `Seen`; rigid: of `Head`; radius, further,
    reach: radii, out and reach of `Loose`; throat: of `necks`; the others: of `HeadLook`, too.
    """
    least = 0.2 * max(light[0], 0.02)
    for a in range(len(base)):
        v = base[a]
        turned = _step(RIM_TURNED[0], RIM_TURNED[1], stretch[v])
        share, nothing = max(photo[v], bare[v]), min(max(bare[v], 0.0), 1.0)
        solid = max(_step(TURNED_IN[0], TURNED_IN[1], stretch[v]), ear[v] * whole)
        solid *= _step(NECK[0], NECK[1], rigid[v]) * (1 - shown[v]) * (1 - nothing)
        x, y, z = after[v, 0], after[v, 1], after[v, 2]
        gain = min(max(max(_lit(light, x, y, z), least) / shaded[v], LIGHT_RANGE[0]), LIGHT_RANGE[1])
        gain = (min(gain, room[v]) - 1) * _step(0.0, RELIT, before[v, 2])
        if share < 1:
            # What is made up has the light of the place where the photo's colours end.
            towards = max(z, ENDED)
            across = np.sqrt((1 - towards * towards) / max(1 - z * z, 1e-6))
            now = max(_lit(light, x * across, y * across, towards), least)
            made = min(min(max(now / made_up[v], LIGHT_RANGE[0]), LIGHT_RANGE[1]), room[v]) - 1
            gain = share * gain + (1 - share) * made * (1 - hair[v])
        made_hair = hair[v] * (1 - min(share, 1.0))
        for k in range(4):
            out[a, k] = fixed[a, k] + (inward[v, k] * turned if k < 2 else 0.0)
        out[a, PHOTO], out[a, SOLID], out[a, GAIN] = share, solid, gain * skin[v]
        out[a, THERE], out[a, RIM] = there[v], 1 + (rim[v] - 1) * turned
        out[a, THROAT] = throat[v]
        inside = radius[v] * (1 - np.sqrt(1 - min(max(z, 0.0), 1.0) ** 2))
        # Where the head reaches less far out, locks and the soft edge are as much less, so that they end gently. Where
        # hair is not made up, what it reaches further out is cut off.
        gate = max(made_hair * further[v] / reach, LEAST_GATE)
        deep = min((inside - further[v]) / gate + reach, WHOLE)
        out[a, DEEP] = deep + max(1 - made_hair - further[v] / reach, 0.0) * WHOLE

"""Build Mien's statistical face model and its report: `python tools/build_face_model.py`.

Identity comes from `shared/portraits`. Expression comes from the `a_*` clips, from ICT-FaceKit's shapes (MIT)
that are put on open portraits and measured again, and a little from how portraits differ. The `b_*` clips
only serve to measure the model. The build is deterministic; it takes about four minutes on one core, or half
a minute when the landmarks are already cached in the temporary folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.face.carrying import displaced, registered  # noqa: E402
from app.engine.face.importing import read_dense  # noqa: E402
from app.engine.face.morphable_model import ASSET, MorphableModel, save_model  # noqa: E402
from app.engine.face.parameters import N_EXPRESSION  # noqa: E402
from tools import face_model_data as data  # noqa: E402
from tools import face_model_report as report  # noqa: E402
from tools import face_model_stats as stats  # noqa: E402
from tools import face_model_synthesis as synthesis  # noqa: E402
from tools import face_model_topology as topology  # noqa: E402

N_IDENTITY, SPARE = 40, 60  # numbers of components kept, and computed for the report
SYNTHETIC_SHARE, PORTRAIT_SHARE = 1.0, 0.2  # shares of the clips' moment, by trace
EVERY, MIXTURES = 13, 16  # each 13th portrait gets 16 synthetic expressions
LEFT_OUT = 150  # portraits that the model of the report is built without
UPPER_LIP, LOWER_LIP, MOUTH = 13, 14, (61, 291)  # landmarks: the lips' inner middles, the mouth's corners


def main() -> None:
    canonical = topology.canonical_face(data.SHARED / "models3d" / "mediapipe" / "canonical_face_model.obj")
    mirror = topology.mirror(canonical)
    people = stats.upright(np.concatenate([data.portraits()[1], data.stills()[1]]))
    clips = {name: stats.upright(points) for name, points in data.clips("a_").items()}
    mean, weights = stats.mean_face(people, list(clips.values()), mirror)
    moving = [stats.frames_of(points, mean, weights) for points in clips.values()]
    synthetic = synthetic_frames(mean, weights, mirror)
    bias = stats.pose_bias(moving, mirror)
    shapes = stats.without_bias(stats.frames_of(people, mean, weights), bias) - mean
    left_out = np.random.default_rng(0).permutation(len(shapes)) < LEFT_OUT
    trial = bases(shapes[~left_out], moving, synthetic, bias, mirror)
    expression, sigma, identity, identity_sigma = bases(shapes, moving, synthetic, bias, mirror)
    neutral = neutral_offset(shapes, mean, expression[:N_EXPRESSION], mirror)
    model = MorphableModel(
        mean + neutral,
        identity[:N_IDENTITY],
        identity_sigma[:N_IDENTITY],
        expression[:N_EXPRESSION],
        sigma[:N_EXPRESSION],
        bias,
        topology.triangles(canonical),
        mirror,
        topology.groups(),
    )
    ASSET.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, ASSET)
    measured = {
        name: stats.frames_of(stats.upright(points), mean, weights)
        for name, points in data.clips("b_").items()
    }
    text = report.write(trial, shapes[left_out], measured, bias, len(shapes), len(clips), len(synthetic))
    (ASSET.parent / "REPORT.md").write_text(text, encoding="utf-8")


def synthetic_frames(mean: stats.Array, weights: stats.Array, mirror: topology.Indices) -> list[stats.Frames]:
    """Return the frames of ICT's shapes put on open faces, as the landmark network sees them."""
    ict = read_dense(data.SHARED / "models3d" / "ict_facekit" / "ict_full_fp16.npz")
    _, follow, scale, rotation = registered(ict, mean)
    moved = displaced(ict.expression, follow) * scale @ rotation.T
    shapes = stats.align(mean + moved, mean, weights)[0] - mean
    paths = sorted((data.SHARED / "portraits").glob("*/*.jpg"))[::EVERY]
    paths += sorted((data.SHARED / "media" / "images").glob("a_*"))
    return synthesis.measured(paths, shapes, mean, weights, MIXTURES)


def bases(
    shapes: stats.Array,
    moving: list[stats.Frames],
    synthetic: list[stats.Frames],
    bias: stats.Array,
    mirror: topology.Indices,
) -> tuple[stats.Array, stats.Array, stats.Array, stats.Array]:
    """Return the expression basis and its sigmas, then the identity basis and its sigmas, SPARE components
    each.

    shapes: people's shapes, (N, 468, 3) from the mean. Identity is what expression cannot explain, so the two
    bases are orthogonal and the fit has a closed form.
    """
    moment = stats.within(moving, bias, mirror)
    own = np.trace(moment)
    for share, other in (
        (SYNTHETIC_SHARE, stats.within(synthetic, bias, mirror)),
        (PORTRAIT_SHARE, stats.covariance(shapes - shapes.mean(0), mirror)),
    ):
        moment = moment + share * own / np.trace(other) * other
    expression, sigma = stats.principal(moment, SPARE)
    rest = stats.outside(shapes, expression[:N_EXPRESSION])
    return expression, sigma, *stats.principal(stats.covariance(rest - rest.mean(0), mirror), SPARE)


def neutral_offset(
    shapes: stats.Array, mean: stats.Array, expression: stats.Array, mirror: topology.Indices
) -> stats.Array:
    """Return the (468, 3) offset to a closed and relaxed mouth from the mean face, which smiles as sitters
    do.

    It is the expression part of the portraits whose lips touch and whose mouth is not drawn wide.
    """
    whole = shapes + mean
    gap = whole[:, UPPER_LIP, 1] - whole[:, LOWER_LIP, 1]
    width = whole[:, MOUTH[1], 0] - whole[:, MOUTH[0], 0]
    calm = (gap < np.quantile(gap, 0.25)) & (width < np.quantile(width, 0.4))
    offset = shapes[calm].mean(0) - stats.outside(shapes[calm].mean(0)[None], expression)[0]
    return (offset + stats.reflected(offset, mirror)) / 2


if __name__ == "__main__":
    main()

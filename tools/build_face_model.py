"""Build Mien's statistical face model and its report: `python tools/build_face_model.py`.

Identity comes from `shared/portraits`, expression from the `a_*` clips, what portraits add to them, and
ICT-FaceKit's shapes (MIT) carried over; the `b_*` clips only measure. Deterministic; about three minutes the
first time, half a minute with the landmarks cached in the temporary folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import face_model_data as data  # noqa: E402
import face_model_stats as stats  # noqa: E402
import face_model_topology as topology  # noqa: E402

from app.engine.face.morphable_model import ASSET, MorphableModel, save_model  # noqa: E402
from app.engine.face.parameters import N_EXPRESSION  # noqa: E402

N_IDENTITY = 40
UPPER_LIP, LOWER_LIP, MOUTH = 13, 14, (61, 291)
PORTRAIT_SHARE = 0.3  # of the expression moment's trace


def main() -> None:
    canonical = topology.canonical_face(data.SHARED / "models3d" / "mediapipe" / "canonical_face_model.obj")
    mirror = topology.mirror(canonical)
    people = stats.upright(np.concatenate([data.portraits()[1], data.stills()[1]]))
    clips = {name: stats.upright(points) for name, points in data.clips("a_").items()}
    mean, weights = stats.mean_face(people, list(clips.values()), mirror)
    seen = [stats.frames_of(points, mean, weights) for points in clips.values()]
    bias = stats.pose_bias(seen, mirror)
    shapes = stats.without_bias(stats.frames_of(people, mean, weights), bias) - mean
    within = [stats.without_bias(f, bias) for f in seen]
    moment = np.mean([stats.covariance(x - x.mean(0), mirror) for x in within], axis=0)
    between = stats.covariance(shapes - shapes.mean(0), mirror)
    moment += PORTRAIT_SHARE * np.trace(moment) / np.trace(between) * between
    expression, sigma = stats.principal(moment, N_EXPRESSION)
    rest = stats.outside(shapes, expression)
    identity, identity_sigma = stats.principal(stats.covariance(rest, mirror), N_IDENTITY)
    model = MorphableModel(
        mean + neutral_offset(shapes, mean, expression, mirror), identity, identity_sigma, expression, sigma, bias,
        topology.triangles(canonical), mirror, topology.groups(),
    )  # fmt: skip
    ASSET.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, ASSET)


def neutral_offset(shapes: stats.Array, mean: stats.Array, expression: stats.Array, mirror) -> stats.Array:
    """(468, 3) from the mean, which smiles as sitters do, to a closed and relaxed mouth.

    The expression part of the portraits whose lips touch and whose mouth is not drawn wide.
    """
    whole = shapes + mean
    gap = whole[:, UPPER_LIP, 1] - whole[:, LOWER_LIP, 1]
    width = whole[:, MOUTH[1], 0] - whole[:, MOUTH[0], 0]
    calm = (gap < np.quantile(gap, 0.25)) & (width < np.quantile(width, 0.4))
    rows = expression.reshape(len(expression), -1)
    offset = ((shapes[calm].mean(0).ravel() @ rows.T) @ rows).reshape(-1, 3)
    return (offset + stats.reflected(offset, mirror)) / 2


if __name__ == "__main__":
    main()

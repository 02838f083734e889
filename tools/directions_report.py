"""Measures with our 3DMM what latent directions do in a generator's samples, and draws sheets to look at.

    python tools/directions_report.py [--samples 200] [--column yaw] [--sheets FOLDER] [--json]

Each sample is a random face, with other seeds than in training. It is asked for a change of one parameter
within half of the direction's range, and the face is fitted before and after. The newest generator and matrix
are used.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from app.engine.latent.discovery import moved, principal_directions
from app.engine.latent.inversion import LatentModel, picture
from app.engine.latent.library import Ensemble, ensemble, load_latent_model, load_matrix
from app.engine.latent.parameters import A
from app.engine.networks.directions import DirectionMatrix, shifted
from app.engine.training.directions.samples import TRUNCATION, Fit, face_fitter, measured, spread_out

SEED = 1000  # of the first sample; training takes smaller ones
SWEEP = np.linspace(-A / 2, A / 2, 5)
SIDE = 96  # px of a sheet's pictures


def random_code(model: LatentModel, seed: int) -> torch.Tensor:
    """Return W+ of a random face, drawn from a seed."""
    z = torch.randn(1, model.generator.style_dim, generator=torch.Generator().manual_seed(seed))
    w = model.centre + TRUNCATION * (model.generator.mapping(z) - model.centre)
    return spread_out(w, model)


def inputs(names: tuple[str, ...], column: str, amount: float) -> torch.Tensor:
    """Return a row (1, inputs) that asks for `amount` of one column."""
    row = torch.zeros(1, len(names))
    row[0, names.index(column)] = amount
    return row


def made(
    model: LatentModel, matrix: DirectionMatrix, code: torch.Tensor, row: torch.Tensor
) -> NDArray[np.uint8]:
    """Return the generator's picture (S, S, 3) of a code that the matrix shifted by a row of inputs."""
    return picture(model.render(shifted(code, matrix(row))))


@torch.no_grad()
def changes(
    model: LatentModel, matrix: DirectionMatrix, chosen: Ensemble, column: str, fit: Fit, count: int
) -> dict[str, Any]:
    """Return the changes asked (n,) and obtained (n, 15) in the values, those of identity (n, I), and the
    values' own spread.
    """
    parameters = chosen.parameterisation
    assert parameters is not None
    slope = parameters.slopes[parameters.names.index(column)]
    rng = np.random.default_rng(SEED)
    rows, faceless = [], 0
    for k in range(count):
        amount = float(rng.uniform(SWEEP[0], SWEEP[-1]))
        code = random_code(model, SEED + k)
        still, turned = (
            fit(made(model, matrix, code, inputs(parameters.names, column, a))) for a in (0.0, amount)
        )
        if still is None or turned is None:
            faceless += 1
            continue
        values, identity = measured([still, turned])
        rows.append((amount / slope, values, identity))
    values, identity = np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
    return {
        "asked": np.array([r[0] for r in rows]),
        "obtained": values[:, 1] - values[:, 0],
        "identity": identity[:, 1] - identity[:, 0],
        "spread": values[:, 0].std(0),
        "identity_spread": identity[:, 0].std(0),
        "faceless": faceless,
    }


@torch.no_grad()
def monotonic(model: LatentModel, matrix: DirectionMatrix, chosen: Ensemble, column: str, fit: Fit) -> float:
    """Return the share of 40 samples whose five steps from one end to the other all go the way asked."""
    parameters = chosen.parameterisation
    assert parameters is not None
    at = parameters.names.index(column)
    sign = np.sign(parameters.slopes[at])
    good = 0
    for k in range(40):
        code = random_code(model, 2 * SEED + k)
        faces = [fit(made(model, matrix, code, inputs(parameters.names, column, a))) for a in SWEEP]
        found = [face for face in faces if face is not None]
        if len(found) == len(SWEEP):
            good += bool((sign * np.diff(measured(found)[0][:, at]) > 0).all())
    return good / 40


def report(
    model: LatentModel, matrix: DirectionMatrix, chosen: Ensemble, column: str, count: int
) -> dict[str, Any]:
    parameters = chosen.parameterisation
    assert parameters is not None
    at = parameters.names.index(column)
    with face_fitter(chosen.faces) as fit:
        seen = changes(model, matrix, chosen, column, fit, count)
        share = monotonic(model, matrix, chosen, column, fit)
    asked, obtained = seen["asked"], seen["obtained"][:, at]
    spread = seen["spread"]
    others = np.delete(np.abs(seen["obtained"]).mean(0) / spread, at)
    return {
        "column": column,
        "samples": len(asked),
        "faceless": seen["faceless"],
        "correlation": float(np.corrcoef(asked, obtained)[0, 1]),
        "obtained_per_asked": float(np.polyfit(asked, obtained, 1)[0]),
        "right_sign": float((np.sign(asked) == np.sign(obtained)).mean()),
        "monotonic": share,
        "moved_in_own_spreads": float(np.abs(obtained).mean() / spread[at]),
        "identity_moved_in_own_spreads": float(
            (np.abs(seen["identity"]).mean(0) / seen["identity_spread"]).mean()
        ),
        "other_values_moved": float(others.mean()),
    }


@torch.no_grad()
def sheets(model: LatentModel, matrix: DirectionMatrix, names: tuple[str, ...], folder: Path) -> None:
    """Write samples.jpg, directions.jpg and components.jpg.

    In directions.jpg each row is a column of the matrix, for three faces; components.jpg shows W's principal
    components.
    """
    folder.mkdir(parents=True, exist_ok=True)
    faces = [random_code(model, SEED + k) for k in range(64)]
    save(
        [[picture(model.render(code)) for code in faces[k : k + 16]] for k in range(0, 64, 16)],
        folder / "samples.jpg",
    )
    ends = (-4.0, -2.0, 0.0, 2.0, 4.0)
    save(
        [[made(model, matrix, f, inputs(names, n, a)) for f in faces[:3] for a in ends] for n in names[:9]],
        folder / "directions.jpg",
    )
    axes = principal_directions(model.generator, 6)
    rows = [
        [
            picture(model.render(moved(f, axes, a * torch.eye(6)[k : k + 1])))
            for f in faces[:3]
            for a in (-2, -1, 0, 1, 2)
        ]
        for k in range(6)
    ]
    save(rows, folder / "components.jpg")


def save(rows: list[list[NDArray[np.uint8]]], path: Path) -> None:
    sheet = Image.fromarray(np.vstack([np.hstack(row) for row in rows]))
    zoom = SIDE / rows[0][0].shape[0]
    size = round(sheet.width * zoom), round(sheet.height * zoom)
    sheet.resize(size, Image.Resampling.BICUBIC).save(path, quality=85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--column", action="append")
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    chosen = ensemble()
    loaded = None if chosen is None else load_matrix(chosen)
    if chosen is None or loaded is None or chosen.parameterisation is None:
        raise SystemExit("There is no generator with a direction matrix.")
    model = load_latent_model(chosen)
    if args.sheets:
        sheets(model, loaded[0], chosen.parameterisation.names, args.sheets)
    found = [report(model, loaded[0], chosen, column, args.samples) for column in args.column or ["yaw"]]
    for one in found:
        print(json.dumps(one) if args.json else "\n".join(f"{key}: {value}" for key, value in one.items()))


if __name__ == "__main__":
    main()

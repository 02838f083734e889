"""Writes a page with the face model's errors on people and clips it was not built from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools import face_model_stats as stats

COUNTS = (0, 5, 10, 20, 28, 40)  # numbers of expression components in the table
ID_COUNTS = (0, 5, 10, 20, 40, 60)  # numbers of identity components in the table


def write(
    trial: tuple[stats.Array, stats.Array, stats.Array, stats.Array],
    left_out: stats.Array,
    clips: Mapping[str, stats.Frames],
    bias: stats.Array,
    people: int,
    sources: int,
    synthetic: int,
) -> str:
    """Write the page as Markdown.

    `trial` holds bases made without the people left out; those people and the clips only serve to measure.
    """
    expression, _, identity, _ = trial
    lines = [
        "# The face model, measured",
        "",
        f"Built by `tools/build_face_model.py` from {people} people (identity), {sources} open clips and "
        f"{synthetic} open photos with synthetic expressions. Errors are mean distances in three dimensions, in % of "
        "the distance between the eyes, after rigid alignment and without the pose bias.",
        "",
        f"**Expression**, on {len(clips)} clips of people who are not in the model, by number of components:",
        "",
        *_table(["clip", *map(str, COUNTS)], _expression_rows(clips, expression, bias)),
        "",
        f"**Identity**, on {len(left_out)} people left out, by number of components:",
        "",
        *_table(["", *map(str, ID_COUNTS)], [_identity_row(left_out, expression, identity)]),
        "",
        "The clips that measure are those whose people gave no licence (`b_*`); nothing of them is in the model. The "
        "identity row is measured with bases made without those people; the model that ships has seen them too.",
        "",
    ]
    return "\n".join(lines)


def _expression_rows(
    clips: Mapping[str, stats.Frames], basis: stats.Array, bias: stats.Array
) -> list[list[str]]:
    rows = []
    for name, frames in clips.items():
        shapes = stats.without_bias(frames, bias)
        rows.append([name, *(stats.error(shapes - shapes.mean(0), basis[:n]) for n in COUNTS)])
    mean = ["**mean**", *np.mean([row[1:] for row in rows], axis=0)]
    return [[row[0], *(f"{value:.2f}" for value in row[1:])] for row in [*rows, mean]]


def _identity_row(left_out: stats.Array, expression: stats.Array, identity: stats.Array) -> list[str]:
    rest = stats.outside(left_out, expression[:28])
    rest = rest - rest.mean(0)
    return ["mean", *(f"{stats.error(rest, identity[:n]):.2f}" for n in ID_COUNTS)]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"

"""Writes tables and contact sheets of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from app.engine.evaluation.protocols import BASELINES, ClipResult, weighted_mean
from app.engine.imaging.writing import write_png
from app.engine.measuring.needs import NEEDS, missing_metrics

# From HeadGAN editing, Table 1, on VoxCeleb's test set: other data and other crops than ours.
PUBLISHED = (
    ("X2Face", 13.49, 20.69),
    ("fs-vid2vid", 17.15, 18.52),
    ("Bi-layer", 12.18, 20.19),
    ("FOMM", 12.34, 20.93),
    ("HeadGAN", 11.32, 21.46),
)
COLUMNS = ("l1", "psnr", "face_l1", "face_psnr")


def as_json(results: list[ClipResult]) -> dict[str, Any]:
    """Return {"clips": {name: metrics}, "mean": metrics, "baselines": ..., "unavailable": metric -> what it needs}."""
    return {
        "clips": {
            name: {"frames": result.frames, **result.metrics}
            for name, result in zip(_different([result.name for result in results]), results)
        },
        "mean": weighted_mean(results),
        "baselines": {
            name: weighted_mean(results, name) for name in BASELINES if results and results[0].baselines
        },
        "unavailable": {
            name: f"needs {what}; see “mien models list”" for name, what in missing_metrics().items()
        },
    }


def _different(names: list[str]) -> list[str]:
    """Return the names, numbered where clips in several folders share one, so that none hides another."""
    counts = [names[: k + 1].count(name) for k, name in enumerate(names)]
    return [name if count == 1 else f"{name} ({count})" for name, count in zip(names, counts)]


def as_markdown(results: list[ClipResult], generator: str) -> str:
    """Return the self-reenactment table, baselines beside it, and the papers' published rows."""
    methods = ("unedited", "2-D TPS", generator)
    columns = (
        "clip",
        "frames",
        "rotation",
        *methods,
        *(f"face: {name}" for name in methods),
        "ARD",
        "AED",
        "folds",
    )
    head = f"| {' | '.join(columns)} |"
    lines = ["L1 (0-255) / PSNR (dB), 256 px crop.", "", head, "|" + "---|" * 12]
    lines += [_row(r.name, r.frames, r.rotation, r.metrics, r.baselines) for r in results]
    if results:
        frames = sum(r.frames for r in results)
        rotation = sum(r.frames * r.rotation for r in results) / frames
        baselines = {name: weighted_mean(results, name) for name in BASELINES}
        lines.append(_row("**all frames**", frames, rotation, weighted_mean(results), baselines))
    lines += ["", "Published (HeadGAN editing version, Table 1; **other data and crops**):", ""]
    lines += ["| method | L1 | PSNR |", "|---|---|---|"]
    lines += [f"| {name} | {l1:.2f} | {psnr:.2f} |" for name, l1, psnr in PUBLISHED]
    lines += ["", *_by_features(results)]
    return "\n".join(lines)


def _by_features(results: list[ClipResult]) -> list[str]:
    """Return lines with what imported networks measure over all clips, and with what the other metrics need."""
    mean = weighted_mean(results)
    found = [f"{name} {mean[name]:.3f}" for name in NEEDS if name in mean]
    lacking = [f"{name} (import {what})" for name, what in missing_metrics().items()]
    lines = ["By imported networks, all clips together: " + ", ".join(found) + "."] if found else []
    return lines + (["Not measured: " + "; ".join(lacking) + "."] if lacking else [])


def as_list(results: list[ClipResult]) -> str:
    """Return every metric of every clip, for protocols without baselines."""
    names = list(weighted_mean(results))
    lines = ["| clip | frames | rotation | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 3)]
    for r in results:
        cells = [
            r.name,
            str(r.frames),
            f"{r.rotation:.1f}",
            *(f"{r.metrics.get(n, float('nan')):.2f}" for n in names),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _row(
    name: str, frames: int, rotation: float, own: dict[str, float], baselines: dict[str, dict[str, float]]
) -> str:
    def pair(row: dict[str, float], prefix: str = "") -> str:
        return f"{row[prefix + 'l1']:.2f} / {row[prefix + 'psnr']:.2f}"

    order = (baselines["unedited"], baselines["tps"], own)
    cells = [
        name,
        str(frames),
        f"{rotation:.1f}",
        *(pair(row) for row in order),
        *(pair(row, "face_") for row in order),
    ]
    cells += [f"{own.get(key, float('nan')):.2f}" for key in ("ard", "aed", "fold_overs")]
    return "| " + " | ".join(cells) + " |"


def save_sheet(results: list[ClipResult], path: Path, per_clip: int = 4) -> None:
    """Write reference, truth, result and TPS side by side, `per_clip` frames per clip."""
    strips = []
    for result in results:
        chosen = np.linspace(0, len(result.rows) - 1, min(per_clip, len(result.rows))).round().astype(int)
        strips += [result.rows[k] for k in chosen]
    if not strips:
        return
    write_png(path, np.vstack(strips))

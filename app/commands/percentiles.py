"""Sums up timings as percentiles."""

from __future__ import annotations

import numpy as np


def percentiles(times: list[float]) -> dict[str, float]:
    """Return {"p50": ms, "p95": ms} of times in milliseconds."""
    return {
        "p50": round(float(np.percentile(times, 50)), 2),
        "p95": round(float(np.percentile(times, 95)), 2),
    }

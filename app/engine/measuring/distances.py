"""Computes distances between sets of features (N, D) of any network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]


def frechet(a: Features, b: Features) -> float:
    """Return |mean - mean|^2 + tr(Ca + Cb - 2 (Ca Cb)^(1/2)) of the two sets' Gaussians (Heusel et al. 2017, eq. 6).

    The trace of the root is computed as the nuclear norm of the product of the centred sets. This holds for fewer
    samples than dimensions too, where the root of the covariances' product itself is badly conditioned. Each set needs
    two samples at least.
    """
    x, y = (_centred(part) for part in (a, b))
    root = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    mean = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(max(0.0, mean + np.square(x).sum() + np.square(y).sum() - 2 * root))


def mmd2(a: Features, b: Features) -> float:
    """Return the unbiased squared maximum mean discrepancy, with a Gaussian kernel whose width is the median
    distance (Sutherland et al. 2017, eq. 2). It may be negative where the sets are alike. Each set needs two samples
    at least.
    """
    squared = _squared_distances(np.vstack([a, b]))
    pairs = squared[np.triu_indices(len(squared), 1)]
    kernel = np.exp(-squared / max(float(np.median(pairs)), 1e-12) / 2)
    m, n = len(a), len(b)
    within_a = (kernel[:m, :m].sum() - np.trace(kernel[:m, :m])) / (m * (m - 1))
    within_b = (kernel[m:, m:].sum() - np.trace(kernel[m:, m:])) / (n * (n - 1))
    return float(within_a + within_b - 2 * kernel[:m, m:].mean())


def cosine_similarity(a: Features, b: Features) -> float:
    """Return the mean cosine of corresponding rows (CSIM of ArcFace embeddings; HeadGAN, section 4.3)."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / np.maximum(norms, 1e-12)).mean())


def hamming(a: Features, b: Features) -> float:
    """Return the share of action units that differ (AU-H; HeadGAN editing, appendix C).

    A unit is present where its probability is at least a half.
    """
    return float(((a >= 0.5) != (b >= 0.5)).mean())


def _centred(x: Features) -> Features:
    return np.asarray((x - x.mean(axis=0)) / np.sqrt(len(x) - 1))


def _squared_distances(x: Features) -> Features:
    """Return the (N, N) squared distances between all rows."""
    lengths = np.square(x).sum(axis=1)
    return np.asarray(np.maximum(lengths[:, None] + lengths[None] - 2 * x @ x.T, 0))

"""Computes the papers' metrics that need no imported network. Pictures are (H, W, 3) uint8 of the same size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera, FittedFace

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
# MediaPipe's vertices for the published six points of either eye, and the irises' centres.
EYE_LANDMARKS = (33, 133, 159, 145, 158, 153, 263, 362, 386, 374, 385, 380, 468, 473)


def l1(a: Image, b: Image, mask: Mask | None = None) -> float:
    """Return the mean absolute difference of channels in [0, 255] (HeadGAN editing, appendix, "L1 distance")."""
    return float(np.abs(_difference(a, b, mask)).mean())


def psnr(a: Image, b: Image, mask: Mask | None = None) -> float:
    """Return the peak signal-to-noise ratio in dB, MAX = 255 (HeadGAN editing, appendix); equal pictures give 100."""
    mse = float(np.square(_difference(a, b, mask)).mean())
    return 100.0 if mse == 0 else min(100.0, 20 * math.log10(255) - 10 * math.log10(mse))


def apd(a: Image, b: Image, mask: Mask | None = None) -> float:
    """Return APD, the mean L2 distance of RGB values (Head2Head++, section 4.3); with the NMFC mask it is MAPD."""
    return float(np.sqrt(np.square(_difference(a, b, mask)).sum(axis=-1)).mean())


def ssim(a: Image, b: Image) -> float:
    """Return the structural similarity, averaged over channels (scikit-image, 7 x 7 windows)."""
    from skimage.metrics import structural_similarity

    return float(structural_similarity(a, b, channel_axis=2))


def sharpness(a: Image, truth: Image, mask: Mask | None = None) -> float:
    """Return the gradient energy over the true frame's: 1 is as sharp as the true frame, below 1 is blurred."""
    return _gradient_energy(a, mask) / max(1e-9, _gradient_energy(truth, mask))


def rotation_distance(a: Camera, b: Camera) -> float:
    """Return the mean difference of yaw, pitch and roll in degrees; its mean over frames is ARD (HeadGAN editing)."""
    return float(np.abs(np.subtract(a.angles, b.angles)).mean())


def rotation_error(camera: Camera) -> float:
    """Return the mean of |yaw|, |pitch| and |roll| in degrees (ARE; HeadGAN editing)."""
    return float(np.abs(camera.angles).mean())


def expression_distance(a: FittedFace, b: FittedFace) -> float:
    """Return the L1 distance of expression parameters in sigmas, summed over the 28 (AED; HeadGAN, section 4)."""
    return float(np.abs(_expression(a) - _expression(b)).sum())


def identity_distance(a: list[FittedFace], b: list[FittedFace]) -> float:
    """Return the L1 distance of the two sequences' average identity parameters (DAI; Head2Head++, section 4.3)."""
    mean_a = np.mean([face.params.identity.coefficients for face in a], axis=0)
    mean_b = np.mean([face.params.identity.coefficients for face in b], axis=0)
    return float(np.abs(mean_a - mean_b).sum())


def eye_landmark_distance(a: FittedFace, b: FittedFace) -> float:
    """Return the mean L2 distance of eye landmarks in pixels (AELD; Head2Head++, section 4.4)."""
    index = list(EYE_LANDMARKS)
    return float(np.linalg.norm(a.landmarks[index, :2] - b.landmarks[index, :2], axis=1).mean())


def normalised_mean_error(a: FittedFace, truth: FittedFace) -> float:
    """Return 1000 times the mean landmark error over sqrt(box area) of the truth (NME; GAN directions, section 4.1)."""
    error = np.linalg.norm(a.landmarks[:, :2] - truth.landmarks[:, :2], axis=1).mean()
    return float(1000 * error / math.sqrt(truth.box[2] * truth.box[3]))


def _difference(a: Image, b: Image, mask: Mask | None) -> NDArray[np.float64]:
    if a.shape != b.shape:
        raise ValueError(f"pictures of one size are compared, not {a.shape} and {b.shape}")
    difference = a.astype(np.float64) - b
    return difference if mask is None else difference[mask]


def _gradient_energy(picture: Image, mask: Mask | None) -> float:
    grey: NDArray[np.float64] = picture.astype(np.float64).mean(axis=2)
    gy, gx = np.gradient(grey)
    energy = np.asarray(gx * gx + gy * gy)
    return float(np.mean(energy if mask is None else energy[mask]))


def _expression(face: FittedFace) -> NDArray[np.float64]:
    return np.asarray(face.params.expression.coefficients)

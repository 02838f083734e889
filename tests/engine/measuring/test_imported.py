"""Closed forms check the formulas of imported metrics, and recipe networks run the crops and an evaluation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from app.engine.checkpoints.store import import_model
from app.engine.measuring.aligned import ARCFACE_POINTS, FIVE, action_unit_crop, arcface_crop
from app.engine.measuring.distances import cosine_similarity, frechet, hamming, mmd2
from app.engine.measuring.imported import Compared, feature_networks, measured, set_distances, together
from app.engine.measuring.needs import NEEDS, missing_metrics
from tests.engine.checkpoints import recipe

GOLDEN = np.load(Path(__file__).parents[1] / "checkpoints" / "data" / "features.npz")
FILES = ("inception", "i3d", "arcface", "alexnet", "lpips", "action_units")


def test_frechet_is_the_closed_form_for_any_number_of_samples():
    rng = np.random.default_rng(0)
    for samples, dimensions in ((200, 6), (5, 40)):
        a = rng.normal(size=(samples, dimensions))
        b = 2 * rng.normal(size=(samples + 3, dimensions)) + 1
        ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        root = np.trace(sqrtm(ca @ cb)).real
        wanted = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(ca) + np.trace(cb) - 2 * root
        assert frechet(a, b) == pytest.approx(wanted, rel=1e-4)
    assert frechet(a, a) == pytest.approx(0, abs=1e-8)
    assert frechet(a, a + 3) == pytest.approx(9 * 40)  # for a shift alone, the distance is its squared length


def test_mmd2_is_the_double_sum_and_reports_sets_apart():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(12, 3)), rng.normal(size=(9, 3)) + 2
    both = np.vstack([a, b])
    pairs = [np.square(x - y).sum() for i, x in enumerate(both) for y in both[i + 1 :]]

    def kernel(x, y):
        return np.exp(-np.square(x - y).sum() / (2 * np.median(pairs)))

    aa = np.mean([kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j])
    bb = np.mean([kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j])
    ab = np.mean([kernel(x, y) for x in a for y in b])
    assert mmd2(a, b) == pytest.approx(aa + bb - 2 * ab)
    many = rng.normal(size=(400, 3))
    assert abs(mmd2(many[:200], many[200:])) < 0.02 < mmd2(a, b)


def test_csim_and_au_h_are_their_definitions():
    a = np.array([[1.0, 0], [0, 2]])
    assert cosine_similarity(a, 3 * a) == pytest.approx(1)
    assert cosine_similarity(a, np.array([[0, 1.0], [0, 5]])) == pytest.approx(0.5)
    assert hamming(np.array([[0.9, 0.1, 0.5]]), np.array([[0.6, 0.7, 0.4]])) == pytest.approx(2 / 3)


def dotted(points, size=400):
    picture = np.zeros((size, size, 3), np.uint8)
    for x, y in points:
        picture[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] = 255
    return picture


def test_arcface_s_crop_brings_the_five_points_to_their_places(portrait):
    face = portrait.faces[0]
    angle = np.deg2rad(20)
    turn = 2.2 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (ARCFACE_POINTS - 56) @ turn.T + 200
    landmarks = face.landmarks.copy()
    landmarks[list(FIVE), :2] = points
    crop = arcface_crop(dotted(points), replace(face, landmarks=landmarks))
    assert crop.shape == (112, 112, 3)
    for x, y in ARCFACE_POINTS:
        assert crop[round(y), round(x)].min() > 150
    assert crop.mean() < 20


def test_action_units_crop_is_upright_and_holds_eyes_and_mouth(portrait):
    face, pixels = portrait.faces[0], portrait.photo.pixels
    upright = action_unit_crop(pixels, face)
    assert upright.shape == (224, 224, 3)
    centre = np.array(pixels.shape[1::-1]) / 2
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    import cv2

    turned = cv2.warpAffine(pixels, np.column_stack([turn, centre - turn @ centre]), pixels.shape[1::-1])
    landmarks = face.landmarks.copy()
    landmarks[:, :2] = (landmarks[:, :2] - centre) @ turn.T + centre
    again = action_unit_crop(turned, replace(face, landmarks=landmarks))
    inside = np.s_[60:170, 60:170]
    assert np.abs(upright[inside].astype(float) - again[inside]).mean() < 6


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Import every network, with weights of the recipe."""
    folder = tmp_path_factory.mktemp("features")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder / "home"))
        assert set(missing_metrics()) == set(NEEDS) and feature_networks() == {}
        for name in FILES:
            shapes = json.loads(str(GOLDEN[f"{name}_shapes"]))
            weights = recipe.lins(shapes) if name == "lpips" else recipe.weights(shapes)
            torch.save({"model": weights} if name == "action_units" else weights, folder / f"{name}.pth")
            import_model(folder / f"{name}.pth")
        assert missing_metrics() == {}
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield feature_networks()
        torch.set_num_threads(threads)


def test_every_metric_is_measured_once_its_network_is_there(networks, portrait):
    face, pixels = portrait.faces[0], portrait.photo.pixels
    rng = np.random.default_rng(0)
    x, y, _, h = (int(v) for v in face.box)
    crop = np.ascontiguousarray(pixels[y : y + h, x : x + h])
    frames, worse = [], []
    for _ in range(9):
        noise = rng.normal(0, 12, pixels.shape)
        noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
        made = np.ascontiguousarray(noisy[y : y + h, x : x + h])
        frames.append(Compared(made, crop, (noisy, face), (pixels, face), (pixels, face)))
        worse.append(replace(frames[-1], made=255 - made, face=(255 - noisy, face)))
    near, sets = measured(networks, frames)
    # One video makes no set of videos.
    assert set(near) == {"csim", "lpips", "au_h", "fid", "fid_arcface", "mmd2"}
    assert sets["i3d"][0].shape == (1, 400) and sets["inception"][0].shape == (9, 2048)
    far, other = measured(networks, worse)
    assert near["csim"] > far["csim"] and near["lpips"] < far["lpips"] and near["fid"] < far["fid"]
    assert 0 <= near["au_h"] <= 1
    joined = together([sets, other])
    assert joined["i3d"][0].shape == (2, 400) and "fvd" in set_distances(joined)

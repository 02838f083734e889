"""Training a generator of our own: augmentation, its adaptation, a step's effects, and use in the editor."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.engine.latent.library import ensemble, load_latent_model
from app.engine.training.loop import Plan, train
from app.engine.training.stylegan.ada import Adaptation, augmented
from app.engine.training.stylegan.recipe import StyleGanRecipe, StyleGanSettings, keep_generator

TINY = StyleGanSettings(16, 8, 16, 2, 4, half_life=20.0, channel_multiplier=2, warm_up=3)


def discs(count=40, size=16):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    pictures = []
    for _ in range(count):
        cx, cy = rng.uniform(6, 10, 2)
        inside = np.hypot(x - cx, y - cy) < 5
        pictures.append(np.where(inside[..., None], (220, 180, 150), (30, 40, 90)))
    return np.array(pictures, np.uint8)


def test_augmentation_is_off_at_zero_repeats_and_lets_gradients_through():
    images = torch.rand(6, 3, 16, 16) * 2 - 1
    assert augmented(images, 0.0, torch.Generator()) is images
    first, second = (augmented(images, 0.8, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, second) and (first - images).abs().max() > 0.1
    moving = images.clone().requires_grad_()
    augmented(moving, 0.8, torch.Generator().manual_seed(4)).square().sum().backward()
    assert moving.grad.abs().max() > 0


def test_p_rises_with_overfitting_and_falls_without():
    adaptation = Adaptation(0.5)
    adaptation.update(torch.ones(8), 5000)
    assert adaptation.p == pytest.approx(0.51)
    adaptation.update(-torch.ones(8), 10000)
    assert adaptation.p == pytest.approx(0.49)
    for _ in range(200):
        adaptation.update(-torch.ones(8), 10000)
    assert adaptation.p == 0


def test_training_resumes_to_the_same_curve(tmp_path):
    def run(folder, steps):
        recipe = StyleGanRecipe(discs(), TINY)
        losses = [
            p.losses for p in train(recipe, Plan(tmp_path / folder, 5, 4, steps=steps), torch.device("cpu"))
        ]
        return recipe, losses

    _, whole = run("whole", 6)
    run("parts", 3)
    recipe, rest = run("parts", 6)
    assert [p["critic"] for p in rest] == pytest.approx([p["critic"] for p in whole[3:]], rel=1e-4)
    assert recipe.state["steps"] == 6


def test_the_generator_comes_nearer_to_its_pictures(tmp_path):
    recipe = StyleGanRecipe(discs(), TINY)
    real = torch.from_numpy(discs()).float().mean((0, 1, 2)) / 127.5 - 1

    def gap():
        with torch.no_grad():
            made = recipe.average(
                recipe.average.latent(torch.randn(64, 16, generator=torch.Generator().manual_seed(0)))
            )
        return float((made.mean((0, 2, 3)) - real).abs().mean())

    before = gap()
    list(train(recipe, Plan(tmp_path, 5, 4, steps=80), torch.device("cpu")))
    assert gap() < 0.7 * before
    assert recipe.picture().shape == (64, 64, 3)


def test_a_trained_generator_is_a_model_the_editor_finds(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    recipe = StyleGanRecipe(discs(), TINY)
    list(train(recipe, Plan(tmp_path / "run", 5, 4, steps=1), torch.device("cpu")))
    model = keep_generator(recipe, tmp_path / "run", "discs")
    chosen = ensemble()
    assert chosen is not None and chosen.generator.name == model.name == "discs" and chosen.size == 16
    loaded = load_latent_model(chosen)
    z = torch.randn(1, 16)
    torch.testing.assert_close(loaded.generator.latent(z), recipe.average.latent(z))
    torch.testing.assert_close(loaded.centre, recipe.average.mean_latent())

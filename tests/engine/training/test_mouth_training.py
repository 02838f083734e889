"""The completion of mouths: what is read of a photo's mouth, what is hidden, and that a stopped run goes on exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from app.engine.imaging.writing import write_png
from app.engine.networks.mouth import MouthColours
from app.engine.training.loop import Plan, train
from app.engine.training.mouth.data import load, prepare, save
from app.engine.training.mouth.recipe import MouthTraining, Settings, export, made, train_mouth
from app.engine.training.mouth.samples import as_sample, changed, mirrored, opened, places, swapped
from app.engine.training.people import part_of
from app.engine.warping import mouth_completion
from app.engine.warping.mouth_completion import FILE, SEEN
from app.engine.warping.mouth_sight import CELLS, Sight
from app.engine.warping.teeth import GAPS, WIDTHS, inside
from tests.steps import drained

CPU = torch.device("cpu")
SMALL = Settings(batch=2)
ALL = np.ones(CELLS, bool)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """Return the sample portrait, who smiles, as a file of the training part."""
    folder = tmp_path_factory.mktemp("portraits")
    names = (f"astronaut{k}.png" for k in range(20))
    path = next(folder / name for name in names if part_of(Path(name)) == "train")
    write_png(path, astronaut[:300, 80:380])
    return path


@pytest.fixture(scope="module")
def data(picture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (step,) = prepare([picture], folder)
    assert step.error is None
    return folder


@pytest.fixture(scope="module")
def mouth(data: Path) -> Sight:
    (mouth,) = load(next(data.glob("*.npz")))
    return mouth


def test_what_is_read_of_a_smile_is_mostly_teeth(mouth: Sight) -> None:
    assert mouth.teeth == 1 and len(mouth.vertex) > 40
    tooth = inside().tooth[mouth.vertex] > 0
    assert tooth.mean() > 0.7
    assert mouth.photo[tooth & (mouth.sure > 0.9)].mean() > 1.2 * mouth.around[12:18].mean(), "over the lips"
    assert mouth.drawn.max() <= 1 and mouth.photo.max() <= 1


def test_a_saved_mouth_comes_back(mouth: Sight, tmp_path: Path) -> None:
    save([mouth, replace(mouth, gap=0.2)], tmp_path / "two.npz")
    first, second = load(tmp_path / "two.npz")
    assert second.gap == 0.2 and first.iod == mouth.iod
    np.testing.assert_array_equal(first.photo, mouth.photo)


def test_a_shut_mouth_is_named_and_left_out(tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    write_png(grey, np.full((80, 80, 3), 120, np.uint8))
    (step,) = prepare([grey], tmp_path / "data")
    assert step.error is not None and not list((tmp_path / "data").glob("*.npz"))


def test_a_hidden_mouth_betrays_nothing_of_its_colours(mouth: Sight) -> None:
    """The truth must not be read off the input, as of a photo whose lips are shut."""
    other = replace(mouth, photo=1 - mouth.photo, own_teeth=np.float32(0.1) * mouth.own_teeth)
    one, two = (as_sample(it, ALL) for it in (mouth, other))
    np.testing.assert_array_equal(one["seen"], two["seen"])
    np.testing.assert_array_equal(one["factor"], two["factor"])
    shown = [as_sample(it, ~ALL)["seen"] for it in (mouth, other)]
    assert not np.array_equal(*shown)


def test_another_light_changes_the_photo_and_what_is_drawn_alike(mouth: Sight) -> None:
    rng = np.random.default_rng(0)
    for _ in range(6):
        it = changed(mouth, rng)
        light = it.skin.mean() / mouth.skin.mean()
        assert it.photo.mean() / mouth.photo.mean() == pytest.approx(light, rel=0.15)
        before, after = (as_sample(sight, ALL)["factor"].mean() for sight in (mouth, it))
        assert abs(light - 1) < 0.05 or (after > before) == (light > 1)


def test_sides_swapped_twice_are_the_same_mouth(mouth: Sight) -> None:
    twice = swapped(swapped(mouth))
    np.testing.assert_array_equal(twice.around, mouth.around)
    points, there = inside().points, inside().points[mirrored()]
    apart = np.linalg.norm(there - points * [-1, 1, 1], axis=1)
    assert np.median(apart) < 0.02, "a mouth is nearly symmetric"
    np.testing.assert_array_equal(inside().tooth[mirrored()], inside().tooth)


def test_an_untrained_network_draws_what_is_drawn_without_it(mouth: Sight, tmp_path: Path) -> None:
    sample = {key: torch.from_numpy(value[None]) for key, value in as_sample(mouth, ALL).items()}
    found = MouthColours(SEEN).eval()(sample["seen"], sample["place"])
    assert not found.any()
    assert torch.equal(made(sample, found), made(sample, torch.zeros_like(found)))


def test_training_brings_a_mouth_to_its_colours(data: Path, tmp_path: Path) -> None:
    recipe = MouthTraining(data, SMALL, data)
    before = recipe.score()
    assert before["hidden_learnt"] == before["hidden_unlearned"]
    list(train(recipe, Plan(tmp_path, 5.0, 2, steps=60), CPU))
    after = recipe.score()
    assert after["hidden_learnt"] < 0.8 * after["hidden_unlearned"] == 0.8 * before["hidden_unlearned"]
    assert recipe.picture().ndim == 3


def test_a_run_goes_on_exactly_where_it_stopped(data: Path, tmp_path: Path) -> None:
    def weights(folders: list[tuple[str, int]]) -> dict[str, torch.Tensor]:
        for folder, steps in folders:
            recipe = MouthTraining(data, SMALL)
            list(train(recipe, Plan(tmp_path / folder, 5.0, 2, steps=steps), CPU))
        return {**recipe.network.state_dict(), **{f"mean.{k}": v for k, v in recipe.state["mean"].items()}}

    whole, parts = weights([("whole", 4)]), weights([("parts", 2), ("parts", 4)])
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_command_ends_in_weights_that_are_used(
    picture: Path, mouth: Sight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    mouth = replace(mouth, teeth=0.0)
    before = mouth_completion.learnt_colours(mouth)
    (*_, step), path = drained(train_mouth(picture.parent, "small", 5.0, SMALL, steps=3))
    assert "3 steps" in step.message and step.picture is not None
    assert path == tmp_path / FILE and path.is_file()
    after = mouth_completion.learnt_colours(mouth)
    assert after.shape == (len(GAPS), len(WIDTHS), len(inside().points), 3)
    assert before is None or not np.array_equal(before, after)


def test_onnx_gives_what_the_network_gives(
    mouth: Sight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    torch.manual_seed(3)
    network = MouthColours(SEEN).eval()
    torch.nn.init.normal_(network.last.weight, std=0.1)
    export(network, tmp_path / FILE)
    assert mouth_completion.learnt_colours(mouth) is None, "a photo that shows its teeth keeps their colour"
    mouth = replace(mouth, teeth=0.0)
    learnt = mouth_completion.learnt_colours(mouth)
    assert learnt is not None
    seen, tooth = torch.from_numpy(mouth_completion.seen_of(mouth)), inside().tooth > 0
    assert (learnt[:, :, ~tooth] == 1).all(), "gums and tongue stay as they are drawn"
    place = np.hstack([places()[tooth], np.tile(opened(GAPS[2], WIDTHS[1]), (int(tooth.sum()), 1))])
    with torch.no_grad():
        direct = torch.exp(network(seen[None], torch.from_numpy(place)[None]))[0]
    np.testing.assert_allclose(learnt[2, 1, tooth], direct.numpy(), rtol=1e-4)

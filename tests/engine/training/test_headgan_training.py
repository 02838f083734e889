"""HeadGAN's data preparation, samples and training step work on the sample portrait."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.engine.errors import EngineError
from app.engine.generators.headgan import HeadGan as Backend
from app.engine.training.curves import read_curves
from app.engine.training.faces import FacesFile, params_of_row, params_row, prepare, random_edit
from app.engine.training.headgan.data import HeadGanSamples, between, mirror
from app.engine.training.headgan.recipe import (
    HeadGanTraining,
    held_out,
    mouth_crops,
    own_error,
    train_headgan,
)
from app.engine.training.loop import CHECKPOINT, Plan, train
from tests.engine.training.headgan_run import TINY, run
from tests.steps import drained

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sources(tmp_path_factory, astronaut) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    Image.fromarray(astronaut[:300, 60:400]).save(folder / "one.png")
    Image.fromarray(astronaut[:300, 60:400, ::-1]).save(folder / "two.png")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(folder / "grey.png")
    return folder


@pytest.fixture(scope="module")
def data(sources, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    steps = list(prepare(sources, folder, edits=2))
    assert [step.done for step in steps] == [1, 2, 3]
    assert [step.message for step in steps if step.error] == ["grey.png"]
    return folder


@pytest.fixture(scope="module")
def samples(data) -> HeadGanSamples:
    return HeadGanSamples(data, 64)


def test_a_prepared_portrait_holds_itself_and_its_edits(data, astronaut):
    file = FacesFile(min(data.glob("one-*.npz")))
    assert len(file) == 3 and file.still and file.audio is None
    assert file.frame(0).shape == (256, 256, 3) and file.matte(0).shape == (256, 256)
    changes = [np.abs(file.frame(k).astype(int) - file.frame(0)).mean() for k in (1, 2)]
    assert min(changes) > 2
    assert file.params[1].camera.yaw != file.params[0].camera.yaw
    centre, corner = file.matte(1)[120:140, 120:140], file.matte(0)[:10, :10]
    assert centre.min() > 240 and corner.max() < 60


def test_preparation_goes_on_and_can_be_shared(sources, tmp_path):
    assert len(list(prepare(sources, tmp_path, shard=(1, 2), edits=1))) == 1
    (first,) = tmp_path.glob("*.npz")
    before = first.stat().st_mtime_ns
    list(prepare(sources, tmp_path, edits=1))
    assert first.stat().st_mtime_ns == before
    assert len(list(tmp_path.glob("*.npz"))) == 2


def test_an_empty_folder_is_reported(tmp_path):
    with pytest.raises(EngineError, match="no pictures"):
        list(prepare(tmp_path, tmp_path / "out"))
    with pytest.raises(EngineError, match="no prepared"):
        HeadGanSamples(tmp_path, 64)


def test_clips_are_prepared_with_one_square_and_one_identity(shared, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "clip.mp4").symlink_to(shared / "media" / "videos" / "a_headpose_female.mp4")
    (step,) = prepare(folder, tmp_path / "out")
    assert step.error is None
    file = FacesFile(next((tmp_path / "out").glob("*.npz")))
    assert len(file) >= 8 and not file.still
    assert len({params.identity for params in file.params}) == 1
    sample = HeadGanSamples(tmp_path / "out", 32).draw(np.random.default_rng(0))
    assert sample["nmfc"].max() > 0.8


def test_rows_keep_parameters(data):
    params = FacesFile(min(data.glob("*.npz"))).params[1]
    again = params_of_row(params_row(params))
    assert np.allclose(params_row(again), params_row(params), atol=1e-12)
    assert again.expression.aperture == params.expression.aperture


def test_random_edits_move_but_stay_within_reach(data):
    params = FacesFile(min(data.glob("*.npz"))).params[0]
    edits = [random_edit(params, np.random.default_rng(k)) for k in range(20)]
    assert max(abs(e.camera.yaw) for e in edits) <= 35.01
    assert np.std([e.camera.yaw for e in edits]) > 4
    assert max(np.abs(e.expression.coefficients).max() for e in edits) <= 2.5 + 1e-9


def test_samples_repeat_for_the_same_rng_and_have_the_papers_ranges(samples):
    one, two, other = (samples.draw(np.random.default_rng(k)) for k in (3, 3, 4))
    assert all(np.array_equal(one[key], two[key]) for key in one)
    assert not np.array_equal(one["target"], other["target"])
    assert one["nmfc"].shape == one["nmfc_before"].shape == (9, 64, 64)
    assert one["reference"].shape == (6, 64, 64) and one["target"].shape == (3, 64, 64)
    assert one["nmfc"].min() == 0 and 0.8 < one["nmfc"].max() <= 1
    assert one["target"].min() >= -1 and one["target"].max() <= 1 and one["audio"].shape == (300,)


def test_nmfc_lies_on_the_target_s_face(samples, data):
    file = FacesFile(min(data.glob("one-*.npz")))
    sample = samples.sample(file, 1, 0, [file.params[0]])
    rows, columns = np.nonzero(sample["nmfc"][6:].sum(0))
    tx, ty = (value / 4 for value in file.params[0].camera.translation)
    assert abs(columns.mean() - tx) < 4 and abs(rows.mean() - ty) < 8
    assert sample["mask"][0, rows, columns].mean() > 0.95


def test_mirroring_twice_is_nothing_and_once_swaps_sides(samples, data):
    file = FacesFile(min(data.glob("one-*.npz")))
    sample = samples.sample(file, 1, 0, [file.params[0]])
    once = mirror(sample)
    assert np.array_equal(once["target"], sample["target"][..., ::-1])
    rows, columns = np.nonzero(once["nmfc"][6:].sum(0))
    assert np.corrcoef(once["nmfc"][6, rows, columns], columns)[0, 1] > 0.8  # x still grows to the right
    again = mirror(once)
    assert all(np.allclose(again[key], sample[key], atol=1e-6) for key in sample)


def test_between_starts_and_ends_where_it_should(data):
    file = FacesFile(min(data.glob("one-*.npz")))
    a, b = file.params[1], file.params[0]
    assert np.allclose(params_row(between(a, b, 1)), params_row(b), atol=1e-9)
    half = between(a, b, 0.5).camera.translation[0]
    assert half == pytest.approx((a.camera.translation[0] + b.camera.translation[0]) / 2)


def test_mouth_crops_hold_the_mouth():
    image = torch.arange(64.0).reshape(1, 1, 8, 8).expand(2, 3, 8, 8)
    crops = mouth_crops(image, torch.tensor([[1, 2], [6, 0]]))
    assert crops.shape == (2, 3, 2, 2)
    assert crops[0, 0].tolist() == [[17, 18], [25, 26]] and crops[1, 0, 0].tolist() == [6, 7]


def test_losses_fall_and_the_run_resumes_to_the_same_curve(data, tmp_path):
    run(data, tmp_path / "whole", 9)
    run(data, tmp_path / "parts", 4)
    run(data, tmp_path / "parts", 9)
    whole, parts = read_curves(tmp_path / "whole"), read_curves(tmp_path / "parts")
    strip = [{k: v for k, v in line.items() if k != "seconds"} for line in whole]
    assert strip == [{k: v for k, v in line.items() if k != "seconds"} for line in parts]
    assert {"temporal", "mask", "l1", "l1_warped", "perceptual", "matching", "adversarial"} <= set(whole[0])
    assert np.mean([line["mask"] for line in whole[-3:]]) < np.mean([line["mask"] for line in whole[:3]])


def test_two_processes_equal_one_on_the_joined_batch(data, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.engine.training.headgan_run", str(data), str(tmp_path / "two"), "1"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    run(data, tmp_path / "one", 1)
    one, two = (torch.load(tmp_path / k / CHECKPOINT, weights_only=True) for k in ("one", "two"))
    for key in ("G", "D"):
        # After one step Adam's first moment is half the gradient; the weights themselves only know its sign.
        # All weights are compared at once: a single layer's gradient may all but cancel, and leave only
        # rounding. The gradient of an L1 is a sign, which rounding flips where two pictures are nearly
        # equal: such runs have differed by 0.17 %.
        a, b = (
            torch.cat([state["exp_avg"].flatten() for state in run["optimisers"][key]["state"].values()])
            for run in (one, two)
        )
        assert (a - b).norm() <= 5e-3 * a.norm()
    a, b = read_curves(tmp_path / "one")[0], read_curves(tmp_path / "two")[0]
    # The adversarial loss is a mean of scores of both signs that all but cancel, so it is compared
    # absolutely.
    assert {k: pytest.approx(v, rel=1e-4, abs=5e-5) for k, v in a.items() if k != "seconds"} == {
        k: v for k, v in b.items() if k != "seconds"
    }


def test_every_term_reaches_the_generator(data):
    recipe = HeadGanTraining(data, TINY)
    batch = {k: torch.from_numpy(np.stack([v, v])) for k, v in recipe.draw(np.random.default_rng(0)).items()}
    out = recipe.generate(batch, batch["nmfc"])
    for name, term in recipe.generator_terms(batch, out).items():
        gradients = torch.autograd.grad(
            term, list(recipe.generator.parameters()), retain_graph=True, allow_unused=True
        )
        assert any(g is not None and g.abs().sum() > 0 for g in gradients), name


def test_the_command_s_run_makes_a_model_that_serves_the_generator(sources, tmp_path, monkeypatch, portrait):
    from app.engine.contract import SourceImage, Target

    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    run_steps = train_headgan(sources, "mine", 5, TINY, steps=2)
    shown_steps, model = drained(run_steps)
    assert any(step.message.startswith("step 2: G ") for step in shown_steps)
    assert "unedited portraits" in shown_steps[-1].message and shown_steps[-1].picture is not None
    folder = tmp_path / "training" / "mine"
    assert np.asarray(Image.open(folder / "samples.png")).shape == (128, 128, 3)
    assert np.asarray(Image.open(folder / "curves.png")).std() > 1
    assert model.name == "mine" and model.kind == "headgan" and "those pictures" in model.use
    backend = Backend()
    assert backend.info.weights == ("mine",)
    face, pixels = portrait.faces[0], portrait.photo.pixels
    source = SourceImage(pixels, None, face, np.ones(pixels.shape[:2], np.float32))
    camera = replace(face.params.camera, scale=face.params.camera.scale * 1.02)
    patch = backend.generate(backend.encode(source), Target(replace(face.params, camera=camera)))
    assert patch.pixels.shape[0] > 100 and backend.renderer().size == 32


def test_some_files_are_kept_for_measuring(data, tmp_path):
    names = {f"face-{k}.npz" for k in range(400)}
    held = held_out(names)
    assert 30 < len(held) < 70 and held == held_out(names)
    assert held_out(set(sorted(names)[:7])) == set()  # there are too few to spare any
    (one, two) = sorted(data.glob("*.npz"))
    for k in range(12):
        (tmp_path / f"face-{k}.npz").symlink_to(one if k % 2 else two)
    recipe = HeadGanTraining(tmp_path, TINY)
    trained, kept = ({path.name for path in s.paths} for s in (recipe.samples, recipe.held))
    assert kept and trained and not kept & trained and len(kept | trained) == 12


def test_own_error_falls_with_training(data, tmp_path):
    recipe = HeadGanTraining(data, replace(TINY, rate=5e-3))
    before = own_error(recipe)
    for _ in train(recipe, Plan(tmp_path, 5, batch=2, steps=25), torch.device("cpu")):
        pass
    assert own_error(recipe) < before


def test_picture_shows_reference_warped_image_target(data):
    recipe = HeadGanTraining(data, TINY)
    sheet = recipe.picture()
    assert sheet.shape == (4 * 32, 4 * 32, 3)
    wanted = (recipe.shown[0]["target"].transpose(1, 2, 0) + 1) * 127.5
    assert np.abs(sheet[:32, 96:] - wanted).max() <= 1

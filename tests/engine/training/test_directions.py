"""Mien finds directions itself, on a generator whose "face" can be read off exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import save_model
from app.engine.errors import EngineError
from app.engine.face.parameters import (
    Camera,
    Expression,
    FaceParams,
    FittedFace,
    Identity,
    rotation_matrix,
)
from app.engine.latent.calibration import calibrate
from app.engine.latent.expression_map import own_components
from app.engine.latent.inversion import LatentModel, picture
from app.engine.latent.library import ensemble, known_expression_map
from app.engine.latent.parameters import A
from app.engine.latent.similarity import Similarity
from app.engine.networks.directions import DirectionMatrix, shifted
from app.engine.networks.face_regressor import FaceRegressor
from app.engine.networks.stylegan2 import Generator
from app.engine.training.directions import gains as direction_gains
from app.engine.training.directions import learning as recipes
from app.engine.training.directions import recipe as commands
from app.engine.training.directions.gains import calibrated
from app.engine.training.directions.learning import MIXED, PAIRED, WARM_UP, DirectionsRecipe
from app.engine.training.directions.losses import rotations
from app.engine.training.directions.real_faces import RealFaces, real_faces
from app.engine.training.directions.samples import NAMES, labelled, spread_out, starting_matrix
from app.engine.training.loop import Plan, train
from tests.engine.training.test_personal_training import drained


def read_off(pixels) -> FittedFace:
    """Read left against right as "yaw", top against bottom as "pitch", red and green as expression, blue as
    identity.
    """
    values = pixels / 255.0
    half = len(values) // 2
    yaw = 100 * (values[:, half:].mean() - values[:, :half].mean())
    pitch = 100 * (values[:half].mean() - values[half:].mean())
    red, green, blue = values.mean((0, 1))
    coefficients = (8 * (red - 0.5), 8 * (green - 0.5), *np.zeros(26))
    params = FaceParams(
        Identity((8 * (blue - 0.5), *np.zeros(39))),
        Expression(coefficients),
        Camera.from_angles(yaw, pitch, 0, 10, (0, 0)),
    )
    return FittedFace(params, np.zeros((478, 3)), (0, 0, 1, 1), np.zeros((468, 3)))


@pytest.fixture(scope="module")
def model() -> LatentModel:
    torch.manual_seed(2)
    generator = Generator(16, max_channels=16, style_dim=16, n_mlp=2).eval().requires_grad_(False)
    for layer in generator.modules():
        if hasattr(layer, "demodulate") and not layer.demodulate:
            layer.weight.data *= 0.3
    return LatentModel(generator, generator.mean_latent(1024))


@pytest.fixture(scope="module")
def labels(model):
    return drained(labelled(model, read_off, 800))[1]


def swept(model, matrix, labels, column, count=200):
    """Return asked inputs and measured (values, identity) of random samples; one input is drawn from [-A/2,
    A/2].
    """
    rng = np.random.default_rng(0)
    asked = rng.uniform(-A / 2, A / 2, count)
    values, identity = [], []
    for k, amount in enumerate(asked):
        w = spread_out(torch.from_numpy(labels.w[k % len(labels.w)][None]).float(), model)
        inputs = torch.zeros(2, len(NAMES))
        inputs[1, column] = amount
        with torch.no_grad():
            faces = [read_off(picture(model.render(shifted(w, matrix(p[None]))))).params for p in inputs]
        values.append(faces[1].camera.yaw - faces[0].camera.yaw)
        identity.append(faces[1].identity.coefficients[0] - faces[0].identity.coefficients[0])
    return asked, np.array(values), np.array(identity)


def test_regressed_yaw_moves_yaw_by_the_asked_sign_and_more_than_identity(model, labels):
    asked, yaw, identity = swept(model, starting_matrix(labels, 6), labels, 0)
    assert np.corrcoef(asked, yaw)[0, 1] >= 0.8  # an untrained generator is far from linear
    spread = labels.values[:, 0].std(), labels.identity[:, 0].std()
    assert np.abs(yaw).mean() / spread[0] > 2 * np.abs(identity).mean() / spread[1]


def test_calibrated_columns_obtain_what_is_asked(model, labels):
    matrix = starting_matrix(labels, 6)
    with torch.no_grad():
        matrix.linear.weight[:, :5] *= torch.tensor([0.4, 0.3, 1.0, 2.0, 1.0])
    before = matrix.linear.weight.detach().clone()
    _, gains = drained(calibrated(model, matrix, labels, read_off))
    asked, yaw, _ = swept(model, matrix, labels, 0)
    assert np.polyfit(asked / labels.slopes[0], yaw, 1)[0] == pytest.approx(1, abs=0.25)
    torch.testing.assert_close(matrix.linear.weight, before / torch.from_numpy(gains).float())
    assert gains[2] == 0.1, "nothing reads roll here: its column is lengthened to the limit at most"


def test_columns_stay_where_no_face_is_found(model, labels):
    matrix = starting_matrix(labels, 6)
    _, gains = drained(calibrated(model, matrix, labels, lambda pixels: None))
    assert (gains == 1).all()


def test_samples_without_a_face_are_reported(model):
    with pytest.raises(EngineError, match="Only 0 of 5 samples"):
        drained(labelled(model, lambda pixels: None, 5))


def test_training_moves_the_matrix_only_after_net3d_has_warmed_up(model, labels, tmp_path):
    recipe = DirectionsRecipe(model, labels, MIXED, real_ones(model), width=8)
    start = recipe.matrix.linear.weight.detach().clone()
    stored = {name: value.clone() for name, value in model.generator.state_dict().items()}
    lines = [p.losses for p in train(recipe, Plan(tmp_path, 5, 4, steps=WARM_UP), torch.device("cpu"))]
    assert torch.equal(recipe.matrix.linear.weight, start)
    assert np.mean([p["net3d"] for p in lines[-20:]]) < 0.8 * np.mean([p["net3d"] for p in lines[:20]])
    more = [p.losses for p in train(recipe, Plan(tmp_path, 5, 4, steps=WARM_UP + 3), torch.device("cpu"))]
    assert {"shape", "eyes", "mouth", "identity", "perceptual"} <= set(more[-1])
    assert not torch.equal(recipe.matrix.linear.weight, start)
    assert all(torch.equal(value, stored[name]) for name, value in model.generator.state_dict().items())
    assert recipe.picture().shape == (48, 80, 3)


def real_ones(model, seed=7) -> RealFaces:
    """Return two people with two pictures each, made by the generator itself."""
    z = torch.randn(4, 16, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        codes = model.generator.latent(z)
        pictures = model.render(codes)
    params = [read_off(picture(one[None])).params for one in pictures]
    values = np.array([[*p.camera.angles, *p.expression.coefficients[:12]] for p in params])
    identity = np.array([p.identity.coefficients for p in params])
    return RealFaces(codes, pictures, values, identity, np.array([0, 0, 1, 1]))


def test_the_paired_stage_goes_from_one_frame_to_another_of_one_person(model, labels, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.WEIGHTS, "pixels", 100.0)
    monkeypatch.setattr(recipes, "RATE", 3e-3)
    real = real_ones(model)
    recipe = DirectionsRecipe(model, labels, PAIRED, real, width=8)
    for seed in range(30):
        drawn = recipe.draw(np.random.default_rng(seed))
        photo, frame = int(drawn["photo"]), int(drawn["frame"])
        assert photo != frame and real.person[photo] == real.person[frame]
        asked = (real.values[frame] - real.values[photo]) * labels.slopes
        np.testing.assert_allclose(drawn["change"], np.clip(asked, -2 * A, 2 * A), rtol=1e-5)
    source, target = torch.tensor([0, 1, 2, 3]), torch.tensor([1, 0, 3, 2])
    asked = torch.from_numpy((real.values[target] - real.values[source]) * labels.slopes).float()

    def gap():
        return float(recipe._loss_terms(real.codes[source], asked, target)["pixels"].detach())

    before = gap()
    list(train(recipe, Plan(tmp_path, 5, 4, steps=WARM_UP + 60), torch.device("cpu")))
    assert gap() < 0.8 * before


def test_an_imported_recogniser_holds_the_identity(model, labels):
    seen = []

    def recogniser(image):
        seen.append(len(image))
        return image.mean((2, 3))

    plain, with_it = (
        DirectionsRecipe(model, labels, similarity=Similarity(recogniser=r), width=8)
        for r in (None, recogniser)
    )
    wplus = spread_out(torch.from_numpy(labels.w[:3]).float(), model)
    frame = torch.full((3,), -1)
    terms = [r._loss_terms(wplus, torch.ones(3, len(NAMES)), frame)["identity"] for r in (plain, with_it)]
    assert seen == [3, 3] and terms[0] != terms[1]
    image = model.render(wplus)
    assert float(Similarity(recogniser=recogniser).other_person(image, image)) == pytest.approx(0, abs=1e-5)


def test_photos_become_codes_with_what_was_measured(model, tmp_path):
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "one.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    steps, real = drained(real_faces(tmp_path, model, 1.6, clips=False))
    assert real.codes.shape == (1, model.generator.n_latent, 16) and real.pictures.shape == (1, 3, 16, 16)
    assert steps[-1].message == "Inverted 1 faces"
    real.save(tmp_path / "kept.npz")
    again = RealFaces.load(tmp_path / "kept.npz")
    assert torch.equal(again.codes, real.codes) and np.array_equal(again.values, real.values)
    with torch.no_grad():
        made, mean = model.render(real.codes), model.render(spread_out(model.centre, model))
    assert (made - real.pictures).abs().mean() < (mean - real.pictures).abs().mean()
    with pytest.raises(EngineError, match="holds no clips"):
        drained(real_faces(tmp_path, model, 1.6, clips=True))


def test_half_of_the_draws_change_one_attribute(model, labels):
    recipe = DirectionsRecipe(model, labels, width=8)
    alone = 0
    for seed in range(200):
        change = recipe.draw(np.random.default_rng(seed))["change"]
        alone += np.count_nonzero(change) == 1
    assert 70 <= alone <= 130


def test_rotations_are_those_of_the_engine():
    angles = np.random.default_rng(0).uniform(-40, 40, (5, 3))
    ours = rotations(torch.from_numpy(angles))
    for row, expected in zip(ours, [rotation_matrix(*a) for a in angles]):
        np.testing.assert_allclose(row.numpy(), expected, atol=1e-9)


def test_the_regressor_reads_any_size():
    network = FaceRegressor(5, width=8)
    parameters, features = network(torch.rand(2, 3, 96, 96))
    assert parameters.shape == (2, 5) and features.shape == (2, 64)


def test_a_matrix_of_ours_is_used_with_its_generator_only(model, tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    config = {"size": 16, "max_channels": 16, "style_dim": 16, "n_mlp": 2}
    found = Found(model.generator.state_dict(), config, {"truncation_latent": model.centre})
    save_model(found, kind_named("stylegan2"), "mine", "run")
    monkeypatch.setattr(commands, "face_fitter", fake_fitter)
    monkeypatch.setattr(direction_gains, "FACES", 5)
    _, matrix = drained(commands.train_directions("mine-directions", 5, samples=80, steps=2))
    chosen = ensemble()
    assert chosen is not None and chosen.directions == matrix
    parameters = chosen.parameterisation
    assert parameters.names == NAMES and parameters.ours
    exact = own_components(parameters)
    assert exact.matrix[3, 0] == pytest.approx(parameters.slopes[3]) and exact.error == 0
    weights = {name: value + 0.1 for name, value in model.generator.state_dict().items()}
    other = Found(weights, config, {"truncation_latent": model.centre})
    save_model(other, kind_named("stylegan2"), "other", "another run")
    newest = ensemble()
    assert (newest.directions is None) == (newest.generator.name == "other")


def test_calibrating_reports_how_much_the_map_leaves_unexplained(model, tmp_path, monkeypatch):
    """Only red and green are read of an expression, so the map of twelve inputs has an error, which is shown."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    monkeypatch.setattr(commands, "face_fitter", fake_fitter)
    sizes = {"size": 16, "max_channels": 16, "style_dim": 16, "n_mlp": 2}
    found = Found(model.generator.state_dict(), sizes, {"truncation_latent": model.centre})
    save_model(found, kind_named("stylegan2"), "mine", "run")
    torch.manual_seed(0)
    layout = {"n_directions": 15, "n_layers": 6, "style_dim": 16}
    released = Found(DirectionMatrix(15, 6, 16).state_dict(), {**layout, "format": ""})
    save_model(released, kind_named("directions"), "released", "file")
    assert known_expression_map(ensemble()) is None
    steps, learned = drained(commands.calibrate_directions(40))
    assert 0 < learned.error < 1
    assert (
        steps[-1].message
        == f"The map leaves {100 * learned.error:.0f} % of the expression change unexplained"
    )
    kept = known_expression_map(ensemble())
    assert kept.error == learned.error and np.array_equal(kept.matrix, learned.matrix)


class fake_fitter:
    def __init__(self, faces=2.0):
        pass

    def __enter__(self):
        return read_off

    def __exit__(self, *_):
        pass


def test_calibration_learns_what_the_inputs_do(model):
    """With a matrix of one direction that changes red, the map gives back the input that made a red change."""
    torch.manual_seed(0)
    matrix = DirectionMatrix(2, 6, 16)
    _, found = drained(calibrate(model, matrix, ("yaw", "exp0"), read_off, 60))
    assert not found.matrix[0].any(), "pose is not an expression"
    assert 0 <= found.error < 1
    assert np.abs(found.matrix[1]).max() > 0

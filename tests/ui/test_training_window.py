"""The training window drives a real process on a toy recipe; its pages say what will be trained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.cli import parser
from app.session.training import Order, RunStep, State, Training
from app.ui.main_window import MainWindow
from app.ui.training.coverage_plot import merged
from app.ui.training.progress import clock
from app.ui.training.window import TrainingWindow
from tests.session.conftest import settle
from tests.ui.modal import answer_box

TINY = [sys.executable, "-m", "tests.session.tiny_training"]
WAIT = 120_000  # milliseconds


@pytest.fixture
def training_window(window: MainWindow, qtbot: QtBot):
    run = Training(command=TINY)
    shown = TrainingWindow(window.session, run, window)
    shown.show()
    qtbot.waitExposed(shown)
    yield shown
    run.shut_down()
    shown.close()


@pytest.fixture
def run(training_window: TrainingWindow) -> Training:
    return training_window._training


def toy(seconds: float = 60.0) -> Order:
    return Order(("train", "toy"), "toy", seconds / 60)


def test_a_run_shows_its_losses_sample_and_time_left(training_window, run, qtbot):
    view = training_window.progress
    training_window.start(toy())
    qtbot.waitUntil(lambda: not view.sample.pixmap().isNull(), timeout=WAIT)
    assert set(view.curves.names()) == {"loss", "other"}
    assert view.bar.maximum() == 60 and "left" in view.state.text()
    assert not training_window.personal.train.isEnabled() and not view.resume.isVisible()
    view.pause.click()
    qtbot.waitUntil(lambda: run.state == State.PAUSED, timeout=WAIT)
    assert view.resume.isVisible() and view.keep.isVisible() and not view.pause.isVisible()
    assert view.bar.maximum() == 60, "a pause keeps how far the run is"
    view.resume.click()
    assert run.state == State.RUNNING
    with qtbot.waitSignal(run.stepped, timeout=WAIT):
        pass
    view.stop.click()
    qtbot.waitUntil(lambda: run.state == State.STOPPED, timeout=WAIT)
    with qtbot.waitSignal(run.finished, timeout=WAIT):
        view.keep.click()
    assert run.state == State.DONE and view.state.text() == "Trained “toy”."


def test_a_run_says_that_it_prepares_its_photos_and_that_it_pauses(training_window, run):
    """Once, it said “Starting…” while it read a folder for minutes, and a last step hid “Pausing”."""
    view = training_window.progress
    run.order = toy()
    run._set_state(State.RUNNING)
    run.stepped.emit(RunStep(3, 24, "if003.jpg"))
    assert view.state.text() == "Preparing: 3 of 24" and view.detail.text() == "if003.jpg"
    run._set_state(State.PAUSED)
    assert "exactly" not in view.state.text(), "a preparation begins anew"
    run._set_state(State.RUNNING)
    run.stepped.emit(RunStep(1, 60, "", step=1, losses={"l1": 0.5}))
    assert "left" in view.state.text()
    run.stepped.emit(RunStep(60, 60, "Keeping the model."))
    assert "left" in view.state.text()
    run._set_state(State.PAUSING)
    run.stepped.emit(RunStep(2, 60, "", step=2, losses={"l1": 0.4}))
    assert view.state.text().startswith("Pausing")
    run._set_state(State.PAUSED)
    assert "exactly" in view.state.text()
    run._set_state(State.IDLE)


def test_a_finished_run_brings_the_menus_up_to_date(training_window, run, window, fake, qtbot, monkeypatch):
    asked: list[int] = []
    answer = fake.generators
    monkeypatch.setattr(fake, "generators", lambda: asked.append(1) or answer())
    with qtbot.waitSignal(window.session.engine_ready, timeout=WAIT):
        training_window.start(toy(0.5))
    assert asked and run.state == State.DONE


def test_what_came_of_a_run_is_reported_in_the_window_s_words(training_window, run, tmp_path):
    state = training_window.progress.state
    run.order = toy()
    row = {"name": "yaw", "edges": [-45.0, -5.0, 45.0], "counts": [0, 9], "gaps": [[-45.0, -5.0]]}
    run.finished.emit({"message": "Fit to train on. Not shown: yaw -45 to -5", "coverage": [row]})
    assert "fit to train on" in state.text() and "-45" not in state.text()
    result = {"engine": "head2head-toy", "portrait": str(tmp_path / "portrait.png")}
    run.finished.emit({"message": "Use it with --engine head2head-toy.", **result})
    assert "toy" in state.text() and "--engine" not in state.text()
    assert training_window.personal.use.isVisible()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "headgan", "folder"), "generators"),
        (("train", "completion", "folder"), "Models can turn that off"),
        (("train", "mouth", "folder"), "Opened mouths"),
        (("train", "head2headfs", "a.mp4"), "start from it"),
        (("train", "stylegan", "folder"), "Latent directions"),
        (("train", "directions"), "sliders"),
        (("reenact", "me", "a.mp4", "--output", "/there/film.mp4"), "Wrote /there/film.mp4"),
    ],
)
def test_every_run_ends_with_words_of_the_window(training_window, run, words, said):
    """A completion was told to be used with a command's option, in English in the German window."""
    run.order = Order(words, "mine", 1.0)
    run.finished.emit({"message": "Use it with --engine x: mien train y.", "path": "/there/weights.npz"})
    assert said in training_window.progress.state.text()
    assert "mien" not in training_window.progress.state.text()


def test_the_training_window_that_is_asked_for_again_gets_the_keys(window, qtbot):
    """It came to the front, and what was typed still went to the main window."""
    window.helpers.show_training()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.helpers.show_training()
    qtbot.waitUntil(window.helpers.training.isActiveWindow)
    window.helpers.training.close()


def test_an_error_is_shown_with_its_remedy(training_window, run, qtbot):
    with qtbot.waitSignal(run.failed, timeout=WAIT):
        training_window.start(Order(("train", "bad"), "toy", 1))
    assert run.state == State.FAILED
    assert "cut at frame 12" in training_window.progress.state.text()
    assert "Cut the clip there" in training_window.progress.state.text()


def test_the_personal_page_orders_what_it_shows(training_window, tmp_path, qtbot):
    page = training_window.personal
    page.ordered.disconnect()
    clip = tmp_path / "ich und du.mp4"
    assert not page.train.isEnabled()
    page.footage.line.setText(str(clip))
    assert not page.train.isEnabled(), "the file is not there"
    clip.write_bytes(b"")
    page.footage.line.setText(str(clip) + " ")
    page.minutes.setValue(12)
    page.quality.setCurrentIndex(page.quality.findData(256))
    assert page.train.isEnabled()
    with qtbot.waitSignal(page.ordered) as ordered:
        page.train.click()
    assert ordered.args[0] == Order(("train", "head2head", str(clip), "--size", "256"), "me", 12.0)
    with qtbot.waitSignal(page.ordered) as ordered:
        page.check.click()
    assert ordered.args[0].words[-3:] == ("--check", "--output", "me") and ordered.args[0].minutes is None
    page.name.setText("../me")
    assert not page.train.isEnabled(), "a name never leads out of Mien's folder"


def test_few_shot_starts_from_a_first_stage(training_window, tmp_path, qtbot):
    page, home = training_window.personal, tmp_path / "home"
    page.ordered.disconnect()
    folder = home / "training" / "crowd"
    (folder / "0000").mkdir(parents=True)
    (folder / "0000" / "footage.npz").write_bytes(b"")
    (folder / "checkpoint.pt").write_bytes(b"")
    clip = tmp_path / "me.mp4"
    clip.write_bytes(b"")
    page.refresh()
    page.footage.line.setText(str(clip))
    page.start.setCurrentIndex(1)
    with qtbot.waitSignal(page.ordered) as ordered:
        page.train.click()
    assert ordered.args[0].words[-2:] == ("--start", str(folder))


def test_scores_and_portrait_of_a_finished_model(training_window, qtbot):
    page = training_window.personal
    page.take(RunStep(before={"l1": 55.07, "psnr": 11.69}))
    page.take(RunStep(before={"l1": 55.07, "psnr": 11.69}, after={"l1": 8.04, "psnr": 24.0}))
    assert "55.1" in page.score.text() and "8.0" in page.score.text()
    page.finish({"message": "", "engine": "head2head-me", "portrait": "/somewhere/portrait.png"})
    with qtbot.waitSignal(training_window.portrait_wanted) as wanted:
        page.use.click()
    assert wanted.args == [Path("/somewhere/portrait.png"), "head2head-me"]


def test_coverage_names_and_crosses_out_what_is_never_shown(training_window, qtbot):
    plot = training_window.personal.coverage
    rows = [
        {"name": "yaw", "edges": [-20, -10, 0, 10], "counts": [0, 0, 7], "gaps": [[-20, -10], [-10, 0]]},
        {"name": "exp1", "edges": [-1, 0, 1], "counts": [3, 4], "gaps": []},
    ]
    training_window.personal.finish({"message": "", "coverage": rows})
    assert "yaw: −20 … 0°" in training_window.personal.gaps.text()
    assert "expression" not in training_window.personal.gaps.text()
    picture = plot.grab().toImage()

    def red(cell: int) -> int:
        place = plot._place(0, cell).toAlignedRect()
        colours = [
            picture.pixelColor(x, y)
            for x in range(place.left(), place.right())
            for y in range(place.top(), place.bottom())
        ]
        return sum(c.red() > c.green() + 60 and c.red() > c.blue() + 60 and c.green() < 150 for c in colours)

    assert red(0) > 20 and red(2) == 0, "empty cells are crossed out in red"
    assert merged([[0, 1], [1, 2], [3, 4]]) == [(0, 2), (3, 4)]


def test_other_models_ask_for_what_they_need(training_window, tmp_path, qtbot):
    page = training_window.recipes
    page.ordered.disconnect()
    titles = [page.recipe.itemData(k).word for k in range(page.recipe.count())]
    for index, word in enumerate(titles):
        page.recipe.setCurrentIndex(index)
        page.data.line.setText("")
        needs = bool(page.recipe.currentData().data)
        assert page.train.isEnabled() != needs, word
        page.data.line.setText(str(tmp_path))
        with qtbot.waitSignal(page.ordered) as ordered:
            page.train.click()
        assert ordered.args[0].words == (("train", word, str(tmp_path)) if needs else ("train", word))
        order = ordered.args[0]
        args = parser().parse_args([*order.words, "--lines", "--output", order.name])
        assert args.what == word and args.output == order.name
    assert set(titles) == {"headgan", "completion", "mouth", "head2headfs", "stylegan", "directions"}


def test_reenacting_asks_for_what_it_needs(training_window, tmp_path, qtbot, monkeypatch):
    from types import SimpleNamespace

    from app.ui.training import reenact_page

    page = training_window.reenact
    page.ordered.disconnect()
    assert not page.go.isEnabled() and "first" in page.note.text()
    people = [SimpleNamespace(name=n, kind=k) for n, k in (("me", "head2head"), ("few", "head2headfs"))]
    monkeypatch.setattr(reenact_page.weights, "models", lambda: people)
    page.refresh()
    clip = tmp_path / "driver.mp4"
    clip.write_bytes(b"")
    page.driver.line.setText(str(clip))
    page.target.line.setText(str(tmp_path / "out.png"))
    assert page.go.isEnabled() and not page.background.isEnabled(), "Head2Head++ draws its background"
    page.model.setCurrentIndex(1)
    page.mode.setCurrentIndex(1)
    page.background.setCurrentIndex(page.background.findData("picture"))
    assert not page.go.isEnabled(), "the picture is missing"
    page.background.setCurrentIndex(page.background.findData("colour"))
    page.colour.setText("#12345")
    assert not page.go.isEnabled()
    page.colour.setText("#123456")
    with qtbot.waitSignal(page.ordered) as ordered:
        page.go.click()
    order = ordered.args[0]
    args = parser().parse_args([*order.words, "--lines"])
    assert order.minutes is None
    assert (args.model, args.driver, args.mode, args.background) == ("few", clip, "face", "#123456")
    page.model.setCurrentIndex(0)
    assert page.background.currentData() == "keep"


def test_work_that_is_no_training_cannot_be_paused(training_window, run, qtbot):
    view = training_window.progress
    run._command = [sys.executable, "-c", "import sys; sys.stdin.read(); print('{\"stopped\": true}')"]
    training_window.start(Order(("reenact",), "film"))
    assert not view.pause.isVisible() and view.stop.isEnabled()
    view.stop.click()
    qtbot.waitUntil(lambda: run.state == State.STOPPED, timeout=WAIT)
    assert not view.keep.isVisible()


def test_a_film_of_a_person_says_how_much_is_drawn(training_window, run):
    """It said “Starting…” from the first frame to the last."""
    run.order = Order(("reenact", "me", "clip.mp4"), "reenact-me")
    run._set_state(State.RUNNING)
    run.stepped.emit(RunStep(11, 42))
    assert training_window.progress.state.text() == "Drawing: 11 of 42"
    run._set_state(State.IDLE)


def test_the_curves_axis_counts_whole_steps(training_window, run, qtbot):
    """Two steps were marked as 1.0, 1.2, 1.4, …"""
    for step in (1, 2):
        run.stepped.emit(RunStep(step, 2, step=step, losses={"l1": 0.5}))
    axis = training_window.progress.curves._plot.getAxis("bottom")
    for low, high in ((1.0, 2.0), (0.0, 7.0), (0.0, 30_000.0)):
        assert all(float(by).is_integer() for by, _ in axis.tickSpacing(low, high, 400.0))


def test_a_model_is_chosen_for_its_own_portrait_only(
    training_window: TrainingWindow, window: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """Where the user stayed with the open photo, the next one that was opened got the model, whoever it showed."""
    own = tmp_path / "own.png"
    own.write_bytes(b"the person")
    with qtbot.waitSignal(window.session.portrait_opened):
        window.documents.open(photo)
    window.session.set_value("smile", 0.5)
    answer_box("Cancel")
    window.helpers._on_portrait(own, "stylegan")
    with qtbot.waitSignal(window.session.portrait_opened):
        window.session.open(photo)
    settle(window.session, qtbot)
    assert window.session.document.generator == "mesh-warp"
    window.helpers.training = training_window
    with qtbot.waitSignal(window.session.portrait_opened):
        window.helpers._on_portrait(own, "stylegan")
    qtbot.waitUntil(lambda: window.session.document.generator == "stylegan")
    assert not training_window.isVisible()


def test_a_check_of_footage_cannot_be_paused_and_leaves_no_word_of_its_work(training_window, run, qtbot):
    """Once, Pause was offered, and “Cutting out the face” stayed beside the result."""
    view = training_window.progress
    step = '{"done": 1, "total": 2, "message": "Cutting out the face", "picture": null}'
    result = '{"result": {"coverage": []}}'
    wait = "import sys; print(sys.argv[1], flush=True); sys.stdin.readline(); print(sys.argv[2])"
    run._command = [sys.executable, "-c", wait, step, result]
    with qtbot.waitSignal(run.stepped, timeout=WAIT):
        training_window.start(Order(("train", "head2head", "clip.mp4", "--check", "--output", "me"), "me"))
    assert view.detail.text() == "Cutting out the face"
    assert not view.pause.isVisible() and view.stop.isEnabled()
    assert run._process is not None
    with qtbot.waitSignal(run.finished, timeout=WAIT):
        run._process.write(b"stop\n")
    assert not view.detail.text() and view.state.text().startswith("The footage is fit")


def test_scores_are_said_once_in_the_window_s_language(training_window, run, german: None):
    """Once, the command's English sentence stood above the curves."""
    score = {"l1": 58.3, "psnr": 11.2}
    run.stepped.emit(RunStep(1, 1, "Held-out frames before: L1 58.30", before=score))
    assert not training_window.progress.detail.text() and "58,3" in training_window.personal.score.text()


def test_every_recipe_is_a_command(training_window):
    page = training_window.recipes
    for k in range(page.recipe.count()):
        recipe = page.recipe.itemData(k)
        words = ["train", recipe.word, *(["somewhere"] if recipe.data else []), "--minutes", "1"]
        parser().parse_args([*words, "--output", recipe.name, "--lines", "--picture", "p.png"])
    parser().parse_args(["train", "head2head", "clip.mp4", "--size", "128", "--check", "--lines"])


def test_the_menu_and_the_models_dialog_lead_here(window, qtbot, monkeypatch):
    window.actions_["training"].trigger()
    assert window.helpers.training is not None and window.helpers.training.isVisible()
    window.helpers.training.close()
    from app.ui.dialogs.models import ModelsDialog

    monkeypatch.setattr(ModelsDialog, "exec", lambda dialog: dialog.train.click())
    window.helpers.show_models()
    assert window.helpers.training.isVisible()
    window.helpers.training.close()


def test_time_left_is_read_as_a_clock():
    assert [clock(s) for s in (5, 65, 3725, -3)] == ["0:05", "1:05", "1:02:05", "0:00"]


def test_no_field_of_other_models_is_pressed_together(training_window: TrainingWindow, qtbot: QtBot) -> None:
    training_window.pages.setCurrentIndex(2)
    page = training_window.recipes
    qtbot.waitUntil(page.isVisible)
    for at in range(page.recipe.count()):
        page.recipe.setCurrentIndex(at)
        qtbot.wait(20)
        assert page.minutes.height() >= page.minutes.sizeHint().height()

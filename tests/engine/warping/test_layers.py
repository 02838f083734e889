"""Tests how a picture's rows are shared out among the cores."""

import threading

import pytest

from app.engine.warping import layers
from app.engine.warping.layers import BAND_ROWS, in_bands, meanwhile


def test_every_row_is_drawn_once_and_the_calling_thread_draws_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "HELPERS", 3)
    rows: list[int] = []
    drew: set[int] = set()

    def draw(start: int, end: int) -> None:
        rows.extend(range(start, end))
        drew.add(threading.get_ident())

    in_bands(draw, 5, 5 + 4 * BAND_ROWS + 7)
    assert sorted(rows) == list(range(5, 5 + 4 * BAND_ROWS + 7))
    monkeypatch.setattr(layers, "HELPERS", 0)
    drew.clear()
    in_bands(draw, 0, 3 * BAND_ROWS)
    assert drew == {threading.get_ident()}


def test_an_error_of_any_band_is_raised_after_all_helpers_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "HELPERS", 1)
    helper_draws, gone = threading.Event(), threading.Event()
    caller = threading.get_ident()

    def draw(start: int, end: int) -> None:
        if threading.get_ident() == caller:
            helper_draws.wait()
            raise ValueError("the caller's band")
        helper_draws.set()
        gone.set()

    with pytest.raises(ValueError, match="the caller's band"):
        in_bands(draw, 0, 8 * BAND_ROWS)
    assert gone.is_set()

    def fail(start: int, end: int) -> None:
        if threading.get_ident() != caller:
            helper_draws.set()
            raise ValueError("a helper's band")
        helper_draws.wait()

    helper_draws.clear()
    with pytest.raises(ValueError, match="a helper's band"):
        in_bands(fail, 0, 8 * BAND_ROWS)


@pytest.mark.parametrize("helpers", [0, 1])
def test_what_is_made_meanwhile_comes_back_with_its_error(
    helpers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "HELPERS", helpers)

    def fail() -> int:
        raise ValueError("no picture")

    assert meanwhile(lambda: 7)() == 7
    wait = meanwhile(fail)
    with pytest.raises(ValueError, match="no picture"):
        wait()

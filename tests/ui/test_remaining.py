"""The time that work still takes is said once it is known, and does not jump."""

from __future__ import annotations

import pytest

from app.ui import remaining
from app.ui.remaining import Remaining, duration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the seconds that a clock shows, which the test sets."""
    now = [100.0]
    monkeypatch.setattr(remaining.time, "monotonic", lambda: now[0])
    return now


def test_what_is_prepared_once_is_not_expected_of_each_part(clock: list[float]) -> None:
    """Half a minute of compiling before the first of ten photos once made an estimate of four and a half minutes."""
    left = Remaining()
    said = []
    for done, at in enumerate((0.0, 30.0, 32.0, 34.0, 36.0)):
        clock[0] = 100.0 + at
        said.append(left.seconds(done, 10))
    assert said == [0, 0, 0, 14, 12]


def test_nothing_is_said_by_the_first_moments(clock: list[float]) -> None:
    left = Remaining()
    said = []
    for done, at in ((1, 0.0), (2, 0.3), (3, 0.4), (30, 4.5)):
        clock[0] = 100.0 + at
        said.append(left.seconds(done, 100))
    assert said[:3] == [0, 0, 0] and said[3] == pytest.approx(4.5 / 29 * 70)


def test_the_time_left_is_counted_down_while_a_part_is_at_work(clock: list[float]) -> None:
    """It rose from step to step of one photo of a batch, from 45 s to a minute, and fell when the photo was done."""
    left = Remaining()
    left.seconds(1, 6)
    said = []
    for done, at in ((2, 10.0), (2, 14.0), (2, 18.0), (3, 20.0), (3, 70.0)):
        clock[0] = 100.0 + at
        said.append(left.seconds(done, 6))
    assert said == [40, 36, 32, 30, 0]


def test_a_second_pass_begins_anew(clock: list[float]) -> None:
    left = Remaining()
    left.seconds(1, 10)
    clock[0] += 9
    assert left.seconds(10, 10) == 0
    assert left.seconds(1, 10) == 0
    clock[0] += 20
    assert left.seconds(2, 10) == 160


def test_an_unknown_total_has_no_end() -> None:
    assert Remaining().seconds(5, 0) == 0


def test_a_duration_is_as_exact_as_an_estimate_is() -> None:
    assert [duration(s) for s in (0.4, 7.3, 9.8, 12, 43, 58, 63, 67, 118)] == [
        "0 s", "7 s", "10 s", "10 s", "45 s", "1 min 00 s", "1 min 00 s", "1 min 10 s", "2 min 00 s",
    ]  # fmt: skip

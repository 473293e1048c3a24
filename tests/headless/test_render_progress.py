"""How far a render is: what is said of it, and how often where stderr is no terminal."""

from __future__ import annotations

import io

import pytest
from simspine.headless import render_progress
from simspine.headless.render_progress import RenderProgress, clock
from simspine.headless.shard_run import Tally


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def time(monkeypatch):
    made = Clock()
    monkeypatch.setattr(render_progress, "time", made)
    return made


def test_a_log_gets_a_line_every_half_minute_and_no_bar(time, capsys):
    with RenderProgress(1000) as progress:
        for _ in range(100):
            time.now += 1.0
            progress.step(Tally(rendered=1, seconds=1.0, cpu_seconds=2.0))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "render: 31/1000 images, 1 images/s, 2 CPU-s each, 16 min left",
        "render: 62/1000 images, 1 images/s, 2 CPU-s each, 16 min left",
        "render: 93/1000 images, 1 images/s, 2 CPU-s each, 15 min left",
    ]


def test_what_was_kept_and_what_came_before_the_first_image_do_not_count_into_the_speed(time):
    progress = RenderProgress(100, shown=False)
    time.now = 500.0  # staging
    progress.step(Tally(kept=50))
    assert progress.text() == ""
    for _ in range(11):
        progress.step(Tally(rendered=1, seconds=2.0, cpu_seconds=3.0))
        time.now += 2.0
    time.now -= 2.0
    assert progress.text() == "0.5 images/s, 3 CPU-s each, 78 s left"


def test_a_terminal_gets_a_bar_with_speed_and_time_left(time, monkeypatch):
    pytest.importorskip("tqdm")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with RenderProgress(4) as progress:
        assert progress._bar is not None
        progress._bar.mininterval = 0  # else tqdm draws by the clock
        for _ in range(4):
            time.now += 1.0
            progress.step(Tally(rendered=1, seconds=1.0, cpu_seconds=0.5))
    assert "4/4" in terminal.getvalue()
    assert "images/s" in terminal.getvalue()


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 s"), (720, "12 min"), (11520, "3.2 h")])
def test_durations_are_in_words(seconds, words):
    assert clock(seconds) == words

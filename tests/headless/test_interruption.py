"""A stop signal waits for the image in work, and a second one does not."""

import os
import signal

import pytest
from simspine.headless.interruption import stop_between_images


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_the_work_in_hand_is_finished_before_stopping(kind):
    finished = []

    def work():
        with stop_between_images() as stop:
            for image in range(5):
                if image == 1:
                    os.kill(os.getpid(), kind)
                finished.append(image)
                stop.check()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert finished == [0, 1]


def test_a_second_signal_stops_at_once():
    def work():
        with stop_between_images():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            pytest.fail("still at work")

    with pytest.raises(KeyboardInterrupt):
        work()


def test_signals_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_between_images():
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_handler_that_c_code_had_set_does_not_stop_the_work(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda kind, handler, real=signal.signal: real(kind, handler) and None)
    with stop_between_images() as stop:
        assert not stop.asked

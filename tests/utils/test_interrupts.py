"""Interrupts that wait for the end of a step."""

import os
import signal
import threading

import pytest

from neuralpaint.utils.interrupts import deferred

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@BOTH
def test_one_waits_until_it_is_looked_at(number):
    before, steps = signal.getsignal(number), []
    with pytest.raises(KeyboardInterrupt), deferred() as interrupts:
        interrupts.check()
        signal.raise_signal(number)
        steps.append(1)
        interrupts.check()
        steps.append(2)
    assert steps == [1] and not interrupts.twice and signal.getsignal(number) == before


@BOTH
@pytest.mark.parametrize("error", [None, ValueError])
def test_one_that_nobody_looked_at_comes_at_the_end(number, error):
    with pytest.raises(KeyboardInterrupt), deferred():
        signal.raise_signal(number)
        if error is not None:
            raise error


@BOTH
def test_a_second_one_comes_at_once(number):
    with pytest.raises(KeyboardInterrupt), deferred() as interrupts:
        signal.raise_signal(number)
        signal.raise_signal(number)
        pytest.fail("it did not come")
    assert interrupts.twice


def test_a_second_one_comes_at_once_while_the_first_is_dealt_with():
    with pytest.raises(KeyboardInterrupt), deferred() as interrupts:
        signal.raise_signal(signal.SIGINT)
        try:
            interrupts.check()
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it did not come")
    assert interrupts.twice


def test_a_launcher_adds_a_sigterm_to_ctrl_c():
    with pytest.raises(KeyboardInterrupt), deferred() as interrupts:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert not interrupts.twice


def test_handlers_of_the_host_are_called_late_and_decide(monkeypatch):
    calls = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: calls.append(number))
    try:
        with deferred() as interrupts:
            for count in (1, 2):
                signal.raise_signal(signal.SIGTERM)
                assert len(calls) == count - 1
                interrupts.check()
                assert len(calls) == count
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with deferred() as interrupts:
            signal.raise_signal(signal.SIGTERM)
            interrupts.check()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_nested_blocks_pass_it_outwards():
    with pytest.raises(KeyboardInterrupt), deferred() as outer:
        with deferred():
            signal.raise_signal(signal.SIGINT)
        outer.check()
        pytest.fail("it did not come")


def test_other_threads_change_nothing():
    found = []

    def run():
        with deferred() as interrupts:
            found.append(signal.getsignal(signal.SIGINT))
            interrupts.check()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_end_at_once_by_sigterm():
    with deferred():
        child = os.fork()
        if not child:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGTERM

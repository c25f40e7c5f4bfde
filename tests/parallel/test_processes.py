"""Workers in processes: results, exceptions, processes that die."""

import contextlib
import os
import signal
import time

import pytest
import torch

from neuralpaint import paint
from neuralpaint.parallel import SerialWorkers, WorkerError
from neuralpaint.parallel.processes import ProcessWorkers
from neuralpaint.utils.machine import processors
from tests.parallel import tasks
from tests.search.test_windowed import COUNT, QUICK, busy_photo


@pytest.fixture(scope="module")
def workers(forked_workers):
    with ProcessWorkers(2, threads=1) as pool:
        yield pool


def test_results_carry_their_numbers(workers):
    calls = [(value,) for value in range(9)]
    expected = [(number, 2 * number) for number in range(9)]
    assert sorted(workers.run(tasks.double, iter(calls))) == expected == list(SerialWorkers().run(tasks.double, calls))
    assert list(workers.run(tasks.double, [])) == []
    assert len({pid for _, pid in workers.run(tasks.process, [()] * 6)}) == 2


def test_tasks_are_taken_as_they_are_needed(workers):
    taken = []

    def source():
        for number in range(20):
            taken.append(number)
            yield (number,)

    results = workers.run(tasks.double, source())
    next(results)
    assert len(taken) <= 5
    assert len(list(results)) == 19


def test_processes_go_on_when_the_last_result_was_taken(workers):
    def taken():
        results = workers.run(tasks.process, [()] * 2)
        return {next(results)[1], next(results)[1]}  # and `results` is dropped, as a search does

    assert taken() == taken()


def test_what_was_under_way_ends_with_who_asked_for_it(workers):
    results = workers.run(tasks.process, [()] * 9)
    next(results)
    results.close()
    assert sorted(workers.run(tasks.double, [(1,), (2,)])) == [(0, 2), (1, 4)]


def test_a_lone_task_has_all_processors(workers, monkeypatch):
    monkeypatch.setattr(workers, "_threads", ProcessWorkers(2)._threads)
    assert [count for _, count in workers.run(tasks.threads, [()])] == [processors()]
    assert {count for _, count in workers.run(tasks.threads, [()] * 2)} == {max(1, processors() // 2)}


def test_exceptions_come_back(workers):
    with pytest.raises(ValueError, match="no luck"):
        list(workers.run(tasks.fail, [("luck",)]))
    assert list(workers.run(tasks.double, [(1,)])) == [(0, 2)]  # still works afterwards


def test_a_process_that_dies_changes_nothing(workers, tmp_path):
    for number in (0, 3):
        (tmp_path / str(number)).touch()  # these live; of the others, each kills its process
    done = sorted(workers.run(tasks.die_once, [(str(tmp_path), number) for number in range(4)]))
    assert done == [(number, number) for number in range(4)]


def test_windows_in_processes_are_the_same_bytes(workers):
    assert torch.equal(
        paint(busy_photo(), "oil", COUNT, QUICK, window=1, workers=workers).strokes,
        paint(busy_photo(), "oil", COUNT, QUICK, window=1).strokes,
    )


def test_a_task_that_kills_every_process_is_given_up(workers):
    done = dict(workers.run(tasks.die, [(number,) for number in range(4)]))
    assert isinstance(done.pop(2), WorkerError) and done == {0: 0, 1: 1, 3: 3}


def test_what_is_stopped_puts_away_what_it_was_writing(workers, tmp_path):
    results = workers.run(tasks.write_slowly, [(str(tmp_path / "file"), 60), (str(tmp_path / "other"), 0)])
    assert next(results)[0] == 1
    until = time.monotonic() + 30
    while len(os.listdir(tmp_path)) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    results.close()
    assert os.listdir(tmp_path) == ["other"]


def test_a_process_that_is_told_twice_to_end_says_nothing(capfd):
    with ProcessWorkers(1, threads=1) as pool:
        ((_, process),) = pool.run(tasks.slow_to_end, [()])
        for _ in range(2):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
            time.sleep(0.2)
        pool._workers[0].process.join(20)
    assert capfd.readouterr().err == ""

"""Worker processes: what they say, and what becomes of a task whose process dies or takes too long."""

import asyncio

import pytest

pytest.importorskip("starlette")

from neuralpaint.serve.worker import TaskFailed, Worker
from tests.serve import echo


@pytest.fixture(autouse=True)
def without_torch(monkeypatch):
    monkeypatch.setattr("neuralpaint.serve.tasks.run_tasks", echo.run_tasks)


def with_worker(work):
    async def main():
        worker = Worker(1)
        try:
            await asyncio.wait_for(work(worker), 60)
        finally:
            worker.kill()

    asyncio.run(main())


def test_a_task_hears_of_nothing_but_its_own_messages():
    async def work(worker):
        for _ in range(2):  # before the process is ready, and after
            heard = []
            assert await worker.run("hello", {"a": 1}, lambda *message, heard=heard: heard.append(message)) == {"a": 1}
            assert heard == [("said", "hello")]

    with_worker(work)


def test_a_running_task_is_told_a_word():
    async def work(worker):
        begun = asyncio.Event()
        task = asyncio.create_task(worker.run("listen", {}, lambda *message: begun.set()))
        await begun.wait()
        worker.tell("pause")
        assert await task == {"word": "pause"}

    with_worker(work)


def test_after_a_task_that_fails_dies_or_takes_too_long_the_next_is_done():
    async def work(worker):
        for name, limit, words in (("fail", 60, "cannot be done"), ("die", 60, "died"), ("sleep", 0.2, "0.2 seconds")):
            with pytest.raises(TaskFailed, match=words):
                await worker.run(name, {}, limit=limit)
            assert await worker.run("hello", {"after": name}) == {"after": name}

    with_worker(work)

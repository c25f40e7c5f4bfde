"""A worker process without torch, for tests of what becomes of its messages."""

import os
import time


def run_tasks(connection, signalled, threads, paints):
    """Stands in for `neuralpaint.serve.tasks.run_tasks`: says the name of each task, and does what it asks for."""
    time.sleep(0.3)  # tasks come before it is ready
    connection.send(("ready", None))
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            return
        if isinstance(message, str):
            continue
        name, arguments = message
        connection.send(("said", name))
        if name == "die":
            os._exit(1)
        if name == "listen":
            arguments = {"word": connection.recv()}
        if name == "sleep":
            time.sleep(60)
        connection.send(("failed", ("it cannot be done", True)) if name == "fail" else ("done", arguments))

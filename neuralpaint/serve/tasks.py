"""What the worker processes of the server do. Everything that reads what a client has sent runs here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from neuralpaint.utils.children import follow_parent
from neuralpaint.utils.errors import MISUSED, explain


class Channel:
    """A task's line to the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, kind: str, content: Any) -> None:
        """Sends a message."""
        self._connection.send((kind, content))

    def word(self) -> str | None:
        """What the server has told the task, if anything."""
        return self._connection.recv() if self._connection.poll() else None


def run_tasks(connection: Connection, signalled: bool, threads: int, paints: bool) -> None:
    """The loop of a worker process: runs tasks until the connection is closed or the server ends."""
    follow_parent(signalled)
    import torch

    from neuralpaint.serve import editing, exporting, painter, photos

    torch.set_num_threads(threads)
    tasks: dict[str, Callable[..., Any]] = {
        "read": photos.read_photo,
        "style": photos.read_style,
        "paint": painter.paint_here,
        "picture": exporting.write_picture,
        "export": exporting.export,
        "playback": exporting.playback,
        "select": editing.select,
        "edit": editing.edit,
    }
    if paints:
        painter.warm_up()
    else:
        photos.warm_up()
    channel = Channel(connection)
    channel.send("ready", None)
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            return
        if isinstance(message, str):
            continue  # a word for a task that has ended
        name, arguments = message
        try:
            answer = ("done", tasks[name](channel, **arguments))
        except Exception as error:
            line, code = explain(error)
            answer = ("failed", (line, code == MISUSED))
        except KeyboardInterrupt:
            sys.exit(1)
        try:
            connection.send(answer)
        except OSError:
            return

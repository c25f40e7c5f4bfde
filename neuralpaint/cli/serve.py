"""neuralpaint serve: a local web page to paint in."""

from __future__ import annotations

import importlib.util
import os
import secrets
import socket
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from neuralpaint.cli.console import say, warn
from neuralpaint.cli.options import Debug, check_range

NAME = "serve"
_NEEDS = ("starlette", "uvicorn", "websockets")


def command(
    port: Annotated[int, typer.Option(metavar="N", help="Port; 0 for any that is free.")] = 8765,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen on. Others than loopback need a token, "
            "which is part of the address that is printed.",
        ),
    ] = "127.0.0.1",
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder in which paintings are kept.",
            show_default="~/.local/share/neuralpaint/paintings",
        ),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    token: Annotated[
        bool, typer.Option("--token", help="Require a token on loopback, too: for computers that others work on.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Opens a web page to paint in, on this computer.

    [bold]Examples[/bold]

    Start, and open the page:
      [cyan]neuralpaint serve --open[/cyan]

    For a tablet in the same network:
      [cyan]neuralpaint serve --host 0.0.0.0[/cyan]
    """
    from neuralpaint.serve.store import default_folder

    check_range("--port", port, 0, 65535)
    missing = [name for name in _NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"serve needs {', '.join(missing)}: pip install 'neuralpaint[web]'")
    listener = _listen(host, port)
    _serve(listener, host, folder or default_folder(), open_page, token)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. ValueError if it cannot be."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)  # whoever comes before the server is ready waits
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"cannot listen on {host}, port {port} ({reason}): choose another --port or --host") from error
    return listener


def _threads() -> int:
    """Threads of a search: OMP_NUM_THREADS if it is set, otherwise one for each processor."""
    from neuralpaint.utils.machine import processors

    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(wanted)) if wanted.isdecimal() else processors()


def _serve(listener: socket.socket, host: str, folder: Path, open_page: bool, wants_token: bool) -> None:
    import uvicorn

    from neuralpaint.serve.app import make_app
    from neuralpaint.serve.security import is_loopback
    from neuralpaint.utils.locks import folder_lock

    local = is_loopback(host)
    token = secrets.token_urlsafe(24) if wants_token or not local else None
    port = listener.getsockname()[1]
    hosts = sorted({"127.0.0.1", "localhost", "::1", host.strip("[]").lower()}) if local else None
    with folder_lock(folder):
        app = make_app(folder, hosts=hosts, token=token, threads=_threads())
        shown = f"[{host}]" if ":" in host else host
        if host in ("0.0.0.0", "::"):
            shown = socket.gethostname()
        address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
        say(f"neuralpaint paints at {address}\npaintings are kept in {folder}; Ctrl-C ends")
        if not local:
            warn("others in the network can reach this page if they know the address; it is not encrypted")
        if open_page:
            webbrowser.open(address)
        settings = uvicorn.Config(
            app,
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=1 << 16,
            timeout_keep_alive=30,
            limit_concurrency=256,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        uvicorn.Server(settings).run(sockets=[listener])

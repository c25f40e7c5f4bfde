"""The server's addresses."""

from __future__ import annotations

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from neuralpaint.serve.catalogue import catalogue, pages, style_thumbnails
from neuralpaint.serve.choices import Choices, finish_from_json
from neuralpaint.serve.exporting import KINDS, MAX_SIDE, MAX_VIDEO
from neuralpaint.serve.photos import PHOTO, STYLE_FILE, THUMBNAIL, UPLOAD, VIEW, write_mask
from neuralpaint.serve.security import Guard
from neuralpaint.serve.store import Record
from neuralpaint.serve.studio import Busy, Studio
from neuralpaint.serve.worker import TaskFailed
from neuralpaint.utils import schema
from neuralpaint.utils.loading import parse_json

MAX_UPLOAD = 64 << 20  # bytes
_MAX_JSON = 1 << 20
_MAX_MASK = 512  # points along a side
_UPLOAD_SECONDS = 120.0
_UPLOADS = 8  # at a time
_ENDINGS = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}
_POINT = schema.listed(schema.number(-1, 2), 2, 2)
_INDICES = schema.listed(schema.whole(0, 10**7), 0, 100_000)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def make_app(folder: Path, *, hosts: list[str] | None, token: str | None, threads: int) -> Starlette:
    """The server as an ASGI application.

    Args:
        folder: in which paintings are kept.
        hosts, token: see `security.Guard`.
        threads: that a search may use.

    Raises:
        WriteError: the folder cannot be made.
    """
    pages_by_name, thumbnails = pages(), style_thumbnails()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.studio = Studio(folder, threads)
        app.state.uploads = 0
        try:
            yield
        finally:
            await app.state.studio.close()

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in pages_by_name:
            raise HTTPException(404, "there is no such page")
        kind = _ENDINGS[name.rsplit(".", 1)[-1]]
        return Response(pages_by_name[name], media_type=kind, headers={"cache-control": "no-cache"})

    async def thumbnail(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in thumbnails:
            raise HTTPException(404, "there is no such style")
        return FileResponse(thumbnails[name], headers={"cache-control": "max-age=86400"})

    async def options(request: Request) -> Response:
        return JSONResponse(catalogue(sorted(thumbnails)))

    routes = [
        Route("/", page),
        Route("/static/{name}", page),
        Route("/styles/{name}.jpg", thumbnail),
        Route("/api/options", options),
        Route("/api/paintings", paintings),
        Route("/api/paintings", upload, methods=["POST"]),
        Route("/api/paintings/{id}", _answering(one)),
        Route("/api/paintings/{id}", _answering(delete), methods=["DELETE"]),
        Route("/api/paintings/{id}/style", _answering(style), methods=["PUT"]),
        Route("/api/paintings/{id}/mask", _answering(mask), methods=["PUT"]),
        Route("/api/paintings/{id}/paint", _answering(paint), methods=["POST"]),
        Route("/api/paintings/{id}/{word:str}", _answering(command), methods=["POST"]),
        Route("/api/paintings/{id}/picture/{number:int}", _answering(picture)),
        Route("/api/paintings/{id}/playback/{number:int}", _answering(playback)),
        Route("/api/paintings/{id}/files/{name}", _answering(shown)),
        WebSocketRoute("/api/live", live),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _refused, Exception: _broken})
    app.add_middleware(Guard, hosts=hosts, token=token)
    return app


async def paintings(request: Request) -> Response:
    """All paintings, newest first."""
    studio: Studio = request.app.state.studio
    return JSONResponse([studio.summary(record) for record in studio.store.all()])


async def upload(request: Request) -> Response:
    """A new painting from a photo, the whole body of the request."""
    studio: Studio = request.app.state.studio
    title = _title(request.query_params.get("name", ""))
    try:
        studio.check_room()
        made, folder = studio.store.new(title)
        try:
            await _receive(request, folder / UPLOAD)
            record = await studio.add(made, folder, title)
        except BaseException:
            for path in folder.iterdir():
                path.unlink(missing_ok=True)
            folder.rmdir()
            raise
    except (OSError, TaskFailed, Busy) as error:
        raise _problem(error) from error
    return JSONResponse(studio.summary(record), 201)


async def one(request: Request, studio: Studio, record: Record) -> Response:
    """What is known about a painting."""
    return JSONResponse(studio.summary(record))


async def delete(request: Request, studio: Studio, record: Record) -> Response:
    """Deletes a painting."""
    await studio.stop(record, "cancel")
    studio.store.delete(record)
    studio.hub.tell(f"painting {record.id}", {"kind": "deleted", "id": record.id})
    return Response(status_code=204)


async def style(request: Request, studio: Studio, record: Record) -> Response:
    """The style picture of a painting."""
    folder = studio.store.path(record)
    await _receive(request, folder / UPLOAD)
    await studio.task("style", {"folder": str(folder)})
    record.has_style, record.resumes = True, False
    studio.changed(record)
    return JSONResponse(studio.summary(record))


async def mask(request: Request, studio: Studio, record: Record) -> Response:
    """The mask of detail: a byte for each point, row by row."""
    try:
        width, height = (int(request.query_params[name]) for name in ("width", "height"))
        if not (1 <= width <= _MAX_MASK and 1 <= height <= _MAX_MASK):
            raise ValueError
    except (KeyError, ValueError):
        raise HTTPException(422, f"a mask has a width and a height from 1 to {_MAX_MASK}") from None
    values = await _body(request, width * height)
    if len(values) != width * height:
        raise HTTPException(422, f"a mask of {width}x{height} has {width * height} bytes, got {len(values)}")
    await asyncio.to_thread(write_mask, studio.store.path(record), width, height, values)
    record.has_mask, record.resumes = any(values), False
    studio.changed(record)
    return JSONResponse(studio.summary(record))


async def paint(request: Request, studio: Studio, record: Record) -> Response:
    """Queues a search: {"choices": …, "onward": whether to go on from the strokes that are there}."""
    asked = await _json(request, {"choices": schema.items, "onward": schema.flag})
    choices = Choices.from_json(asked["choices"])
    if choices.style == "picture" and not record.has_style:
        raise ValueError("choose a style picture first")
    if choices.style not in ("", "picture") and choices.style not in style_thumbnails():
        raise ValueError(f"there is no style {choices.style!r}")
    studio.paint(record, choices, asked["onward"])
    return JSONResponse(studio.summary(record), 202)


async def command(request: Request, studio: Studio, record: Record) -> Response:
    """Pause, stop, undo, redo, select, edit, export."""
    word = request.path_params["word"]
    if word in ("pause", "cancel"):
        await studio.stop(record, word)
    elif word in ("undo", "redo"):
        studio.move(record, -1 if word == "undo" else 1)
    elif word == "select":
        asked = await _json(request, {"points": schema.listed(_POINT, 1, 2000), "ids": _INDICES})
        return JSONResponse(await studio.select(record, asked["points"], asked["ids"]))
    elif word == "edit":
        await studio.edit(record, _change(await _json(request, {"what": schema.text(20)})))
    elif word == "export":
        return await _export(request, studio, record)
    else:
        raise HTTPException(404, "there is no such command")
    return JSONResponse(studio.summary(record))


async def picture(request: Request, studio: Studio, record: Record) -> Response:
    """A version of the painting as PNG."""
    number = request.path_params["number"]
    longest = _number(request, "longest", 1200, 16, 4096)
    longest = -(-longest // 400) * 400  # few different sizes: they are kept
    _check_version(record, number)
    path = await studio.picture(record, number, longest)
    return FileResponse(path, media_type="image/png", headers={"cache-control": "private, max-age=86400"})


async def playback(request: Request, studio: Studio, record: Record) -> Response:
    """The time-lapse of a version, see `exporting.parts`."""
    number = request.path_params["number"]
    _check_version(record, number)
    return StreamingResponse(studio.playback(record, number), media_type="application/octet-stream")


async def shown(request: Request, studio: Studio, record: Record) -> Response:
    """The photo, the thumbnail or the style picture."""
    files = {"photo": VIEW, "thumbnail": THUMBNAIL, "style": STYLE_FILE, "whole": PHOTO}
    name = files.get(request.path_params["name"])
    path = None if name is None else studio.store.path(record) / name
    if path is None or not path.exists():
        raise HTTPException(404, "there is no such picture")
    return FileResponse(path, headers={"cache-control": "private, no-cache"})


async def live(socket: WebSocket) -> None:
    """What happens, as it happens: JSON, and pictures of what the page watches."""
    studio: Studio = socket.app.state.studio
    page = studio.hub.join()
    await socket.accept()
    if page is None:
        await socket.close(1013, "too many pages are open: it tries again by itself")
        return
    sending = asyncio.create_task(_send_news(socket, page))
    try:
        while True:
            text = await socket.receive_text()
            if len(text) > 200:
                break
            message = parse_json(text)
            if isinstance(message, dict) and isinstance(message.get("watch"), str):
                studio.hub.watch(page, message["watch"])
    except (WebSocketDisconnect, ValueError, KeyError):
        pass
    finally:
        studio.hub.leave(page)
        sending.cancel()


# ----------------------------------------------------------------------------------------------------------------------


async def _send_news(socket: WebSocket, page: Any) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            for news in await page.take():
                await (socket.send_bytes(news) if isinstance(news, bytes) else socket.send_json(news))


Handler = Callable[[Request, Studio, Record], Awaitable[Response]]


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Finds the painting that a request is about, and answers with one line if it cannot be done."""

    async def answer(request: Request) -> Response:
        studio: Studio = request.app.state.studio
        record = studio.store.get(request.path_params["id"])
        if record is None:
            raise HTTPException(404, "there is no such painting")
        try:
            return await handler(request, studio, record)
        except (ValueError, OSError, TaskFailed, Busy) as error:
            raise _problem(error) from error

    return answer


def _problem(error: Exception) -> HTTPException:
    line = " ".join(str(error).split())
    if isinstance(error, Busy):
        return HTTPException(429, line, headers={"retry-after": "3"})
    return HTTPException(422 if isinstance(error, ValueError) or getattr(error, "misused", False) else 500, line)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _broken(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "something went wrong: the terminal says more"}, 500)


async def _receive(request: Request, path: Path) -> None:
    """Writes the body of a request to a file, a piece at a time."""
    state = request.app.state
    if state.uploads >= _UPLOADS:
        raise Busy("many photos are on their way already: try again in a moment")
    state.uploads += 1
    try:
        size = await asyncio.wait_for(_write(request, path), _UPLOAD_SECONDS)
    except (TimeoutError, asyncio.TimeoutError):  # one class from Python 3.11 on
        raise HTTPException(408, f"the picture took more than {_UPLOAD_SECONDS:g} seconds to arrive") from None
    finally:
        state.uploads -= 1
    if size == 0:
        raise HTTPException(422, "the picture is empty (0 bytes)")


async def _write(request: Request, path: Path) -> int:
    size = 0
    with path.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > MAX_UPLOAD:
                raise HTTPException(413, f"the picture has more than {MAX_UPLOAD >> 20} MB: shrink it first")
            file.write(piece)
    return size


async def _body(request: Request, most: int) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise HTTPException(413, "that is more than there can be")
        pieces.append(piece)
    return b"".join(pieces)


async def _json(request: Request, required: dict[str, schema.Check]) -> dict[str, Any]:
    try:
        found = parse_json(await _body(request, _MAX_JSON))
    except (ValueError, RecursionError):
        raise HTTPException(422, "this is not JSON") from None
    schema.fields(required)(found, "")
    return found


def _change(asked: dict[str, Any]) -> dict[str, Any]:
    """A change of strokes or finish, checked."""
    what = asked["what"]
    if what == "finish":
        schema.fields({"finish": schema.items})(asked, "")
        return {"what": what, "finish": finish_from_json(asked["finish"])}
    if what not in ("delete", "recolor"):
        raise ValueError("a change is to delete, to recolor or of the finish")
    schema.fields({"ids": _INDICES})(asked, "")
    color = asked.get("color", "#000000")
    if not isinstance(color, str) or not _COLOR.fullmatch(color):
        raise ValueError("a colour is written #rrggbb")
    return {"what": what, "ids": asked["ids"], "color": color}


async def _export(request: Request, studio: Studio, record: Record) -> Response:
    asked = await _json(request, {"kind": schema.text(20), "longest": schema.whole(16, MAX_SIDE)})
    kind = asked["kind"]
    if kind not in KINDS:
        raise ValueError(f"a painting is downloaded as {', '.join(KINDS)}")
    longest = min(asked["longest"], MAX_VIDEO) if kind in ("mp4", "gif") else asked["longest"]
    path = await studio.export(record, kind, longest)
    name = re.sub(r"[^\w -]", "", record.title, flags=re.ASCII).strip() or "painting"
    return FileResponse(path, filename=f"{name}{KINDS[kind]}")


def _check_version(record: Record, number: int) -> None:
    if not any(version["number"] == number for version in record.versions):
        raise HTTPException(404, "there is no such version of the painting")


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not low <= int(text) <= high:
        raise HTTPException(422, f"{name} is a whole number from {low} to {high}")
    return int(text)


def _title(name: str) -> str:
    """A title from the name of a photo: it is shown, and never a path."""
    plain = "".join(c for c in name[:300] if unicodedata.category(c)[0] not in "C")
    stem = re.split(r"[/\\]", plain)[-1].rsplit(".", 1)[0].strip()
    return stem[:100] or "Untitled"

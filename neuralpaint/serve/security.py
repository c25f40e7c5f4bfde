"""Who may talk to the server: its own pages alone, and on other addresses than loopback those that know the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "neuralpaint-token"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
_READS = ("GET", "HEAD")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this computer's alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware. Lets requests pass whose Host is the server's own (which a rebound DNS name is not), that come
    from a page of the server itself (Origin, Sec-Fetch-Site), and that have the token if there is one; adds the headers
    that confine the page.

    Args:
        hosts: the names that the server may be called by; without any, all that a page with the token knows.
        token: what pages have to know; None for none, which is for loopback alone.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None, token: str | None) -> None:
        if hosts is None and token is None:
            raise ValueError("a server that others can reach needs a token")
        self._app, self._token = app, token
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer = self._refusal(scope, headers)
        if answer is None:
            await self._app(scope, receive, self._confined(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, self._confined(send))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if self._hosts is not None and name not in self._hosts:
            return PlainTextResponse("this server goes by another name: use the address that it printed\n", 421)
        reads = scope["type"] == "http" and scope["method"] in _READS
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return PlainTextResponse("another site's page may not use this server\n", 403)
        if not reads and (origin is None or headers.get("sec-fetch-site", "same-origin") != "same-origin"):
            return PlainTextResponse("only this server's own page may do that\n", 403)
        if self._token is None:
            return None
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if reads and scope["path"] == "/" and self._is_token(given):
            response = RedirectResponse("/", 303)
            response.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", path="/", max_age=30 * 24 * 3600)
            return response
        if self._is_token(_cookie(headers.get("cookie", ""))):
            return None
        return PlainTextResponse("this page needs a token: open the address that `neuralpaint serve` printed\n", 401)

    def _is_token(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    def _confined(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                extra = [(k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in there]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        return sent


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value

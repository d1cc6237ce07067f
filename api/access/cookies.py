"""Cookies of the console: for this service alone, and out of reach of scripts and of other sites' requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


def is_loopback(origin: str) -> bool:
    """Tell whether an origin is http on this machine: a demonstration."""
    parts = urlsplit(origin)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


class Cookie:
    """One cookie. Over https it is a `__Host-` cookie (RFC 6265bis, 4.1.3.2); browsers forget it when they close.

    A browser gives a host's cookies to every port of it: the port is part of the name, so that two services of one
    machine do not sign each other's people out.

    Attributes:
        name: As the browser has it.
    """

    def __init__(self, name: str, origin: str) -> None:
        """Keep it for the service that browsers know by `origin`."""
        parts = urlsplit(origin)
        self._secure = parts.scheme == "https"
        self.name = f"{'__Host-' if self._secure else ''}{name}{f'-{parts.port}' if parts.port else ''}"

    def read(self, request: Request) -> str:
        """Return what the browser sent; empty when it has none."""
        return request.cookies.get(self.name, "")

    def put(self, response: Response, value: str) -> None:
        """Give it to the browser."""
        response.set_cookie(self.name, value, path="/", secure=self._secure, httponly=True, samesite="lax")

    def drop(self, response: Response) -> None:
        """Take it away."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="lax")

"""The pure ASGI wrapper around an application: trace id, bounded body, common headers, counts and times.

A middleware of the framework would cost more than a request: this one costs a few microseconds.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ecert.errors import Reason
from ecert.web.logs import TRACE
from ecert.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi.telemetry import TelemetryConfig
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""`Rim` counts; asking for each request whether the framework should costs as much as all of `Rim`."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of what `Metrics.render` returns."""

_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30)


class Metrics:
    """An application's metrics, in a registry of its own: two applications in one process do not mix."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ecert_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "ecert_http_request_seconds", "Time to answer.", ("route",), buckets=_BUCKETS, registry=self.registry
        )
        self.running = Gauge("ecert_http_requests_running", "Requests being answered.", registry=self.registry)
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. What belongs to a method, a route and a status is looked up once."""
        children = self._children.get((method, route, status))
        if children is None:
            children = self.requests.labels(method, route, str(status)), self.seconds.labels(route)
            self._children[method, route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def render(self) -> bytes:
        """Return the metrics in Prometheus text format."""
        return generate_latest(self.registry)


class Rim:
    """Wraps an application. Routes are named by their template, so that no path of a stranger becomes a label."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        *,
        body_limit: int,
        headers: Mapping[str, str] | None = None,
        body_limits: Mapping[str, int] | None = None,
    ) -> None:
        """Wrap `app`.

        Args:
            app: The application.
            metrics: Where its requests are counted.
            body_limit: The most bytes of a request body.
            headers: Headers of every answer that does not set them itself.
            body_limits: Paths whose bodies have another limit; one that ends with a slash is a beginning.
        """
        self.app = app
        self.metrics = metrics
        self.body_limit = body_limit
        self._body_limits = body_limits or {}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is not HTTP."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["trace_id"] = trace_id = _trace_id(scope)
        TRACE.set(trace_id)
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": self._completed(message.get("headers", ()))}
            await send(message)

        started = time.perf_counter()
        self.metrics.running.inc()
        try:
            await self.app(scope, self._bounded(scope, receive), answer)
        finally:
            self.metrics.running.dec()
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.count(_method(scope), route, status, time.perf_counter() - started)

    def _completed(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        given = list(headers)
        names = {name.lower() for name, _ in given}
        return given + [header for header in self._headers if header[0] not in names]

    def _limit(self, path: str) -> int:
        if path in self._body_limits:
            return self._body_limits[path]
        beginnings = ((one, limit) for one, limit in self._body_limits.items() if one.endswith("/"))
        return next((limit for one, limit in beginnings if path.startswith(one)), self.body_limit)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Return a `receive` that refuses a body that says it is too long, or turns out to be."""
        limit = left = self._limit(scope["path"])
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        too_long = declared.isdigit() and int(declared[:20]) > left

        async def bounded() -> Message:
            nonlocal left
            if too_long:
                raise _too_large(limit)
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _too_large(limit)
            return message

        return bounded


def _too_large(limit: int) -> Problem:
    return Problem(Reason.TOO_LARGE, f"a request body has at most {limit} bytes")


def _trace_id(scope: Scope) -> str:
    """Return the caller's W3C trace id when there is one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            match = _TRACEPARENT.fullmatch(value)
            if match:
                return str(match[1].decode("ascii"))
    return secrets.token_hex(16)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT", "DELETE") else "other"

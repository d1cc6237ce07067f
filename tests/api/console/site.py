"""The console's pages at a real address: samples by name, with the headers of the product, and its static files."""

from __future__ import annotations

import mimetypes
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from api.console.pages import HEADERS, STATIC, Pages
from tests.api.console.pictures import picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.api.console.samples import Sample

PAGES = Pages("样例省", "Sample Province")
Answer = tuple[bytes, str]


class _Handler(BaseHTTPRequestHandler):
    routes: ClassVar[dict[str, Callable[[bytes], Answer]]]

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("content-length", 0))))

    def _answer(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        head, _, rest = path.removeprefix("/console/").partition("/")
        route = self.routes.get(path) or self.routes.get(f"{head}/")
        if route is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content, kind = route(body if path in self.routes else rest.encode())
        self.send_response(HTTPStatus.OK)
        for name, value in {**HEADERS, "content-type": kind, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def _static(rest: bytes) -> Answer:
    file = STATIC / rest.decode()
    return file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def page(sample: Sample) -> Callable[[bytes], Answer]:
    return lambda _: (PAGES.render(sample.frame, sample.view).encode(), "text/html; charset=utf-8")


@contextmanager
def served(samples: Iterable[Sample], more: dict[str, Callable[[bytes], Answer]] | None = None) -> Iterator[str]:
    """Serve samples at `/<name>`, and whatever else is given by its path; yield the address."""
    routes = {f"/{one.name}": page(one) for one in samples}
    fixed = {"static/": _static, "pictures/": lambda rest: picture(rest.decode())}
    handler = type("Handler", (_Handler,), {"routes": {**fixed, **routes, **(more or {})}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

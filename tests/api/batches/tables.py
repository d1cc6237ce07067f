"""Tables of invented enterprises handed in over HTTP, and workers that take them up."""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from api.batches.worker import Worker
from api.batches.workshop import Workshop
from tests.tables.tables import BUSINESS, company, csv_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.api.office import Site

PATH = "/api/v1/batches"
CLERK = "issuer-clerk"
CSV = "text/csv"


def companies(count: int, **changes: dict[str, str]) -> list[dict[str, str]]:
    """Rows, some of them changed: `row_3={"住所": ""}`."""
    return [company(number) | changes.get(f"row_{number}", {}) for number in range(count)]


def table(count: int = 5, encoding: str = "utf-8", **changes: dict[str, str]) -> bytes:
    return csv_bytes(companies(count, **changes), encoding)


def hand_in(site: Site, content: bytes, *, files: bool = False, media_type: str = CSV, **more: Any) -> httpx2.Response:
    query = more.pop("query", f"?type={BUSINESS.code}&name=table.csv&files={str(files).lower()}")
    key = more.pop("key", secrets.token_urlsafe(12))
    headers = {"Content-Type": media_type} | more.pop("headers", {})
    who = more.pop("who", CLERK)
    return site.call(who, "POST", PATH + query, content=content, key=key, headers=headers, **more)


def worker(site: Site) -> Worker:
    return Worker(Workshop(site.office.pool, site.office.departments, site.office.clock))


@contextmanager
def working(site: Site, count: int = 1) -> Iterator[None]:
    """Let workers work until the end."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker(site).run, args=(stop,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def read(site: Site, key: str, who: str = CLERK) -> dict[str, Any]:
    answer = site.call(who, "GET", f"{PATH}/{key}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def settled(site: Site, key: str, *, patience: float = 30) -> dict[str, Any]:
    """Wait until a batch moves no more by itself."""
    until = time.monotonic() + patience
    while (body := read(site, key))["state"] in ("validating", "running"):
        assert time.monotonic() < until, body
        time.sleep(0.05)
    return body


def validated(site: Site, content: bytes, **more: Any) -> dict[str, Any]:
    """Hand a table in, and have it validated."""
    answer = hand_in(site, content, **more)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1/batches/{answer.json()['key']}"
    with working(site):
        return settled(site, answer.json()["key"])

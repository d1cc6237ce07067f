from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.console.samples_oversight import ALL
from tests.api.console.site import served
from tests.browsing import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for these tests alone: while it is there, an event loop runs in this thread."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def site() -> Iterator[str]:
    running = b'data: {"state": "running", "rows": 120000, "done": 48212, "issued": 48175, "failed": 37}\n\n'
    events = {"/console/batches/batch-0/events": lambda _: (running, "text/event-stream")}
    with served(ALL, events) as address:
        yield address

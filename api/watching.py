"""Publishing without end: at once when the ledger changed, and for freshness when it did not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from api.database import DATABASE_ERRORS
from ecert.errors import EcertError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta
    from pathlib import Path

    from api.ledger import SqlLedger
    from api.publishing import Published, Publisher

LOOK_ANYWAY: Final = 1.0
"""Seconds after which the ledger is looked at though nothing in it changed: decisions begin and end by themselves."""
_SHORTEST_BREAK: Final = 0.5
_LONGEST_BREAK: Final = 30.0
"""Seconds of rest after an error: twice as long after each further one."""


def watch(
    opened: Callable[[], AbstractContextManager[tuple[Publisher, SqlLedger]]],
    registry: Path,
    *,
    clock: Callable[[], datetime],
    pause: float,
    every: timedelta,
    complain: Callable[[Exception], None],
) -> Iterator[Published]:
    """Publish without end, and yield what was published.

    Before anything was published, an error ends it: it was started wrongly. Later, it is reported and waited out,
    and everything is read again from ledger and folder, as if the publisher had been killed.

    Args:
        opened: Opens the ledger and a publisher that has resumed.
        registry: A file that changes when the trust registry does: then everything is opened again.
        clock: Returns the time.
        pause: Seconds between two looks at the ledger.
        every: How often the freshness is renewed.
        complain: Is told of errors.

    Raises:
        EcertError: the first publication failed.
    """
    rest, worked = _SHORTEST_BREAK, False
    while True:
        try:
            with opened() as (publisher, ledger):
                for _ in _looks(ledger, registry, pause):
                    published = publisher.publish(clock(), every=every)
                    rest, worked = _SHORTEST_BREAK, True
                    if published is not None:
                        yield published
        except (EcertError, *DATABASE_ERRORS) as error:
            if not worked:
                raise
            complain(error)
            time.sleep(rest)
            rest = min(2 * rest, _LONGEST_BREAK)


def _looks(ledger: SqlLedger, registry: Path, pause: float) -> Iterator[None]:
    """Yield whenever the ledger is to be looked at, until the trust registry changes."""
    held, looked = _stamp(registry), 0.0
    seen: object = None
    while _stamp(registry) == held:
        version, now = ledger.database.data_version(), time.monotonic()
        if version != seen or now - looked >= LOOK_ANYWAY:
            seen, looked = version, now
            yield
        time.sleep(pause)


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_ino

"""The registry is loaded without touching the world, and what tuf keeps private is used in one place."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.trust.country import Country

SOURCE = Path(__file__).parents[2]


def test_one_module_uses_what_tuf_keeps_private() -> None:
    users = [
        path.relative_to(SOURCE).as_posix()
        for package in ("ecert", "keys", "api", "verifier")
        for path in sorted((SOURCE / package).rglob("*.py"))
        if re.search(r"^\s*(from|import) tuf\.ngclient", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert users == ["ecert/trust/trusted.py"]


def test_loading_a_registry_opens_nothing(country: Country) -> None:
    repository = country.repository()
    repository.load()
    events: list[str] = []
    watching = True

    def watch(event: str, _: tuple[object, ...]) -> None:
        if watching and event.partition(".")[0] in ("open", "socket", "subprocess", "os"):
            events.append(event)

    sys.addaudithook(watch)  # a hook cannot be taken out again: it is told to look away
    repository.load()
    watching = False
    assert not events

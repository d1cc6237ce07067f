"""Whether the signing keys of the issuing service answer: the agents that keep them are asked, and nothing is signed.

Keys in files are held by this process itself, and always do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, EcertError, Reason
from ecert.web.agent_client import SCHEME, Agent, read_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api.settings import OfficeSettings

PATIENCE: Final = 1.0
"""Seconds in all that the agents have to show that they are there."""
KEPT: Final = 3.0
"""Seconds for which what they answered holds."""
_NO_KEY: Final = ""
"""A name that no policy can give to a key."""
_log = logging.getLogger("ecert.api")


class KeyWatch:
    """Knows whether the keys answered when they were last asked.

    Attributes:
        last: That; they did when the service opened them.
    """

    def __init__(self, settings: OfficeSettings) -> None:
        """Watch the keys that the settings name; nothing is asked yet.

        Raises:
            CustodyError: USAGE; one begins like an agent's and is none.
        """
        keys = _kept(_signers(settings)) | {(path, _NO_KEY) for path, _ in _kept([settings.vault])}
        agents = {path: Agent(path) for path, _ in keys}
        self._questions = [(agents[path], name) for path, name in sorted(keys)]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._due = 0.0
        self.last = True

    async def answer(self) -> bool:
        """Tell whether all of them answer, as of at most `KEPT` seconds ago; they are never asked twice at once."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._look)

    def close(self) -> None:
        """End after the last question."""
        self._thread.shutdown()

    def _look(self) -> bool:
        if time.monotonic() >= self._due:
            self.last = self._ask()
            self._due = time.monotonic() + KEPT
        return self.last

    def _ask(self) -> bool:
        until = time.monotonic() + PATIENCE
        try:
            for agent, name in self._questions:
                _require(agent, name, until - time.monotonic())
        except EcertError as error:
            if self.last:
                _log.warning("a signing key does not answer: %s", error)
            return False
        return True


def _require(agent: Agent, name: str, patience: float) -> None:
    """Ask for a key's public part.

    A ledger's key has none, and handing it out is counted and logged: its agent is asked for no key, and says so.

    Raises:
        EcertError: as `Agent.ask`.
    """
    try:
        agent.ask("open", name, patience=patience)
    except CustodyError as error:
        if name != _NO_KEY or error.reason is not Reason.KEY_NOT_FOUND:
            raise


def _signers(settings: OfficeSettings) -> Iterator[str | None]:
    yield settings.token_key
    for department in settings.departments:
        yield department.signer
        yield department.tsa
    if settings.holders is not None:
        for portal in settings.holders.portals:
            yield portal.signer


def _kept(uris: Iterable[str | None]) -> set[tuple[str, str]]:
    """Return those in the keeping of an agent: its socket's path, and the key's name there."""
    return {read_uri(uri) for uri in uris if uri is not None and uri.startswith(f"{SCHEME}:")}

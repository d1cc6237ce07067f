"""A ledger in memory, held to the same contract as those in SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecert.errors import EcertError, IssuanceError, NotFoundError, Reason
from ecert.ports import Completion, Decision, Intent, LedgerEntry, LoggedDecision
from ecert.revocation import State
from ecert.revocation.allocation import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from ecert.licence.identifier import Identifier
    from ecert.licence.reference import StatusRef


class MemoryLedger:
    """`LicenceLedger` and `RevocationLog` in dictionaries."""

    def __init__(self) -> None:
        self._given: dict[bytes, int] = {}
        self._entries: dict[Identifier, LedgerEntry] = {}
        self._decisions: list[Decision] = []
        self._files: dict[Identifier, bytes | None] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        given = self._given.copy()
        try:
            with self._all_or_nothing():
                yield
        except EcertError:
            self._given = given
            raise

    def allocate(self, key_id: bytes) -> StatusRef:
        position = self._given.get(key_id, 0)
        self._given[key_id] = position + 1
        return spread(position, key_id * 4)

    def allocate_many(self, key_id: bytes, count: int) -> list[StatusRef]:
        return [self.allocate(key_id) for _ in range(count)]

    def intend(self, intent: Intent) -> None:
        taken = {(entry.intent.key_id, entry.intent.status) for entry in self._entries.values()}
        if intent.identifier in self._entries or (intent.key_id, intent.status) in taken:
            raise IssuanceError(Reason.LEDGER_CONFLICT, "intended before")
        self._entries[intent.identifier] = LedgerEntry(intent, None, None)

    def intend_many(self, intents: Sequence[Intent]) -> None:
        with self._all_or_nothing():
            for intent in intents:
                self.intend(intent)

    def complete(
        self, identifier: Identifier, *, record: bytes, face: bytes, at: datetime, file: bytes | None = None
    ) -> None:
        assert at.tzinfo
        entry = self.find(identifier)
        if entry.record is not None:
            raise IssuanceError(Reason.LEDGER_CONFLICT, "completed before")
        self._entries[identifier] = LedgerEntry(entry.intent, record, face)
        self._files[identifier] = file

    def complete_many(self, completions: Sequence[Completion]) -> None:
        with self._all_or_nothing():
            for one in completions:
                self.complete(one.identifier, record=one.record, face=one.face, at=one.at, file=one.file)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        before = self._entries.copy(), self._files.copy()
        try:
            yield
        except EcertError:
            self._entries, self._files = before
            raise

    def file(self, identifier: Identifier) -> bytes | None:
        return self._files.get(identifier)

    def find(self, identifier: Identifier) -> LedgerEntry:
        if identifier not in self._entries:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "unknown")
        return self._entries[identifier]

    def issued(self, identifier: Identifier) -> Intent:
        entry = self.find(identifier)
        if entry.record is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "never issued")
        return entry.intent

    def open_intents(self) -> Iterator[Intent]:
        return (entry.intent for entry in self._entries.values() if entry.record is None)

    def decide(self, decision: Decision) -> None:
        self.issued(decision.identifier)
        for earlier in self.history(decision.identifier):
            if State(earlier.state).ends or decision.decided_at < earlier.decided_at:
                raise IssuanceError(Reason.LEDGER_CONFLICT, "ended, or decided before")
        self._decisions.append(decision)

    def history(self, identifier: Identifier) -> tuple[Decision, ...]:
        return tuple(decision for decision in self._decisions if decision.identifier == identifier)

    def decisions(self, key_ids: Iterable[bytes], *, after: int = 0) -> Iterator[LoggedDecision]:
        wanted = set(key_ids)
        for number, decision in enumerate(self._decisions, 1):
            intent = self._entries[decision.identifier].intent
            if intent.key_id in wanted and number > after:
                yield LoggedDecision(number, intent.key_id, intent.status, decision)

    def allocated(self, key_id: bytes) -> int:
        return self._given.get(key_id, 0)

"""What the core needs from the world, as narrow protocols. One contract suite runs over every adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from ecert.licence.fields import FieldValue
    from ecert.licence.identifier import Identifier
    from ecert.licence.reference import StatusRef


@dataclass(frozen=True, slots=True)
class Parent:
    """A licence that another one depends on, and where its status stands: it may be another region's.

    Attributes:
        identifier: Its identifier.
        key_id: The key that sealed it, 8 bytes.
        status: Where its status stands in that key's lists.
    """

    identifier: Identifier
    key_id: bytes
    status: StatusRef


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sealed, recorded before the key is touched.

    Attributes:
        identifier: The licence's identifier.
        key_id: The sealing key, 8 bytes.
        status: Where the licence's status will stand.
        record_tbs: The exact bytes of the full record that will be signed.
        face_tbs: The exact bytes of the face record that will be signed.
        at: When, UTC.
        parents: The licences that it depends on.
    """

    identifier: Identifier
    key_id: bytes
    status: StatusRef
    record_tbs: bytes
    face_tbs: bytes
    at: datetime
    parents: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a licence says, as it stands in its sealed records.

    Attributes:
        record: The payload of the full record.
        face: The payload of the face record.
        sealed_at: When it was sealed, UTC, whole seconds.
        area_code: 证照所属管辖属地编码.
        fields: All its fields by their names in the record.
    """

    record: bytes
    face: bytes
    sealed_at: datetime
    area_code: str
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class Completion:
    """What came of an intent.

    Attributes:
        identifier: The licence's identifier.
        record: The sealed full record.
        face: The sealed face record.
        at: When, UTC.
        file: The licence's file; None where it has none.
        contents: What the records say, from whoever sealed them and so has read them back; None: to be read from them.
    """

    identifier: Identifier
    record: bytes
    face: bytes
    at: datetime
    file: bytes | None = None
    contents: Contents | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """An intent and, once it was completed, the sealed bytes."""

    intent: Intent
    record: bytes | None
    face: bytes | None


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the revocation log: a decision about a licence's state.

    Attributes:
        identifier: The licence.
        state: Wire code of the state, see `ecert.revocation.State`.
        since: When it takes effect, UTC, whole seconds.
        until: The first instant it is no longer in effect; None: no end is known. An ending state has none.
        reason_code: Why, see `ecert.revocation.ReasonCode`.
        reason: Why in words, at most 200 characters, without personal data.
        legal_basis: The law and article it rests on, at most 200 characters; may be empty.
        document: The number of the decision, at most 100 characters; may be empty.
        decided_at: When it was recorded, UTC, whole seconds; never before an earlier decision about the licence.
    """

    identifier: Identifier
    state: int
    since: datetime
    until: datetime | None
    reason_code: str
    reason: str
    legal_basis: str
    document: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """A decision where the log keeps it.

    Attributes:
        number: Its number in the log; later ones have higher numbers.
        key_id: The key that sealed the licence, 8 bytes.
        status: Where the licence's status stands.
        decision: The decision.
    """

    number: int
    key_id: bytes
    status: StatusRef
    decision: Decision


class LicenceLedger(Protocol):
    """Append-only: an intent without a completion is visible and harmless; a seal without one is impossible."""

    def transaction(self) -> AbstractContextManager[None]:
        """Record everything inside, or nothing."""

    def allocate(self, key_id: bytes) -> StatusRef:
        """Return a status reference never given out before for this key.

        Raises:
            IssuanceError: every list of this key is full.
        """

    def allocate_many(self, key_id: bytes, count: int) -> list[StatusRef]:
        """Return `count` different references as `allocate` does; all of them or none.

        Raises:
            IssuanceError: the lists of this key do not have so many left.
        """

    def intend(self, intent: Intent) -> None:
        """Record what is about to be sealed, and what it depends on.

        Raises:
            IssuanceError: this identifier, or this key's status reference, was intended before.
        """

    def intend_many(self, intents: Sequence[Intent]) -> None:
        """Record intents as `intend` does; all of them or none.

        Raises:
            IssuanceError: an identifier or a status reference was intended before, or is there twice.
        """

    def complete(
        self, identifier: Identifier, *, record: bytes, face: bytes, at: datetime, file: bytes | None = None
    ) -> None:
        """Record the sealed bytes of an intent, and the licence's file if it has one, in one step.

        Raises:
            NotFoundError: there is no intent for this identifier.
            IssuanceError: it was completed before.
        """

    def complete_many(self, completions: Sequence[Completion]) -> None:
        """Record sealed bytes as `complete` does; all of them or none.

        Raises:
            NotFoundError: there is no intent for one of them.
            IssuanceError: one was completed before, or is there twice.
        """

    def find(self, identifier: Identifier) -> LedgerEntry:
        """Return what is known of a licence.

        Raises:
            NotFoundError: nothing is.
        """

    def issued(self, identifier: Identifier) -> Intent:
        """Return what was intended of a licence that was issued.

        Raises:
            NotFoundError: it never was.
        """

    def file(self, identifier: Identifier) -> bytes | None:
        """Return a licence's file; None where it has none, or nothing is known of it."""

    def open_intents(self) -> Iterator[Intent]:
        """Return the intents that were never completed, oldest first."""


class RevocationLog(Protocol):
    """Append-only: decisions about licences that the ledger knows."""

    def decide(self, decision: Decision) -> None:
        """Record a decision.

        Raises:
            NotFoundError: the licence was never issued.
            IssuanceError: it has ended (revoked, cancelled, ...), which no later decision undoes; or the decision
                was made before one that is recorded.
        """

    def history(self, identifier: Identifier) -> tuple[Decision, ...]:
        """Return the decisions about one licence, oldest first; none for a licence that is not known."""

    def decisions(self, key_ids: Iterable[bytes], *, after: int = 0) -> Iterator[LoggedDecision]:
        """Return the decisions about licences sealed by these keys, numbered higher than `after`, oldest first."""

    def allocated(self, key_id: bytes) -> int:
        """Return how many status references were given out for a key."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a store holds of a showing.

    Attributes:
        offer: The encoded offer, see `ecert.presentation`.
        taken: The encoded taking; None while nobody took it.
    """

    offer: bytes
    taken: bytes | None


class ShowingStore(Protocol):
    """Showings under their dynamic codes' keys, for as long as they are to be remembered. Shared by all processes."""

    async def put(self, key: bytes, offer: bytes, *, ends_at: datetime, forget_at: datetime, at: datetime) -> None:
        """Put up an offer under a key never used before.

        Args:
            key: 32 bytes.
            offer: At most 64 KiB.
            ends_at: The first instant it can no longer be taken, aware.
            forget_at: When the store forgets it, aware.
            at: Now, aware.

        Raises:
            UndeterminedError: SOURCE_UNREACHABLE; the store does not answer.
        """

    async def take(self, key: bytes, taking: bytes, *, at: datetime) -> Held | None:
        """Mark a showing as taken, and return how it stood before; None when there is none.

        In one atomic step: of any number of calls for one key, exactly one finds it not taken. Once its end has
        come it is left as it is.

        Raises:
            UndeterminedError: SOURCE_UNREACHABLE; the store does not answer. The code may have been taken.
        """

    async def look(self, key: bytes, *, at: datetime) -> Held | None:
        """Return how a showing stands, and change nothing: the phone asks whether it was taken.

        Raises:
            UndeterminedError: SOURCE_UNREACHABLE; the store does not answer.
        """

    async def drop(self, key: bytes) -> None:
        """Take a showing down, if it is there and no window took it: who took one stays known.

        Raises:
            UndeterminedError: SOURCE_UNREACHABLE; the store does not answer.
        """

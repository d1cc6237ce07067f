"""An append-only log whose entries are chained by SM3, and whose head is signed now and then.

    entry   canonical CBOR [number, previous, at, who, action, object, outcome, {name: value, ...}]
    digest  SM3 of the entry's bytes; `previous` of the next one; 32 zero bytes before the first
    head    canonical CBOR [log, number, digest, at], sealed as AUDIT_HEAD by the key of whoever keeps the log

Numbers are 1, 2, 3 and so on; `at` is in seconds since 1970 and never goes back. Whoever holds a signed head can tell
whether any entry up to its number was altered, removed, or put in later. Nothing personal belongs in an entry: things
are named by their identifiers, people by those of their registration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.sm2 import DIGEST_LENGTH, sm3

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ecert.sm2 import PublicKey, Signer

MAX_ENTRY: Final = 4096
"""The longest entry in bytes."""
MAX_HEAD: Final = 512
"""The longest signed head in bytes."""
NOTHING: Final = bytes(DIGEST_LENGTH)
"""Stands in the first entry for the digest of the one before."""

_ENTRY_PARTS: Final = 8
_HEAD_PARTS: Final = 4
_MAX_TEXT: Final = 256
_MAX_DETAILS: Final = 16
_MAX_NUMBER: Final = 1 << 53
_MAX_SECONDS: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done, or tried.

    Attributes:
        number: From 1.
        previous: SM3 of the entry before, 32 bytes.
        at: When, aware UTC, whole seconds.
        who: Who did it, by the identifier of a registration.
        action: What, as a stable name, e.g. `licence.issue`.
        object: To what, by its identifier.
        outcome: `ok`, or the code of why not.
        details: What else matters; texts and numbers, nothing personal.
    """

    number: int
    previous: bytes
    at: datetime
    who: str
    action: str
    object: str
    outcome: str = "ok"
    details: Mapping[str, str | int] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the one byte form.

        Raises:
            MalformedError: AUDIT_MALFORMED; no such entry can be.
        """
        details: dict[int | str, cbor.Value] = dict(self.details.items())
        seconds = int(self.at.timestamp())
        texts: list[cbor.Value] = [self.who, self.action, self.object, self.outcome]
        data = cbor.encode([self.number, self.previous, seconds, *texts, details])
        AuditEntry.decode(data)
        return data

    @classmethod
    def decode(cls, data: bytes) -> AuditEntry:
        """Read an entry from hostile bytes.

        Raises:
            MalformedError: AUDIT_MALFORMED; it is none.
        """
        parts = _parts(data, MAX_ENTRY, _ENTRY_PARTS)
        number, previous, at, *texts, details = parts
        if not isinstance(previous, bytes) or len(previous) != DIGEST_LENGTH:
            raise _malformed("the digest of the entry before is missing")
        who, action, thing, outcome = (_text(one) for one in texts)
        return cls(_number(number), previous, _instant(at), who, action, thing, outcome, _details(details))


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How far a log had come.

    Attributes:
        log: Which log, e.g. `api/440000`.
        number: The number of its last entry; 0 when it had none.
        digest: SM3 of that entry; `NOTHING` when there was none.
        at: When it was signed, aware UTC, whole seconds.
    """

    log: str
    number: int
    digest: bytes
    at: datetime


def seal_head(head: AuditHead, signer: Signer) -> bytes:
    """Sign a head.

    Raises:
        MalformedError: AUDIT_MALFORMED; no such head can be.
        CustodyError: the key failed.
    """
    payload = cbor.encode([head.log, head.number, head.digest, int(head.at.timestamp())])
    _read_head(payload)
    return envelope.seal(envelope.Kind.AUDIT_HEAD, payload, signer).encode()


def load_head(data: bytes, public_key: PublicKey) -> AuditHead:
    """Parse and verify a signed head.

    Raises:
        MalformedError: AUDIT_MALFORMED; it is none.
        RejectedError: AUDIT_BROKEN; it is not signed by this key.
    """
    try:
        signed = envelope.decode(data, limit=MAX_HEAD)
    except MalformedError as error:
        raise _malformed(error.detail) from error
    if signed.kind is not envelope.Kind.AUDIT_HEAD:
        raise _malformed("another signed object")
    try:
        signed.verify(public_key)
    except RejectedError as error:
        raise _broken("the head is not signed by this key") from error
    return _read_head(signed.payload)


class AuditCheck:
    """Walks a log from its beginning, and holds it against the heads that were signed of it.

    Attributes:
        number: The last entry taken.
        digest: Its digest.
        at: Its time; None before the first.
    """

    def __init__(self, heads: Iterable[AuditHead] = ()) -> None:
        """Begin before the first entry, knowing what was signed."""
        self.number = 0
        self.digest = NOTHING
        self.at: datetime | None = None
        self._heads = {head.number: head for head in heads}
        self._require_signed()

    def take(self, data: bytes) -> AuditEntry:
        """Take the next entry.

        Raises:
            MalformedError: it cannot be read.
            RejectedError: AUDIT_BROKEN; it does not follow the one before, or is not the one that was signed for.
        """
        entry = AuditEntry.decode(data)
        if entry.number != self.number + 1:
            raise _broken(f"entry {entry.number} stands where {self.number + 1} should")
        if entry.previous != self.digest:
            raise _broken(f"entry {entry.number} does not follow the one before it")
        if self.at is not None and entry.at < self.at:
            raise _broken(f"entry {entry.number} is older than the one before it")
        self.number, self.digest, self.at = entry.number, sm3(data), entry.at
        self._require_signed()
        return entry

    def finish(self) -> None:
        """Require that nothing a head speaks of is missing at the end.

        Raises:
            RejectedError: AUDIT_BROKEN; entries are missing.
        """
        last = max(self._heads, default=0)
        if last > self.number:
            raise _broken(f"{last} entries were signed for, and {self.number} are there")

    def _require_signed(self) -> None:
        head = self._heads.get(self.number)
        if head is not None and head.digest != self.digest:
            raise _broken(f"entry {self.number} is not the one that was signed for at {head.at:%F %T}Z")


def _broken(what: str) -> RejectedError:
    return RejectedError(Reason.AUDIT_BROKEN, what)


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.AUDIT_MALFORMED, f"not part of an audit log: {what}")


def _parts(data: bytes, limit: int, count: int) -> list[cbor.Value]:
    parts = cbor.decode(data, limit=limit, reason=Reason.AUDIT_MALFORMED)
    if not isinstance(parts, list) or len(parts) != count:
        raise _malformed(f"not an array of {count}")
    return parts


def _read_head(payload: bytes) -> AuditHead:
    log, number, digest, at = _parts(payload, MAX_HEAD, _HEAD_PARTS)
    if not isinstance(digest, bytes) or len(digest) != DIGEST_LENGTH:
        raise _malformed("the digest is missing")
    return AuditHead(_text(log), _number(number), digest, _instant(at))


def _text(value: cbor.Value) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise _malformed(f"a text is not 1 to {_MAX_TEXT} printable characters")
    return value


def _number(value: cbor.Value) -> int:
    if type(value) is not int or not 0 <= value < _MAX_NUMBER:
        raise _malformed("a number is out of its range")
    return value


def _instant(value: cbor.Value) -> datetime:
    if type(value) is not int or not 0 <= value < _MAX_SECONDS:
        raise _malformed("a time is out of its range")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise _malformed("a time is out of its range") from error


def _details(value: cbor.Value) -> dict[str, str | int]:
    if not isinstance(value, dict) or len(value) > _MAX_DETAILS:
        raise _malformed(f"the details are not a map of at most {_MAX_DETAILS}")
    return {_text(name): _number(one) if isinstance(one, int) else _text(one) for name, one in value.items()}

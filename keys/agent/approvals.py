"""An approval: a second person lets a key sign more today than its policy allows one person.

    approval  canonical CBOR [key id of the key, day, count, 16 random bytes], sealed as AGENT_APPROVAL by its giver

The day is Beijing's, as an ISO date. Given twice, an approval counts once; on another day it counts for nothing. An
agent never signs one: the giver's key is the giver's alone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from ecert import cbor, envelope
from ecert.errors import CustodyError, EcertError, MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.sm2 import PublicKey, Signer

MAX_APPROVAL: Final = 512
"""The longest approval in bytes."""
MAX_COUNT: Final = 10_000_000
"""The most signatures that one approval allows."""

_BEIJING: Final = timezone(timedelta(hours=8))
_NONCE: Final = 16


def day_of(at: datetime) -> str:
    """Return the day in Beijing, e.g. `2026-11-25`."""
    return at.astimezone(_BEIJING).date().isoformat()


@dataclass(frozen=True, slots=True)
class Approval:
    """What a second person allows.

    Attributes:
        key_id: The key that may sign more.
        day: On which day.
        count: How many more of each kind.
    """

    key_id: bytes
    day: str
    count: int


def seal_approval(approval: Approval, signer: Signer) -> bytes:
    """Give an approval.

    Raises:
        MalformedError: AGENT_APPROVAL_BAD; no such approval can be.
        CustodyError: the key failed.
    """
    nonce = secrets.token_bytes(_NONCE)
    payload = cbor.encode([approval.key_id, approval.day, approval.count, nonce])
    _read(payload)
    return envelope.seal(envelope.Kind.AGENT_APPROVAL, payload, signer).encode()


def load_approval(data: bytes, approvers: Mapping[str, PublicKey]) -> tuple[str, Approval]:
    """Return who gave an approval, and what it allows.

    Args:
        data: Hostile bytes.
        approvers: Who may give one.

    Raises:
        CustodyError: AGENT_APPROVAL_BAD; it is none, or nobody's who may give one.
    """
    try:
        signed = envelope.decode(data, limit=MAX_APPROVAL)
        giver = next((name for name, key in approvers.items() if key.key_id == signed.key_id), None)
        if giver is None or signed.kind is not envelope.Kind.AGENT_APPROVAL:
            raise _bad("it is not signed by anybody who may approve for this key")
        signed.verify(approvers[giver])
        return giver, _read(signed.payload)
    except CustodyError:
        raise
    except EcertError as error:
        raise _bad(error.detail) from error


def _bad(why: str) -> CustodyError:
    return CustodyError(Reason.AGENT_APPROVAL_BAD, f"the approval does not count: {why}")


def _read(payload: bytes) -> Approval:
    match cbor.decode(payload, limit=MAX_APPROVAL, reason=Reason.AGENT_APPROVAL_BAD):
        case [bytes() as key_id, str() as day, int() as count, bytes() as nonce]:
            if 0 < count <= MAX_COUNT and len(nonce) == _NONCE and _is_day(day):
                return Approval(key_id, day, count)
    raise MalformedError(Reason.AGENT_APPROVAL_BAD, f"not a key, a day, a count of 1 to {MAX_COUNT} and a nonce")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

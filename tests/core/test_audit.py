from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert import cbor, envelope
from ecert.audit import MAX_ENTRY, NOTHING, AuditCheck, AuditEntry, AuditHead, load_head, seal_head
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.sm2 import PrivateKey, sm3

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
KEY = PrivateKey.generate()


def log(count: int = 5) -> list[bytes]:
    entries: list[bytes] = []
    previous = NOTHING
    for number in range(1, count + 1):
        at = AT + timedelta(seconds=number // 2)
        entry = AuditEntry(
            number, previous, at, "system:7", "licence.issue", f"1.2.156.{number}", details={"rows": number}
        )
        entries.append(entry.encode())
        previous = sm3(entries[-1])
    return entries


def heads_of(entries: list[bytes], *numbers: int) -> list[AuditHead]:
    return [AuditHead("api/440000", number, sm3(entries[number - 1]), AT) for number in numbers]


def walk(entries: list[bytes], heads: list[AuditHead] | None = None) -> AuditCheck:
    check = AuditCheck(heads or ())
    for data in entries:
        check.take(data)
    check.finish()
    return check


def test_a_whole_log_is_walked_to_its_head() -> None:
    entries = log()
    check = walk(entries, heads_of(entries, 2, 5))
    assert (check.number, check.digest) == (5, sm3(entries[-1]))


def altered(entries: list[bytes], index: int, **changes: Any) -> list[bytes]:
    """Alter one entry, and chain everything behind it anew."""
    made = list(entries)
    for place in range(index, len(made)):
        entry = AuditEntry.decode(made[place])
        previous = sm3(made[place - 1]) if place else NOTHING
        made[place] = replace(entry, previous=previous, **(changes if place == index else {})).encode()
    return made


@pytest.mark.parametrize(
    "tamper",
    [
        lambda entries: entries[:2] + entries[3:],
        lambda entries: [entries[1], entries[0], *entries[2:]],
        lambda entries: [*entries[:3], entries[2], *entries[3:]],
        lambda entries: entries[1:],
        lambda entries: [entries[0], entries[1].replace(b"1.2.156.2", b"1.2.156.9"), *entries[2:]],
        lambda entries: altered(entries, 3, at=AT - timedelta(days=1)),
    ],
    ids=["one removed", "two exchanged", "one twice", "beginning removed", "one altered", "one older"],
)
def test_what_was_done_to_a_log_shows(tamper: Callable[[list[bytes]], list[bytes]]) -> None:
    with pytest.raises(RejectedError) as caught:
        walk(tamper(log()))
    assert caught.value.reason is Reason.AUDIT_BROKEN


def test_a_log_written_anew_shows_by_what_was_signed_of_it() -> None:
    entries = log()
    forged = altered(entries, 1, object="another")
    walk(forged)
    with pytest.raises(RejectedError):
        walk(forged, heads_of(entries, 2))
    with pytest.raises(RejectedError):
        walk(forged, heads_of(entries, 5))
    walk(forged, heads_of(entries, 1))


def test_the_end_cannot_be_cut_off_behind_a_signed_head() -> None:
    entries = log()
    walk(entries[:4], heads_of(entries, 4))
    with pytest.raises(RejectedError) as caught:
        walk(entries[:4], heads_of(entries, 5))
    assert "5 entries were signed for" in caught.value.detail


def test_a_head_is_believed_of_its_own_key_alone() -> None:
    head = AuditHead("api/440000", 5, b"\x01" * 32, AT)
    data = seal_head(head, KEY)
    assert load_head(data, KEY.public_key) == head
    with pytest.raises(RejectedError):
        load_head(data, PrivateKey.generate().public_key)
    other = envelope.seal(envelope.Kind.ISSUED_HEAD, envelope.decode(data, limit=512).payload, KEY).encode()
    for bad in (other, data[:-1], b"", b"\x80"):
        with pytest.raises(MalformedError):
            load_head(bad, KEY.public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"who": ""},
        {"who": "x" * 257},
        {"action": "a\nb"},
        {"object": "\x00"},
        {"details": {"a": -1}},
        {"details": {str(number): 1 for number in range(17)}},
        {"details": {"a": "x" * 300}},
        {"previous": b"short"},
        {"number": -1},
    ],
)
def test_what_is_no_entry_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        replace(AuditEntry.decode(log()[0]), **change).encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_an_error_of_ours(data: bytes) -> None:
    try:
        entry = AuditEntry.decode(data)
    except MalformedError:
        return
    assert entry.encode() == data


@given(st.data())
def test_a_bent_entry_is_another_entry_or_none(data: st.DataObject) -> None:
    original = log(1)[0]
    place = data.draw(st.integers(0, len(original) - 1))
    bent = original[:place] + bytes([data.draw(st.integers(0, 255))]) + original[place + 1 :]
    try:
        entry = AuditEntry.decode(bent)
    except MalformedError:
        return
    assert (entry == AuditEntry.decode(original)) == (bent == original)


def test_a_long_entry_is_refused() -> None:
    with pytest.raises(MalformedError):
        AuditEntry.decode(cbor.encode([1, NOTHING, 1, "a", "b", "c", "d", {"x": "y" * MAX_ENTRY}]))

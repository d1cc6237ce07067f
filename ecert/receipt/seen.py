"""One licence as a window saw it, and what the window knew when it judged it.

[shape, SM3 of what was verified, identifier, issuer, key id, holder, outcome, reason, checked at,
[registry version, issued at] or null, [region, sequence, issued at] or null, flags, [field, ...], way,
[ground, evidence, auth code] or null, SM3 of the annotated copy or empty]
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from ecert.errors import Reason
from ecert.licence.codes import check_text
from ecert.licence.identifier import parse_identifier
from ecert.licence.record import Record
from ecert.licence.validity import to_seconds
from ecert.presentation import Ground, Way
from ecert.presentation.reading import MAX_NAME, Items, malformed
from ecert.report import holder_name
from ecert.revocation import Flag
from ecert.sm2 import DIGEST_LENGTH, KEY_ID_LENGTH
from ecert.verification import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from ecert import cbor
    from ecert.presentation import Grant
    from ecert.verification import Verdict

_PARTS, _KNOWN_PARTS, _PERMISSION_PARTS = 16, 3, 3
_MAX_FLAGS: Final = 4


class Shape(StrEnum):
    """What was verified. A wire contract: append, never rename."""

    NONE = "none"
    FACE = "face"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Known:
    """A registry or a region's status as it was held.

    Attributes:
        region: Whose status; empty for the registry.
        number: Its version, or its sequence.
        issued_at: When it was signed, aware UTC, whole seconds: its age is what `checked_at` lies after this.
    """

    region: str
    number: int
    issued_at: datetime

    def value(self) -> cbor.Value:
        """Return what stands in the receipt."""
        return [self.region, self.number, to_seconds(self.issued_at)]


@dataclass(frozen=True, slots=True)
class Permission:
    """What allowed the use.

    Attributes:
        ground: What it rests on.
        evidence: See `ecert.presentation.Grant`.
        auth_code: The grant's code (用证码).
    """

    ground: Ground
    evidence: str
    auth_code: str


@dataclass(frozen=True, slots=True)
class SeenLicence:
    """One licence.

    Attributes:
        shape: A face or a record; `none` where nothing in it could be believed.
        digest: SM3 of exactly what was verified, 32 bytes.
        identifier: The licence's identifier; empty where it is not known.
        issuer: Credit code of its issuer; empty where it is not known.
        key_id: The key that sealed it, 8 bytes; empty where it is not known.
        holder: The holder's name, masked; empty where it was not disclosed.
        outcome: The verdict.
        reason: `ok`, or why not.
        checked_at: The instant of the verdict, aware UTC, whole seconds.
        registry: The registry held; None when none was.
        status: The status held of the key's region; None when none was.
        flags: What else the status said.
        fields: The fields read, names in ascending order.
        way: How it was shown.
        permission: What allowed it; None where the holder showed it without more.
        copy: SM3 of the annotated copy (加注件) that is filed; empty without one.
    """

    shape: Shape
    digest: bytes
    identifier: str
    issuer: str
    key_id: bytes
    holder: str
    outcome: Outcome
    reason: Reason
    checked_at: datetime
    registry: Known | None
    status: Known | None
    flags: Flag
    fields: tuple[str, ...]
    way: Way
    permission: Permission | None
    copy: bytes

    @classmethod
    def of(cls, verdict: Verdict, digest: bytes, way: Way, grant: Grant | None = None, copy: bytes = b"") -> Self:
        """Take down a verdict.

        Args:
            verdict: What verification came to.
            digest: SM3 of the bytes, or of the code's text in UTF-8, that it was given.
            way: How the licence was shown.
            grant: What allowed its use; of the fields it has, those granted count as read.
            copy: SM3 of its annotated copy.
        """
        content, registry, status = verdict.content, verdict.registry, verdict.status
        return cls(
            shape=Shape.NONE if content is None else Shape.RECORD if isinstance(content, Record) else Shape.FACE,
            digest=digest,
            identifier="" if content is None else content.identifier.text,
            issuer="" if verdict.key is None or content is None else verdict.key.member.code,
            key_id=b"" if verdict.key is None or content is None else verdict.key.public_key.key_id,
            holder="" if content is None else _clean(holder_name(content, verdict.fields) or ""),
            outcome=verdict.outcome,
            reason=verdict.reason,
            checked_at=verdict.at.replace(microsecond=0),
            registry=None if registry is None else Known("", registry.version, registry.issued_at),
            status=None if status is None else Known(status.region, status.sequence, status.issued_at),
            flags=verdict.flags,
            fields=tuple(
                name for name in sorted(verdict.fields) if _clean(name) and (grant is None or name in grant.fields)
            ),
            way=way,
            permission=None if grant is None else Permission(grant.ground, grant.evidence, grant.code.text),
            copy=copy,
        )

    def value(self) -> cbor.Value:
        """Return what stands in the receipt."""
        permission = self.permission
        return [
            self.shape.value,
            self.digest,
            self.identifier,
            self.issuer,
            self.key_id,
            self.holder,
            self.outcome.value,
            self.reason.value,
            to_seconds(self.checked_at),
            None if self.registry is None else self.registry.value(),
            None
            if self.status is None
            else [self.status.region, self.status.number, to_seconds(self.status.issued_at)],
            self.flags.value,
            list(self.fields),
            self.way.value,
            None if permission is None else [permission.ground.value, permission.evidence, permission.auth_code],
            self.copy,
        ]

    @classmethod
    def read(cls, value: cbor.Value) -> SeenLicence:
        """Read what `value` wrote.

        Raises:
            MalformedError: DATA_MALFORMED; it is something else, or contradicts itself.
        """
        items = Items.of(value, _PARTS)
        seen = cls(
            shape=items.one_of(0, Shape),
            digest=items.octets(1, DIGEST_LENGTH),
            identifier=items.text(2, may_be_empty=True),
            issuer=items.text(3, may_be_empty=True),
            key_id=items.octets(4, 0, KEY_ID_LENGTH),
            holder=items.text(5, may_be_empty=True),
            outcome=items.one_of(6, Outcome),
            reason=items.one_of(7, Reason),
            checked_at=items.instant(8),
            registry=_read_known(items.values[9], of_region=False),
            status=_read_known(items.values[10], of_region=True),
            flags=Flag(items.number(11, _MAX_FLAGS)),
            fields=items.names(12),
            way=items.one_of(13, Way),
            permission=_read_permission(items.values[14]),
            copy=items.octets(15, 0, DIGEST_LENGTH),
        )
        _check(seen)
        return seen


def _clean(text: str) -> str:
    """Return a text of a licence as it may stand in a receipt; what its issuer should not have sealed is left out."""
    return "" if check_text(text, MAX_NAME) else text


def _check(seen: SeenLicence) -> None:
    known = seen.shape is not Shape.NONE
    if any(bool(one) != known for one in (seen.identifier, seen.issuer, seen.key_id)):
        raise malformed("a licence of which nothing is believed has no name, and every other one has")
    if (seen.outcome is Outcome.VALID) != (seen.reason is Reason.OK) or (seen.outcome is Outcome.VALID and not known):
        raise malformed("an outcome and its reason contradict each other")
    if known:
        parse_identifier(seen.identifier)


def _read_known(value: cbor.Value, *, of_region: bool) -> Known | None:
    if value is None:
        return None
    items = Items.of(value, _KNOWN_PARTS)
    known = Known(items.text(0, may_be_empty=True), items.number(1), items.instant(2))
    if bool(known.region) != of_region:
        raise malformed("a status names its region, and a registry none")
    return known


def _read_permission(value: cbor.Value) -> Permission | None:
    if value is None:
        return None
    items = Items.of(value, _PERMISSION_PARTS)
    return Permission(items.one_of(0, Ground), items.text(1), items.text(2))

"""Who is in the registry, and what each was entitled to at an instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from ecert.x509 import Certificate, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ecert.sm2 import PublicKey

T = TypeVar("T")

ANYWHERE: Final = "*"
"""As an area of a grant: the whole country. As a region a type is shared with: every region."""


class Role(StrEnum):
    """What a registered body's keys may do."""

    ISSUER = "issuer"
    SEAL_MAKER = "seal-maker"
    TSA = "tsa"
    RELYING_PARTY = "relying-party"
    STATUS = "status"


PURPOSES: Final[Mapping[Role, Purpose | None]] = {
    Role.ISSUER: Purpose.LICENCE,
    Role.SEAL_MAKER: Purpose.SEAL,
    Role.TSA: Purpose.TIMESTAMP,
    Role.RELYING_PARTY: None,
    Role.STATUS: Purpose.STATUS,
}
"""The purpose that a role's certificates must name; a relying party's need not name one."""


class EntryState(StrEnum):
    """The state of an entry from an instant on."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StateChange:
    """One line of an entry's history.

    Attributes:
        state: What it became.
        since: From when on, aware UTC, whole seconds.
        reason: At most 200 characters; may be empty.
    """

    state: EntryState
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to issue one licence type.

    Attributes:
        type_code: The licence type, 21 characters.
        areas: Digits with which a licence's area code must begin, e.g. `44` or `440106`; or `*`, the whole country.
        shared_with: Codes of the regions that may see such licences; or `*`, every region.
        since: The first instant it may be used, aware UTC, whole seconds.
        until: The first instant it may no longer be used; None: no end is known.
    """

    type_code: str
    areas: tuple[str, ...]
    shared_with: tuple[str, ...]
    since: datetime
    until: datetime | None = None

    def covers(self, area_code: str) -> bool:
        """Tell whether a licence of this area falls under the grant."""
        return any(area == ANYWHERE or area_code.startswith(area) for area in self.areas)

    def holds(self, at: datetime) -> bool:
        """Tell whether the grant was in effect at `at`."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Member:
    """One body, as one entry of the registry states it.

    Attributes:
        role: What its keys may do.
        code: Its USCC, 18 characters; a status signer may stand under its region's code instead.
        name: Chinese name.
        name_en: English name.
        certificates: DER of its certificates, old ones included: what they sealed stays verifiable.
        grants: What it may issue; empty for all but issuers.
        history: Its states, oldest first; empty: active for as long as anybody knows.
        endpoints: `status` or `service` → an http(s) address.
        seal_certificates: DER of the certificates of its electronic seals.
        region: Where the body belongs, 6 digits; empty: the region of the slice it is written to. What is read from
            a slice always has it.
    """

    role: Role
    code: str
    name: str
    name_en: str
    certificates: tuple[bytes, ...]
    grants: tuple[Grant, ...] = ()
    history: tuple[StateChange, ...] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)
    seal_certificates: tuple[bytes, ...] = ()
    region: str = ""

    def state_problem(self, at: datetime) -> str | None:
        """Say why this entry did not count at `at`; None when it was active."""
        past = [change for change in self.history if change.since <= at]
        if not past:
            return f"it is registered from {self.history[0].since:%F %T}Z on" if self.history else None
        last = past[-1]
        if last.state is EntryState.ACTIVE:
            return None
        why = f": {last.reason}" if last.reason else ""
        return f"its registration is {last.state.value} since {last.since:%F %T}Z{why}"

    def grant_problem(self, type_code: str, area_code: str | None, at: datetime) -> str | None:
        """Say why this entry gave no right to issue that type for that area at `at`; None when it did."""
        grants = [grant for grant in self.grants if grant.type_code == type_code]
        if not grants:
            return f"licence type {type_code} is not among those registered for the issuer"
        held = [grant for grant in grants if grant.holds(at)]
        if not held:
            return f"its right to issue {type_code} was not in effect at {at:%F %T}Z"
        if area_code is not None and not any(grant.covers(area_code) for grant in held):
            return f"area {area_code} is not among those registered for the issuer"
        return self.state_problem(at)


@dataclass(frozen=True, slots=True)
class Region:
    """A region, or a ministry with vertical administration (垂直管理), with its authority and members.

    Attributes:
        code: GB/T 2260, 6 digits; or a ministry's USCC.
        name: Chinese name.
        name_en: English name.
        certificate: DER of the certificate of the authority that certifies its members.
        crl: DER of that authority's revocation list; None when it published none.
        members: Every entry of the slices held.
        fresh_until: Until when this region's part of the registry may be relied on, aware UTC.
    """

    code: str
    name: str
    name_en: str
    certificate: bytes
    crl: bytes | None
    members: tuple[Member, ...]
    fresh_until: datetime


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key in the registry, with the body it belongs to.

    Attributes:
        region: Who vouches for it.
        member: The body; of several entries (one for each domain), everything they say together.
        certificates: Its certificates, newest first; at least one.
        public_key: The key.
        entries: The entries one by one: a right is given, suspended and ended by its own entry alone.
    """

    region: Region
    member: Member
    certificates: tuple[Certificate, ...]
    public_key: PublicKey
    entries: tuple[Member, ...]

    @property
    def certificate(self) -> Certificate:
        """Its newest certificate."""
        return self.certificates[0]

    def entitlement_problem(self, type_code: str, area_code: str | None, at: datetime) -> str | None:
        """Say why this key's owner might not issue that type for that area at `at`; None when it might.

        Args:
            type_code: The licence type, 21 characters.
            area_code: The licence's area, 6 digits; None when the licence does not say.
            at: When it was issued, aware. A right that ended later changes nothing.
        """
        if self.member.role is not Role.ISSUER:
            return f"the key belongs to a {self.member.role.value}, not to an issuer"
        if len(self.entries) == 1:  # of nearly all bodies
            return self.entries[0].grant_problem(type_code, area_code, at)
        about = [one for one in self.entries if any(grant.type_code == type_code for grant in one.grants)]
        problems = [entry.grant_problem(type_code, area_code, at) for entry in about or self.entries]
        return None if None in problems else problems[0]

    def standing_problem(self, at: datetime) -> str | None:
        """Say why this key's owner, of whatever role, did not count at `at`; None when one of its entries did."""
        problems = [entry.state_problem(at) for entry in self.entries]
        return None if None in problems else problems[0]

    def shared_with(self, type_code: str, region: str, at: datetime) -> bool:
        """Tell whether licences of this type were shared with a region (6 digits) at `at`."""
        grants = [grant for grant in self.member.grants if grant.type_code == type_code and grant.holds(at)]
        return any(one in (ANYWHERE, region) for grant in grants for one in grant.shared_with)


def merge(entries: tuple[Member, ...]) -> Member:
    """Put together what several entries say of one body; the first entry's names and region stand."""
    first = entries[0]
    return Member(
        role=first.role,
        code=first.code,
        name=first.name,
        name_en=first.name_en,
        certificates=_united(entry.certificates for entry in entries),
        grants=_united(entry.grants for entry in entries),
        history=tuple(sorted(_united(entry.history for entry in entries), key=lambda change: change.since)),
        endpoints={name: url for entry in reversed(entries) for name, url in entry.endpoints.items()},
        seal_certificates=_united(entry.seal_certificates for entry in entries),
        region=first.region,
    )


def _united(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))

"""Bodies of the ceremony as entries of the trust registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, EcertError, NotFoundError, Reason
from ecert.trust import EntryState, Grant, Member, Role, StateChange
from keys.facts import CREDIT_CODE_LENGTH, DepartmentFacts, SealMakerFacts
from keys.names import KeyName, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from keys.ceremony import Ceremony
    from keys.records import Entry

ROLES: Final = {
    Kind.DEPARTMENT: Role.ISSUER,
    Kind.SEAL_MAKER: Role.SEAL_MAKER,
    Kind.TSA: Role.TSA,
    Kind.RELYING_PARTY: Role.RELYING_PARTY,
}
"""What each kind of body is registered as."""
_KINDS: Final = {Role.STATUS: Kind.STATUS} | {role: kind for kind, role in ROLES.items()}


def members_of(
    entry: Entry, certificates: tuple[bytes, ...], *, shared_with: tuple[str, ...], endpoints: Mapping[str, str]
) -> list[Member]:
    """Return a body's entries: a department has one for each domain, that is, for each body that defines its types.

    It counts from its first certificate on.

    Raises:
        CustodyError: it is of a kind that is not registered by itself.
    """
    facts = entry.facts
    if not isinstance(facts, SealMakerFacts) or entry.name.kind not in ROLES:
        raise CustodyError(Reason.USAGE, f"{entry.name} is not a body that can be registered")
    member = Member(
        role=ROLES[entry.name.kind],
        code=facts.code,
        name=facts.name,
        name_en=facts.name_en,
        certificates=certificates,
        history=(StateChange(EntryState.ACTIVE, entry.certificate.not_before),),
        endpoints=dict(endpoints),
    )
    if not isinstance(facts, DepartmentFacts):
        return [member]
    since = entry.certificate.not_before
    return [
        replace(member, grants=tuple(Grant(one, facts.areas, shared_with, since) for one in facts.types_of(domain)))
        for domain in facts.domains
    ]


def status_signer(code: str, region: Entry, certificates: tuple[bytes, ...]) -> Member:
    """Return the entry of a region's status key."""
    facts = region.facts
    if facts is None:
        raise CustodyError(Reason.KEY_NOT_FOUND, f"the facts of {region.name} are missing")
    since = region.certificate.not_before
    active = (StateChange(EntryState.ACTIVE, since),)
    return Member(Role.STATUS, code, facts.name, facts.name_en, certificates, history=active)


def renewed(
    member: Member, ceremony: Ceremony, certificates: Callable[[KeyName], tuple[bytes, ...]], now: datetime
) -> Member:
    """Return an entry with what the ceremony knows now: certificates, names, types and areas; history stays.

    A right that the ceremony no longer knows ends now. What lies in another ceremony directory stays as published.
    """
    name = KeyName(_KINDS[member.role], member.code)
    mine = certificates(name)
    if not mine:
        return member
    member = replace(member, certificates=tuple(dict.fromkeys((*member.certificates, *mine))))
    facts = _facts(ceremony, name)
    if facts is None:
        return member
    member = replace(member, name=facts.name, name_en=facts.name_en)
    if not isinstance(facts, DepartmentFacts) or not member.grants:
        return member
    domain = member.grants[0].type_code[:CREDIT_CODE_LENGTH]
    return replace(member, grants=tuple(_grants(member.grants, facts, facts.types_of(domain), now)))


def _facts(ceremony: Ceremony, name: KeyName) -> SealMakerFacts | None:
    try:
        facts = ceremony.entry(name).facts
    except NotFoundError:
        return None
    return facts if isinstance(facts, SealMakerFacts) else None


def _grants(held: Iterable[Grant], facts: DepartmentFacts, types: Iterable[str], now: datetime) -> Iterable[Grant]:
    held = tuple(held)
    kept = set()
    for grant in held:
        current = grant.type_code in types and grant.areas == facts.areas
        if grant.until is None and not current:
            yield replace(grant, until=now)
        else:
            yield grant
        if grant.until is None and current:
            kept.add(grant.type_code)
    for code in types:
        if code not in kept:
            yield Grant(code, facts.areas, held[0].shared_with, now)


def parse_change(state: str, since: datetime, reason: str) -> StateChange:
    """Return a change of an entry's state.

    Raises:
        EcertError: there is no such state.
    """
    try:
        return StateChange(EntryState(state), since.replace(microsecond=0), reason)
    except ValueError as error:
        raise EcertError(Reason.USAGE, f"{state!r} is no state: choose {', '.join(EntryState)}") from error

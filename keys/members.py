"""Bodies of the ceremony as entries of the trust registry.

What is registered of a body is never lost: old certificates, rights that ended, and the history of its states stay,
since what was sealed under them is verified by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, Reason
from ecert.trust import ANYWHERE, EntryState, Grant, Member, Role, StateChange
from keys.facts import CREDIT_CODE_LENGTH, DepartmentFacts
from keys.names import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from ecert.x509 import Certificate
    from keys.facts import Facts

ROLES: Final = {
    Kind.DEPARTMENT: Role.ISSUER,
    Kind.SEAL_MAKER: Role.SEAL_MAKER,
    Kind.TSA: Role.TSA,
    Kind.RELYING_PARTY: Role.RELYING_PARTY,
}
"""What each kind of body is registered as, at its own request."""
KINDS: Final = {role: kind for kind, role in ROLES.items()} | {Role.STATUS: Kind.STATUS}


@dataclass(frozen=True)
class Body:
    """A body as the ceremony knows it now.

    Attributes:
        role: What its keys may do.
        code: Its USCC; of a status signer, its region's code.
        facts: Its public facts; of a status signer, its region's.
        certificates: The certificate in use and those it replaced, at least one.
    """

    role: Role
    code: str
    facts: Facts
    certificates: tuple[Certificate, ...]

    @property
    def since(self) -> datetime:
        """From when on it had a key."""
        return min(one.not_before for one in self.certificates)


@dataclass(frozen=True)
class Terms:
    """What its registration adds.

    Attributes:
        shared_with: Codes of the regions that may see its licences; `*` for all.
        endpoints: `status` or `service` → address.
    """

    shared_with: tuple[str, ...] = (ANYWHERE,)
    endpoints: Mapping[str, str] = field(default_factory=dict)


def entries_of(body: Body, held: list[Member], terms: Terms | None, now: datetime) -> list[Member]:
    """Return a body's entries: a department has one for each domain, that is, for each body that defines its types.

    A new body's rights count from its first certificate on; rights that it gains or loses later, from now on.

    Args:
        body: What the ceremony knows.
        held: Its entries so far; empty for a new body.
        terms: Those of a registration; None: they stay as they are.
        now: Aware, whole seconds.
    """
    history = held[0].history if held else (StateChange(EntryState.ACTIVE, body.since),)
    if terms and history and history[-1].state is EntryState.ENDED:
        history = (*history, StateChange(EntryState.ACTIVE, now))
    known = [der for one in held for der in one.certificates]
    member = Member(
        role=body.role,
        code=body.code,
        name=body.facts.name,
        name_en=body.facts.name_en,
        certificates=tuple(dict.fromkeys([*known, *(one.der for one in body.certificates)])),
        history=history,
        endpoints=terms.endpoints if terms else held[0].endpoints if held else {},
        seal_certificates=held[0].seal_certificates if held else (),
    )
    if not isinstance(body.facts, DepartmentFacts):
        return [member]
    domains: dict[str, list[Grant]] = {}
    for grant in _grants(body, held, terms, now):
        domains.setdefault(domain_of(grant), []).append(grant)
    return [replace(member, grants=tuple(grants)) for grants in domains.values()]


def domain_of(grant: Grant) -> str:
    """Return the USCC of the body that defines a grant's licence type."""
    return grant.type_code[:CREDIT_CODE_LENGTH]


def _grants(body: Body, held: list[Member], terms: Terms | None, now: datetime) -> Iterator[Grant]:
    facts = body.facts
    assert isinstance(facts, DepartmentFacts)  # noqa: S101  (its one caller asked)
    shared_with = (terms or Terms()).shared_with
    going_on = set()
    for grant in (grant for one in held for grant in one.grants):
        if grant.until is not None:
            yield grant
        elif grant.type_code in facts.types and grant.areas == facts.areas:
            going_on.add(grant.type_code)
            yield replace(grant, shared_with=shared_with) if terms else grant
        elif grant.since < now:
            yield replace(grant, until=now)
    for code in facts.types:
        if code not in going_on:
            yield Grant(code, facts.areas, shared_with, now if held else body.since)


def followed(history: tuple[StateChange, ...], change: StateChange) -> tuple[StateChange, ...]:
    """Return a history with one more change.

    Raises:
        EcertError: it is not later than the last one, or the registration has ended.
    """
    if history and change.since <= history[-1].since:
        raise EcertError(
            Reason.USAGE, f"its registration changed at {history[-1].since:%F %T}Z already: name a later instant"
        )
    if history and history[-1].state is EntryState.ENDED:
        raise EcertError(Reason.USAGE, "its registration has ended for good: register it anew with add-issuer")
    return (*history, change)


def parse_change(state: str, since: datetime, reason: str) -> StateChange:
    """Return a change of an entry's state.

    Raises:
        EcertError: there is no such state.
    """
    try:
        return StateChange(EntryState(state), since.replace(microsecond=0), reason)
    except ValueError as error:
        raise EcertError(Reason.USAGE, f"{state!r} is no state: choose {', '.join(EntryState)}") from error

"""Slices whose signatures and hashes were verified, read and put together to a registry.

A region with one bad slice is left out as a whole and named: half of what it says might be the half that matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, MalformedError, NotFoundError, Reason, RejectedError
from ecert.trust.claims import keys_of, settle
from ecert.trust.members import Region
from ecert.trust.places import COMMON, NATION, Place, Usage
from ecert.trust.policy import Policy, parse_policy
from ecert.trust.registry import Registry
from ecert.trust.slices import Authority, parse_authority, parse_members
from ecert.x509 import Certificate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ecert.trust.members import Member, RegisteredKey

ROOT_AUTHORITY: Final = Place(NATION, COMMON, Usage.AUTHORITY)
"""Where the national X.509 root stands."""
POLICY: Final = Place(NATION, COMMON, Usage.POLICY)
"""Where the freshness budgets stand."""
NATIONAL: Final = frozenset({ROOT_AUTHORITY, POLICY})
"""What every window takes, whatever else it needs."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice as it was signed for.

    Attributes:
        data: Its bytes.
        expires: Until when the roles that signed for it are good, aware UTC.
    """

    data: bytes
    expires: datetime


def assemble(
    slices: Mapping[Place, Slice],
    *,
    version: int,
    issued_at: datetime,
    fresh_until: datetime,
    problems: Mapping[str, EcertError],
) -> Registry:
    """Read every slice and put the registry together.

    Args:
        slices: Place → slice, as far as they are held.
        version: Of the snapshot.
        issued_at: When the timestamp was signed, aware UTC.
        fresh_until: When the first of the nation's metadata expires, aware UTC.
        problems: Region → what is wrong with it already.

    Raises:
        MalformedError: the national authority or the policy cannot be read.
        NotFoundError: there is no national authority.
    """
    if ROOT_AUTHORITY not in slices:
        raise NotFoundError(Reason.REGISTRY_MISSING, f"the registry has no {ROOT_AUTHORITY.path}")
    nation = parse_authority(ROOT_AUTHORITY, slices[ROOT_AUTHORITY].data)
    problems = dict(problems)
    regions: dict[str, Region] = {}
    claims: dict[str, Mapping[bytes, RegisteredKey]] = {}
    for code, parts in _by_owner(slices).items():
        if code in problems:
            continue
        try:
            region = _region(code, parts, nation, fresh_until)
            if region is not None:
                claims[code] = keys_of(region)
                regions[code] = region
        except EcertError as error:
            problems[code] = error
    keys, disputes = settle(claims)
    return Registry(
        version=version,
        issued_at=issued_at,
        fresh_until=fresh_until,
        anchor=_anchor(nation),
        national_crl=nation.crl,
        regions=regions,
        keys=keys,
        problems=disputes | problems,
        policy=parse_policy(slices[POLICY].data) if POLICY in slices else Policy(),
    )


def _anchor(nation: Authority) -> Certificate:
    anchor = Certificate.from_der(nation.certificate)
    if anchor.public_key is None:
        raise MalformedError(Reason.REGISTRY_MALFORMED, "the national root has no SM2 key")
    return anchor


def _by_owner(slices: Mapping[Place, Slice]) -> dict[str, dict[Place, Slice]]:
    owners: dict[str, dict[Place, Slice]] = {}
    for place in sorted(slices.keys() - NATIONAL):
        owners.setdefault(place.owner, {})[place] = slices[place]
    return owners


def _region(code: str, parts: Mapping[Place, Slice], nation: Authority, fresh_until: datetime) -> Region | None:
    """Read a region; None while its authority is not held, without which none of its keys leads anywhere."""
    authority = nation if code == NATION else None
    members: list[Member] = []
    for place, part in parts.items():
        if place.usage is Usage.POLICY:
            raise RejectedError(Reason.REGISTRY_OUT_OF_BOUNDS, f"{place.path}: only the nation sets freshness budgets")
        if place.usage is Usage.AUTHORITY:
            authority = parse_authority(place, part.data)
        else:
            members += parse_members(place, part.data)
    if authority is None:
        return None
    return Region(
        code=code,
        name=authority.name,
        name_en=authority.name_en,
        certificate=authority.certificate,
        crl=authority.crl,
        members=tuple(members),
        fresh_until=min(fresh_until, *(part.expires for part in parts.values())),
    )

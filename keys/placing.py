"""Where the entries and the authority of a region or ministry stand, and what its role is trusted for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.licence.codes import area_prefix
from ecert.trust.places import COMMON, NATION, Place, Usage
from ecert.trust.slices import USAGE_OF, encode_members, parse_members
from keys.members import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuf.api.metadata import Targets

    from ecert.trust import Member
    from keys.repository import Repository

NATIONAL_AUTHORITY: Final = Place(NATION, COMMON, Usage.AUTHORITY)
"""Where the national X.509 root stands."""
NATIONAL_POLICY: Final = Place(NATION, COMMON, Usage.POLICY)
"""Where the freshness budgets stand."""


def authority_place(code: str) -> Place:
    """Return where the authority of a region, or of a ministry, stands."""
    return _place(code, COMMON, Usage.AUTHORITY)


def pattern(code: str) -> str:
    """Return the target paths that the role of a region, or of a ministry, is trusted for."""
    if len(code) != len(NATION):
        return f"registry/{NATION}/{code}/*.json"
    return f"registry/{area_prefix(code).ljust(6, '?')}/*/*.json"


def read_members(repository: Repository, signed: Targets) -> list[Member]:
    """Return every entry that a role lists.

    Raises:
        EcertError: a slice in the folder is not what was signed, or cannot be read.
    """
    members: list[Member] = []
    for path in sorted(signed.targets):
        place, data = _of_members(path), repository.slice(signed, path)
        if place is not None and data is not None:
            members += parse_members(place, data)
    return members


def write_members(code: str, members: Iterable[Member], listed: Iterable[str] = ()) -> dict[str, bytes]:
    """Return the slices that hold these entries, each in its domain's; slices listed before are emptied, not dropped.

    Raises:
        EcertError: an entry lies outside what the region or ministry may vouch for.
    """
    places: dict[Place, list[Member]] = {place: [] for path in listed if (place := _of_members(path)) is not None}
    for member in members:
        domain = domain_of(member.grants[0]) if member.grants else COMMON
        places.setdefault(_place(code, domain, USAGE_OF[member.role]), []).append(member)
    return {
        place.path: encode_members(place, sorted(entries, key=lambda member: member.code))
        for place, entries in places.items()
    }


def _place(code: str, domain: str, usage: Usage) -> Place:
    return Place(code, domain, usage) if len(code) == len(NATION) else Place(NATION, code, usage)


def _of_members(path: str) -> Place | None:
    place = Place.parse(path)
    return None if place is None or place.usage in (Usage.AUTHORITY, Usage.POLICY) else place

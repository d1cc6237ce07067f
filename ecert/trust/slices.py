"""What the files of the registry hold, and what may stand in each.

`docs/registry.md` and `docs/registry.schema.json` describe them.

Reading is strict by one rule: what was read is written again, and must come out equal. A value that is spelt in
another way, left out, or unknown, makes the slice malformed; an entry that lies outside what the slice's place
allows makes it out of bounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.codes import area_prefix, check_credit_code, check_region_code, check_text, check_type_code
from ecert.trust.members import ANYWHERE, EntryState, Grant, Member, Role, StateChange
from ecert.trust.places import COMMON, NATION, Place, Usage
from ecert.trust.strict_json import read_bytes, read_json, read_time, write_bytes, write_json, write_time
from ecert.x509 import Certificate, RevocationList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecert.licence.codes import Phrase

MAX_SLICE: Final = 32 * 1024 * 1024
"""The longest slice in bytes."""
_URL: Final = re.compile(r"https?://[!-~]{1,500}")
_ENDPOINTS: Final = frozenset({"status", "service"})
_MAX_NAME: Final = 128
_MAX_REASON: Final = 200


USAGE_OF: Final = {
    Role.ISSUER: Usage.ISSUERS,
    Role.SEAL_MAKER: Usage.SEAL_MAKERS,
    Role.TSA: Usage.TSA,
    Role.RELYING_PARTY: Usage.RELYING_PARTIES,
    Role.STATUS: Usage.STATUS,
}
"""The slice that a role's entries stand in."""
_ROLE_OF: Final = {usage: role for role, usage in USAGE_OF.items()}


@dataclass(frozen=True, slots=True)
class Authority:
    """The X.509 authority of a region, of a ministry, or of the nation.

    Attributes:
        name: Chinese name of the region or ministry.
        name_en: English name.
        certificate: DER of the certification authority's certificate.
        crl: DER of its revocation list; None: it published none.
    """

    name: str
    name_en: str
    certificate: bytes
    crl: bytes | None = None


def encode_authority(place: Place, authority: Authority) -> bytes:
    """Write `authority.json`.

    Raises:
        MalformedError: it would not be read back.
        RejectedError: an authority does not stand there.
    """
    data = write_json(_authority_value(place, authority))
    parse_authority(place, data)
    return data


def parse_authority(place: Place, data: bytes) -> Authority:
    """Read `authority.json` from hostile bytes.

    Raises:
        MalformedError: not an authority.
        RejectedError: REGISTRY_OUT_OF_BOUNDS, another's authority, or not the place for one.
    """
    value = read_json(data, MAX_SLICE)
    try:
        crl = value["crl"]
        authority = Authority(
            *_read_names(value["name"]), read_bytes(value["certificate"]), None if crl is None else read_bytes(crl)
        )
        Certificate.from_der(authority.certificate)
        if authority.crl is not None:
            RevocationList.from_der(authority.crl)
    except (KeyError, TypeError, ValueError, MalformedError) as error:
        raise _malformed(place, error) from error
    if value.get("code") != place.owner or (place.region != NATION and place.domain != COMMON):
        raise _out_of_bounds(place, "the authority of another region, or one that stands where none may")
    if _authority_value(place, authority) != value:
        raise _malformed(place, "unknown members")
    return authority


def _authority_value(place: Place, authority: Authority) -> dict[str, Any]:
    return {
        "code": place.owner,
        "name": {"zh": authority.name, "en": authority.name_en},
        "certificate": write_bytes(authority.certificate),
        "crl": None if authority.crl is None else write_bytes(authority.crl),
    }


def encode_members(place: Place, members: Iterable[Member]) -> bytes:
    """Write a slice of entries, and read it back as every window will.

    Raises:
        MalformedError: it would not be read back.
        RejectedError: an entry lies outside what the place allows.
    """
    data = write_json({"entries": [_member_value(member, place) for member in members]})
    parse_members(place, data)
    return data


def parse_members(place: Place, data: bytes) -> tuple[Member, ...]:
    """Read a slice of entries from hostile bytes.

    Raises:
        MalformedError: not such a slice.
        RejectedError: REGISTRY_OUT_OF_BOUNDS, an entry lies outside what the place allows.
    """
    value = read_json(data, MAX_SLICE)
    if not isinstance(value, dict) or value.keys() != {"entries"} or not isinstance(value["entries"], list):
        raise _malformed(place, "not an object with a list of entries")
    return tuple(_read_entry(place, number, entry) for number, entry in enumerate(value["entries"]))


def _read_entry(place: Place, number: int, value: Any) -> Member:
    try:
        member = _read_member(value)
        _require_sound(member, place)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _malformed(place, f"entry {number}: {type(error).__name__} {error}") from error
    if _member_value(member, place) != value:
        raise _malformed(place, f"entry {number}: unknown members, or values not in their one form")
    problem = _beyond(member, place)
    if problem is not None:
        raise _out_of_bounds(place, f"entry {number}, {member.code}: {problem}")
    return member


def _read_member(value: Any) -> Member:
    name, name_en = _read_names(value["name"])
    return Member(
        role=Role(value["role"]),
        code=_text(value["uscc"]),
        name=name,
        name_en=name_en,
        certificates=tuple(map(read_bytes, value["certificates"])),
        grants=tuple(map(_read_grant, value["grants"])),
        history=tuple(map(_read_change, value["history"])),
        endpoints={_text(name): _text(url) for name, url in value["endpoints"].items()},
        seal_certificates=tuple(map(read_bytes, value["sealCertificates"])),
        region=_text(value["region"]),
    )


def _member_value(member: Member, place: Place) -> dict[str, Any]:
    return {
        "region": member.region or place.region,
        "uscc": member.code,
        "name": {"zh": member.name, "en": member.name_en},
        "role": member.role.value,
        "certificates": [write_bytes(one) for one in member.certificates],
        "grants": [_grant_value(grant) for grant in member.grants],
        "sealCertificates": [write_bytes(one) for one in member.seal_certificates],
        "endpoints": dict(member.endpoints),
        "history": [
            {"state": change.state.value, "from": write_time(change.since), "reason": change.reason}
            for change in member.history
        ],
    }


def _read_grant(value: Any) -> Grant:
    until = value["until"]
    return Grant(
        type_code=_text(value["type"]),
        areas=tuple(map(_text, value["areas"])),
        shared_with=tuple(map(_text, value["sharedWith"])),
        since=read_time(value["from"]),
        until=None if until is None else read_time(until),
    )


def _grant_value(grant: Grant) -> dict[str, Any]:
    return {
        "type": grant.type_code,
        "areas": list(grant.areas),
        "sharedWith": list(grant.shared_with),
        "from": write_time(grant.since),
        "until": None if grant.until is None else write_time(grant.until),
    }


def _read_change(value: Any) -> StateChange:
    return StateChange(EntryState(value["state"]), read_time(value["from"]), _text(value["reason"]))


def _read_names(value: Any) -> tuple[str, str]:
    name, name_en = _text(value["zh"]), _text(value["en"])
    _require(check_text(name, _MAX_NAME))
    _require(check_text(name_en, _MAX_NAME))
    return name, name_en


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("something that is not text")
    return value


def _require(problem: Phrase | None) -> None:
    if problem is not None:
        raise ValueError(f"expected {problem.en} ({problem.zh})")


def _require_sound(member: Member, place: Place) -> None:
    """Require that every value is one that could be true.

    Raises:
        ValueError: one is not.
    """
    _require(check_region_code(member.region))
    if member.role is not Role.STATUS or member.code != place.owner:
        _require(check_credit_code(member.code))
    if not member.certificates:
        raise ValueError("there is no certificate")
    for url_name, url in member.endpoints.items():
        if url_name not in _ENDPOINTS or not _URL.fullmatch(url):
            raise ValueError("an endpoint is neither `status` nor `service`, or not an http(s) address")
    for change in member.history:
        _require(check_text(change.reason, _MAX_REASON) if change.reason else None)
    times = [change.since for change in member.history]
    if times != sorted(set(times)):
        raise ValueError("the history is not in order of time")
    for grant in member.grants:
        _require_sound_grant(grant)


def _require_sound_grant(grant: Grant) -> None:
    _require(check_type_code(grant.type_code))
    if not grant.areas or (grant.until is not None and grant.until <= grant.since):
        raise ValueError("a grant without areas, or one that ends before it begins")
    for area in grant.areas:
        code = area.ljust(6, "0")
        if area != ANYWHERE and (not area or check_region_code(code) or area_prefix(code) != area):
            raise ValueError("an area is 2, 4 or 6 digits, without the zeros at its end, or *")
    for region in grant.shared_with:
        if region != ANYWHERE:
            _require(check_region_code(region))


def _beyond(member: Member, place: Place) -> str | None:
    """Say what in an entry lies outside what its slice's place allows; None when nothing does."""
    prefix = area_prefix(place.region)
    if member.role is not _ROLE_OF.get(place.usage):
        return f"a {member.role.value} does not stand in a slice of {place.usage.value}"
    if not member.region.startswith(prefix):
        return f"its region {member.region} does not lie in {place.region}"
    if prefix and member.code != place.region and not _belongs(member.code, place.region):
        return "its credit code was given in another region"
    if member.grants and member.role is not Role.ISSUER:
        return "only issuers are granted licence types"
    return _grant_beyond(member, place, prefix)


def _grant_beyond(member: Member, place: Place, prefix: str) -> str | None:
    for grant in member.grants:
        if place.domain not in (COMMON, grant.type_code[:18]):
            return f"licence type {grant.type_code} is not one of {place.domain}"
        for area in grant.areas:
            if prefix and (area == ANYWHERE or not area.startswith(prefix)):
                return f"area {area} does not lie in {place.region}"
    return None


def _belongs(code: str, region: str) -> bool:
    """Tell whether a region may speak for a body: its credit code names a place inside it, or one that it lies in.

    Digits 3 to 8 of a USCC are the GB/T 2260 code of where the body was registered (GB 32100).
    """
    registered = code[2:8]
    return registered.startswith(area_prefix(region)) or region.startswith(area_prefix(registered) or "?")


def _malformed(place: Place, why: object) -> MalformedError:
    return MalformedError(Reason.REGISTRY_MALFORMED, f"{place.path}: {why}")


def _out_of_bounds(place: Place, why: str) -> RejectedError:
    return RejectedError(Reason.REGISTRY_OUT_OF_BOUNDS, f"{place.path}: {why}")

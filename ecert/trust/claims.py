"""Whose key is whose, when every region says so for itself.

A key belongs to one region. Certificates are public, and a region that was taken over could list another's in its
own slices, so a key that two regions claim is given to neither by order or by chance:

1. A claim counts only if the region's own authority issued the certificate.
2. If more than one is left, a copy of the authority's certificate was listed too: the claim counts of the region
   whose code begins the O or CN of the authority's name, which the nation signed.
3. If that does not leave exactly one, nobody has the key.

Every other claimant's region is named in the registry's problems; what else it vouches for stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.trust.members import RegisteredKey, merge
from ecert.x509 import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ecert.trust.members import Member, Region


def keys_of(region: Region) -> dict[bytes, RegisteredKey]:
    """Return the keys a region claims, by key id.

    Raises:
        MalformedError: a certificate cannot be read or has no SM2 key, or two bodies share a key.
    """
    _certificate(region, region.certificate)
    bodies: dict[tuple[str, str], list[Member]] = {}
    for entry in region.members:
        bodies.setdefault((entry.role, entry.code), []).append(entry)
    keys: dict[bytes, RegisteredKey] = {}
    for entries in bodies.values():
        for key in _keys_of_body(region, tuple(entries)):
            if key.public_key.key_id in keys:
                raise _malformed(region, f"two bodies share a key, one of them {key.member.code}")
            keys[key.public_key.key_id] = key
    return keys


def _keys_of_body(region: Region, entries: tuple[Member, ...]) -> Iterable[RegisteredKey]:
    member = merge(entries) if len(entries) > 1 else entries[0]
    certified: dict[bytes, list[Certificate]] = {}
    for der in member.certificates:
        certificate = _certificate(region, der)
        certified.setdefault(certificate.spki, []).append(certificate)
    for certificates in certified.values():
        newest_first = tuple(sorted(certificates, key=lambda one: one.not_before, reverse=True))
        public_key = newest_first[0].public_key
        if public_key is None:
            raise _malformed(region, f"a certificate of {member.code} has no SM2 key")
        yield RegisteredKey(region, member, newest_first, public_key, entries)


def _certificate(region: Region, der: bytes) -> Certificate:
    try:
        return Certificate.from_der(der)
    except MalformedError as error:
        raise _malformed(region, str(error)) from error


def settle(
    claims: Mapping[str, Mapping[bytes, RegisteredKey]],
) -> tuple[dict[bytes, RegisteredKey], dict[str, EcertError]]:
    """Give every key to the one region it belongs to.

    Args:
        claims: Region → the keys it claims.

    Returns:
        Key id → key; and region → why one of its claims did not count.
    """
    claimants: dict[bytes, list[RegisteredKey]] = {}
    for keys in claims.values():
        for key_id, key in keys.items():
            claimants.setdefault(key_id, []).append(key)
    settled: dict[bytes, RegisteredKey] = {}
    problems: dict[str, EcertError] = {}
    for key_id, candidates in claimants.items():
        owner = candidates[0] if len(candidates) == 1 else _owner(candidates)
        if owner is not None:
            settled[key_id] = owner
        for other in candidates:
            if other is not owner:
                problems[other.region.code] = _claimed_twice(key_id, other, candidates)
    return settled, problems


def _owner(candidates: list[RegisteredKey]) -> RegisteredKey | None:
    certified = [key for key in candidates if _is_certified_by_its_region(key)]
    if len(certified) > 1:
        certified = [key for key in certified if _is_named_in_its_authority(key.region)]
    return certified[0] if len(certified) == 1 else None


def _is_certified_by_its_region(key: RegisteredKey) -> bool:
    authority = Certificate.from_der(key.region.certificate)
    if key.certificate.issuer != authority.subject:
        return False
    try:
        key.certificate.verify_issued_by(authority.public_key)
    except RejectedError:
        return False
    return True


def _is_named_in_its_authority(region: Region) -> bool:
    name = Certificate.from_der(region.certificate).subject_text
    return re.search(rf"(?:^|(?<!\\),)(?:O|CN)={re.escape(region.code)}", name) is not None


def _claimed_twice(key_id: bytes, key: RegisteredKey, candidates: list[RegisteredKey]) -> RejectedError:
    others = ", ".join(sorted({one.region.code for one in candidates} - {key.region.code}))
    return RejectedError(
        Reason.REGISTRY_OUT_OF_BOUNDS,
        f"it claims the key {key_id.hex()} of {key.member.code}, which {others} claims too",
    )


def _malformed(region: Region, why: str) -> MalformedError:
    return MalformedError(Reason.REGISTRY_MALFORMED, f"region {region.code}: {why}")

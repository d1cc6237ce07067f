"""The trust registry, built from the public side of a ceremony directory and signed by the national root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert import envelope
from ecert.errors import CustodyError, Reason
from ecert.trust import Member, Region, Role, encode_registry, load_registry
from keys.facts import DepartmentFacts, RegionFacts, SealMakerFacts
from keys.names import KeyName, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from ecert.sm2 import Signer
    from ecert.trust import Registry
    from keys.records import Entry

_ROLES = {Kind.DEPARTMENT: Role.ISSUER, Kind.SEAL_MAKER: Role.SEAL_MAKER}


def build_registry(
    entries: Iterable[Entry],
    signer: Signer,
    *,
    previous: Registry | None,
    at: datetime,
    lifetime: timedelta,
) -> bytes:
    """Sign a registry of everybody in a ceremony directory.

    Old certificates of rotated keys stay in it: what they sealed stays verifiable.

    Args:
        entries: Every certificate of the directory.
        signer: The national root's key.
        previous: The registry this one follows, if any.
        at: Now, UTC.
        lifetime: How long it may be relied on.

    Raises:
        CustodyError: there is no national root, a revocation list ends before the registry does, or the
            signer failed.
    """
    entries = list(entries)
    root = next((entry for entry in entries if entry.name.kind is Kind.NATIONAL_ROOT), None)
    if root is None:
        raise CustodyError(Reason.KEY_NOT_FOUND, "there is no national root: run init-national first")
    payload = encode_registry(
        version=previous.version + 1 if previous else 1,
        issued_at=at,
        fresh_until=at + lifetime,
        regions=[_region(entry, entries) for entry in entries if entry.name.kind is Kind.REGION],
        crls=[_crl(entry, at + lifetime) for entry in entries if entry.crl is not None],
    )
    data = envelope.seal(envelope.Kind.REGISTRY, payload, signer).encode()
    load_registry(data, root.certificate)
    return data


def _crl(entry: Entry, until: datetime) -> bytes:
    if entry.crl is None or entry.crl.next_update is None or entry.crl.next_update < until:
        raise CustodyError(
            Reason.CRL_STALE, f"the revocation list of {entry.name} ends before the registry: run sign-crl {entry.name}"
        )
    return entry.crl.der


def _region(region: Entry, entries: list[Entry]) -> Region:
    code, facts = region.name.code, region.facts
    if not isinstance(facts, RegionFacts):
        raise CustodyError(Reason.KEY_NOT_FOUND, f"the facts of {region.name} are missing")
    status = Member(
        role=Role.STATUS,
        code=code,
        name=facts.name,
        name_en=facts.name_en,
        types=(),
        areas=(),
        certificates=_certificates(KeyName(Kind.STATUS, code), entries),
    )
    return Region(code, facts.name, facts.name_en, region.certificate.der, (status, *_members(code, entries)))


def _certificates(name: KeyName, entries: list[Entry]) -> tuple[bytes, ...]:
    """Return the certificate in use and those it replaced."""
    return tuple(entry.certificate.der for entry in entries if entry.name.current == name)


def _members(region: str, entries: list[Entry]) -> Iterable[Member]:
    """Return each department and seal maker of a region once."""
    for entry in entries:
        facts = entry.facts
        if entry.name.serial is None and isinstance(facts, SealMakerFacts) and facts.region == region:
            yield Member(
                role=_ROLES[entry.name.kind],
                code=facts.code,
                name=facts.name,
                name_en=facts.name_en,
                types=facts.types if isinstance(facts, DepartmentFacts) else (),
                areas=facts.areas if isinstance(facts, DepartmentFacts) else (),
                certificates=_certificates(entry.name, entries),
            )

"""A small country for tests: a root, two regions, departments, a clock that moves, all keys in memory."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecert import envelope
from ecert.issuance import SealedLicence, issue
from ecert.licence.application import Application, parse_application
from ecert.licence.reference import StatusRef
from ecert.licence.types import find_type, load_catalogue
from ecert.revocation import Snapshot, StatusEvent, StatusList, StatusView, encode_snapshot, load_snapshot
from ecert.sm2 import PrivateKey
from ecert.trust import Member, Region, Registry, Role, encode_registry, load_registry
from ecert.verification import Verdict, assess
from ecert.x509 import Certificate, Name, Profile, Revocation, build_certificate, build_crl
from tests.core.ledgers import MemoryLedger

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HOST = "ZZ.EXAMPLE"
DATA = Path(__file__).parents[1] / "scripts" / "demo-data"
SHARED = Path(__file__).parents[2] / "shared"

ISSUER = "11440000DEMG100223"
OTHER = "11310000DEMH10023M"
NARROW = "11440000DEMG100148"


def demo_application(slug: str, row: int = 0) -> Application:
    return parse_application(json.loads((DATA / f"{slug}.json").read_text("utf-8"))[row])


@dataclass
class World:
    """Who exists; what is signed is made anew on demand, from what was done so far."""

    now: datetime = START
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    revoked: dict[str, list[Revocation]] = field(default_factory=lambda: {"root": [], "440000": [], "310000": []})
    events: dict[tuple[bytes, int], dict[int, list[StatusEvent]]] = field(default_factory=dict)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    version: int = 0

    def __post_init__(self) -> None:
        self.certify("root", Profile.ROOT, None)
        for region in ("440000", "310000"):
            self.certify(region, Profile.REGION, "root")
            self.certify(f"status-{region}", Profile.STATUS, region)
        self.certify(ISSUER, Profile.DEPARTMENT, "440000")
        self.certify(NARROW, Profile.DEPARTMENT, "440000")
        self.certify(OTHER, Profile.DEPARTMENT, "310000")

    def clock(self) -> datetime:
        return self.now

    def certify(self, name: str, profile: Profile, issuer: str | None) -> None:
        self.keys[name] = PrivateKey.generate()
        self.certificates[name] = build_certificate(
            profile=profile,
            subject=Name(name),
            public_key=self.keys[name].public_key,
            serial=len(self.certificates) + 1,
            not_before=START - timedelta(days=365),
            not_after=START + timedelta(days=3650),
            signer=self.keys[issuer or name],
            issuer=self.certificates[issuer] if issuer else None,
        )

    def _member(self, role: Role, name: str, types: tuple[str, ...] = (), areas: tuple[str, ...] = ()) -> Member:
        return Member(role, name, f"样例机构{name}", f"Sample {name}", types, areas, (self.certificates[name].der,))

    def registry_bytes(self, **changes: Any) -> bytes:
        self.version += 1
        everything = tuple(load_catalogue())
        members = {
            "440000": (
                self._member(Role.STATUS, "status-440000"),
                self._member(Role.ISSUER, ISSUER, everything, ("44",)),
                self._member(Role.ISSUER, NARROW, (find_type("resident-identity-card").code,), ("44",)),
            ),
            "310000": (
                self._member(Role.STATUS, "status-310000"),
                self._member(Role.ISSUER, OTHER, everything, ("31",)),
            ),
        }
        crls = [
            build_crl(
                issuer=self.certificates[name],
                signer=self.keys[name],
                number=self.version,
                this_update=self.now - timedelta(hours=1),
                next_update=self.now + timedelta(days=30),
                revoked=entries,
            ).der
            for name, entries in self.revoked.items()
        ]
        content: dict[str, Any] = {
            "version": self.version,
            "issued_at": self.now,
            "fresh_until": self.now + timedelta(days=7),
            "regions": [
                Region(code, f"地区{code}", f"Region {code}", self.certificates[code].der, members[code])
                for code in members
            ],
            "crls": crls,
        }
        return envelope.seal(envelope.Kind.REGISTRY, encode_registry(**content | changes), self.keys["root"]).encode()

    def registry(self, **changes: Any) -> Registry:
        return load_registry(self.registry_bytes(**changes), self.certificates["root"])

    def status_bytes(self, region: str, signer: str | None = None, **changes: Any) -> bytes:
        issuers = [name for name in (ISSUER, NARROW, OTHER) if (name == OTHER) == (region == "310000")]
        lists = {}
        for name in issuers:
            key = (self.keys[name].public_key.key_id, 0)
            entries = {index: tuple(events) for index, events in self.events.get(key, {}).items()}
            lists[key] = StatusList(StatusRef.CAPACITY, entries)
        content: dict[str, Any] = {
            "region": region,
            "sequence": 1,
            "issued_at": self.now,
            "fresh_until": self.now + timedelta(days=7),
            "lists": lists,
        }
        payload = encode_snapshot(Snapshot(**content | changes))
        return envelope.seal(envelope.Kind.STATUS, payload, self.keys[signer or f"status-{region}"]).encode()

    def status(self, registry: Registry) -> StatusView:
        return StatusView({r: load_snapshot(self.status_bytes(r), registry) for r in ("440000", "310000")})

    def decide(self, licence: SealedLicence, event: StatusEvent) -> None:
        intent = self.ledger.find(licence.identifier).intent
        entries = self.events.setdefault((intent.key_id, intent.status.number), {})
        entries.setdefault(intent.status.index, []).append(event)

    def issue(self, application: Application | None = None, by: str = ISSUER) -> SealedLicence:
        application = application or demo_application("business-licence")
        key = self.registry().find(self.keys[by].public_key.key_id)
        assert key is not None
        return issue(
            application,
            find_type(application.type_code),
            key,
            signer=self.keys[by],
            ledger=self.ledger,
            now=self.clock,
            entropy=secrets.token_bytes,
        )

    def assess(self, sealed: bytes | str, *, registry: Registry | None = None, at: datetime | None = None) -> Verdict:
        registry = registry or self.registry()
        return assess(sealed, registry=registry, status=self.status(registry), at=at or self.now)

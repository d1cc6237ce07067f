"""A small country for tests: a root, two regions, departments, a clock that moves, all keys in memory."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecert.issuance import SealedLicence, issue
from ecert.licence.application import Application, parse_application
from ecert.licence.reference import StatusRef
from ecert.licence.types import find_type, load_catalogue
from ecert.revocation import (
    PAGE_SIZE,
    Flag,
    ListChange,
    Mark,
    RegionStatus,
    StatusEvent,
    StatusPage,
    StatusView,
    load_delta,
    load_page,
    seal_delta,
    seal_page,
    state_at,
)
from ecert.sm2 import PrivateKey
from ecert.trust import EntryState, Grant, Member, Registry, Role, StateChange
from ecert.verification import Verdict, assess, assess_many
from ecert.x509 import Certificate, Name, Profile, Revocation, build_certificate, build_crl
from tests.core.ledgers import MemoryLedger
from tests.trust.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
BIRTH = START - timedelta(days=365)
HOST = "ZZ.EXAMPLE"
DATA = Path(__file__).parents[1] / "scripts" / "demo-data"
SHARED = Path(__file__).parents[2] / "shared"

ISSUER = "11440000DEMG100223"
OTHER = "11310000DEMH10023M"
NARROW = "11440000DEMG100148"
TSAS = {"tsa-440000": "12440000DEMG90018F", "tsa-310000": "12310000DEMH900192"}
MAKERS = {"maker-440000": "91440000DEMG90019D", "maker-310000": "91310000DEMH900202"}
REGIONS = {"440000": (ISSUER, NARROW), "310000": (OTHER,)}


def demo_application(slug: str, row: int = 0) -> Application:
    return parse_application(json.loads((DATA / f"{slug}.json").read_text("utf-8"))[row])


@dataclass
class World:
    """Who exists; what is signed is made anew on demand, from what was done so far."""

    now: datetime = START
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    revoked: dict[str, list[Revocation]] = field(default_factory=lambda: {"root": [], "440000": [], "310000": []})
    events: dict[tuple[bytes, StatusRef], list[StatusEvent]] = field(default_factory=dict)
    flags: dict[tuple[bytes, StatusRef], Flag] = field(default_factory=dict)
    history: dict[str, tuple[StateChange, ...]] = field(default_factory=dict)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)

    def __post_init__(self) -> None:
        self.certify("root", Profile.ROOT, None)
        for region, issuers in REGIONS.items():
            self.certify(region, Profile.REGION, "root")
            self.certify(f"status-{region}", Profile.STATUS, region)
            self.certify(f"tsa-{region}", Profile.TSA, region)
            self.certify(f"maker-{region}", Profile.SEAL_MAKER, region)
            for issuer in issuers:
                self.certify(issuer, Profile.DEPARTMENT, region)
        day = timedelta(days=1)
        lifetimes = {
            "root": 3650 * day,
            "targets": 90 * day,
            "snapshot": 7 * day,
            "timestamp": 7 * day,
            "region": 30 * day,
        }
        self.repository = Repository(self.now, lifetimes=lifetimes)

    def clock(self) -> datetime:
        return self.now

    def certify(self, name: str, profile: Profile, issuer: str | None) -> None:
        self.keys[name] = PrivateKey.generate()
        self.certificates[name] = build_certificate(
            profile=profile,
            subject=Name(name),
            public_key=self.keys[name].public_key,
            serial=len(self.certificates) + 1,
            not_before=BIRTH,
            not_after=START + timedelta(days=3650),
            signer=self.keys[issuer or name],
            issuer=self.certificates[issuer] if issuer else None,
        )

    def _crl(self, name: str) -> bytes:
        return build_crl(
            issuer=self.certificates[name],
            signer=self.keys[name],
            number=len(self.revoked[name]) + 1,
            this_update=self.now - timedelta(hours=1),
            next_update=self.now + timedelta(days=60),
            revoked=self.revoked[name],
        ).der

    def _member(self, role: Role, name: str, types: Sequence[str] = (), areas: tuple[str, ...] = ()) -> Member:
        grants = tuple(Grant(code, areas, ("*",), BIRTH) for code in types)
        history = self.history.get(name, (StateChange(EntryState.ACTIVE, BIRTH),))
        code = (TSAS | MAKERS).get(name, name.removeprefix("status-"))
        return Member(role, code, f"样例机构{code}", f"Sample {code}", (self.certificates[name].der,), grants, history)

    def _fill(self) -> None:
        repository, everything = self.repository, tuple(load_catalogue())
        repository.now = self.now
        repository.roles.clear()
        repository.members.clear()
        repository.set_nation(self.certificates["root"].der, self._crl("root"))
        for region in REGIONS:
            repository.add_region(region, self.certificates[region].der, self._crl(region))
            repository.add_member(region, self._member(Role.STATUS, f"status-{region}"))
            repository.add_member(region, self._member(Role.TSA, f"tsa-{region}"))
            repository.add_member(region, self._member(Role.SEAL_MAKER, f"maker-{region}"))
        identity_card = find_type("resident-identity-card").code
        repository.add_member("440000", self._member(Role.ISSUER, ISSUER, everything, ("44",)))
        repository.add_member("440000", self._member(Role.ISSUER, NARROW, (identity_card,), ("44",)))
        repository.add_member("310000", self._member(Role.ISSUER, OTHER, everything, ("31",)))

    def registry(self, lifetime: timedelta = timedelta(days=7)) -> Registry:
        """Publish everybody and load it as a window does; the national part is good for `lifetime`."""
        self._fill()
        self.repository.lifetimes |= {"timestamp": lifetime, "snapshot": lifetime}
        self.repository.publish()
        return self.repository.load()

    def status_bytes(self, region: str, signer: str | None = None, lifetime: timedelta = timedelta(days=7)) -> bytes:
        """Seal everything decided so far as the one first delta of a region."""
        changes = []
        for name in REGIONS[region]:
            key_id = self.keys[name].public_key.key_id
            references = {ref for key, ref in (*self.events, *self.flags) if key == key_id}
            marks = {ref.index: self._mark(key_id, ref) for ref in references}
            changes.append(ListChange(key_id, 0, StatusRef.CAPACITY, {i: byte for i, byte in marks.items() if byte}))
        return seal_delta(
            RegionStatus.beginning(region),
            changes,
            issued_at=self.now,
            fresh_until=self.now + lifetime,
            signer=self.keys[signer or f"status-{region}"],
        )

    def _mark(self, key_id: bytes, reference: StatusRef) -> int:
        begun = [event for event in self.events.get((key_id, reference), ()) if event.since <= self.now]
        flags = self.flags.get((key_id, reference), Flag(0))
        return Mark(state_at(begun, self.now)[0], flags).pack() if begun or flags else 0

    def page_bytes(self, region: str) -> list[bytes]:
        """Seal the details of everything decided so far."""
        pages: dict[tuple[bytes, int], dict[int, tuple[StatusEvent, ...]]] = {}
        for (key_id, reference), events in self.events.items():
            pages.setdefault((key_id, reference.index // PAGE_SIZE), {})[reference.index] = tuple(events)
        return [
            seal_page(StatusPage(region, key_id, 0, page, 1, self.now, events), self.keys[f"status-{region}"])
            for (key_id, page), events in pages.items()
            if any(self.keys[name].public_key.key_id == key_id for name in REGIONS[region])
        ]

    def status(self, registry: Registry, *, pages: bool = True, lifetime: timedelta = timedelta(days=7)) -> StatusView:
        view = StatusView()
        for region in REGIONS:
            data = self.status_bytes(region, lifetime=lifetime)
            view = view.replaced(load_delta(data, registry, None, now=self.now))
            for page in self.page_bytes(region) if pages else ():
                view = view.with_page(load_page(page, registry, now=self.now))
        return view

    def decide(self, licence: SealedLicence, event: StatusEvent) -> None:
        intent = self.ledger.find(licence.identifier).intent
        self.events.setdefault((intent.key_id, intent.status), []).append(event)

    def flag(self, licence: SealedLicence, flag: Flag) -> None:
        intent = self.ledger.find(licence.identifier).intent
        self.flags[intent.key_id, intent.status] = flag

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

    def assess(self, sealed: bytes | str, **changes: Any) -> Verdict:
        registry = changes.pop("registry", None) or self.registry()
        given: dict[str, Any] = {"status": self.status(registry), "at": self.now}
        return assessed(sealed, registry=registry, **given | changes)


WATCHERS: list[Callable[[bytes | str, dict[str, Any], Verdict], None]] = []
"""Told of every licence that is assessed: what another verifier has to agree with."""


def assessed(sealed: bytes | str, **given: Any) -> Verdict:
    """Assess one licence by itself and among others; where no evidence is asked for, both must say the same."""
    verdict = assess(sealed, **given)
    for watch in WATCHERS:
        watch(sealed, given, verdict)
    if "evidence" not in given:
        assert assess_many([b"", sealed, "another", sealed], **given)[1::2] == [verdict, verdict]
    return verdict

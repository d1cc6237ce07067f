"""A province that publishes into a folder: its registry, its status chain, its pages; and a department that issues.

Everything is signed with real keys and the real clock, and written as a publisher writes it, each file whole.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ecert import envelope
from ecert.cli.files import write_atomic
from ecert.issuance import SealedLicence, issue
from ecert.licence.application import parse_application
from ecert.licence.record import MAX_RECORD
from ecert.licence.reference import StatusRef
from ecert.licence.types import find_type, load_catalogue
from ecert.revocation import (
    PAGE_SIZE,
    IssuedHead,
    IssuedProof,
    ListChange,
    Mark,
    ReasonCode,
    RegionStatus,
    State,
    StatusEvent,
    StatusPage,
    leaf_hash,
    load_delta,
    seal_delta,
    seal_head,
    seal_page,
    seal_snapshot,
)
from ecert.revocation.issued import NO_HEAD
from ecert.sm2 import PrivateKey, sm3
from ecert.trust import EntryState, Grant, Member, Registry, Role, StateChange
from ecert.trust.metadata import export_files
from ecert.x509 import Certificate, CrlReason, Name, Profile, Revocation, build_certificate, build_crl
from tests.core.ledgers import MemoryLedger
from tests.trust.repository import Repository

if TYPE_CHECKING:
    from ecert.licence_file import FileMaker

DATA = Path(__file__).parents[2] / "scripts" / "demo-data"
REGION = "440000"
DEPARTMENT = "11440000DEMG100223"
DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class Province:
    """Guangdong, its department, its published folder."""

    folder: Path
    lifetime: timedelta = DAY
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    events: dict[StatusRef, list[StatusEvent]] = field(default_factory=dict)
    status: RegionStatus = field(default_factory=lambda: RegionStatus.beginning(REGION))
    deltas: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._certify("root", Profile.ROOT, "root")
        self._certify(REGION, Profile.REGION, "root")
        self._certify("status", Profile.STATUS, REGION)
        self._certify("department", Profile.DEPARTMENT, REGION)
        self.repository = Repository(now())
        self.repository.set_nation(self.certificates["root"].der, self._crl("root"))
        self.repository.add_region(
            REGION, self.certificates[REGION].der, self._crl(REGION), name="广东省", name_en="Guangdong"
        )
        since = now() - 300 * DAY
        active = (StateChange(EntryState.ACTIVE, since, ""),)
        grants = tuple(Grant(code, ("44",), ("*",), since) for code in load_catalogue())
        for role, code, name, name_en, key, granted in (
            (Role.ISSUER, DEPARTMENT, "样例市场监督管理局", "Sample Market Regulator", "department", grants),
            (Role.STATUS, REGION, "广东省状态发布", "Guangdong status", "status", ()),
        ):
            self.repository.add_member(
                REGION, Member(role, code, name, name_en, (self.certificates[key].der,), granted, active)
            )
        self.publish_registry()
        self.advance()
        self.publish_snapshot()

    @property
    def key_id(self) -> bytes:
        return self.keys["department"].public_key.key_id

    @property
    def registry(self) -> Registry:
        return self.repository.load()

    @property
    def root(self) -> bytes:
        return self.repository.root

    @property
    def export(self) -> bytes:
        return export_files(self.repository.files)

    def _certify(self, name: str, profile: Profile, issuer: str) -> None:
        self.keys[name] = PrivateKey.generate()
        self.certificates[name] = build_certificate(
            profile=profile,
            subject=Name(name),
            public_key=self.keys[name].public_key,
            serial=len(self.keys),
            not_before=now() - 365 * DAY,
            not_after=now() + 3650 * DAY,
            signer=self.keys[issuer],
            issuer=self.certificates.get(issuer),
        )

    def _crl(self, authority: str, *revoked: Revocation) -> bytes:
        return build_crl(
            issuer=self.certificates[authority],
            signer=self.keys[authority],
            number=1 + len(revoked),
            this_update=now() - timedelta(hours=1),
            next_update=now() + 30 * DAY,
            revoked=revoked,
        ).der

    def _write(self, path: str, data: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, data)

    # The registry

    def publish_registry(self) -> None:
        self.repository.now = now()
        self.repository.publish()
        for path, data in self.repository.published.items():
            if not (self.folder / "registry" / path).exists() or path == "metadata/timestamp.json":
                self._write(f"registry/{path}", data)

    def add_silent_region(self, code: str) -> None:
        """Register a region that has a status key and publishes nothing."""
        self._certify(code, Profile.REGION, "root")
        self._certify(f"status-{code}", Profile.STATUS, code)
        self.repository.add_region(code, self.certificates[code].der, self._crl(code))
        certificate = self.certificates[f"status-{code}"].der
        history = (StateChange(EntryState.ACTIVE, now() - 300 * DAY, ""),)
        self.repository.add_member(code, Member(Role.STATUS, code, code, code, (certificate,), (), history))
        self.publish_registry()

    def lose_key(self, at: datetime) -> None:
        """Revoke the department's certificate as of a theft of its key."""
        stolen = Revocation(self.certificates["department"].serial, at, CrlReason.KEY_COMPROMISE)
        self.repository.set_crl(REGION, self._crl(REGION, stolen))
        self.publish_registry()

    # Licences

    def issue(
        self,
        row: int = 0,
        slug: str = "business-licence",
        holder: str | None = None,
        files: FileMaker | None = None,
    ) -> SealedLicence:
        """Issue a licence of the demo's; to a `holder` of another name if one is given, with a file by `files`."""
        asked = json.loads((DATA / f"{slug}.json").read_text("utf-8"))[row]
        if holder is not None:
            asked["certificateHolderName"] = holder
        application = parse_application(asked)
        key = self.registry.find(self.key_id)
        assert key is not None
        return issue(
            application,
            find_type(application.type_code),
            key,
            signer=self.keys["department"],
            ledger=self.ledger,
            now=now,
            entropy=secrets.token_bytes,
            files=files,
        )

    def reference(self, licence: SealedLicence) -> StatusRef:
        return self.ledger.find(licence.identifier).intent.status

    def publish_proof(self, licence: SealedLicence) -> None:
        """Publish that this licence, alone, has been issued by now."""
        digests = [sm3(envelope.decode(data, limit=MAX_RECORD).payload) for data in (licence.record, licence.face)]
        leaf = leaf_hash(self.key_id, *digests)
        head = seal_head(IssuedHead(REGION, 1, 1, leaf, NO_HEAD, now()), self.keys["status"])
        self._write(f"status/{REGION}/issued/proofs/{digests[0].hex()}", IssuedProof(head, 0, (), *digests).encode())

    # Status

    def decide(self, licence: SealedLicence, state: State, *, reason: str = "") -> int:
        """Decide about a licence and publish it at once; return the sequence number."""
        reference = self.reference(licence)
        event = StatusEvent(state, now(), now(), reason_code=ReasonCode.UNLAWFUL_ACT, reason=reason)
        self.events.setdefault(reference, []).append(event)
        return self.advance({reference.index: Mark(state).pack()})

    def advance(self, marks: dict[int, int] | None = None) -> int:
        """Publish the next delta; return its sequence number."""
        return self.publish_delta(self.next_delta(marks))

    def next_delta(
        self, marks: dict[int, int] | None = None, *, after: RegionStatus | None = None, at: datetime | None = None
    ) -> bytes:
        """Sign the delta that follows `after`, or the last one published."""
        after, at = after or self.status, at or now()
        change = ListChange(self.key_id, 0, StatusRef.CAPACITY, marks or {})
        changes = [change] if marks or not after.lists else []
        signer = self.keys["status"]
        return seal_delta(after, changes, issued_at=at, fresh_until=at + self.lifetime, signer=signer)

    def publish_delta(self, data: bytes) -> int:
        self.status = load_delta(data, self.registry, self.status, now=now())
        self.deltas.append(data)
        self._write(f"status/{REGION}/deltas/{self.status.sequence}.bin", data)
        self._write_head()
        return self.status.sequence

    def publish_snapshot(self) -> None:
        self.snapshot = seal_snapshot(self.status, self.keys["status"])
        self.base = self.status.sequence
        self._write(f"status/{REGION}/snapshot.bin", self.snapshot)
        self._write_head()

    def _write_head(self) -> None:
        head = {"sequence": self.status.sequence, "snapshot": getattr(self, "base", 0)}
        self._write(f"status/{REGION}/head.json", json.dumps(head).encode())

    def publish_pages(self) -> None:
        """Publish the details of everything decided so far."""
        for page in {reference.index // PAGE_SIZE for reference in self.events}:
            events = {r.index: tuple(found) for r, found in self.events.items() if r.index // PAGE_SIZE == page}
            sealed = seal_page(
                StatusPage(REGION, self.key_id, 0, page, self.status.sequence, now(), events), self.keys["status"]
            )
            self._write(f"status/{REGION}/pages/{self.key_id.hex()}-0/{page}.bin", sealed)

"""Two provinces that publish into one folder, each with a department, a status key and a ledger."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.decisions import make_decision
from api.folder import StatusFolder
from api.ledger import SqlLedger
from api.publishing import Publisher
from ecert.cli.published import load_published
from ecert.issuance import issue
from ecert.licence.application import parse_application
from ecert.licence.types import find_type, load_catalogue
from ecert.revocation import State, load_delta, load_snapshot
from ecert.sm2 import Vault
from ecert.trust import Grant
from tests.trust.country import BIRTH, ISSUERS, Country
from tests.trust.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.issuance import SealedLicence
    from ecert.licence.identifier import Identifier
    from ecert.ports import Parent
    from ecert.revocation import Mark, RegionStatus
    from ecert.sm2 import PrivateKey
    from ecert.trust import Registry
    from tests.postgres import Server

GUANGDONG, SHANGHAI = "440000", "310000"
AREAS = {GUANGDONG: "44", SHANGHAI: "31"}
WEEK = timedelta(days=7)
VAULT = Vault({1: b"v" * 16}, 1, b"i" * 32)
"""What ledgers in PostgreSQL are encrypted with; those in files have a key beside them."""
DEMO = Path(__file__).parents[2] / "scripts" / "demo-data"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class Provinces:
    """Everything lies below `folder`: `published/`, and one ledger for each province."""

    folder: Path
    now: datetime = field(default_factory=now)
    server: Server | None = None

    def __post_init__(self) -> None:
        self._ledgers: dict[str, str] = {}
        self.country = Country(self.now)
        self.repository = Repository(self.now)
        self.repository.set_nation(self.country.certificates["root"].der, self.country.crl("root"))
        for code, area in AREAS.items():
            self.repository.add_region(code, self.country.certificates[code].der, self.country.crl(code))
            grants = [Grant(type_code, (area,), ("*",), BIRTH) for type_code in load_catalogue()]
            self.repository.add_member(code, self.country.issuer(code, *grants))
            self.repository.add_member(code, self.country.status_signer(code))
        self.put_out_registry()

    @property
    def published(self) -> Path:
        return self.folder / "published"

    def put_out_registry(self) -> None:
        self.repository.publish()
        for path, data in self.repository.published.items():
            file = self.published / "registry" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    @property
    def registry(self) -> Registry:
        return load_published(self.published)

    def ledger(self, region: str = GUANGDONG) -> str:
        """Where the ledger is: a file, or a database in PostgreSQL."""
        if region not in self._ledgers:
            file = str(self.folder / f"ledger-{region}.db")
            self._ledgers[region] = self.server.new(f"ledger-{region}") if self.server else file
        return self._ledgers[region]

    def back_up(self) -> None:
        """Keep Guangdong's ledger as it is now."""
        if self.server:
            self.server.copy(f"ledger-{GUANGDONG}", "backup")
        else:
            shutil.copy(self.ledger(), self.folder / "backup.db")

    def restore(self) -> None:
        """Put what was kept in the place of Guangdong's ledger."""
        self.lose()
        if self.server:
            self.server.copy("backup", f"ledger-{GUANGDONG}")
        else:
            shutil.copy(self.folder / "backup.db", self.ledger())

    def lose(self) -> None:
        """Begin Guangdong's ledger anew."""
        if self.server:
            self.server.new(f"ledger-{GUANGDONG}")
        else:
            for suffix in ("", "-wal", "-shm"):
                Path(self.ledger() + suffix).unlink(missing_ok=True)

    def status_key(self, region: str = GUANGDONG) -> PrivateKey:
        return self.country.keys[f"status-{region}"]

    def applied(self, slug: str, region: str) -> dict[str, Any]:
        """Return an application of somebody of a region, in JSON."""
        rows = json.loads((DEMO / f"{slug}.json").read_text("utf-8"))
        return next(row for row in rows if row["certificateAreaCode"].startswith(AREAS[region]))

    def issue(
        self,
        slug: str = "business-licence",
        region: str = GUANGDONG,
        parents: tuple[Identifier, ...] = (),
        foreign: Mapping[Identifier, Parent] | None = None,
    ) -> SealedLicence:
        application = replace(parse_application(self.applied(slug, region)), parents=parents)
        signer = self.country.keys[ISSUERS[region]]
        key = self.registry.find(signer.public_key.key_id)
        assert key is not None
        with SqlLedger(self.ledger(region), vault=VAULT if self.server else None) as book:
            return issue(
                application,
                find_type(slug),
                key,
                signer=signer,
                ledger=book,
                now=lambda: self.now,
                entropy=secrets.token_bytes,
                foreign=foreign or {},
            )

    def decide(self, licence: SealedLicence, state: State, region: str = GUANGDONG, **times: datetime) -> None:
        since, until = times.get("since"), times.get("until")
        decision = make_decision(licence.identifier, state, now=self.now, reason="样例", since=since, until=until)
        with SqlLedger(self.ledger(region)) as book:
            book.decide(decision)

    def publisher(self, book: SqlLedger, region: str = GUANGDONG) -> Publisher:
        publisher = Publisher(book, self.registry, self.status_key(region), self.published, lifetime=WEEK)
        publisher.resume(self.now)
        return publisher

    def publish(self, region: str = GUANGDONG) -> int:
        """Publish once, as a process that starts and ends; return the sequence number."""
        with SqlLedger(self.ledger(region)) as book:
            published = self.publisher(book, region).publish(self.now)
        assert published is not None
        return published.sequence

    def window(self, region: str = GUANGDONG) -> RegionStatus:
        """Return what a window makes of the published folder."""
        loaded = StatusFolder(self.published, region).load(self.registry, now=self.now)
        assert loaded is not None
        return loaded[1]

    def chain(self, region: str = GUANGDONG) -> RegionStatus:
        """Return what a window makes of all deltas from the first, without any snapshot."""
        folder = StatusFolder(self.published, region)
        status, sequence = None, 1
        while (data := folder.read_delta(sequence)) is not None:
            status = load_delta(data, self.registry, status, now=self.now)
            sequence += 1
        assert status is not None
        snapshot = load_snapshot(folder.snapshot.read_bytes(), self.registry, now=self.now)
        assert snapshot.sequence <= status.sequence
        return status

    def mark(self, licence: SealedLicence, region: str = GUANGDONG) -> Mark:
        with SqlLedger(self.ledger(region)) as book:
            intent = book.issued(licence.identifier)
        return self.window(region).mark(intent.key_id, intent.status)

"""How long a revocation takes from the ledger to a verdict at both windows: real processes, real signatures."""

from __future__ import annotations

import contextlib
import io
import secrets
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench_figures import figure
from demo_commands import run
from demo_network import Network

from api.ledger import SqlLedger
from ecert.cli.published import load_published
from ecert.issuance import SealedLicence, issue
from ecert.licence.types import find_type
from ecert.ports import Decision
from ecert.revocation import ReasonCode, State
from keys.signer import load_signer
from tests.world import HOST, demo_application

REGION = "440000"
DEPARTMENT = "11440000DEMG100223"
GOAL_SECONDS = 2.0


def propagation(revocations: int) -> list[dict[str, Any]]:
    """Revoke that many licences one after the other; return the figures of the slower window each time."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        with contextlib.redirect_stdout(io.StringIO()):
            place.prepare()
        licences = place.issue(revocations)
        with place.network() as network, SqlLedger(place.ledger) as ledger:
            seconds = sorted(revoke(network, ledger, licence) for licence in licences)
            cache = network.cache
    p99 = seconds[min(len(seconds) - 1, round(len(seconds) * 0.99))]
    against = f"the goal of {GOAL_SECONDS:.0f} s, {cache} cache"
    return [
        figure("propagation_p50_ms", statistics.median(seconds) * 1000, "ms", against, GOAL_SECONDS * 1000),
        figure("propagation_p99_ms", p99 * 1000, "ms", against, GOAL_SECONDS * 1000),
        figure("propagation_worst_ms", seconds[-1] * 1000, "ms", against, GOAL_SECONDS * 1000),
    ]


def revoke(network: Network, ledger: SqlLedger, licence: SealedLicence) -> float:
    """Record a revocation; return the seconds until both windows say so."""
    now = datetime.now(UTC).replace(microsecond=0)
    decision = Decision(
        identifier=licence.identifier,
        state=State.REVOKED.value,
        since=now,
        until=None,
        reason_code=ReasonCode.UNLAWFUL_ACT.value,
        reason="样例",
        legal_basis="",
        document="",
        decided_at=now,
    )
    began = time.monotonic()
    ledger.decide(decision)
    return max(network.seconds_until(licence.text(HOST), "revoked", began))


class Place:
    """One region with one department, made by its command lines in a folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folders."""
        self.folder = folder
        self.home = folder / "keys"
        self.published = folder / "published"
        self.passphrase = folder / "passphrase"
        self.ledger = folder / "ledger.db"
        self.windows = [folder / "window-1", folder / "window-2"]

    def key(self, name: str) -> str:
        """Return a key's signing URI."""
        return f"file:{self.home / name}.key.pem"

    def prepare(self) -> None:
        """Hold the ceremony, publish, and set the windows up."""
        self.passphrase.write_text(secrets.token_urlsafe(24), "ascii")
        common = ("--home", self.home, "--passphrase-file", self.passphrase)
        out = ("--out", self.published)
        named = ("--name", "广东省", "--name-en", "Guangdong")
        body = ("--region", REGION, "--code", DEPARTMENT)
        code = find_type("business-licence").code
        run("keys", "init-national", "--name", "样例根", *common)
        run("keys", "registry", "init", *out, *common)
        run("keys", "init-region", "--region", REGION, *named, *common)
        run("keys", "issue-department", *body, "--name", "样例局", "--name-en", "Sample", "--type", code, *common)
        run("keys", "registry", "add-region", "--region", REGION, *out, *common)
        run("keys", "registry", "add-issuer", *body, *out, *common)
        run("keys", "registry", "sign", *out, *common)
        signing = ("--signer", self.key(f"status-{REGION}"), "--passphrase-file", self.passphrase)
        run("api", "publish", *signing, "--ledger", self.ledger, "--bundle", self.published)
        for window in self.windows:
            run("verifier", "pin", self.published / "registry" / "metadata" / "1.root.json", "--bundle", window)
            run("verifier", "update", self.published, "--bundle", window)

    def issue(self, count: int) -> list[SealedLicence]:
        """Issue business licences."""
        signer = load_signer(self.key(f"department-{DEPARTMENT}"), passphrase=self.passphrase.read_bytes)
        issuer = load_published(self.published).find(signer.public_key.key_id)
        assert issuer is not None  # noqa: S101  (it was registered above)
        application = demo_application("business-licence")
        definition = find_type(application.type_code)
        with SqlLedger(self.ledger) as ledger:
            return [
                issue(
                    replace(application, number=f"{number:015d}"),
                    definition,
                    issuer,
                    signer=signer,
                    ledger=ledger,
                    now=lambda: datetime.now(UTC),
                    entropy=secrets.token_bytes,
                )
                for number in range(count)
            ]

    def network(self) -> Network:
        """Return the processes, not started yet."""
        return Network(
            published=self.published,
            ledgers={REGION: self.ledger},
            signers={REGION: self.key(f"status-{REGION}")},
            passphrase=self.passphrase,
            windows=self.windows,
            logs=self.folder / "logs",
        )

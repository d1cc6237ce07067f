"""The restore drill. `scripts/restore_drill` sets up and calls this; every step is a command that a user has."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from demo_commands import FailedError, run
from demo_country import DEPARTMENTS, REGIONS
from restore_databases import Postgresql, Sqlite, server

from ecert.cli.entry import now
from ecert.licence.types import find_type
from ecert.report import timestamp

if TYPE_CHECKING:
    from restore_databases import Database

ROOT = Path(__file__).parents[1]
REGION, DEPARTMENT, TYPE = "440000", DEPARTMENTS[0], "business-licence"
DATA = Path(__file__).parent / "demo-data" / f"{TYPE}.json"
KINDS = ("sqlite", "postgresql")
PATIENCE = 300.0


@dataclass
class Office:
    """A region's department and publisher, and a window, in one folder."""

    folder: Path

    def __post_init__(self) -> None:
        """Name the folders; hold the ceremony."""
        self.home, self.published = self.folder / "pki", self.folder / "published"
        self.passphrase, self.window = self.folder / "passphrase", self.folder / "window"
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text(secrets.token_urlsafe(24) + "\n", "ascii")
        common = ("--home", self.home, "--passphrase-file", self.passphrase)
        out = ("--out", self.published)
        name, name_en = REGIONS[REGION]
        run("keys", "init-national", "--name", "国家电子证照样例根", *common)
        run("keys", "registry", "init", *out, *common)
        run("keys", "init-region", "--region", REGION, "--name", name, "--name-en", name_en, *common)
        run("keys", "registry", "add-region", "--region", REGION, *out, *common)
        body = ("--region", REGION, "--code", DEPARTMENT.code)
        names = ("--name", DEPARTMENT.name, "--name-en", DEPARTMENT.name_en)
        run("keys", "issue-department", *body, *names, "--type", find_type(TYPE).code, *common)
        run("keys", "registry", "add-issuer", *body, *out, *common)
        run("keys", "registry", "sign", *out, *common)
        run("verifier", "pin", self.published / "registry/metadata/1.root.json", "--bundle", self.window)

    def signing(self, name: str) -> tuple[object, ...]:
        """Return the options that name a key."""
        return "--signer", f"file:{self.home / name}.key.pem", "--passphrase-file", self.passphrase

    def applications(self, count: int) -> Path:
        """Write so many applications."""
        rows = [row for row in json.loads(DATA.read_text("utf-8")) if row["certificateAreaCode"].startswith("44")]
        file = self.folder / f"applications-{count}.json"
        file.write_text(json.dumps([rows[number % len(rows)] for number in range(count)], ensure_ascii=False), "utf-8")
        return file


@dataclass
class Drill:
    """One run of the drill.

    Attributes:
        office: Who issues and publishes.
        database: Where.
        count: How many licences are issued before the backup, and how many while it is made and after it.
    """

    office: Office
    database: Database
    count: int

    def run(self) -> dict[str, str]:
        """Do it; return what was proved.

        Raises:
            FailedError: something did not hold.
        """
        early = self._issue(self.count)
        self._publish()
        cause = early[0]
        writer, publisher = self._start_writing(), self._start_publishing()
        try:
            self._wait_for(self.office.folder / "writing", 2)
            self.database.back_up()
            self._revoke(cause["identifier"], decided := timestamp(now().replace(microsecond=0)))
            if writer.wait(PATIENCE):
                raise FailedError("the writer failed")
        finally:
            publisher.send_signal(signal.SIGKILL)
            publisher.wait()
        self._publish()
        said = (self.office.folder / "writer.out").read_text("utf-8").splitlines()
        return self._put_back(early, [json.loads(line) for line in said], decided)

    def _put_back(self, early: list[dict[str, str]], during: list[dict[str, str]], decided: str) -> dict[str, str]:
        self.database.lose()
        self.database.restore()
        held = len(early) + len(during) - self._lost()
        kept = (early + during)[:held]
        loss = json.loads(run("api", "restored", *self._at(), "--json", expect=1).out)
        self._require(loss["licences"] == len(early) + len(during) - held > 0, f"said to be lost: {loss}")
        self._require(loss["undecided"] == [early[0]["identifier"]], f"said to be undecided: {loss}")
        self._publish(expect=1)
        self._revoke(early[0]["identifier"], decided)
        self._publish()
        audited = json.loads(run("api", "audit", "verify", *self._at(), "--json").out)
        self._require(audited["signed"] == audited["entries"], "the log is signed to its end")
        later = self._issue(3)
        self._publish()
        run("verifier", "update", self.office.published, "--bundle", self.office.window)
        opened = [self._open(one["identifier"]) for one in kept]
        for one in later:
            run(
                "api",
                "evidence",
                one["identifier"],
                "--ledger",
                self.database.ledger,
                "--out",
                self.office.folder / "e",
            )
        verdicts = self._verify([*opened, *(Path(one["record"]) for one in (*during[held - len(early) :], *later))])
        self._require(verdicts == {"revoked": 1, "ok": len(early) + len(during) + 2}, f"verdicts: {verdicts}")
        return {
            "备份中 in the backup": f"{held} 张 licences",
            "备份后签发，已说明缺失 issued after it, said to be missing": f"{loss['licences']} 张 licences",
            "决定缺失时拒绝发布，补录后恢复 publishing refused, then resumed": "1 项决定 decision",
            "从台账打开并核验 opened and verified": f"{len(opened)}",
            "不在台账里但仍可核验 not in the ledger, and still verify": f"{len(during) + len(early) - held}",
            "恢复后签发，不占旧位置 issued after the restore": f"{len(later)}",
            "审计日志 audit log": f"{audited['entries']} 条，完整 entries, whole",
        }

    def _at(self) -> tuple[object, ...]:
        return "--ledger", self.database.ledger, "--bundle", self.office.published

    def _issuing(self, count: int, out: str) -> tuple[object, ...]:
        return (
            *("issue", self.office.applications(count), *self.office.signing(f"department-{DEPARTMENT.code}")),
            *(*self._at(), *self.database.options, "--out", self.office.folder / out, "--json"),
        )

    def _issue(self, count: int) -> list[dict[str, str]]:
        ran = run("api", *self._issuing(count, f"licences-{secrets.token_hex(2)}"))
        return [json.loads(line) for line in ran.out.splitlines()]

    def _publish(self, expect: int = 0) -> None:
        run("api", "publish", *self.office.signing(f"status-{REGION}"), *self._at(), expect=expect)

    def _revoke(self, identifier: str, since: str) -> None:
        why = ("--reason", "样例：演练", "--reason-code", "unlawful-act", "--since", since)
        run("api", "revoke", identifier, *why, *self._at())

    def _start_writing(self) -> subprocess.Popen[bytes]:
        return self._start("writer", *self._issuing(2 * self.count, "writing"))

    def _start_publishing(self) -> subprocess.Popen[bytes]:
        signing = self.office.signing(f"status-{REGION}")
        return self._start("publisher", "publish", *signing, *self._at(), "--watch", "0.1")

    def _start(self, name: str, *arguments: object) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ECERT_")}
        command = [sys.executable, "-m", "api", *map(str, arguments)]
        print(f"\n  $ python -m api {' '.join(command[3:])} &")
        with (self.office.folder / f"{name}.out").open("wb") as out:
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out)

    def _wait_for(self, folder: Path, count: int) -> None:
        until = time.monotonic() + PATIENCE
        while len(list(folder.glob("*.bin"))) < count:
            if time.monotonic() > until:
                raise FailedError("the writer did not begin")
            time.sleep(0.01)

    def _lost(self) -> int:
        """Return how many licences the window's published heads count that the ledger put back does not."""
        ran = run("api", "audit", "show", "--ledger", self.database.ledger, "--json", show=False)
        issued = sum(json.loads(line)["action"] == "licence.issue" for line in ran.out.splitlines())
        return 3 * self.count - issued

    def _open(self, identifier: str) -> Path:
        out, key = self.office.folder / "opened", ("--passphrase-file", self.office.passphrase)
        options = (*self.database.options, *(key if self.database.options else ()))
        ran = run(
            "api", "export", identifier, "--ledger", self.database.ledger, *options, "--out", out, "--json", show=False
        )
        return Path(json.loads(ran.out)["record"])

    def _verify(self, records: list[Path]) -> dict[str, int]:
        found: dict[str, int] = {}
        for record in records:
            reason = self._reason(record)
            found[reason] = found.get(reason, 0) + 1
        return found

    def _reason(self, record: Path) -> str:
        for code in (0, 1):
            try:
                ran = run("ecert", "verify", record, "--bundle", self.office.window, "--json", expect=code, show=False)
            except FailedError:
                if code:
                    raise
                continue
            return str(json.loads(ran.out)["reason"])
        raise AssertionError

    @staticmethod
    def _require(held: bool, what: str) -> None:  # noqa: FBT001  (an assertion)
        if not held:
            raise FailedError(what)


def drill(kind: str, count: int) -> dict[str, str]:
    """Hold the drill on one kind of database."""
    with tempfile.TemporaryDirectory(prefix="ecert-drill-") as name, server(kind) as running:
        folder = Path(name)
        office = Office(folder)
        database = Sqlite(folder) if running is None else Postgresql(folder, running, office.passphrase)
        return Drill(office, database, count).run()


def main() -> None:
    """Hold the drill, and print what was proved."""
    parser = argparse.ArgumentParser(description="恢复演练 The restore drill.")
    parser.add_argument(
        "--licences", type=int, default=100, help="备份前签发多少，其后再签一倍 Licences before the backup"
    )
    parser.add_argument("--database", choices=KINDS, action="append", help="哪种数据库 Which")
    options = parser.parse_args()
    for kind in options.database or KINDS:
        began = time.monotonic()
        try:
            proved = drill(kind, options.licences)
        except FailedError as error:
            sys.exit(f"{kind}: {error}")
        print(f"\n== {kind} ({time.monotonic() - began:.1f} s)")
        for what, result in proved.items():
            print(f"   {what}: {result}")


if __name__ == "__main__":
    main()
